"""Who waits for a bag sees how far it is, and nobody else."""

from __future__ import annotations

import io
import sys

import pytest

from batsort_bags.progress import Progress, followed
from batsort_bags.storage import Received

MESSAGES = [Received("belt/state", stamp * 1_000_000_000, b"") for stamp in (5, 6, 6, 9)]


class Terminal(io.StringIO):
    """Standard error of a person."""

    def isatty(self) -> bool:
        return True


def test_all_messages_pass_and_a_log_hears_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(followed(MESSAGES, "shift")) == MESSAGES
    assert capsys.readouterr().err == ""


def test_a_bar_on_a_terminal_counts_the_bags_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with Progress("shift") as progress:
        for message in MESSAGES:
            progress(message.stamp)
        assert "shift: 0s" in terminal.getvalue()
        assert progress.seconds == 4
