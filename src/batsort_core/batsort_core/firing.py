"""Shots executed by belt count, each item once: what every valve driver does, whatever its valves.

Pure: a driver tells where the belt is on its own clock, and does what comes back. The Python
drivers, the twin and the reference boards share it; the contract for others is docs/hardware.md.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

from batsort_core.decisions import Shot
from batsort_core.items import EjectResult
from batsort_core.recent import Recent

_KEPT = 4096  # item ids remembered, so that none is executed twice
_NS = 1_000_000_000
_MOST_NOISE = 20.0  # of two readings of the count
MOST_PULSE_S = 1.0
"""A longer pulse is refused: it is a mistake, and would blow several items [s]."""


@dataclass(frozen=True, slots=True)
class Motion:
    """Where the belt is at one moment of the driver's clock, and how fast it runs."""

    stamp: int
    """[ns]"""
    epoch: int
    count: float
    velocity: float
    """[counts/s]"""

    def at(self, stamp: int) -> "Motion":
        """The same, carried on to `stamp` at this velocity."""
        count = self.count + self.velocity * (stamp - self.stamp) / _NS
        return Motion(stamp, self.epoch, count, self.velocity)


@dataclass(frozen=True, slots=True)
class ShotEnd:
    """What became of one shot, as EjectEvent has it."""

    shot: Shot
    result: EjectResult
    stamp: int
    """[ns]"""
    epoch: int
    actual_count: int
    """Count at which the jet opens, or at this end."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Energise:
    """Energise the valve of `shot` now: it was due at `motion.stamp`."""

    shot: Shot
    motion: Motion

    def fired(self, stamp: int | None = None) -> ShotEnd:
        """The end of the shot, with the valve energised at `stamp`; when due, without.

        The jet opens `lead_s` later, as far as a driver can know.
        """
        since = self.motion.stamp if stamp is None else stamp
        opens = since + round(self.shot.lead_s * _NS)
        there = self.motion.at(opens)
        count = round(there.count)
        return ShotEnd(self.shot, EjectResult.FIRED, opens, there.epoch, count)


class ShotQueue:
    """Shots that wait for the belt; valves are disabled at first.

    A shot is due when `count + velocity * lead_s >= target_count`, with the velocity of that
    moment. It ends as LATE where that had passed when it came, where valves are disabled when it
    is due, or where the count has jumped over it, as after a gap in what the encoder says: the belt
    may be anywhere by then. It ends as CANCELLED where it was called off before; as FAULT where it
    can't be executed. A shot for an item whose shot still waits takes its place: its aim has moved.
    Any other shot or calling off whose item has been seen before changes nothing.
    """

    def __init__(self, valves: Collection[int]) -> None:
        self.enabled = False
        self._valves = valves
        self._waiting: list[Shot] = []
        self._known: Recent[None] = Recent(_KEPT)
        self._last: Motion | None = None

    @property
    def waiting(self) -> int:
        """Shots that wait."""
        return len(self._waiting)

    def take(self, shot: Shot, motion: Motion) -> list[ShotEnd]:
        """A shot, or its calling off, has come; what ends with it."""
        if not shot.fire:
            return self._call_off(shot, motion)
        if self._claim(shot) is None:
            return []
        refusal = self._refusal(shot, motion)
        if refusal:
            return [_end(shot, EjectResult.FAULT, motion, refusal)]
        if _reached(shot, motion) > 0.0:
            return [_end(shot, EjectResult.LATE, motion, "commanded too late")]
        self._waiting.append(shot)
        return []

    def refuse(self, shot: Shot, motion: Motion, cause: str) -> list[ShotEnd]:
        """The same where nothing can be executed: it is over, however often it comes again."""
        if not shot.fire:
            return self._call_off(shot, motion)
        claimed = self._claim(shot)
        return [] if claimed is None else [_end(claimed, EjectResult.FAULT, motion, cause)]

    def step(self, motion: Motion) -> list[Energise | ShotEnd]:
        """The belt is there now; what is due since the last step, at its interpolated moment."""
        last, self._last = self._last, motion
        jumped = last is not None and last.epoch == motion.epoch and _jumped(last, motion)
        out: list[Energise | ShotEnd] = []
        for shot in list(self._waiting):
            if shot.epoch != motion.epoch:
                self._waiting.remove(shot)
                out.append(_end(shot, EjectResult.FAULT, motion, self._other_epoch(shot, motion)))
                continue
            after = _reached(shot, motion)
            if after < 0.0:
                continue
            self._waiting.remove(shot)
            if jumped:
                out.append(_end(shot, EjectResult.LATE, motion, "the count has jumped over it"))
            elif self.enabled:
                out.append(Energise(shot, _between(shot, last, motion, after)))
            else:
                out.append(_end(shot, EjectResult.LATE, motion, "valves disabled"))
        return out

    def abandon(self, motion: Motion, cause: str) -> list[ShotEnd]:
        """Nothing will be executed any more: what waits ends as FAULT."""
        waiting, self._waiting = self._waiting, []
        return [_end(shot, EjectResult.FAULT, motion, cause) for shot in waiting]

    def due(self, motion: Motion) -> int | None:
        """The moment [ns] at which the next shot will be due at this velocity; None: never."""
        if motion.velocity <= 0.0:
            return None
        ahead = [-_reached(s, motion) for s in self._waiting if s.epoch == motion.epoch]
        if not ahead:
            return None
        return motion.stamp + math.ceil(max(0.0, min(ahead)) / motion.velocity * _NS)

    def _call_off(self, shot: Shot, motion: Motion) -> list[ShotEnd]:
        claimed = self._claim(shot)
        return [] if claimed is None else [_end(claimed, EjectResult.CANCELLED, motion)]

    def _claim(self, shot: Shot) -> Shot | None:
        """What waited for the item, or `shot` where it is the first one; None: its shot is over."""
        waiting = next((one for one in self._waiting if one.item_id == shot.item_id), None)
        if waiting is not None:
            self._waiting.remove(waiting)
        elif shot.item_id in self._known:
            return None
        self._known.add(shot.item_id, None)
        return waiting or shot

    def _refusal(self, shot: Shot, motion: Motion) -> str:
        if shot.epoch != motion.epoch:
            return self._other_epoch(shot, motion)
        if shot.valve not in self._valves:
            return f"valve {shot.valve} is refused; allowed: {', '.join(map(str, self._valves))}"
        if not (math.isfinite(shot.lead_s) and shot.lead_s >= 0.0):
            return f"lead_s {shot.lead_s} is refused; allowed: from 0 [s]"
        if not 0.0 < shot.pulse_s <= MOST_PULSE_S:
            return f"pulse_s {shot.pulse_s} is refused; allowed: above 0 up to {MOST_PULSE_S:g} [s]"
        return ""

    @staticmethod
    def _other_epoch(shot: Shot, motion: Motion) -> str:
        return f"epoch {shot.epoch} is refused; allowed: {motion.epoch}, the encoder's"


def _reached(shot: Shot, motion: Motion) -> float:
    """How far the belt, looking ahead by the lead, is past the target [counts]."""
    return motion.count + motion.velocity * shot.lead_s - shot.target_count


def _jumped(last: Motion, motion: Motion) -> bool:
    """Whether the count went further than the belt runs in that time, twice over."""
    fastest = max(abs(last.velocity), abs(motion.velocity))
    passed = 2.0 * fastest * (motion.stamp - last.stamp) / _NS
    return abs(motion.count - last.count) > passed + _MOST_NOISE


def _between(shot: Shot, last: Motion | None, motion: Motion, after: float) -> Motion:
    """The belt when the shot was due, between the last step and this one."""
    if last is None or last.epoch != motion.epoch:
        return motion
    before = min(0.0, _reached(shot, last))
    if after <= before:
        return motion
    share = -before / (after - before)
    return Motion(
        last.stamp + round(share * (motion.stamp - last.stamp)),
        motion.epoch,
        last.count + share * (motion.count - last.count),
        last.velocity + share * (motion.velocity - last.velocity),
    )


def _end(shot: Shot, result: EjectResult, motion: Motion, detail: str = "") -> ShotEnd:
    return ShotEnd(shot, result, motion.stamp, motion.epoch, round(motion.count), detail)
