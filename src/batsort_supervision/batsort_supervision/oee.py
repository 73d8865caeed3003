"""Overall equipment effectiveness, from time in states and counts of outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

from batsort_core.cell import CellDescription
from batsort_core.ejection import pulse_s, required_gap
from batsort_core.items import Outcome
from batsort_supervision.packml import State

_UNPLANNED = frozenset(
    {State.STOPPED, State.RESETTING, State.IDLE, State.STOPPING, State.COMPLETE, State.CLEARING}
)
GOOD = (
    Outcome.SORTED_CONFIRMED,
    Outcome.OTHERS_UNKNOWN_TYPE,
    Outcome.OTHERS_LOW_CONFIDENCE,
    Outcome.OTHERS_WRONG_SIZE,
    Outcome.OTHERS_BY_RECIPE,
    Outcome.OTHERS_BY_PRINT,
)
"""Outcomes of items that went where they belong."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What the shares are made of; each is from 0 to 1, and 0 with nothing to divide by yet."""

    planned_s: float
    running_s: float
    """In execute."""
    possible: float
    """Items that the cell could have sorted in that time."""
    out: int
    good: int
    """Of these, items that went where they belong."""

    @property
    def availability(self) -> float:
        """Time in execute over planned time."""
        return _share(self.running_s, self.planned_s)

    @property
    def performance(self) -> float:
        """Items out over the items possible in the time in execute."""
        return _share(self.out, self.possible)

    @property
    def quality(self) -> float:
        """Items that went where they belong over items out."""
        return _share(self.good, self.out)

    @property
    def oee(self) -> float:
        """The product of the three."""
        return self.availability * self.performance * self.quality


def is_planned(state: State) -> bool:
    """Whether time in this state is planned time: sorting, or lost to a hold and the like."""
    return state not in _UNPLANNED


def possible_rate(cell: CellDescription, velocity: float) -> float:
    """Items per second that the cell can blow one by one at a belt speed [m/s].

    `velocity / (pulse_length + required_gap)`: items of the length that a pulse is made for, as
    close as the gap rule allows.
    """
    length = cell.ejection.pulse_length
    gap = required_gap(cell, velocity, length, pulse_s(cell.ejection, length))
    return velocity / (length + gap)


class Oee:
    """Availability, performance and quality of a cell since it was made.

    Planned is the time between start and stop: all states but stopped, idle and the ways there;
    held, suspended and aborted are losses. Good are items that were sorted and confirmed, and those
    that belong into the bin `others`; items there for want of time or room are losses.
    """

    def __init__(self, possible_rate: float) -> None:
        self._possible_rate = possible_rate
        self._since: tuple[State, float] | None = None
        self._planned_s = 0.0
        self._running_s = 0.0
        self._out = 0
        self._good = 0
        self._before: tuple[int, int] | None = None

    def state(self, state: State, t: float) -> None:
        """The cell is in `state` at `t`, in seconds of a steady clock."""
        if self._since is not None:
            last, since = self._since
            spent = max(0.0, t - since)
            self._planned_s += spent if is_planned(last) else 0.0
            self._running_s += spent if last is State.EXECUTE else 0.0
        self._since = (state, t)

    def count(self, outcomes: Mapping[str, int]) -> None:
        """The items of each outcome so far; the first call is what was there before.

        So is the first one of a counter that has begun anew, with fewer items.
        """
        out = sum(outcomes.values())
        good = sum(outcomes.get(outcome, 0) for outcome in GOOD)
        if self._before is None or out < self._before[0] + self._out:
            self._before = (out - self._out, good - self._good)
        self._out, self._good = out - self._before[0], good - self._before[1]

    def figures(self) -> Figures:
        """The figures up to the last `state` and `count`."""
        possible = self._possible_rate * self._running_s
        return Figures(self._planned_s, self._running_s, possible, self._out, self._good)


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0
