"""The infeed: puts the stream's items onto the belt at their pitch."""

from batsort_core.cell import CellDescription
from batsort_twin.barrier import Barrier
from batsort_twin.conditions import Conditions
from batsort_twin.drive import Drive
from batsort_twin.feed import Item, ahead, drawn, photographed, taped
from batsort_twin.load import Load
from batsort_twin.options import TwinOptions
from batsort_twin.photos import PhotoLibrary
from batsort_twin.scene import INFEED, STEP_S

FIRST_ITEM = 0.02
"""Belt travel before the first item is fed [m]."""
OVERLAP = 0.005
"""Of items, at which the infeed waits [m]."""


class Infeed:
    """Raises PhotoError for a folder that can't be used or a broken image that is to be shown."""

    def __init__(self, cell: CellDescription, options: TwinOptions) -> None:
        self.fed = 0
        self.speed = cell.belt.velocity
        """Of the belt, that the pitch is for [m/s]."""
        self._options = options
        types = cell.recipe.types
        if options.photos is None:
            stream = drawn(options.seed, options.items, options.unknown_share, types)
        else:
            library = PhotoLibrary(options.photos, cell.recipe.sizes)
            stream = photographed(options.seed, options.items, library, types)
        self._stream = ahead(stream)
        self._next = next(self._stream, None)
        self._place = FIRST_ITEM
        """Belt travel at which the next item is put down [m]."""
        self._last: tuple[Item, float] | None = None
        """The item that was put down last, and at which belt travel [m]."""

    def feed(self, drive: Drive, load: Load, barrier: Barrier) -> bool:
        """Put the next item down where its place has come and is free; whether it was."""
        position, velocity = drive.position, drive.velocity
        if self._next is None or position < self._place or load.full:
            return False
        item = self._next
        # Where the belt has carried it since; one that had to wait is put down now.
        passed = position - self._place
        x = INFEED + (passed if passed <= velocity * STEP_S else 0.0)
        if any(before.trail < x + item.reach - OVERLAP for before in barrier.approaching):
            return False
        barrier.approaching.append(load.put(item, x, velocity))
        self.fed += 1
        self._last = (item, position - (x - INFEED))
        self._next = next(self._stream, None)
        return True

    def plan(self, wrong: Conditions) -> None:
        """Say where the item after the last one goes, and how long it is."""
        if self._next is None or self._last is None:
            return
        if wrong.length is not None:
            self._next = taped(self._next, wrong.length)
        last, place = self._last
        reaches = last.reach + self._next.reach
        if wrong.gap is not None:
            pitch = reaches + wrong.gap
        else:
            scattered = (self._next.scatter - last.scatter) * self._options.pitch_scatter
            pitch = self.speed / self._options.rate + scattered
            pitch = max(pitch, reaches + self._options.min_gap)
        self._place = place + pitch
