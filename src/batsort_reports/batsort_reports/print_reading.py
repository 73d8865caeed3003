"""The print of a bag's items, as the cell read it, or read now in the pictures of the bag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_bags.crops import READERS, part_of
from batsort_bags.reader import Bag
from batsort_core.recipe import Recipe
from batsort_files import page
from batsort_graph.from_messages import stamp_of
from batsort_graph.images import ImageError
from batsort_graph.names import IMAGES, VERDICTS
from batsort_perception.preprocess import Image
from batsort_perception.print_cache import PrintCache, default_cache, reader_version
from batsort_perception.print_reader import INSTALL, PrintError, PrintReader, available
from batsort_perception.printed import Print
from batsort_reports.print_review import Said, figures, review, said_by, said_in
from batsort_reports.report import Run

RED, LINE = (214, 39, 40), 2
"""Of the frame around print, and its width [px]."""
NO_IMAGES = (
    "Print was not read in {}, since it has no images: `./cell demo --record` and `record:=true` "
    "keep them."
)
OFF = "Print was not read, by `--print off`."
UNHEARD = (
    "Print was not read in this run. To read it: `./cell demo --record`, then "
    f"`{INSTALL}` and `./cell report` with the bag."
)


class Seen(NamedTuple):
    """Where an item is in an image."""

    stamp: int
    """Of the image [ns]."""
    roi: Any
    """sensor_msgs/RegionOfInterest."""

    @classmethod
    def of(cls, message: Any) -> Seen:
        """As a BatteryClassification says."""
        return cls(stamp_of(message.header.stamp), message.roi)


@dataclass
class Printed:
    """What is known of the print of the items of one bag or more."""

    read: dict[int, Said] = field(default_factory=dict)
    by_cell: set[int] = field(default_factory=set)
    """Those that the cell's own reader read."""
    pictures: dict[int, Image] = field(default_factory=dict)
    """Of items to look at, with a frame around what says so."""
    unread: list[str] = field(default_factory=list)
    """Why print was not read, in sentences."""
    refused: list[str] = field(default_factory=list)
    """What is wrong with images, a line each."""

    def figures(self, run: Run, recipe: Recipe) -> dict[str, Any]:
        """The part `print` of report.json."""
        return figures(self.read, run, recipe, len(self.by_cell), self.unread)

    def take(self, readings: Mapping[int, Any]) -> None:
        """Add what the cell's own reader read, by item."""
        self.read |= {item_id: said_in(message) for item_id, message in readings.items()}
        self.by_cell |= set(readings)

    def show(
        self,
        bag: Bag,
        run: Run,
        recipe: Recipe,
        seen: Mapping[int, Seen],
        by: PrintCache | None = None,
    ) -> None:
        """Add pictures of those items to look at that are `seen` in the bag.

        The cell's own reader doesn't tell where the print is; where there is `by`, that is looked
        for again. Raises BagError.
        """
        read = {item_id: said for item_id, said in self.read.items() if item_id in seen}
        listed = [one.item_id for one in review(read, run, recipe)]
        for item_id, part in self._parts(bag, {item_id: seen[item_id] for item_id in listed}):
            found = Print()
            if by is not None:
                with suppress(PrintError):
                    found = by.read_pixels(part)
            self.pictures[item_id] = framed(part, found, read[item_id].text)

    def read_all(
        self, bag: Bag, run: Run, recipe: Recipe, seen: Mapping[int, Seen], by: PrintCache
    ) -> None:
        """Read the print of every item that is `seen` in the bag.

        It can be interrupted: then it is said how many were not read. Raises BagError and
        PrintError.
        """
        done: set[int] = set()
        what = "reading print (Ctrl-C: enough)"
        bar = tqdm(total=len(seen), desc=what, unit="item", leave=False, disable=None)
        try:
            for item_id, part in self._parts(bag, seen):
                found = by.read_pixels(part)
                said = said_by(found)
                self.read[item_id] = said
                if review({item_id: said}, run, recipe):
                    self.pictures[item_id] = framed(part, found, said.text)
                done.add(item_id)
                bar.update()
        except KeyboardInterrupt:
            self.unread.append(
                f"Reading was interrupted: {len(seen) - len(done)} of the {len(seen)} "
                f"items with a verdict in {bag.path.name} were not read."
            )
        finally:
            bar.close()

    def _parts(self, bag: Bag, seen: Mapping[int, Seen]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
        """What was judged in the images of the bag, in the images' own pixels, by item."""
        by_stamp = {where.stamp: (item_id, where.roi) for item_id, where in seen.items()}
        for received in bag.messages(IMAGES if by_stamp else ()):
            message = bag.decode(received)
            shown = by_stamp.pop(stamp_of(message.header.stamp), None)
            if shown is None:
                continue
            try:
                yield shown[0], part_of(READERS[received.topic](message), shown[1])
            except ImageError as error:
                self.refused.append(refusal(bag, error))


def seen_in(bag: Bag) -> dict[int, Seen]:
    """Where the items with a verdict are in the images of a bag. Raises BagError."""
    messages = map(bag.decode, bag.messages([VERDICTS]))
    return {message.item_id: Seen.of(message) for message in messages}


def reader(wanted: bool) -> PrintCache | str:
    """What reads print here, or the sentence that says why nothing does."""
    if not wanted:
        return OFF
    why = available()
    if why:
        return f"Print was not read: {why}."
    return PrintCache(default_cache(), lambda: PrintReader(threads=2), reader_version())


def heard(run: Run) -> Printed:
    """What the running cell told."""
    printed = Printed()
    printed.take(run.readings)
    if not printed.read:
        printed.unread.append(UNHEARD)
    return printed


def read_bag(
    printed: Printed,
    bag: Bag,
    run: Run,
    recipe: Recipe,
    seen: Mapping[int, Seen],
    by: PrintCache | str,
) -> None:
    """Add the print of the items that are `seen` in one bag.

    Where the cell has read print itself, that counts; else it is read by `by`. Raises BagError.
    """
    told = {item_id: run.readings[item_id] for item_id in seen if item_id in run.readings}
    if told:
        printed.take(told)
        printed.show(bag, run, recipe, seen, None if isinstance(by, str) else by)
    elif isinstance(by, str):
        printed.unread.append(by)
    elif not bag.has_images:
        printed.unread.append(NO_IMAGES.format(bag.path.name))
    else:
        try:
            printed.read_all(bag, run, recipe, seen, by)
        except PrintError as error:
            printed.unread.append(f"Print was not read: {error}.")


def refusal(bag: Bag, error: ImageError) -> str:
    """The line for an image that can't be read."""
    return f"{bag.path}: an image can't be read and is left out: {error}"


def framed(part: Image, found: Print, text: str) -> Image:
    """uint8[h, w, 3]: the picture as large as the page shows it, the line `text` upright, framed.

    Without a frame where `found` has no such line.
    """
    boxes = [line.box for line in found.lines if line.text == text]
    scale = page.PICTURE_EDGE / max(part.shape[:2])
    size = [max(1, round(scale * edge)) for edge in part.shape[1::-1]]
    way = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    shown = np.asarray(cv2.resize(part, size, interpolation=way), np.uint8)
    for box in boxes[:1]:
        corners = np.rint(scale * box).astype(np.int32)
        cv2.polylines(shown, [corners], True, RED, LINE, cv2.LINE_AA)
        if box[1, 0] < box[0, 0]:
            shown = np.ascontiguousarray(shown[::-1, ::-1])
    return shown
