"""One command of a package is run, and says by its status what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batsort_files.command_line import INTERRUPTED, Commands, named_words

REFUSED = 7
MODULE = '''"""Does it."""
def arguments(parser):
    parser.add_argument("--n", type=int)
def run(options):
    {body}
'''


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run `do` with that body; another command beside it can't be loaded."""
    package = f"commands_{tmp_path.name}"
    (tmp_path / package).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    commands = Commands(
        package, {"do": "do it", "broken": "can't be"}, (ValueError, LookupError), REFUSED
    )

    def start(body: str, *words: str) -> int:
        (tmp_path / package / "do.py").write_text(MODULE.format(body=body))
        return commands.run(argparse.ArgumentParser(prog="it"), words or ("do",))

    return start


@pytest.mark.parametrize(("body", "status"), [("return 3", 3), ("return None", 0)])
def test_the_status_is_what_the_command_returns(
    run: Callable[..., int], body: str, status: int
) -> None:
    assert run(body) == status


def test_a_command_gets_its_own_arguments_and_no_other_is_loaded(run: Callable[..., int]) -> None:
    assert run("return options.n", "do", "--n", "5") == 5


@pytest.mark.parametrize("error", ["ValueError", "LookupError", "OSError"])
def test_a_refusal_is_one_line_and_its_status(
    run: Callable[..., int], error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(f"raise {error}('x: 3 is refused')") == REFUSED
    assert capsys.readouterr().err == "error: x: 3 is refused\n"


def test_a_mistake_of_the_program_is_not_taken_for_a_refusal(run: Callable[..., int]) -> None:
    with pytest.raises(ZeroDivisionError):
        run("1 / 0")


def test_an_interrupted_command_says_so(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("raise KeyboardInterrupt") == INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize("words", [("nothing",), ("do", "--m", "1")])
def test_what_is_no_command_or_argument_ends_with_status_2(
    run: Callable[..., int], words: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("return 0", *words)


def test_a_program_named_after_a_command_runs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/lib/batsort_bags/replay", "bag", "--threads", "1"])
    assert named_words() == ["replay", "bag", "--threads", "1"]
