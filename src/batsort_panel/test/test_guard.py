"""Who may read and by which name the panel may be called."""

from __future__ import annotations

import pytest

from batsort_panel.guard import Guard, RateLimit, Refusal, url

TOKEN = "secret"


@pytest.mark.parametrize(
    ("peer", "token", "may"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("192.0.2.7", "", False),
        ("192.0.2.7", "wrong", False),
        ("192.0.2.7", TOKEN, True),
    ],
)
def test_from_elsewhere_nobody_looks_on_without_the_token(peer: str, token: str, may: bool) -> None:
    assert Guard(TOKEN, "0.0.0.0", 80).may_read(peer, token) is may


@pytest.mark.parametrize(
    ("host", "also", "called", "good"),
    [
        ("127.0.0.1", (), "localhost:80", True),
        ("127.0.0.1", (), "localhost:81", False),
        ("127.0.0.1", (), "192.0.2.1:80", False),
        ("192.0.2.1", (), "192.0.2.1:80", True),
        ("127.0.0.1", (), "localhost", True),  # browsers leave out port 80
        ("fd00::1", (), "[fd00::1]:80", True),
        ("0.0.0.0", ("cell.example:80",), "cell.example:80", True),
        ("0.0.0.0", (), "cell.example:80", False),
    ],
)
def test_the_panel_answers_to_its_own_names_only(
    host: str, also: tuple[str, ...], called: str, good: bool
) -> None:
    guard = Guard(TOKEN, host, 80, also)
    if good:
        guard.check_host({"Host": called})
    else:
        with pytest.raises(Refusal, match="host: "):
            guard.check_host({"Host": called})


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:8088"),
        ("0.0.0.0", "http://127.0.0.1:8088"),
        ("::", "http://127.0.0.1:8088"),
        ("::1", "http://[::1]:8088"),
        ("192.0.2.1", "http://192.0.2.1:8088"),
        ("panel.example", "http://panel.example:8088"),
    ],
)
def test_the_panel_says_where_it_can_be_reached(host: str, shown: str) -> None:
    assert url(host, 8088) == shown
    Guard(TOKEN, host, 8088).check_host({"Host": shown.removeprefix("http://")})


def test_a_token_that_is_no_text_is_wrong() -> None:
    assert not Guard(TOKEN, "127.0.0.1", 80).holds_token("\udcff\ud800")


def test_a_rate_admits_a_burst_and_then_so_many_a_second() -> None:
    limit = RateLimit(2.0, 3)
    assert [limit.admit(0.0) for _ in range(4)] == [True, True, True, False]
    assert [limit.admit(0.5), limit.admit(0.5), limit.admit(10.0)] == [True, False, True]
