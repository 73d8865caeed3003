"""Which item an image shows, told once the belt's history reaches its exposure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from batsort_core.belt import BeltError, BeltTracker
from batsort_core.cell import CellDescription
from batsort_core.items import Item
from batsort_perception.view import ItemView, item_on_line

T = TypeVar("T")

KEPT_ITEMS = 64
KEPT_IMAGES = 5
_GRACE = 500_000_000  # [ns]


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """One image with what it shows."""

    image: T
    view: ItemView | None
    """The item at the camera line; None where there is none, or nobody knows."""
    problem: str
    """Why nobody knows; empty otherwise."""


class Sight(Generic[T]):
    """Keeps items and images until they can be matched by the belt's position."""

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._items: deque[Item] = deque(maxlen=KEPT_ITEMS)
        self._images: deque[tuple[int, T]] = deque(maxlen=KEPT_IMAGES)

    @property
    def waiting(self) -> int:
        """Images that nothing can be said of yet."""
        return len(self._images)

    def item(self, item: Item) -> None:
        """An item has passed the barrier."""
        self._items.append(item)

    def image(self, stamp: int, image: T) -> bool:
        """An image was exposed at `stamp` [ns]; whether an older one had to be dropped for it."""
        full = len(self._images) == KEPT_IMAGES
        self._images.append((stamp, image))
        return full

    def step(self, tracker: BeltTracker) -> Iterator[Seen[T]]:
        """What can be said of images by now, in their order.

        An image waits until the belt's history reaches its exposure, and then half a second of the
        belt's time for its item, since messages of different topics overtake each other.
        """
        images, self._images = self._images, deque(maxlen=KEPT_IMAGES)
        for stamp, image in images:
            try:
                count, epoch = tracker.count_at(stamp), tracker.epoch_at(stamp)
            except BeltError as error:
                yield Seen(image, None, str(error))
                continue
            if count is None or epoch is None or tracker.latest is None:
                self._images.append((stamp, image))
                continue
            view = item_on_line(self._cell, count, epoch, self._items)
            if view is None and tracker.latest.stamp - stamp < _GRACE:
                self._images.append((stamp, image))
            else:
                yield Seen(image, view, "")
