"""What is wrong with the belt, its encoder and its light barrier."""

from batsort_core.belt import BeltReading, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.trouble import Trouble

_STEP = 1_000_000_000  # [ns] that stamps may run ahead of a steady clock between two samples
_OFF_SPEED = 0.2  # of the speed told
_SETTLED = 1_000_000_000  # [ns] after a command until the speed counts
_REFUSED = 3  # samples in a row on a belt that is told to stand, until the count begins anew
_BLOCKED_LENGTHS = 3
"""Greatest item lengths that may pass while the barrier stays blocked."""


class BeltWatch:
    """Judges what the sensors of the belt say against each other and against what it was told.

    A belt that is told to run and stands, by its encoder, may be jammed, or its encoder is dead and
    it runs: what lies on it is not trusted any more (`BeltTracker.distrust`). A count that can't be
    is not believed until the belt is told to stand; then it begins anew. Trouble that stays
    until somebody has looked ends when the belt is told to stand.

    `t` is a steady time in seconds; everything else is judged by stamps.
    """

    def __init__(
        self,
        cell: CellDescription,
        tracker: BeltTracker,
        detector: ItemDetector,
        silence_s: float,
        standing_s: float,
    ) -> None:
        self._tracker = tracker
        self._detector = detector
        self._silence_s = silence_s
        self._standing = round(standing_s * 1e9)
        self._blocked_most = cell.counts(_BLOCKED_LENGTHS * cell.items.max_length)
        self._heard: float | None = None
        self._refused = ""
        self._refusals = 0
        self._told: float | None = None
        self._moved = 0
        self._on_speed = 0
        self._stalled = False
        self._blocked: tuple[int, int] | None = None  # epoch and count since it is blocked
        self._lasting: Trouble | None = None
        self._newest = 0
        self._behind = 0

    def command(self, run: bool, velocity: float, moved: bool = False) -> None:
        """The belt was told to run at `velocity` [m/s], or to stand.

        `moved`: what lies on it may have been moved while it stood.
        """
        told = velocity if run else None
        if told == self._told:
            return
        last = self._tracker.latest
        self._moved = self._on_speed = last.stamp if last else 0
        self._told = told
        self._lasting = None
        if not run and self._refused:
            self._begin_anew()
        if run and (self._stalled or moved):
            self._stalled = False
            self._tracker.distrust()
        if last is not None and self._blocked is not None:
            self._blocked = (last.epoch, last.count)

    def reading(self, t: float, reading: BeltReading, previous: BeltReading | None) -> None:
        """The tracker has taken a sample; `previous` is the reading before it."""
        if previous is not None and self._heard is not None:
            ahead = (reading.stamp - previous.stamp) - (t - self._heard) * 1e9
            if ahead > _STEP and self._told is not None:
                self._lasting = Trouble(
                    f"the encoder's clock was set forward by {ahead / 1e9:.1f} s",
                    "find out what sets the clock, then start the cell",
                    lasting=True,
                )
        self._heard, self._refused, self._refusals = t, "", 0
        self._newest = max(self._newest, reading.stamp)
        self._behind = self._newest - reading.stamp
        if self._told is None:
            return
        if reading.moving or not self._moved:
            self._moved = reading.stamp
        elif reading.stamp - self._moved > self._standing:
            self._stall("the belt stands though it is told to run")
        if abs(reading.velocity - self._told) <= _OFF_SPEED * self._told or not self._on_speed:
            self._on_speed = reading.stamp
        if self._blocked is None or self._blocked[0] != reading.epoch:
            return
        if reading.count - self._blocked[1] > self._blocked_most:
            self._lasting = Trouble(
                "the light barrier stays blocked",
                "clear the infeed and clean the barrier, then start the cell",
                lasting=True,
            )

    def refused(self, why: str) -> None:
        """The tracker has refused a sample."""
        self._refused = why
        self._refusals += 1
        if self._told is None and self._refusals == _REFUSED:
            self._begin_anew()

    def edge(self, epoch: int, count: int, blocked: bool) -> None:
        """The light barrier became blocked or clear."""
        began, self._blocked = self._blocked, (epoch, count) if blocked else None
        last = self._tracker.latest
        stands = last is not None and not last.moving and last.stamp > self._moved
        if self._told is not None and stands and not blocked and began == (epoch, count):
            self._stall("items pass the light barrier while the encoder stands")

    def trouble(self, t: float) -> Trouble | None:
        """What keeps the belt from being trusted now."""
        if self._heard is None or t - self._heard > self._silence_s:
            why = f" ({self._refused})" if self._refused else ""
            return Trouble(f"no encoder count{why}", "check the encoder and its driver")
        if self._behind:
            # Until then every node takes what it hears for older than what it knows.
            return Trouble(
                f"the encoder's clock was set back and is {self._behind / 1e9:.0f} s behind",
                "start every node of the cell anew, or wait, then start the cell",
                lasting=True,
            )
        return self._lasting

    @property
    def warning(self) -> str:
        """What is not right, but no reason to stand."""
        last = self._tracker.latest
        if last is None or self._told is None or last.stamp - self._on_speed <= _SETTLED:
            return ""
        return f"the belt runs at {last.velocity:.2f} m/s; it is told {self._told:.2f} m/s"

    def _begin_anew(self) -> None:
        self._tracker.begin_anew()
        self._detector.begin_anew()

    def _stall(self, cause: str) -> None:
        if self._stalled:
            return
        self._stalled = True
        self._tracker.distrust()
        self._lasting = Trouble(
            cause, "clear a jam, check drive and encoder, then start the cell", lasting=True
        )
