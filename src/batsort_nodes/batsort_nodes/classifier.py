"""Node `classifier`: an image in, the type of the item at the camera line and how sure out."""

from __future__ import annotations

import sys
import time
from collections import Counter

from sensor_msgs.msg import Image, RegionOfInterest

from batsort_core.flow import Flow, Latencies
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError, path_of
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.follow import BeltFollower
from batsort_graph.from_messages import item_of, seen_fields, stamp_of
from batsort_graph.heartbeat import Health
from batsort_graph.image_bridge import to_rgb
from batsort_graph.images import ImageError
from batsort_graph.managed import ManagedNode
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import publisher, service
from batsort_interfaces.msg import BatteryClassification, BeltItem, BeltState, ModelBundle
from batsort_interfaces.srv import LoadBundle
from batsort_perception.bundle import Bundle, BundleError, default_bundle
from batsort_perception.crop import crop_item
from batsort_perception.engine import Engine
from batsort_perception.sight import Sight
from batsort_perception.view import ItemView

PARAMETERS = (
    CELL_FILE,
    Parameter("bundle", "", "Folder of the model bundle; empty: the one that comes with BatSort."),
    Parameter("threads", 2, "Threads of the network.", 1, 16),
)


class Classifier(ManagedNode):
    """Finds the item of each image by belt position and measures it."""

    def __init__(self) -> None:
        super().__init__("classifier")
        declare(self, PARAMETERS)
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._engine: Engine | None = None
        self._counts: Counter[str] = Counter()
        self._seen, self._judged = Flow("images"), Flow("verdicts")
        self._latencies = Latencies()
        self._verdicts = publisher(self, "classifications")
        self._bundles = publisher(self, "classifier/bundle")
        service(self, "classifier/load_bundle", self._load_bundle)
        self.start_heartbeat(self._health)

    def configure(self) -> None:
        self._use(self._make_engine(self.get_parameter("bundle").value))

    def activate(self) -> None:
        self._belt = BeltFollower(self, self._cell, self._counts)
        self._sight: Sight[Image] = Sight(self._cell)
        self.listen("belt/items", self._on_item)
        self.listen("belt/state", self._on_belt)
        self.listen("camera/image_raw", self._on_image)

    def cleanup(self) -> None:
        self._engine = None

    def _use(self, engine: Engine) -> None:
        self._engine = engine
        bundle = engine.bundle
        message = ModelBundle(
            id=bundle.id,
            network_sha256=bundle.network.sha256,
            description_sha256=bundle.description_sha256,
            types=list(bundle.types),
        )
        message.header.stamp = self.get_clock().now().to_msg()
        self._bundles.publish(message)

    def _make_engine(self, path: str) -> Engine:
        folder = path_of("bundle", path) if path else default_bundle()
        try:
            bundle = Bundle.load(folder)
            strange = sorted(set(self._cell.recipe.types) - set(bundle.types))
            if strange:
                raise ConfigurationError(
                    f"recipe.types: {', '.join(strange)} can't be told by bundle {bundle.id}; "
                    f"allowed: {', '.join(bundle.types)}"
                )
            return Engine(bundle, threads=self.get_parameter("threads").value)
        except BundleError as error:
            raise ConfigurationError(f"bundle: {error}") from None

    def _load_bundle(
        self, request: LoadBundle.Request, response: LoadBundle.Response
    ) -> LoadBundle.Response:
        try:
            self._use(self._make_engine(request.path))
        except ConfigurationError as error:
            response.message = str(error)
        else:
            response.success = True
            response.message = f"{self._engine.bundle.id} is in use"
            self.get_logger().info(response.message)
        response.bundle_id = self._engine.bundle.id if self._engine else ""
        return response

    def _on_item(self, message: BeltItem) -> None:
        self._sight.item(item_of(message))

    def _on_image(self, image: Image) -> None:
        self._seen.passed(time.monotonic())
        if self._sight.image(stamp_of(image.header.stamp), image):
            self._counts["images dropped"] += 1
        self._judge_known()

    def _on_belt(self, message: BeltState) -> None:
        if self._belt.take(message) is not None:
            self._judge_known()

    def _judge_known(self) -> None:
        for seen in self._sight.step(self._belt.tracker):
            if seen.view is not None:
                self._judge(seen.image, seen.view)
            elif seen.problem:
                self._counts["images without a belt position"] += 1
                self.get_logger().warning(seen.problem, throttle_duration_sec=1.0)
            else:
                self._counts["images without an item"] += 1

    def _judge(self, image: Image, view: ItemView) -> None:
        try:
            crop = crop_item(to_rgb(image), view)
        except ImageError as error:
            self._counts["images refused"] += 1
            self.get_logger().warning(f"camera/image_raw: {error}", throttle_duration_sec=1.0)
            return
        if not crop.found:
            # An empty place is nothing that could be judged: it must not be sorted.
            self._counts["images that show no item in its place"] += 1
            return
        bundle = self._engine.bundle
        stamp = stamp_of(image.header.stamp)
        measured = self._engine.classify(crop.pixels)
        verdict = measured.verdict(view.item_id, stamp, bundle.types, crop.offset, crop.clearance)
        now = self.get_clock().now().nanoseconds
        self._latencies.add((now - stamp) / 1e9)
        self._judged.passed(time.monotonic())
        self._verdicts.publish(
            BatteryClassification(
                header=image.header,
                item_id=verdict.item_id,
                type=verdict.type,
                confidence=verdict.confidence,
                novelty=verdict.novelty,
                types=list(verdict.scores),
                scores=list(verdict.scores.values()),
                **seen_fields(verdict),
                bundle_id=bundle.id,
                roi=RegionOfInterest(
                    x_offset=crop.x, y_offset=crop.y, width=crop.width, height=crop.height
                ),
                verdict_stamp=time_of(now),
            )
        )

    def _health(self) -> Health:
        values: dict[str, object] = dict(self._counts)
        values["bundle"] = self._engine.bundle.id if self._engine else "none"
        values |= self._latencies.figures()
        active = self.stage == "active"
        if active:
            values["images waiting"] = self._sight.waiting
        warning = ""
        if self._counts["images dropped"]:
            warning = "images were dropped: the classifier is too slow for this rate"
        fault = self._belt.fault if active else None
        return Health(values, warning, fault, (self._seen, self._judged))


def main() -> None:
    sys.exit(run(Classifier))
