"""Node `viewer`: the cell for rviz and rqt, worked out only while somebody looks."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Quaternion, TransformStamped, Vector3
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time as RosTime
from sensor_msgs.msg import Image
from std_msgs.msg import ColorRGBA, String
from visualization_msgs.msg import Marker, MarkerArray

from batsort_core.cell import CellDescription
from batsort_core.flow import Flow
from batsort_description.cell_file import load_cell
from batsort_description.layout import CELL, bin_colours, links, quaternion
from batsort_description.urdf import urdf
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import (
    decision_of,
    ejected_of,
    item_of,
    reading_of,
    settled_of,
    stamp_of,
    verdict_of,
)
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.image_bridge import to_message, to_rgb
from batsort_graph.images import ImageError
from batsort_graph.run import run
from batsort_graph.topics import publisher, subscription
from batsort_interfaces import msg as batsort
from batsort_nodes.view_figures import FigureWatch
from batsort_nodes.view_image import Caption, annotate
from batsort_nodes.view_marks import UNDECIDED, Kind, Mark, Marks
from batsort_nodes.view_state import Fill, ViewState

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    # Not among the wheels; markers and images show without it.
    TFMessage = None

PARAMETERS = (
    CELL_FILE,
    Parameter("rate", 10.0, "Marker arrays published a second [Hz].", 1.0, 30.0),
)
FOR_MARKERS = (
    "belt/items",
    "belt/state",
    "bins/state",
    "cell/state",
    "classifications",
    "ejector/events",
    "items/decisions",
    "items/outcomes",
)
FOR_IMAGES = ("camera/image_raw", "classifications", "ejector/recipe", "items/decisions")
FOR_FIGURES = ("classifications", "items/outcomes")
HEARD = frozenset((*FOR_MARKERS, *FOR_IMAGES, *FOR_FIGURES))
"""Each only while somebody looks at what is made of it."""
SLOW_S = 1.0
"""How often figures are sent, and again, for who comes late, markers of what never moves."""
UNDECIDED_S = 0.3
"""An image waits so long for the decision on its item, and then is shown without."""
KEPT_IMAGES = 8
SHAPES = {
    Kind.CUBE: Marker.CUBE,
    Kind.CYLINDER: Marker.CYLINDER,
    Kind.TEXT: Marker.TEXT_VIEW_FACING,
    Kind.LINES: Marker.LINE_LIST,
}


class Viewer(Node):
    """Keeps what a picture needs, and draws it for those who subscribe."""

    def __init__(self) -> None:
        super().__init__("viewer")
        declare(self, PARAMETERS)
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._period = 1.0 / self.get_parameter("rate").value
        self._marks = Marks(self._cell)
        self._colours = bin_colours(self._cell)
        self._still = [self._marker(mark, 0.0) for mark in self._marks.still()]
        self._state = ViewState(self._cell)
        self._threshold = self._cell.recipe.threshold
        self._images: OrderedDict[int, tuple[float, Image]] = OrderedDict()
        """By stamp, with when they came."""
        self._judged: dict[int, batsort.BatteryClassification] = {}
        """By stamp of the image."""
        self._watch = FigureWatch()
        self._still_sent = self._figures_sent = 0.0
        self._drawn, self._sent = Flow("annotated images"), Flow("marker arrays")
        self._listening: dict[str, Any] = {}
        self._callbacks: dict[str, Callable[[Any], None]] = {
            "belt/items": self._on_item,
            "belt/state": self._on_belt,
            "bins/state": self._on_bins,
            "camera/image_raw": self._on_image,
            "cell/state": self._on_cell,
            "classifications": self._on_verdict,
            "ejector/events": self._on_event,
            "ejector/recipe": self._on_recipe,
            "items/decisions": self._on_decision,
            "items/outcomes": self._on_outcome,
        }
        self._markers = publisher(self, "view/markers")
        self._annotated = publisher(self, "view/image_annotated")
        self._figures = publisher(self, "view/figures")
        self._description = publisher(self, "robot_description")
        self._description.publish(String(data=urdf(self._cell)))
        self._publish_frames()
        self._heartbeat = Heartbeat(self, self._health)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(self._period, self._look, clock=steady)

    def _publish_frames(self) -> None:
        if TFMessage is None:
            return
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._frames = self.create_publisher(TFMessage, "/tf_static", latched)
        self._frames.publish(TFMessage(transforms=frames(self._cell, self.get_clock().now())))

    def _look(self) -> None:
        """Listen for those who look, and draw for them."""
        markers = self._markers.get_subscription_count() > 0
        images = self._annotated.get_subscription_count() > 0
        figures = self._figures.get_subscription_count() > 0
        wanted = [
            *(FOR_MARKERS if markers else ()),
            *(FOR_IMAGES if images else ()),
            *(FOR_FIGURES if figures else ()),
        ]
        self._listen(set(wanted))
        if markers:
            self._publish_markers()
        if images:
            self._publish_waiting()
        if figures:
            self._publish_figures()

    def _listen(self, wanted: set[str]) -> None:
        for name in wanted - self._listening.keys():
            self._listening[name] = subscription(self, name, self._callbacks[name])
        for name in self._listening.keys() - wanted:
            self.destroy_subscription(self._listening.pop(name))
        if not wanted:
            # What is missed meanwhile must not be shown later.
            self._state, self._watch = ViewState(self._cell), FigureWatch()
            self._images.clear()
            self._judged.clear()

    def _on_item(self, message: batsort.BeltItem) -> None:
        self._state.lives.take(item_of(message))

    def _on_belt(self, message: batsort.BeltState) -> None:
        self._state.reading = reading_of(message)

    def _on_bins(self, message: batsort.BinStates) -> None:
        self._state.fills = {
            bin.name: Fill(bin.in_bag, bin.capacity, bin.full) for bin in message.bins
        }

    def _on_cell(self, message: batsort.CellState) -> None:
        why = f": {message.reason}" if message.reason else ""
        self._state.cell_state = f"{message.state}{why}"

    def _on_verdict(self, message: batsort.BatteryClassification) -> None:
        self._state.lives.take(verdict_of(message))
        exposed, ready = stamp_of(message.header.stamp), stamp_of(message.verdict_stamp)
        self._watch.on_verdict(exposed, ready)
        if "camera/image_raw" in self._listening:
            self._judged[exposed] = message
            while len(self._judged) > KEPT_IMAGES:
                del self._judged[next(iter(self._judged))]
            self._draw_known()

    def _on_decision(self, message: batsort.SortDecision) -> None:
        self._state.lives.take(decision_of(message))
        self._draw_known()

    def _on_event(self, message: batsort.EjectEvent) -> None:
        self._state.on_ejected(ejected_of(message), message.valve)

    def _on_outcome(self, message: batsort.ItemOutcome) -> None:
        settled = settled_of(message)
        self._state.lives.take(settled)
        self._watch.on_outcome(settled)

    def _on_recipe(self, message: batsort.Recipe) -> None:
        self._threshold = message.threshold

    def _on_image(self, message: Image) -> None:
        self._images[stamp_of(message.header.stamp)] = (time.monotonic(), message)
        while len(self._images) > KEPT_IMAGES:
            self._images.popitem(last=False)
        self._draw_known()

    def _draw_known(self) -> None:
        """Images whose item is judged and decided."""
        for stamp in list(self._images):
            verdict = self._judged.get(stamp)
            life = self._state.lives.get(verdict.item_id) if verdict else None
            if life is not None and life.decision is not None:
                self._draw(stamp)

    def _publish_waiting(self) -> None:
        """Images that have waited long enough."""
        before = time.monotonic() - UNDECIDED_S
        for stamp in [stamp for stamp, (came, _) in self._images.items() if came < before]:
            self._draw(stamp)

    def _draw(self, stamp: int) -> None:
        _, image = self._images.pop(stamp)
        verdict = self._judged.pop(stamp, None)
        try:
            pixels = to_rgb(image)
        except ImageError as error:
            self.get_logger().warning(f"camera/image_raw: {error}", throttle_duration_sec=1.0)
            return
        caption = self._caption(verdict) if verdict else None
        message = to_message(annotate(pixels, caption, self._threshold))
        message.header = image.header
        self._annotated.publish(message)
        self._drawn.passed(time.monotonic())

    def _caption(self, verdict: batsort.BatteryClassification) -> Caption:
        roi, life = verdict.roi, self._state.lives.get(verdict.item_id)
        plan, colour = "not decided yet", UNDECIDED
        if life is not None and life.decision is not None:
            bin = life.decision.bin
            colour = self._colours.get(bin, UNDECIDED)
            plan = f"{bin} ({life.decision.reason})"
        return Caption(
            (roi.x_offset, roi.y_offset, roi.width, roi.height),
            verdict.type,
            verdict.confidence,
            plan,
            colour,
        )

    def _publish_markers(self) -> None:
        now = time.monotonic()
        moving = self._marks.moving(self._state)
        markers = [self._marker(mark, 3 * self._period) for mark in moving]
        if now - self._still_sent >= SLOW_S:
            self._still_sent = now
            markers += self._still
        self._markers.publish(MarkerArray(markers=markers))
        self._sent.passed(now)

    def _publish_figures(self) -> None:
        now = time.monotonic()
        if now - self._figures_sent < SLOW_S:
            return
        self._figures_sent = now
        stamp = self.get_clock().now()
        message = batsort.ViewFigures(**self._watch.figures(stamp.nanoseconds)._asdict())
        message.header.stamp = stamp.to_msg()
        self._figures.publish(message)

    def _marker(self, mark: Mark, lifetime_s: float) -> Marker:
        """`lifetime_s` 0.0: without end. Stamps are left at 0: valid at any time."""
        marker = Marker(
            ns=mark.group,
            id=mark.number,
            type=SHAPES[mark.kind],
            color=ColorRGBA(**dict(zip("rgb", mark.colour, strict=True)), a=mark.alpha),
            text=mark.text,
            points=[Point(x=x, y=y, z=z) for x, y, z in mark.points],
            lifetime=Duration(nanosec=round(1e9 * lifetime_s)),
        )
        marker.header.frame_id = CELL
        place, size = marker.pose.position, marker.scale
        place.x, place.y, place.z = mark.xyz
        size.x, size.y, size.z = map(float, mark.size)
        marker.pose.orientation = _quaternion(mark.turn)
        return marker

    def _health(self) -> Health:
        looking = {"looked at": ", ".join(sorted(self._listening)) or "by nobody"}
        return Health(looking, flows=(self._drawn, self._sent))


def frames(cell: CellDescription, now: RosTime) -> list[TransformStamped]:
    """Every frame of the cell in its parent's."""
    found = []
    for link in links(cell):
        frame = TransformStamped(child_frame_id=link.name)
        frame.header.frame_id = link.parent
        frame.header.stamp = now.to_msg()
        x, y, z = link.xyz
        frame.transform.translation = Vector3(x=x, y=y, z=z)
        frame.transform.rotation = _quaternion(quaternion(link.rpy))
        found.append(frame)
    return found


def _quaternion(turn: tuple[float, float, float, float]) -> Quaternion:
    x, y, z, w = turn
    return Quaternion(x=x, y=y, z=z, w=w)


def main() -> None:
    sys.exit(run(Viewer))
