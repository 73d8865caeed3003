"""How late each valve blows, learnt from when its items reach their confirm eye."""

from collections import deque
from statistics import median

from batsort_core.cell import CellDescription

_SHOTS = 9  # of a valve that are kept
_FEWEST = 5  # of a valve to judge it, and of others to judge by
_REFERENCES = 3  # valves, this one included, without which there is nothing to compare with


class ValveTiming:
    """Delays from the open jet to the eye, valve against valve.

    All valves of a cell are alike, so one whose items come later than those of the others opens
    later: its lead grows by the difference, within bounds. What delays all of them alike (air
    pressure, heavier items) moves nothing.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._lead = cell.ejection.lead_s
        self._corrected = cell.tracking.lead_corrected_s
        self._most = cell.tracking.lead_most_s
        self._extra = {bin.valve: 0.0 for bin in cell.ejectors if bin.valve is not None}
        self._delays: dict[int, deque[float]] = {
            valve: deque(maxlen=_SHOTS) for valve in self._extra
        }

    def lead_s(self, valve: int) -> float:
        """The lead to command a shot with [s]."""
        return self._lead + self._extra[valve]

    def lag_s(self, valve: int) -> float:
        """How much later than the others the valve blows [s]; 0 while that can't be told."""
        judged = [d for d in self._delays.values() if len(d) >= _FEWEST]
        if len(judged) < _REFERENCES or len(self._delays[valve]) < _FEWEST:
            return 0.0
        return median(self._delays[valve]) - median(map(median, judged))

    def confirmed(self, valve: int, lead_s: float, delay_s: float) -> None:
        """An item was at the eye `delay_s` after its jet was to open, commanded with `lead_s`."""
        # As if commanded with the nominal lead: what was corrected is not forgotten.
        self._delays[valve].append(delay_s + lead_s - self._lead)
        lag = self.lag_s(valve)
        bounded = max(-self._lead, min(self._most, lag))
        if abs(bounded) <= self._corrected:
            bounded = 0.0
        if abs(bounded - self._extra[valve]) > self._corrected / 2 or bounded == 0.0:
            self._extra[valve] = bounded

    def late(self) -> dict[int, float]:
        """Lag of each valve that is later than others by more than is nothing [s]."""
        lags = {valve: self.lag_s(valve) for valve in self._extra}
        return {valve: lag for valve, lag in lags.items() if lag > self._corrected}
