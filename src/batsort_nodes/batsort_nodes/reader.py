"""Node `reader`: reads the print of items that the recipe would sort but wants to be sure of."""

from __future__ import annotations

import math
import sys
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from batsort_bags.images import ImageError
from batsort_bags.messages import item_of, recipe_of, stamp_of, verdict_of
from batsort_core.flow import Flow, Latencies
from batsort_core.items import Verdict
from batsort_core.print_queue import PrintQueue, Wanted
from batsort_core.recent import Recent
from batsort_interfaces.msg import BatteryClassification, BeltItem, BeltState, PrintReading, Recipe
from batsort_perception.crop import CROP_MARGIN, CROP_SIZE, crop_item
from batsort_perception.print_reader import PrintError, PrintReader
from batsort_perception.sight import Sight
from batsort_perception.view import ItemView

from .configuration import CELL_FILE, ConfigurationError, Parameter, declare, load_cell
from .convert import time_of
from .follow import BeltFollower
from .heartbeat import Health
from .images import to_rgb
from .managed import ManagedNode
from .print_thread import PrintThread
from .run import run
from .topics import publisher

PARAMETERS = (
    CELL_FILE,
    Parameter("threads", 1, "Threads of the networks that read.", 1, 16),
)
HEARD = ("camera/image_raw", "belt/state", "belt/items", "classifications", "ejector/recipe")
"""Topics that it listens to, while it is active, beside those that list it."""
KEPT = 16
"""Images that wait for their verdicts, and verdicts that wait for their images."""
LATEST = 5
"""Readings by whose slowest it reckons whether another one comes in time."""

Pixels = NDArray[np.uint8]
Job = tuple[Image, Pixels]
"""An image, for its header, and the picture of the item in it."""


class Reader(ManagedNode):
    """Picks the items worth it by the ejector's recipe, and reads the most urgent first."""

    def __init__(self, make_reader: Callable[[int], Any] = PrintReader) -> None:
        """`make_reader` makes a PrintReader that uses so many threads."""
        super().__init__("reader")
        declare(self, PARAMETERS)
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._make_reader = make_reader
        self._thread: PrintThread[Wanted[Job]] | None = None
        self._queue: PrintQueue[Job] = PrintQueue(self._cell)
        self._counts: Counter[str] = Counter()
        self._seen, self._read = Flow("images"), Flow("readings")
        self._latencies = Latencies()
        self._took: deque[float] = deque(maxlen=LATEST)
        self._readings = publisher(self, "readings")
        self.start_heartbeat(self._health)

    def configure(self) -> None:
        try:
            reader = self._make_reader(self.get_parameter("threads").value)
        except PrintError as error:
            raise ConfigurationError(str(error)) from None
        self._thread = PrintThread(reader.read)

    def activate(self) -> None:
        self._belt = BeltFollower(self, self._cell, self._counts)
        self._sight: Sight[Image] = Sight(self._cell)
        self._views: Recent[tuple[Image, ItemView]] = Recent(KEPT)
        self._verdicts: Recent[Verdict] = Recent(KEPT)
        self._queue = PrintQueue(self._cell)
        self._recipe = self._cell.recipe
        self._began = 0
        self.listen("ejector/recipe", self._on_recipe)
        self.listen("belt/items", self._on_item)
        self.listen("belt/state", self._on_belt)
        self.listen("camera/image_raw", self._on_image)
        self.listen("classifications", self._on_verdict)

    def cleanup(self) -> None:
        if self._thread is not None:
            self._thread.close()
        self._thread = None

    def destroy_node(self) -> None:
        """End the thread first: a network that runs on would take the process down."""
        self.cleanup()
        super().destroy_node()

    def _on_recipe(self, message: Recipe) -> None:
        self._recipe = recipe_of(message)

    def _on_item(self, message: BeltItem) -> None:
        self._sight.item(item_of(message))

    def _on_image(self, image: Image) -> None:
        self._seen.passed(time.monotonic())
        if self._sight.image(stamp_of(image.header.stamp), image):
            self._counts["images dropped"] += 1
        self._match()

    def _on_verdict(self, message: BatteryClassification) -> None:
        verdict = verdict_of(message)
        seen = self._views.get(verdict.image_stamp)
        if seen is None:
            self._verdicts.add(verdict.image_stamp, verdict)
        else:
            self._want(verdict, *seen)

    def _on_belt(self, message: BeltState) -> None:
        reading = self._belt.take(message)
        if reading is None:
            return
        self._match()
        self._tell()
        if self._thread is not None and not self._thread.busy:
            wanted = self._queue.next(reading, max(self._took, default=0.0))
            if wanted is not None:
                self._began = self.get_clock().now().nanoseconds
                self._thread.begin(wanted, wanted.image[1])

    def _match(self) -> None:
        """Tell which item each image shows; whose print is wanted its verdict says."""
        for seen in self._sight.step(self._belt.tracker):
            if seen.view is None:
                continue
            stamp = stamp_of(seen.image.header.stamp)
            self._views.add(stamp, (seen.image, seen.view))
            verdict = self._verdicts.pop(stamp)
            if verdict is not None:
                self._want(verdict, seen.image, seen.view)

    def _want(self, verdict: Verdict, image: Image, view: ItemView) -> None:
        if view.item_id != verdict.item_id or not self._recipe.wants_print(verdict):
            return
        side = math.ceil(view.length_px / (1 - 2 * CROP_MARGIN))
        try:
            crop = crop_item(to_rgb(image), view, max(CROP_SIZE, side))
        except ImageError as error:
            self._counts["images refused"] += 1
            self.get_logger().warning(f"camera/image_raw: {error}", throttle_duration_sec=1.0)
            return
        self._counts["items wanted"] += 1
        self._queue.add(self._recipe, view.item, verdict, (image, crop.pixels))

    def _tell(self) -> None:
        done = self._thread.take() if self._thread is not None else None
        if done is None:
            return
        wanted, found = done
        now = self.get_clock().now().nanoseconds
        self._took.append((now - self._began) / 1e9)
        self._counts["items read"] += 1
        if isinstance(found, Exception):
            self._counts["readings failed"] += 1
            self.get_logger().warning(f"print: {found}", throttle_duration_sec=1.0)
            return
        image, verdict = wanted.image[0], wanted.verdict
        self._latencies.add((now - verdict.image_stamp) / 1e9)
        self._read.passed(time.monotonic())
        message = PrintReading(
            header=image.header,
            item_id=verdict.item_id,
            voltage=float(found.voltage.value) if found.voltage else math.nan,
            brand=found.brand.value if found.brand else "",
            size=found.size.value if found.size else "",
            reading_stamp=time_of(now),
        )
        if found.chemistry is not None:
            self._counts["chemistries read"] += 1
            message.chemistry = found.chemistry.value
            message.confidence = found.chemistry.confidence
            message.text = found.chemistry.text
        self._readings.publish(message)

    def _health(self) -> Health:
        values: dict[str, object] = dict(self._counts)
        values |= {"items waiting": len(self._queue), "items left out": self._queue.left_out}
        values |= self._latencies.figures()
        if self._took:
            values["slowest of the last readings [s]"] = f"{max(self._took):.2f}"
        warning = ""
        if self._queue.left_out:
            warning = "items were left out: reading print is too slow for this rate"
        fault = self._belt.fault if self.stage == "active" else None
        return Health(values, warning, fault, (self._seen, self._read))


def main() -> None:
    sys.exit(run(Reader))
