"""What a viewer knows of the belt: each item with its verdict, plan and end. No ROS in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from batsort_core.belt import BeltReading
from batsort_core.bin_journal import Ejected
from batsort_core.cell import CellDescription
from batsort_core.ejection import too_close
from batsort_core.item_life import ItemLife, ItemLives
from batsort_core.items import EjectResult

KEPT = 200
"""Items: more than any topic delivers again to who comes late."""
SHOWN_NS = 1_500_000_000
"""How long an outcome is shown where the item left."""
FLASH_NS = 150_000_000
"""How long a nozzle's jet is shown."""


@dataclass(frozen=True, slots=True)
class Fill:
    """What is in one bin's bag."""

    count: int
    capacity: int
    """0: without limit."""
    full: bool


@dataclass(slots=True)
class ViewState:
    """Fed with what the cell's topics tell; times are stamps [ns] of the belt's clock."""

    cell: CellDescription
    reading: BeltReading | None = None
    fills: Mapping[str, Fill] = field(default_factory=dict)
    cell_state: str = ""
    """The state, and why."""
    lives: ItemLives = field(default_factory=lambda: ItemLives(KEPT))
    jets: dict[int, int] = field(default_factory=dict)
    """When each valve has blown last."""

    def on_ejected(self, ejected: Ejected, valve: int) -> None:
        """What became of a valve's shot."""
        self.lives.take(ejected)
        if ejected.result is EjectResult.FIRED:
            self.jets[valve] = ejected.stamp

    def on_belt(self) -> list[tuple[float, ItemLife]]:
        """Items that lie on the belt with their place along it [m], by place."""
        reading, end = self.reading, self.cell.others.distance
        if reading is None:
            return []
        places = [
            (self.cell.metres(reading.count - life.item.count), life)
            for life in self.lives
            if life.item is not None
            and life.item.epoch == reading.epoch
            and not life.blown
            and not life.settled
        ]
        return sorted((place for place in places if place[0] <= end), key=lambda place: place[0])

    def leaving(self) -> dict[str, ItemLife]:
        """Of the items that have just left, the last one by the bin seen to get it, or meant to."""
        now = self.reading.stamp if self.reading else 0
        left = [
            (life.settled, life)
            for life in self.lives
            if life.settled and abs(now - life.settled.stamp) < SHOWN_NS
        ]
        left.sort(key=lambda pair: pair[0].stamp)
        bins = {settled.bin or settled.decided_bin: life for settled, life in left}
        return {bin: life for bin, life in bins.items() if bin}

    def blowing(self) -> list[int]:
        """Valves whose jet is to be seen."""
        now = self.reading.stamp if self.reading else 0
        return [valve for valve, stamp in self.jets.items() if abs(now - stamp) < FLASH_NS]

    def too_close(self) -> list[tuple[float, float]]:
        """From where to where there is too little free belt for a jet [m]."""
        velocity = self.reading.velocity if self.reading else 0.0
        return [
            (x + life.item.length / 2, ahead - other.item.length / 2)
            for (x, life), (ahead, other) in pairwise(self.on_belt())
            if life.item and other.item
            if too_close(self.cell, life.item, other.item, velocity)
        ]
