"""How late each valve blows, learnt from when its items reach their confirm eye."""

from collections import deque
from statistics import median
from typing import NamedTuple

from batsort_core.cell import CellDescription

_KEPT = 100  # shots, of all valves
_SHOTS = 9  # of a valve that count
_FEWEST = 5  # of a valve to judge it, and of others to judge one shot by
_ALIKE = 0.004  # [m] that items of one size differ in length
_AS_FAST = (
    0.2  # part by which belt speeds may differ: a faster item is before the jet for less long
)
_SETTLING = 0.5  # of what is corrected, for a change to be worth new leads


class _Shot(NamedTuple):
    valve: int
    length: float
    velocity: float
    delay_s: float


class ValveTiming:
    """Delays from the open jet to the eye, valve against valve.

    All valves of a cell are alike, so one whose items come later than those of the same length and
    speed at the others opens later: its lead grows by the difference, within bounds. What delays
    all of them alike (air pressure) moves nothing.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._lead = cell.ejection.lead_s
        self._corrected = cell.tracking.lead_corrected_s
        self._most = cell.tracking.lead_most_s
        self._lag = {bin.valve: 0.0 for bin in cell.ejectors if bin.valve is not None}
        self._extra = dict(self._lag)
        self._shots: deque[_Shot] = deque(maxlen=_KEPT)

    def lead_s(self, valve: int) -> float:
        """The lead to command a shot with [s]."""
        return self._lead + self._extra[valve]

    def lag_s(self, valve: int) -> float:
        """How much later than the others it blows, before any correction [s]; 0.0: not known."""
        return self._lag[valve]

    @property
    def late(self) -> dict[int, float]:
        """Lag of each valve that blows later than the others by more than chance [s]."""
        return {valve: lag for valve, lag in self._lag.items() if lag > self._corrected}

    def confirmed(
        self, valve: int, length: float, velocity: float, lead_s: float, delay_s: float
    ) -> None:
        """An item of `length` [m] was at the eye `delay_s` after its jet was to open.

        `velocity` is the belt's [m/s], `lead_s` what the shot was commanded with.
        """
        # As if commanded with the nominal lead: what is corrected already is not forgotten.
        self._shots.append(_Shot(valve, length, velocity, delay_s + lead_s - self._lead))
        lag = self._lag[valve] = self._judge(valve)
        wanted = min(self._most, max(-self._lead, lag)) if abs(lag) > self._corrected else 0.0
        if wanted == 0.0 or abs(wanted - self._extra[valve]) > _SETTLING * self._corrected:
            self._extra[valve] = wanted

    def _judge(self, valve: int) -> float:
        own = [shot for shot in self._shots if shot.valve == valve][-_SHOTS:]
        lags = [lag for shot in own if (lag := self._compared(shot)) is not None]
        return median(lags) if len(lags) >= _FEWEST else 0.0

    def _compared(self, shot: _Shot) -> float | None:
        """How much later it was than shots of other valves at items of its length and speed [s]."""
        others = [
            other
            for other in self._shots
            if other.valve != shot.valve
            and abs(other.length - shot.length) < _ALIKE
            and abs(other.velocity - shot.velocity) <= _AS_FAST * shot.velocity
        ]
        if len(others) < _FEWEST or len({other.valve for other in others}) < 2:
            return None
        return shot.delay_s - median(other.delay_s for other in others)
