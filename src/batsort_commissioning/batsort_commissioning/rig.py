"""The station on ROS: one node in place of supervisor, belt node and ejector.

A thread of its own spins it; the walk calls it and waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from sensor_msgs.msg import Image

from batsort_commissioning.station import RigError, Station
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import EjectResult, Item
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_graph.from_messages import stamp_of
from batsort_graph.heartbeat import trouble_of
from batsort_graph.image_bridge import to_rgb
from batsort_graph.to_messages import BELT_FRAME, reading_message, shot_message
from batsort_graph.topics import DIAGNOSTICS, publisher, subscription
from batsort_interfaces.msg import (
    BarrierEdge,
    BeltCommand,
    BinArrival,
    CaptureRequest,
    CellState,
    EjectEvent,
    EncoderCount,
    EStop,
)
from batsort_supervision.packml import State

PERIOD_S = 0.1
LOOK_S = 0.01
SILENCE_S = 2.0
"""Of the encoder, after which nothing goes on."""
UP_S = 30.0
"""Until backend and camera have to be there."""
TOLD_S = 5.0
"""Until the twin has told its belt's travel anew."""


class Rig(Station):
    """The running cell; `close` stops belt and valves."""

    def __init__(
        self, cell: CellDescription, namespace: str, launch_ended: Callable[[], str | None]
    ) -> None:
        """`launch_ended` says why the launch is over, or nothing while it runs."""
        super().__init__(cell)
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        self._node = node = Node(
            "commission", context=self._context, namespace=namespace, start_parameter_services=False
        )
        self._launch_ended = launch_ended
        self._velocity = 0.0
        self._armed = False
        self._heard = 0.0
        self._pressed = False
        self._troubles: dict[str, str] = {}
        self._twin: dict[str, str] = {}
        self._fired: dict[int, Shot] = {}
        self._state = publisher(node, "cell/state")
        self._belt = publisher(node, "belt/command")
        self._readings = publisher(node, "belt/state")
        self._requests = publisher(node, "camera/request")
        self._shots = publisher(node, "ejector/commands")
        self._change = node.create_client(ChangeState, "camera/change_state")
        subscription(node, "belt/encoder", self._on_encoder)
        subscription(node, "belt/barrier", self._on_edge)
        subscription(node, "bins/arrivals", self._on_arrival)
        subscription(node, "ejector/events", self._on_end)
        subscription(node, "camera/image_raw", self._on_picture)
        subscription(node, "cell/estop", self._on_estop)
        node.create_subscription(
            DIAGNOSTICS.type, DIAGNOSTICS.name, self._on_diagnostics, DIAGNOSTICS.qos
        )
        node.create_timer(PERIOD_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, name="commission", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the belt, disable the valves, and end."""
        self.run(0.0)
        self.arm(False)
        self._context.try_shutdown()
        self._thread.join(timeout=5.0)

    def up(self) -> None:
        """Wait until the backend is heard, and activate the camera."""
        self.wait(lambda: self._heard > 0.0, UP_S, "the backend is not heard", silent=True)
        self.wait(self._change.service_is_ready, UP_S, "node camera is not there")
        for step in (Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
            request = ChangeState.Request()
            request.transition.id = step
            future = self._change.call_async(request)
            self.wait(future.done, UP_S, "node camera does not answer")
            if not future.result().success:
                raise RigError("node camera can't be started; see its lines in nodes.log")

    def run(self, velocity: float) -> None:
        self._velocity = velocity
        self._tell()

    def arm(self, armed: bool) -> None:
        self._armed = armed
        self._tell()

    def expose(self, item: Item, count: int, number: int) -> None:
        request = CaptureRequest(item_id=item.id + number, epoch=item.epoch, count=count)
        request.header.stamp = self._node.get_clock().now().to_msg()
        request.header.frame_id = BELT_FRAME
        self._requests.publish(request)

    def shoot(self, shot: Shot) -> None:
        self._fired[shot.item_id] = shot
        self._shots.publish(shot_message(shot, self._node.get_clock().now().to_msg()))

    def travel(self) -> float:
        # What was told last may be of a moment before the belt stood.
        before = self._twin
        self.wait(lambda: self._twin is not before, TOLD_S, "the twin is not heard")
        return float(self._twin["belt_travel_m"])

    def pause(self, silent: bool = False) -> float:
        begin = time.monotonic()
        self._check(silent)
        time.sleep(LOOK_S)
        return time.monotonic() - begin

    def _check(self, silent: bool) -> None:
        ended = self._launch_ended()
        if ended is not None:
            raise RigError(f"the launch has ended: {ended}; see nodes.log")
        if self._pressed:
            raise RigError("the emergency stop is pressed; release it, then begin anew")
        for node, trouble in list(self._troubles.items()):
            raise RigError(f"node {node}: {trouble}")
        if not silent and time.monotonic() - self._heard > SILENCE_S:
            raise RigError("the encoder is not heard any more; see the backend")

    def _tell(self) -> None:
        stamp = self._node.get_clock().now().to_msg()
        running = self._velocity > 0.0
        message = CellState(
            state=(State.EXECUTE if running else State.IDLE).value,
            belt_enabled=running,
            valves_enabled=self._armed and running,
        )
        message.header.stamp = stamp
        command = BeltCommand(run=running, velocity=self._velocity)
        command.header.stamp = stamp
        with self._lock:
            self._state.publish(message)
            self._belt.publish(command)

    def _on_encoder(self, message: EncoderCount) -> None:
        stamp = stamp_of(message.header.stamp)
        reading = self.sampled(EncoderSample(stamp, message.epoch, message.count))
        self._heard = time.monotonic()
        self._readings.publish(reading_message(reading, BELT_FRAME))

    def _on_edge(self, message: BarrierEdge) -> None:
        stamp = stamp_of(message.header.stamp)
        self.crossed(Edge(stamp, message.epoch, message.count, message.blocked))

    def _on_arrival(self, message: BinArrival) -> None:
        stamp = stamp_of(message.header.stamp)
        self.arrivals.append(Arrival(stamp, message.epoch, message.bin, message.count))

    def _on_end(self, message: EjectEvent) -> None:
        shot = self._fired.get(message.item_id)
        if shot is not None:
            self.ends[message.item_id] = ShotEnd(
                shot,
                EjectResult(message.result),
                stamp_of(message.header.stamp),
                message.epoch,
                message.actual_count,
                message.detail,
            )

    def _on_picture(self, message: Image) -> None:
        self.pictures.append((stamp_of(message.header.stamp), to_rgb(message)))

    def _on_estop(self, message: EStop) -> None:
        self._pressed = message.pressed

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        prefix = f"{self._node.get_namespace().rstrip('/')}/"
        for status in message.status:
            whole = status.name.partition(":")[0]
            name = whole.removeprefix(prefix)
            if name == whole or "/" in name:
                continue  # of another cell
            if name == "twin":
                self._twin = {pair.key: pair.value for pair in status.values}
            trouble = trouble_of(status)
            # The camera's are those of missed pictures; the walk counts these itself.
            if status.level >= DiagnosticStatus.ERROR and trouble and name != "camera":
                self._troubles[name] = str(trouble)
            else:
                self._troubles.pop(name, None)

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()
