"""The valve driver: its queue of shots, and the valves that it gives current."""

from __future__ import annotations

from typing import Any

from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd, ShotQueue
from batsort_trials.core_soak.faults import UNHEARD
from batsort_trials.core_soak.post import Post
from batsort_trials.core_soak.promises import Promise
from batsort_trials.core_soak.scene import Scene

_UNSETTLED_S = 0.05  # after counts were lost the velocity is not that of the belt
_HEARD = 0.05  # [m] of travel until all have heard what is not trusted any more


class ValvePart:
    """Fires what its queue gives, and has each valve and jet judged."""

    def __init__(self, scene: Scene, post: Post) -> None:
        self._scene = scene
        self._post = post
        self._valves = {bin.valve: bin.name for bin in scene.cell.ejectors if bin.valve is not None}
        self._queue = ShotQueue(list(self._valves))
        self._opening: list[tuple[float, Shot]] = []
        self._enabled = False
        self.moved: tuple[frozenset[int], float] = (frozenset(), 0.0)
        """What lay there when the belt started after a look, and where it was [m]."""
        post.listeners["valves"] = self._hear

    def enable(self, enabled: bool) -> None:
        """Whether a valve may get current."""
        self._queue.enabled = self._enabled = enabled

    def restart(self) -> None:
        """A new driver knows nothing of the shots before."""
        self._scene.promises.valves_restarted()
        self._queue = ShotQueue(list(self._valves))
        self.enable(self._enabled)

    def step(self, began: float, counted: float) -> None:
        """The belt has run on since `began` [s], when the device was at `counted`."""
        belt, promises = self._scene.belt, self._scene.promises
        for done in self._queue.step(self._motion()):
            if isinstance(done, ShotEnd):
                self._tell(done)
                continue
            shot, travel = done.shot, belt.counted - counted
            promises.valve_energised(done, belt.epoch, self._enabled)
            moved, since = self.moved
            heard = belt.travel > since + _HEARD and not self._scene.faults & UNHEARD
            if heard and shot.item_id in moved:
                promises.found(Promise.MOVED, f"{shot}")
            share = (done.motion.count - counted) / travel if travel else 1.0
            at = began + min(1.0, max(0.0, share)) * (belt.t - began)
            belt.energise(self._valves[shot.valve], at, shot.pulse_s)
            self._opening.append((at + shot.lead_s, shot))
            self._tell(done.fired())
        for at, shot in self._opening:
            if at <= belt.t and belt.torn < began - _UNSETTLED_S:
                share = (at - began) / (belt.t - began)
                promises.jet_opened(shot, counted + share * (belt.counted - counted))
        self._opening = [(at, shot) for at, shot in self._opening if at > belt.t]

    def _hear(self, _: str, shot: Any) -> None:
        for end in self._queue.take(shot, self._motion()):
            self._tell(end)
        if not shot.fire:
            self._scene.promises.calling_off_taken(shot.item_id)

    def _motion(self) -> Motion:
        belt = self._scene.belt
        return Motion(belt.stamp(belt.t), belt.epoch, belt.counted, belt.rate)

    def _tell(self, end: ShotEnd) -> None:
        self._scene.told.append(end)
        self._scene.promises.shot_ended(end)
        self._post.send("ends", end)
