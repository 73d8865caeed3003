"""Which item's print is read next, by the belt: the most urgent that can still be read in time."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.ejection import last_command_count
from batsort_core.items import Item, Verdict
from batsort_core.recipe import Recipe

T = TypeVar("T")

WAITING = 64
"""Items that may wait: more than lie on a belt between camera and ejectors."""


@dataclass(frozen=True, slots=True)
class Wanted(Generic[T]):
    """An item whose print is to be read."""

    item: Item
    verdict: Verdict
    image: T
    last: int
    """Belt count from which on its reading is of no use."""


class PrintQueue(Generic[T]):
    """Items with their images, until they are read or it is too late.

    An item has until its shot can't be waited with any more: `print.margin` before the last count
    that a shot at its bin can be commanded at. The first to run out of time comes first; what would
    not be done by then is left out, so that a reader that is too slow reads fewer, each in time.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._wanted: dict[int, Wanted[T]] = {}
        self.left_out = 0
        """Items that could not be read in time."""

    def __len__(self) -> int:
        return len(self._wanted)

    def add(self, recipe: Recipe, item: Item, verdict: Verdict, image: T) -> bool:
        """Take an item, if the recipe wants its print; whether it does."""
        bin = recipe.types.get(verdict.type)
        if bin is None or recipe.print is None or not recipe.wants_print(verdict):
            return False
        cell, velocity = self._cell, self._cell.belt.velocity
        last = last_command_count(cell, cell.bin(bin), item, velocity)
        last -= cell.counts(recipe.print.margin)
        self._wanted[item.id] = Wanted(item, verdict, image, last)
        if len(self._wanted) > WAITING:
            self._leave(min(self._wanted.values(), key=lambda wanted: wanted.last))
        return True

    def next(self, reading: BeltReading, takes_s: float) -> Wanted[T] | None:
        """The item to be read now, when reading one takes so long [s]; None: nothing to do."""
        ahead = reading.count + self._cell.counts(max(0.0, reading.velocity) * takes_s)
        for wanted in sorted(self._wanted.values(), key=lambda wanted: wanted.last):
            if wanted.item.epoch != reading.epoch or wanted.last <= ahead:
                self._leave(wanted)
                continue
            return self._wanted.pop(wanted.item.id)
        return None

    def _leave(self, wanted: Wanted[T]) -> None:
        del self._wanted[wanted.item.id]
        self.left_out += 1
