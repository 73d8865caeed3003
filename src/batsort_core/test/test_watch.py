import pytest

from batsort_core.watch import Watchdog


def test_silence_counts_from_the_last_beat_or_from_the_first_call() -> None:
    watchdog = Watchdog(("belt", "bins"), timeout_s=1.0)
    assert watchdog.silent(10.0) == ()
    watchdog.beat("bins", 10.5)
    assert watchdog.silent(11.0) == ()
    assert watchdog.silent(11.2) == ("belt",)
    assert watchdog.silent(12.0) == ("belt", "bins")
    watchdog.beat("belt", 12.0)
    watchdog.beat("belt", 11.0)
    assert watchdog.silent(13.0) == ("bins",)


def test_who_is_not_watched_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"^name: 'cat' is refused; allowed: belt$"):
        Watchdog(["belt"], 1.0).beat("cat", 0.0)
