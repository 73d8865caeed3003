"""The valves and their jets: what a driver knows of a shot, and what really blows.

The driver reports a shot as fired with the lead that it was told; when the jet opens in truth is
the valve's business: its opening time, its scatter, its faults.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult
from batsort_twin.conditions import Conditions


@dataclass(frozen=True, slots=True)
class Jet:
    """Of an energised valve, open from `opens` to `closes` [ns]."""

    valve: int
    item_id: int
    opens: int
    closes: int


class Valves:
    """Disabled at first. `nozzles`: the axis of each valve's nozzle along the belt [m]."""

    def __init__(
        self,
        nozzles: Mapping[int, float],
        opening_s: float,
        opening_scatter_s: float,
        rng: np.random.Generator,
    ) -> None:
        self.nozzles = nozzles
        self._opening_s, self._scatter_s, self._rng = opening_s, opening_scatter_s, rng
        self._queue = ShotQueue(nozzles)
        self._jets: list[Jet] = []
        self._fired: list[ShotEnd] = []
        """Energised, but not open yet as far as the driver knows."""

    def take(self, shot: Shot, motion: Motion) -> list[ShotEnd]:
        """A shot, or its calling off, has come; what ends with it."""
        return self._queue.take(shot, motion)

    def enable(self, enabled: bool, motion: Motion) -> list[ShotEnd]:
        """Let valves open, or shut them all; what ends with it."""
        cut = self._fired if self._queue.enabled and not enabled else []
        self._queue.enabled = enabled
        if not enabled:
            self._jets, self._fired = [], []
        detail = "valves disabled before the jet opened"
        count = round(motion.count)
        return [
            ShotEnd(end.shot, EjectResult.LATE, motion.stamp, motion.epoch, count, detail)
            for end in cut
        ]

    def step(self, started: int, motion: Motion, slower_s: Mapping[int, float]) -> list[ShotEnd]:
        """The belt has come from where it was at `started` [ns] to there; what ended meanwhile."""
        self._jets = [jet for jet in self._jets if jet.closes > started]
        ended = []
        for done in self._queue.step(motion):
            if isinstance(done, Energise):
                self._energise(done, slower_s)
            else:
                ended.append(done)
        ended += [end for end in self._fired if end.stamp <= motion.stamp]
        self._fired = [end for end in self._fired if end.stamp > motion.stamp]
        return ended

    def blown(self, started: int, until: int, wrong: Conditions) -> dict[int, float]:
        """Force of each valve's jet between two moments, as a share of that of an open one."""
        force = dict.fromkeys(wrong.stuck_open, 1.0)
        for jet in self._jets:
            open_ns = min(jet.closes, until) - max(jet.opens, started)
            if open_ns > 0 and jet.valve not in wrong.stuck_open:
                force[jet.valve] = force.get(jet.valve, 0.0) + open_ns / (until - started)
        return {
            valve: share * wrong.pressure
            for valve, share in force.items()
            if wrong.pressure > 0.0 and valve not in wrong.stuck_shut
        }

    def opened(self, started: int, until: int, wrong: Conditions) -> list[Jet]:
        """Jets that opened in truth between two moments."""
        return [
            jet
            for jet in self._jets
            if started <= jet.opens < until
            and wrong.pressure > 0.0
            and jet.valve not in wrong.stuck_shut
        ]

    def _energise(self, due: Energise, slower_s: Mapping[int, float]) -> None:
        shot = due.shot
        scatter = self._scatter_s * float(self._rng.standard_normal())
        delay = max(0.0, self._opening_s + scatter) + slower_s.get(shot.valve, 0.0)
        opens = due.motion.stamp + round(delay * 1e9)
        self._jets.append(Jet(shot.valve, shot.item_id, opens, opens + round(shot.pulse_s * 1e9)))
        self._fired.append(due.fired())
