"""Node `recorder`: every topic of the cell and every parameter of its nodes, into an MCAP bag."""

from __future__ import annotations

import signal
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from rcl_interfaces.msg import ParameterEvent
from rclpy.callback_groups import CallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.serialization import serialize_message
from rclpy.subscription import Subscription
from rosbags.interfaces import Connection

from batsort_bags.compression import COMPRESSIONS, compressed
from batsort_bags.types import typestore
from batsort_bags.writer import BagWriter, ReceiptClock, RecordingError
from batsort_core.flow import Flow
from batsort_core.trouble import Trouble
from batsort_files.documents import ConfigurationError, path_of
from batsort_graph.configuration import Parameter, declare
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.images import ImageError
from batsort_graph.run import run
from batsort_graph.topics import DIAGNOSTICS, QUIET, READER, TOPICS, TWIN, Topic
from batsort_nodes.parameters import EVENTS, ParameterWatch

PARAMETERS = (
    Parameter(
        "path", "", "Folder of the bag, which must not exist; empty: batsort_<time> where it runs."
    ),
    Parameter(
        "images",
        "raw",
        "How images are recorded: as they are sent, as PNG (keeps every pixel), as JPEG (small, "
        "but lossy), or not at all.",
        choices=("raw", *COMPRESSIONS, "off"),
    ),
)
IMAGES = TOPICS["camera/image_raw"]
SOURCE = TOPICS["camera/source"]
"""Not recorded: what was asked for of it comes on camera/image_raw, with its pixels and stamp."""
TRUTH = TWIN["twin/truth"]
RECORDED = (
    *(topic for topic in TOPICS.values() if topic is not SOURCE),
    *READER.values(),
    TRUTH,
    DIAGNOSTICS,
)
DEPTH = 1000
IMAGE_DEPTH = 50
"""Messages that may wait while the disk is busy: at least five seconds of each topic."""
COMPRESSED = "sensor_msgs/msg/CompressedImage"
POLL_S = 0.05
FLUSH_S = 0.5
PATIENCE_S = 5.0
"""How long the cell waits for publishers that may never come."""


