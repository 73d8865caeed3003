"""From edges to counts: a quadrature encoder (x4), where its belt is, and inputs that bounce."""

from __future__ import annotations

from collections.abc import Callable

from batsort_core.firing import Motion

_NS = 1_000_000_000
_TURN = {0b00: 0, 0b10: 1, 0b11: 2, 0b01: 3}
"""Place of the levels of both lines (a, b) in one turn of the belt running forward."""
_STEP = (0, 1, 0, -1)  # by how many places one edge can bring the levels on


class Quadrature:
    """Counts every edge of both lines; `a` leads `b` while the belt runs forward.

    An edge that was not seen shows as a change to the level that was there before: `missed` counts
    these, and the count is off by up to 4 for each. Two edges of one line lost in a row can't be
    told from a belt that turned back and forth.
    """

    def __init__(self, a: bool, b: bool) -> None:
        self.count = 0
        self.missed = 0
        self._a, self._b = a, b
        self._place = _TURN[a << 1 | b]

    def edge_a(self, level: bool) -> None:
        """Line a has changed to `level`."""
        self.missed += level == self._a
        self._a = level
        self._turn()

    def edge_b(self, level: bool) -> None:
        """Line b has changed to `level`."""
        self.missed += level == self._b
        self._b = level
        self._turn()

    def _turn(self) -> None:
        place = _TURN[self._a << 1 | self._b]
        self.count += _STEP[place - self._place & 3]
        self._place = place


class Latch:
    """Where the belt was at its last count, and how fast it ran since about ten milliseconds.

    One thread counts, any may read.
    """

    _WINDOW = 10_000_000
    """[ns] the velocity is taken over, up to twice that."""
    _PAUSE = 50_000_000
    """[ns] without a count after which the velocity begins anew."""

    def __init__(self, epoch: int, stamp: int, count: int = 0) -> None:
        self.motion = Motion(stamp, epoch, float(count), 0.0)
        self._from = self._next = (stamp, count)

    def count(self, stamp: int, count: int) -> None:
        """The count became this at `stamp` [ns]."""
        last = self.motion
        if stamp - last.stamp > self._PAUSE:
            # What came before the pause says nothing of the speed after it.
            self._from = self._next = (stamp, count)
        elif stamp - self._next[0] > self._WINDOW:
            self._from, self._next = self._next, (stamp, count)
        since, origin = self._from
        span = stamp - since
        velocity = (count - origin) * _NS / span if span > self._WINDOW // 10 else 0.0
        self.motion = Motion(max(stamp, last.stamp), last.epoch, float(count), velocity)


class Debounced:
    """An input that bounces: its first edge counts at once, later ones when it has settled."""

    def __init__(self, level: bool, settle_s: float, changed: Callable[[int, bool], None]) -> None:
        self._told = self._level = level
        self._told_at = self._at = -(2**62)
        self._settle = round(settle_s * _NS)
        self._changed = changed

    def edge(self, stamp: int, level: bool) -> None:
        """The line changed to `level` at `stamp` [ns]."""
        self.look(stamp)
        self._level, self._at = level, stamp
        self.look(stamp)

    def look(self, now: int) -> None:
        """Tell what is left to tell, at the stamp of its edge; to be called now and then."""
        if self._level != self._told and now - self._told_at >= self._settle:
            self._told = self._level
            self._told_at = self._at
            self._changed(self._at, self._level)
