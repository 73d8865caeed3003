"""Every topic of a cell in one table: name, type, quality of service, who publishes, who listens.

Nodes make their publishers and subscriptions from this table only, so that it, the README and the
running graph can't drift apart (a test holds them together). Names are relative: one namespace a
cell. `backend` stands for whatever has the sensors and valves: the twin, Gazebo, real drivers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image

from batsort_core.links import Links, identity
from batsort_interfaces import msg as batsort

QUIET = {"use_default_callbacks": False}
"""rclpy's own event handlers are rebuilt at every wait of the executor, for a warning or two."""


@dataclass(frozen=True)
class Topic:
    """One topic; all are reliable, `latched` ones (transient local) also reach late subscribers."""

    name: str
    type: type
    depth: int
    publisher: str
    subscribers: tuple[str, ...]
    latched: bool = False

    @property
    def qos(self) -> QoSProfile:
        durability = DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE
        return QoSProfile(depth=self.depth, durability=durability)


TOPICS = {
    topic.name: topic
    for topic in (
        Topic("camera/source", Image, 5, "backend", ("camera",)),
        Topic("camera/request", batsort.CaptureRequest, 10, "belt", ("camera", "backend")),
        Topic("camera/image_raw", Image, 5, "camera", ("classifier",)),
        Topic("camera/camera_info", CameraInfo, 5, "camera", ()),
        Topic("belt/encoder", batsort.EncoderCount, 100, "backend", ("belt",)),
        Topic("belt/barrier", batsort.BarrierEdge, 50, "backend", ("belt",)),
        Topic(
            "belt/state",
            batsort.BeltState,
            10,
            "belt",
            ("camera", "classifier", "ejector", "bins", "supervisor"),
        ),
        Topic("belt/items", batsort.BeltItem, 100, "belt", ("classifier", "ejector", "bins"), True),
        Topic("belt/command", batsort.BeltCommand, 1, "supervisor", ("belt", "backend"), True),
        Topic(
            "classifications",
            batsort.BatteryClassification,
            100,
            "classifier",
            ("ejector",),
            True,
        ),
        Topic("classifier/bundle", batsort.ModelBundle, 1, "classifier", (), True),
        Topic("items/decisions", batsort.SortDecision, 100, "ejector", ("bins",), True),
        Topic("ejector/recipe", batsort.Recipe, 1, "ejector", (), True),
        Topic("ejector/input_order", batsort.InputOrder, 100, "ejector", ()),
        Topic("ejector/commands", batsort.EjectCommand, 100, "ejector", ("backend",), True),
        Topic("ejector/events", batsort.EjectEvent, 100, "backend", ("ejector", "bins"), True),
        Topic("bins/arrivals", batsort.BinArrival, 100, "backend", ("ejector", "bins"), True),
        Topic("items/outcomes", batsort.ItemOutcome, 100, "bins", (), True),
        Topic("bins/state", batsort.BinStates, 1, "bins", ("supervisor",), True),
        Topic("cell/estop", batsort.EStop, 1, "backend", ("supervisor",), True),
        Topic("cell/info", batsort.CellInfo, 1, "supervisor", (), True),
        Topic(
            "cell/state",
            batsort.CellState,
            1,
            "supervisor",
            ("camera", "ejector", "bins", "backend"),
            True,
        ),
    )
}
"""Keyed by name. The recorder may listen to any of them; /diagnostics is everybody's."""

DIAGNOSTICS = Topic("/diagnostics", DiagnosticArray, 10, "all", ("supervisor",))


def publisher(node: Node, name: str) -> Any:
    """Make the publisher of a topic in the table."""
    topic = TOPICS[name]
    return node.create_publisher(
        topic.type, topic.name, topic.qos, event_callbacks=PublisherEventCallbacks(**QUIET)
    )


def subscription(node: Node, name: str, callback: Callable[[Any], None]) -> Any:
    """Subscribe to a topic in the table; a message that can't be is refused with one warning."""
    topic = TOPICS[name]

    def take(message: Any) -> None:
        try:
            callback(message)
        except ValueError as error:
            node.get_logger().warning(f"{name}: refused: {error}", throttle_duration_sec=1.0)

    return node.create_subscription(
        topic.type,
        topic.name,
        take,
        topic.qos,
        event_callbacks=SubscriptionEventCallbacks(**QUIET),
    )


def links(node: Node) -> Links:
    """Say who reads what `node` publishes, and what it listens to itself."""
    topics = {node.resolve_topic_name(name): name for name in TOPICS}
    name, namespace = node.get_name(), node.get_namespace()
    own = [
        info.endpoint_gid
        for topic in (DIAGNOSTICS.name, "/parameter_events")
        for info in node.get_publishers_info_by_topic(topic)
        if (info.node_name, info.node_namespace) == (name, namespace)
    ]
    heard = {
        topics[publisher.topic_name]: frozenset(
            identity([info.endpoint_gid])
            for info in node.get_subscriptions_info_by_topic(publisher.topic_name)
        )
        for publisher in node.publishers
        if publisher.topic_name in topics
    }
    listens = {topics[s.topic_name] for s in node.subscriptions if s.topic_name in topics}
    return Links(identity(own), frozenset(listens), heard)
