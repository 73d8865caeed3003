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

from batsort_bags.crops import part_of
from batsort_core.belt import BeltReading
from batsort_core.flow import Flow, Latencies
from batsort_core.items import Item
from batsort_core.print_queue import PrintQueue, Wanted
from batsort_core.recent import Recent
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.follow import BeltFollower
from batsort_graph.from_messages import item_of, recipe_of, stamp_of, verdict_of
from batsort_graph.heartbeat import Health
from batsort_graph.image_bridge import to_rgb
from batsort_graph.images import ImageError
from batsort_graph.managed import ManagedNode
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import publisher
from batsort_interfaces.msg import BatteryClassification, BeltItem, BeltState, PrintReading, Recipe
from batsort_nodes.print_thread import PrintThread
from batsort_perception.print_reader import PrintError, PrintReader

PARAMETERS = (
    CELL_FILE,
    Parameter("threads", 1, "Threads of the networks that read.", 1, 16),
)
HEARD = ("camera/image_raw", "belt/state", "belt/items", "classifications", "ejector/recipe")
"""Topics that it listens to, while it is active, beside those that list it."""
KEPT_IMAGES = 16
KEPT = 64
"""Items, and verdicts that wait for their items and images."""
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
        self._images: Recent[Image] = Recent(KEPT_IMAGES)
        self._items: Recent[Item] = Recent(KEPT)
        self._verdicts: Recent[BatteryClassification] = Recent(KEPT)
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
        self._items.add(message.id, item_of(message))

    def _on_image(self, image: Image) -> None:
        self._seen.passed(time.monotonic())
        self._images.add(stamp_of(image.header.stamp), image)

    def _on_verdict(self, message: BatteryClassification) -> None:
        if self._recipe.wants_print(verdict_of(message)):
            self._verdicts.add(stamp_of(message.header.stamp), message)

    def _on_belt(self, message: BeltState) -> None:
        reading = self._belt.take(message)
        if reading is None:
            return
        self._match()
        self._tell()
        if self._thread is not None and not self._thread.busy:
            self._begin(reading, self._thread)

    def _begin(self, reading: BeltReading, thread: PrintThread[Wanted[Job]]) -> None:
        left_out = self._queue.left_out
        wanted = self._queue.next(reading, max(self._took, default=0.0))
        if self._queue.left_out > left_out and self._took:
            # One slow reading must not end all reading.
            self._took.popleft()
        if wanted is not None:
            self._began = self.get_clock().now().nanoseconds
            thread.begin(wanted, wanted.image[1])

    def _match(self) -> None:
        """Queue the items whose verdict and image are both there."""
        for stamp, message in self._verdicts.items():
            image, item = self._images.get(stamp), self._items.get(message.item_id)
            if image is not None and item is not None:
                self._verdicts.pop(stamp)
                self._want(item, message, image)

    def _want(self, item: Item, message: BatteryClassification, image: Image) -> None:
        try:
            picture = part_of(to_rgb(image), message.roi)
        except ImageError as error:
            self._counts["images refused"] += 1
            self.get_logger().warning(f"camera/image_raw: {error}", throttle_duration_sec=1.0)
            return
        if self._queue.add(self._recipe, item, verdict_of(message), (image, picture)):
            self._counts["items wanted"] += 1

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
            brand_confidence=found.brand.confidence if found.brand else 0.0,
            size=found.size.value if found.size else "",
            reading_stamp=time_of(now),
        )
        if found.brand is not None:
            self._counts["brands read"] += 1
        values, message.confidence, message.text = found.said
        if found.chemistry is not None:
            self._counts["chemistries read"] += 1
            (message.chemistry,) = values
        else:
            message.chemistries = list(values)
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
