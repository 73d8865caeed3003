"""A belt with pieces on it, as the sensors of a board see it: the world of the reference board.

Pure and on the board's own clock. The encoder is a 16-bit timer; the belt only runs forward.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from batsort_core.cell import CellDescription

PIECE_M, PITCH_M = 0.05, 0.15
DRIFT_M = 0.06
"""A blown piece moves along by this until the eye of its bin sees it."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """A sensor was reached or left by a piece; `bin` has an eye, the barrier has none."""

    stamp: int
    position: float
    """Of the belt, since the beginning [counts]."""
    blocked: bool = False
    bin: str = ""


class ReferenceBelt:
    """Follows the speed it is set to with the acceleration of the cell description."""

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._acceleration = cell.belt.acceleration / cell.belt.metres_per_count
        self._pitch, self._length = cell.counts(PITCH_M), cell.counts(PIECE_M)
        self._blown: dict[int, tuple[str, float]] = {}
        """Bin by number of the piece, and where the belt is when it gets there."""
        self.position = 0.0
        """[counts]"""
        self.velocity = 0.0
        """[counts/s]"""

    @property
    def timer(self) -> int:
        """The encoder's timer: 16 bits, read as unsigned."""
        return math.floor(self.position) % 2**16

    def advance(self, stamp: int, spent_s: float, speed: float) -> list[Crossing]:
        """Run on to `stamp`, towards `speed` [counts/s]; crossings in order, interpolated."""
        change = self._acceleration * spent_s
        velocity = self.velocity + min(max(speed - self.velocity, -change), change)
        before, mean = self.position, (self.velocity + velocity) / 2
        self.position, self.velocity = before + mean * spent_s, velocity
        if not mean:
            return []

        def at(position: float) -> int:
            return stamp - round((self.position - position) / mean * 1e9)

        return sorted(
            (
                Crossing(at(position), position, blocked, bin)
                for position, blocked, bin in self._crossed(before)
            ),
            key=lambda crossing: crossing.stamp,
        )

    def blow(self, bin: str, opened: float) -> None:
        """The jet of `bin` opens at this position; it takes the piece before it, if any."""
        distance = self._cell.counts(self._cell.bin(bin).distance)
        number, along = divmod(opened - distance, self._pitch)
        if along <= self._length and number >= 0 and number not in self._blown:
            self._blown[int(number)] = (bin, opened + self._cell.counts(DRIFT_M))

    def _crossed(self, before: float) -> Iterator[tuple[float, bool, str]]:
        """Where the belt was, and what happened there. Piece `n` begins at `n` times the pitch."""
        for number in self._numbers(before, 0):
            yield number * self._pitch, True, ""
        for number in self._numbers(before, self._length):
            yield number * self._pitch + self._length, False, ""
        end = self._cell.counts(self._cell.others.distance) + self._length // 2
        for number in self._numbers(before, end):
            if number not in self._blown:
                yield number * self._pitch + end, True, self._cell.others.name
        for bin, position in self._blown.values():
            if before < position <= self.position:
                yield position, True, bin
        gone = (self.position - end) / self._pitch - 1
        self._blown = {n: there for n, there in self._blown.items() if n > gone}

    def _numbers(self, before: float, offset: int) -> range:
        """Pieces that have come `offset` past the barrier since the belt was `before`."""
        first = math.floor((before - offset) / self._pitch) + 1
        last = math.floor((self.position - offset) / self._pitch)
        return range(max(0, first), last + 1)
