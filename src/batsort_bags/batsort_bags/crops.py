"""Pictures of items, cut out of recorded images as the classifier cuts them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from batsort_bags.reader import Bag
from batsort_core.belt import BeltError, BeltReading, BeltTracker
from batsort_core.cell import CellDescription
from batsort_core.items import Item
from batsort_graph.from_messages import item_of, reading_of, stamp_of
from batsort_graph.images import ImageError, Pixels, decompressed, to_rgb
from batsort_graph.names import BELT, IMAGES, ITEMS
from batsort_perception.crop import crop_item, judged_part
from batsort_perception.sight import Sight

READERS = dict(zip(IMAGES, (to_rgb, decompressed), strict=True))
"""What reads the pixels of each topic."""


@dataclass(frozen=True, slots=True)
class Cropped:
    """One item in one image."""

    item_id: int
    stamp: int
    """Exposure [ns]."""
    pixels: Pixels
    """uint8[h, w, 3] RGB."""
    offset: float | None
    """As `batsort_perception.place.Place` has it."""
    clearance: float | None


class Cropper:
    """Takes items, belt readings and images in any order; crops the items that are wanted.

    An image that can't be read is told to `refused` and left out, or else ends it.
    """

    def __init__(
        self,
        cell: CellDescription,
        wanted: Callable[[int], bool],
        refused: Callable[[ImageError], None] | None = None,
    ) -> None:
        self._wanted, self._refused = wanted, refused
        self._tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self._sight: Sight[tuple[int, Callable[[], Pixels]]] = Sight(cell)

    def item(self, item: Item) -> None:
        """An item has passed the barrier."""
        self._sight.item(item)

    def reading(self, reading: BeltReading) -> Iterator[Cropped]:
        """The belt is there; one that the tracker refuses is left out, as the classifier does."""
        try:
            self._tracker.follow(reading)
        except BeltError:
            return
        yield from self._step()

    def image(self, stamp: int, pixels: Callable[[], Pixels]) -> Iterator[Cropped]:
        """An image exposed at `stamp` [ns]. May raise ImageError once it is looked at."""
        self._sight.image(stamp, (stamp, pixels))
        yield from self._step()

    def _step(self) -> Iterator[Cropped]:
        for seen in self._sight.step(self._tracker):
            if seen.view is not None and self._wanted(seen.view.item_id):
                stamp, pixels = seen.image
                try:
                    image = pixels()
                except ImageError as error:
                    if self._refused is None:
                        raise
                    self._refused(error)
                    continue
                crop = crop_item(image, seen.view)
                if crop.found:
                    yield Cropped(
                        seen.view.item_id, stamp, crop.pixels, crop.offset, crop.clearance
                    )


def crops(
    bag: Bag,
    cell: CellDescription,
    wanted: Callable[[int], bool],
    refused: Callable[[ImageError], None] | None = None,
) -> Iterator[Cropped]:
    """Every wanted item that an image in the bag shows.

    Raises BagError, and ImageError for an image that can't be read where `refused` is not given.
    """
    cropper = Cropper(cell, wanted, refused)
    for received in bag.messages([BELT, ITEMS, *IMAGES]):
        message = bag.decode(received)
        if received.topic == BELT:
            yield from cropper.reading(reading_of(message))
        elif received.topic == ITEMS:
            cropper.item(item_of(message))
        else:
            pixels = partial(READERS[received.topic], message)
            yield from cropper.image(stamp_of(message.header.stamp), pixels)


def part_of(pixels: Pixels, roi: Any) -> Pixels:
    """As `judged_part`, of the part that a verdict names. Raises ImageError where there is none."""
    part = judged_part(pixels, roi.x_offset, roi.y_offset, roi.width, roi.height)
    if not roi.width or not roi.height or not part.size:
        raise ImageError("roi: nothing of the image was judged")
    return part
