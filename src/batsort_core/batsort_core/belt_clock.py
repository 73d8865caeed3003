"""The belt's readings as a clock: patience is measured in their stamps, and travel in counts."""

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription

_ALL_HEARD = 2_000_000_000  # [ns] after the first belt reading
_SILENCE = 500_000_000  # [ns] of the belt, in which items may have passed the barrier unheard


class BeltClock:
    """How long something is waited for, and how far the belt ran since items are tracked.

    Whatever is waited for by time has `confirm.timeout_s` and `grace_s`, since topics overtake each
    other.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._patience = round((cell.confirm.timeout_s + cell.confirm.grace_s) * 1e9)
        self._passing = cell.counts(cell.others.distance) + cell.counts(cell.confirm.window)
        self.reading: BeltReading | None = None
        """The newest one."""
        self._since: int | None = None
        """Stamp of the first reading: what is from before can be heard in any order."""
        self._travel = 0
        self._anew = 0
        """Travel where items began to be tracked: nobody knows what lay on the belt there."""

    def take(self, reading: BeltReading) -> int | None:
        """The counts run since the last reading; None: it is not newer than that one."""
        last, ran = self.reading, 0
        if last is not None and reading.stamp <= last.stamp:
            return None
        if last is not None and reading.epoch == last.epoch:
            ran = reading.count - last.count
        self._travel += ran
        if last is not None and (
            reading.epoch != last.epoch
            or reading.trusted_since != last.trusted_since
            or reading.stamp - last.stamp > _SILENCE
        ):
            self._anew = self._travel
        if self._since is None:
            self._since = reading.stamp
        self.reading = reading
        return ran

    def overdue(self, since: int | None) -> bool:
        """Whether patience with something awaited since then is at its end."""
        if since is None or self.reading is None:
            return False
        # Also where the clock was set back since then.
        return abs(self.reading.stamp - since) > self._patience

    def live(self, stamp: int) -> bool:
        """Whether every topic was surely heard then: after a start they come one by one."""
        return self._since is not None and stamp >= self._since + _ALL_HEARD

    def untracked(self, epoch: int, count: int) -> bool:
        """Whether what is at the belt's end there may have lain on it before items were tracked."""
        if self.reading is None or self.reading.epoch != epoch:
            return True
        return self._travel - (self.reading.count - count) - self._anew <= self._passing
