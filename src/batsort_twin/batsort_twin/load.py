"""What the belt carries: each item's place now and a step ago, and what has befallen it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from batsort_twin.feed import Item
from batsort_twin.scene import Scene

PAUSE_NS = 50_000_000
"""A jet that comes back to an item after longer than that has reached it anew."""


@dataclass(slots=True)
class Carried:
    """An item on its way."""

    item: Item
    slot: int
    """Of its body in the scene."""
    lead: float
    trail: float
    item_id: int = 0
    aim_error: float = math.nan
    foreign: bool = False
    blown_by: int | None = None
    """The valve whose jet last pushed it."""
    blown: int = 0
    """Stamp at which that jet first reached it [ns]; 0: none did."""
    blown_until: int = 0
    """The simulated moment of its last push [ns]."""
    left: bool = False

    def push(self, valve: int, moment: int, stamp: int, stuck: bool) -> None:
        """A valve's jet pushes it at a simulated moment, when the machine's clock shows `stamp`.

        One `stuck` open is one jet: what turns out of it and rolls back is not reached anew.
        """
        anew = not stuck and moment - self.blown_until > PAUSE_NS
        if valve != self.blown_by or anew:
            self.blown = stamp
        self.blown_by, self.blown_until = valve, moment


class Load:
    """The items of a scene; a step of theirs is a step of the scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._before = scene.pose.copy()
        self._free = list(range(scene.size))
        self._carried: dict[int, Carried] = {}

    def __iter__(self) -> Iterator[Carried]:
        return iter(self._carried.values())

    def __getitem__(self, slot: int) -> Carried:
        return self._carried[slot]

    @property
    def full(self) -> bool:
        """Whether no more items can be carried."""
        return not self._free

    @property
    def on_belt(self) -> int:
        """Items that have not left yet."""
        return sum(not carried.left for carried in self)

    def put(self, item: Item, x: float, velocity: float, foreign: bool = False) -> Carried:
        """Lay the item down with its centre at x [m], moving at `velocity` [m/s]."""
        slot = self._free.pop(0)
        self.scene.put(slot, item, x, velocity)
        carried = Carried(item, slot, x + item.reach, x - item.reach, foreign=foreign)
        self._carried[slot] = carried
        return carried

    def remove(self, carried: Carried) -> None:
        """Take it out of the scene."""
        self.scene.park(carried.slot)
        self._free.append(carried.slot)
        del self._carried[carried.slot]

    def step(self, velocity: float) -> None:
        """Run on for one step of the scene with the belt at `velocity` [m/s]."""
        np.copyto(self._before, self.scene.pose)
        self.scene.step(velocity)

    def between(self, carried: Carried, axis: int, share: float) -> float:
        """A coordinate of its centre at a share of the step just done [m]."""
        before, after = self._before[carried.slot, axis], self.scene.pose[carried.slot, axis]
        return float(before + share * (after - before))

    def share(self, carried: Carried, axis: int, line: float) -> float:
        """The share of the step just done at which its centre passed `line` [m] on that axis."""
        before, after = self._before[carried.slot, axis], self.scene.pose[carried.slot, axis]
        share = float((line - before) / (after - before)) if before != after else 0.0
        return min(1.0, max(0.0, share))

    def passing(self, x: float) -> Carried | None:
        """The item whose centre has passed the place [m] in the step just done."""
        for carried in self:
            before, after = self._before[carried.slot, 0], self.scene.pose[carried.slot, 0]
            if before < x <= after and not carried.left:
                return carried
        return None