class Recorder(Node):
    """Writes serialized messages untouched, in the order and with the time of their receipt."""

    def __init__(self) -> None:
        super().__init__("recorder")
        declare(self, PARAMETERS)
        path = self.get_parameter("path").value
        path = path_of("path", path or f"batsort_{datetime.now():%Y%m%d_%H%M%S}")
        try:
            self._bag = BagWriter(path)
        except RecordingError as error:
            raise ConfigurationError(f"path: {error}; allowed: a new folder") from None
        self._receipt = ReceiptClock()
        self._taken: list[tuple[int, Connection, bytes]] = []
        self._messages = Flow("messages")
        self._unread = self._fault = ""
        self._inputs = self._listen(self.get_parameter("images").value)
        self._events = self._bag.add(EVENTS.name, type_name(EVENTS), EVENTS.depth)
        self._watch = ParameterWatch(self, self._on_parameters)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self._poller = self.create_timer(POLL_S, self._poll, clock=steady)
        self.create_timer(FLUSH_S, self._flush, clock=steady)
        self._began = time.monotonic()
        self._heartbeat: Heartbeat | None = None
        self.get_logger().info(f"recording to {path}")

    def destroy_node(self) -> None:
        """Close the bag: only then has it its index."""
        if not self._bag.closed:
            self._poll()
        try:
            self._bag.close()
        except RecordingError as error:
            print(error, file=sys.stderr, flush=True)
        super().destroy_node()

    def _listen(self, images: str) -> list[_Input]:
        group = _Polled()
        inputs = []
        for topic in RECORDED:
            name, kind, compression, depth = topic.name, type_name(topic), "", DEPTH
            if topic is IMAGES:
                depth = IMAGE_DEPTH
                if images == "off":
                    continue
                if images in COMPRESSIONS:
                    name, kind, compression = f"{name}/compressed", COMPRESSED, images
            name = self.resolve_topic_name(name)
            qos = topic.qos
            qos.depth = depth
            subscription = self.create_subscription(
                topic.type,
                topic.name,
                lambda data: None,
                qos,
                callback_group=group,
                event_callbacks=SubscriptionEventCallbacks(**QUIET),
                raw=True,
            )
            connection = self._bag.add(name, kind, topic.depth, topic.latched)
            inputs.append(_Input(topic, subscription, connection, compression))
        return inputs

    def _poll(self) -> None:
        for source in self._inputs:
            self._take(source)
        taken, self._taken = self._taken, []
        taken.sort(key=itemgetter(0))
        try:
            for received, connection, data in taken:
                self._bag.write(connection, self._receipt.stamp(received), data)
                self._messages.passed(time.monotonic())
        except RecordingError as error:
            self._end(str(error))

    def _take(self, source: _Input) -> None:
        handle = source.subscription.handle
        with handle:
            while (taken := handle.take_message(source.topic.type, True)) is not None:
                data, info = taken
                source.count(info["publication_sequence_number"])
                try:
                    data = compress(data, source.compression) if source.compression else data
                except ImageError as error:
                    self._unread = f"{source.topic.name}: not recorded: {error}"
                    continue
                self._taken.append((info["received_timestamp"], source.connection, data))

    def _on_parameters(self, event: ParameterEvent) -> None:
        self._taken.append((time.time_ns(), self._events, serialized(event)))

    def _flush(self) -> None:
        try:
            if not self._bag.closed:
                self._bag.flush()
        except RecordingError as error:
            self._end(str(error))
        waited = time.monotonic() - self._began
        if self._heartbeat is None and (waited > PATIENCE_S or not self._unheard()):
            # The supervisor lets the cell begin when it hears this.
            self._heartbeat = Heartbeat(self, self._health)

    def _unheard(self) -> list[str]:
        """Those of the table that nobody publishes."""
        return [
            source.topic.name
            for source in self._inputs
            if source.topic.name in TOPICS and not source.subscription.get_publisher_count()
        ]

    def _end(self, fault: str) -> None:
        """The cell sorts on without us."""
        self._fault = fault
        self.get_logger().error(fault)
        while self._inputs:
            self.destroy_subscription(self._inputs.pop().subscription)
        self._watch.close()
        self._poller.cancel()

    def _health(self) -> Health:
        values, flows = {"bag": self._bag.path}, (self._messages,)
        if self._fault:
            fault = Trouble(self._fault, "make room, then record anew")
            return Health(values, fault=fault, flows=flows)
        warnings = [f"{one.lost} lost of {one.topic.name}" for one in self._inputs if one.lost]
        warnings += [f"nobody publishes {name}" for name in self._unheard()]
        warnings += [self._unread] if self._unread else []
        return Health(values, "; ".join(warnings), flows=flows)


@dataclass
class _Input:
    """One topic on its way into the bag."""

    topic: Topic
    subscription: Subscription
    connection: Connection
    compression: str
    number: int = 0
    """Of the newest message, as its publisher counts them."""
    lost: int = 0

    def count(self, number: int | None) -> None:
        """What is skipped is lost; a publisher that begins anew is another one."""
        if number is None or self.topic.publisher == "all":
            return
        if self.number:
            self.lost += max(0, number - self.number - 1)
        self.number = number


class _Polled(CallbackGroup):
    """What the executor leaves alone: waking for each of 300 messages a second costs the most."""

    def can_execute(self, entity: Any) -> bool:
        return False

    def beginning_execution(self, entity: Any) -> bool:
        return False

    def ending_execution(self, entity: Any) -> None:
        return


def type_name(topic: Topic) -> str:
    """As bags have it: package/msg/Type."""
    return f"{topic.type.__module__.split('.')[0]}/msg/{topic.type.__name__}"


def serialized(event: ParameterEvent) -> bytes:
    """Without the bytes that rclpy leaves behind a message, which readers refuse."""
    data = serialize_message(event)
    types = typestore()
    kind = types.get_msgdef(type_name(EVENTS))
    _, size = kind.deserialize_cdr_le(memoryview(data)[4:], 0, kind.cls, types)
    return data[: 4 + size]


def compress(data: bytes, compression: str) -> bytes:
    """A serialized sensor_msgs/CompressedImage of a serialized Image. Raises ImageError."""
    types = typestore()
    image = types.deserialize_cdr(data, type_name(IMAGES))
    return bytes(types.serialize_cdr(compressed(image, compression), COMPRESSED))


def main() -> None:
    # rclpy ends the node by its own handler; Python's would also break off a write.
    signal.signal(signal.SIGINT, lambda *_: None)
    sys.exit(run(Recorder))
