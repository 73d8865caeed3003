"""Every topic and service of a cell: name, type, quality of service, who publishes, who listens.

Nodes make publishers, subscriptions and services from these tables only, so that they, the README
and the running graph can't drift apart (a test holds them together). Names are relative: one
namespace a cell. `backend` stands for whatever has the sensors and valves: the twin, Gazebo, real
drivers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from batsort_interfaces import msg as batsort
from batsort_interfaces.srv import AssignTypes, LoadBundle, NewBag
from batsort_supervision.links import Links, identity

QUIET = {"use_default_callbacks": False}
"""rclpy's own event handlers are rebuilt at every wait of the executor, for a warning or two."""


@dataclass(frozen=True)
class Topic:
    """One topic; `latched` ones (transient local) also reach late subscribers."""

    name: str
    type: type
    depth: int
    publisher: str
    subscribers: tuple[str, ...]
    latched: bool = False
    reliable: bool = True

    @property
    def qos(self) -> QoSProfile:
        durability = DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE
        reliability = ReliabilityPolicy.RELIABLE if self.reliable else ReliabilityPolicy.BEST_EFFORT
        return QoSProfile(depth=self.depth, durability=durability, reliability=reliability)

    @property
    def quality(self) -> str:
        """The quality of service, for people."""
        reliability = "reliable" if self.reliable else "best effort"
        return f"{reliability} {self.depth}{', latched' if self.latched else ''}"


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


@dataclass(frozen=True)
class Service:
    """One service, relative to the cell's namespace like topics."""

    name: str
    type: type
    node: str
    does: str
    """For people, in a few words."""


SERVICES = {
    service.name: service
    for service in (
        Service("cell/start", Trigger, "supervisor", "starts sorting; also leaves a hold"),
        Service("cell/stop", Trigger, "supervisor", "ends sorting in order"),
        Service("cell/hold", Trigger, "supervisor", "stops the belt until `cell/start`"),
        Service("cell/reset", Trigger, "supervisor", "makes a stopped cell ready to start"),
        Service("cell/clear", Trigger, "supervisor", "leaves `aborted` when the cause is gone"),
        Service("cell/abort", Trigger, "supervisor", "stops at once, as an emergency stop does"),
        Service(
            "ejector/assign_types",
            AssignTypes,
            "ejector",
            "other types for a bin, from the next item on",
        ),
        Service(
            "classifier/load_bundle",
            LoadBundle,
            "classifier",
            "another model; the old one stays where the new one does not fit",
        ),
        Service("bins/new_bag", NewBag, "bins", "a full bag was replaced"),
    )
}
"""Keyed by name."""

READER = {
    topic.name: topic
    for topic in (Topic("readings", batsort.PrintReading, 100, "reader", ("ejector",), True),)
}
"""What the reader, where there is one, tells of print; heard where print has a veto."""

VIEW = {
    topic.name: topic
    for topic in (
        Topic("view/markers", MarkerArray, 10, "viewer", ()),
        Topic("view/image_annotated", Image, 5, "viewer", ()),
        Topic("view/figures", batsort.ViewFigures, 10, "viewer", ()),
        Topic("robot_description", String, 1, "viewer", (), True),
    )
}
"""What the viewer, where there is one, makes of the others for people; it is not recorded."""

TWIN = {
    topic.name: topic
    for topic in (
        Topic("twin/truth", batsort.ItemTruth, 100, "backend", ()),
        Topic("twin/faults", batsort.TwinFault, 100, "backend", (), True),
    )
}
"""Ground truth and injected faults, as the twin or a replayed bag tells them; no node may know."""
REPAIR = Service("twin/repair", Trigger, "twin", "ends every injected fault that lasts")

DIAGNOSTICS = Topic("/diagnostics", DiagnosticArray, 10, "all", ("supervisor",))


def publisher(node: Node, name: str) -> Any:
    """Make the publisher of a topic in the tables."""
    topic = (TOPICS | READER | VIEW | TWIN)[name]
    return node.create_publisher(
        topic.type, topic.name, topic.qos, event_callbacks=PublisherEventCallbacks(**QUIET)
    )


def subscription(node: Node, name: str, callback: Callable[[Any], None]) -> Any:
    """Subscribe to a topic in the table; a message that can't be is refused with one warning."""
    topic = (TOPICS | READER)[name]

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


def service(node: Node, name: str, callback: Callable[[Any, Any], Any]) -> Any:
    """Offer a service of the table."""
    return node.create_service(SERVICES[name].type, name, callback)


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
