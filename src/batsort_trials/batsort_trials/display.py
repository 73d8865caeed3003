"""What a terminal shows of a running cell."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence

from batsort_trials.watcher import Watcher

PLAIN_LINE_S = 5.0


class Display:
    """One live line on a terminal; a plain line now and then where there is none."""

    def __init__(self, watcher: Watcher, items: int) -> None:
        self._watcher = watcher
        self._items = items
        self._live = sys.stdout.isatty()
        self._shown = 0.0

    def show(self) -> None:
        """Show where the cell is now."""
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\x1b[K{self._line()[:width]}", end="", flush=True)
        elif time.monotonic() - self._shown > PLAIN_LINE_S:
            self._shown = time.monotonic()
            print(self._line(), flush=True)

    def note(self, text: str) -> None:
        """Something to read that stays."""
        print(f"\r\x1b[K{text}" if self._live else text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the live line."""
        self.show()
        if self._live:
            print()

    def _line(self) -> str:
        watcher = self._watcher
        balance = watcher.run.bins
        if not watcher.belt.header.stamp.sec:
            return "starting the cell ..."
        bins = "  ".join(f"{b.name} {b.confirmed}" for b in balance.bins if b.confirmed)
        return (
            f"{watcher.cell_state.state or 'starting'} | belt {watcher.belt.velocity:.2f} m/s | "
            f"{_rate(watcher.run.items):.1f} items/s | in {balance.items_in} of {self._items}, "
            f"on belt {balance.on_belt} | {bins}"
        )


def _rate(items: Sequence[int], last: int = 20) -> float:
    """Items a second over the newest ones; their ids are the stamps of their leading edges [us]."""
    newest = sorted(items)[-last:]
    span = newest[-1] - newest[0] if newest else 0
    return (len(newest) - 1) * 1e6 / span if span else 0.0
