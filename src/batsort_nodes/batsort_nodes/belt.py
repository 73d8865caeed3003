"""Node `belt`: encoder counts and barrier edges in, belt state, items and capture requests out."""

from __future__ import annotations

import sys
import time

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from batsort_core.belt import BeltError, BeltTracker, ItemDetector
from batsort_core.belt_watch import BeltWatch
from batsort_core.flow import Flow
from batsort_description.cell_file import load_cell
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import NS, stamp_of
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.run import run
from batsort_graph.to_messages import item_message, reading_message
from batsort_graph.topics import publisher, subscription
from batsort_interfaces.msg import BarrierEdge, BeltCommand, CaptureRequest, EncoderCount

PARAMETERS = (
    CELL_FILE,
    Parameter("frame_id", "belt_link", "Frame of the belt's messages."),
    Parameter("state_rate", 50.0, "Belt states published a second [Hz].", 10.0, 200.0),
    Parameter("encoder_timeout_s", 1.0, "Silence of the encoder that is a fault [s].", 0.05, 10.0),
    Parameter(
        "standing_timeout_s",
        0.5,
        "How long the belt may stand where it is told to run [s].",
        0.05,
        10.0,
    ),
)
LOOK_S = 0.1
QUIET_S = 0.5
"""Where stamps hardly advance, as in a replay that waits, the belt's state is said so often."""


class Belt(Node):
    """Knows where the belt is, names the items, and asks for an image of each."""

    def __init__(self) -> None:
        super().__init__("belt")
        declare(self, PARAMETERS)
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._frame_id = self.get_parameter("frame_id").value
        self._period = round(NS / self.get_parameter("state_rate").value)
        metres_per_count = self._cell.belt.metres_per_count
        self._tracker = BeltTracker(metres_per_count, self._cell.belt.max_velocity)
        self._detector = ItemDetector(self._cell.items, metres_per_count)
        self._camera_counts = self._cell.counts(self._cell.camera.distance)
        self._watch = BeltWatch(
            self._cell,
            self._tracker,
            self._detector,
            self.get_parameter("encoder_timeout_s").value,
            self.get_parameter("standing_timeout_s").value,
        )
        self._published = 0
        self._said = time.monotonic()
        self._refused = 0
        self._samples, self._passed = Flow("encoder samples"), Flow("items")
        self._state = publisher(self, "belt/state")
        self._items = publisher(self, "belt/items")
        self._requests = publisher(self, "camera/request")
        subscription(self, "belt/encoder", self._on_encoder)
        subscription(self, "belt/barrier", self._on_edge)
        if not self.get_parameter("use_sim_time").value:
            # In a replay the belt runs as it was told then.
            subscription(self, "belt/command", self._on_command)
        self._heartbeat = Heartbeat(self, self._health)
        # Silence has to be noticed where nothing comes in any more.
        self.create_timer(LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _on_encoder(self, message: EncoderCount) -> None:
        stamp = stamp_of(message.header.stamp)
        now, previous = time.monotonic(), self._tracker.latest
        try:
            reading = self._tracker.add(stamp, message.epoch, message.count)
        except BeltError as error:
            self._watch.refused(str(error))
            self._refused += 1
            self.get_logger().warning(f"belt/encoder: {error}", throttle_duration_sec=1.0)
            return
        self._samples.passed(now)
        self._watch.reading(now, reading, previous)
        self._heartbeat.tell(self._watch.trouble(now))
        due = abs(stamp - self._published) >= self._period
        if due or now - self._said > QUIET_S:
            self._said = now
            # Keep the phase, so that 100 Hz samples give 50 Hz states whatever their jitter.
            late = (stamp - self._published) % self._period
            self._published = stamp - late if self._published else stamp
            self._state.publish(reading_message(reading, self._frame_id))

    def _on_edge(self, message: BarrierEdge) -> None:
        stamp = stamp_of(message.header.stamp)
        self._watch.edge(message.epoch, message.count, message.blocked)
        item = self._detector.on_edge(stamp, message.epoch, message.count, message.blocked)
        if item is None:
            return
        self._passed.passed(time.monotonic())
        self._items.publish(item_message(item, self._cell.belt.metres_per_count, self._frame_id))
        request = CaptureRequest(
            item_id=item.id, epoch=item.epoch, count=item.count + self._camera_counts
        )
        request.header.stamp = message.header.stamp
        request.header.frame_id = self._frame_id
        self._requests.publish(request)

    def _on_command(self, message: BeltCommand) -> None:
        self._watch.command(message.run, message.velocity, message.moved)

    def _look(self) -> None:
        self._heartbeat.tell(self._watch.trouble(time.monotonic()))

    def _health(self) -> Health:
        reading = self._tracker.latest
        values = {
            "velocity [m/s]": f"{reading.velocity:.3f}" if reading else "unknown",
            "position [m]": f"{reading.position:.3f}" if reading else "unknown",
            "encoder samples refused": self._refused,
            **{f"barrier {name}": count for name, count in self._detector.faults.items()},
        }
        trouble = self._watch.trouble(time.monotonic())
        return Health(values, self._watch.warning, trouble, (self._samples, self._passed))


def main() -> None:
    sys.exit(run(Belt))
