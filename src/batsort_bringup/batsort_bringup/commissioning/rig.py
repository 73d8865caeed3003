"""The cell as commissioning has it: in place of supervisor, belt node and ejector, one node.

It lets the belt run, asks for pictures and fires single shots, and keeps what the sensors say. A
thread of its own spins it; the walk calls it and waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from batsort_bags.messages import stamp_of
from batsort_core.belt import BeltError, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.items import Item
from batsort_core.packml import State
from batsort_core.sorter import Shot
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
from batsort_nodes.convert import BELT_FRAME, reading_message, shot_message
from batsort_nodes.heartbeat import trouble_of
from batsort_nodes.topics import DIAGNOSTICS, publisher, subscription

PERIOD_S = 0.1
LOOK_S = 0.01
SILENCE_S = 2.0
"""Of the encoder, after which nothing goes on."""
UP_S = 30.0
"""Until backend and camera have to be there."""
STANDING_S = 0.3
"""Without a count more, the belt stands."""


class RigError(RuntimeError):
    """What keeps the walk from going on; one line with cause and cure."""


class Rig(Node):
    """Belt and valves are off at first. Raises RigError from every wait that can't end well."""

    def __init__(
        self, cell: CellDescription, namespace: str, launch_ended: Callable[[], str | None]
    ) -> None:
        """`launch_ended` says why the launch is over, or nothing while it runs."""
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        super().__init__(
            "commission", context=self._context, namespace=namespace, start_parameter_services=False
        )
        self._cell = cell
        self._launch_ended = launch_ended
        self._tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self._detector = ItemDetector(cell.items, cell.belt.metres_per_count)
        self._lock = threading.RLock()
        self._velocity = 0.0
        self._armed = False
        self._heard = 0.0
        self._pressed = False
        self._troubles: dict[str, str] = {}
        self.told: dict[str, dict[str, str]] = {}
        """What each node of the cell says in /diagnostics, by its name."""
        self.items: list[Item] = []
        """In order; new ones are added at the end, as in all of these."""
        self.arrivals: list[BinArrival] = []
        self.ends: dict[int, EjectEvent] = {}
        """Of shots, by item."""
        self.pictures: list[Any] = []
        self._state = publisher(self, "cell/state")
        self._belt = publisher(self, "belt/command")
        self._readings = publisher(self, "belt/state")
        self._requests = publisher(self, "camera/request")
        self._shots = publisher(self, "ejector/commands")
        self._change = self.create_client(ChangeState, "camera/change_state")
        subscription(self, "belt/encoder", self._on_encoder)
        subscription(self, "belt/barrier", self._on_edge)
        subscription(self, "bins/arrivals", self._on_arrival)
        subscription(self, "ejector/events", self._on_end)
        subscription(self, "camera/image_raw", self._on_picture)
        subscription(self, "cell/estop", self._on_estop)
        self.create_subscription(
            DIAGNOSTICS.type, DIAGNOSTICS.name, self._on_diagnostics, DIAGNOSTICS.qos
        )
        self.create_timer(PERIOD_S, self._tell, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self)
        self._thread = threading.Thread(target=self._spin, name="commission", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the belt, disable the valves, and end."""
        self.run(0.0)
        self.arm(False)
        self._tell()
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
        """Let the belt run [m/s]; 0: let it stand."""
        self._velocity = velocity
        self._tell()

    def arm(self, armed: bool) -> None:
        """Let the valves fire, or not."""
        self._armed = armed
        self._tell()

    def expose(self, item: Item, count: int, number: int) -> None:
        """Ask for the `number`th picture of an item, at that count."""
        request = CaptureRequest(item_id=item.id + number, epoch=item.epoch, count=count)
        request.header.stamp = self.get_clock().now().to_msg()
        request.header.frame_id = BELT_FRAME
        self._requests.publish(request)

    def shoot(self, shot: Shot) -> None:
        """Fire one shot; its end will be in `ends`."""
        self._shots.publish(shot_message(shot, self.get_clock().now().to_msg()))

    @property
    def stamp(self) -> int:
        """Of the newest encoder count [ns]; 0: none yet."""
        latest = self._tracker.latest
        return latest.stamp if latest else 0

    @property
    def count(self) -> int:
        """The newest encoder count."""
        latest = self._tracker.latest
        return latest.count if latest else 0

    def count_at(self, stamp: int) -> float | None:
        """The count at a moment; None: not known."""
        with self._lock:
            try:
                return self._tracker.count_at(stamp)
            except BeltError:
                return None

    def counts_per_s(self, start: int, end: int) -> float:
        """Mean speed between two moments [counts/s]."""
        first, last = self.count_at(start), self.count_at(end)
        if first is None or last is None:
            raise RigError("the encoder's count was lost; see its wiring, then begin anew")
        return (last - first) / (end - start) * 1e9

    def stand(self) -> int:
        """Let the belt stand, and wait until it does; the count there."""
        self.run(0.0)
        since, count = self.stamp, self.count
        deadline = time.monotonic() + 20.0
        while self.stamp - since < STANDING_S * 1e9:
            self.check()
            if time.monotonic() > deadline:
                raise RigError("the belt does not stand; see its drive")
            time.sleep(LOOK_S)
            if self.count != count:
                since, count = self.stamp, self.count
        return count

    def steady(self, velocity: float) -> None:
        """Let the belt run, and wait until it does so evenly."""
        self.run(velocity)
        begin = self.stamp
        ramp = 2.0 * velocity / self._cell.belt.acceleration + 0.3
        self.wait(lambda: self.stamp - begin > ramp * 1e9, ramp + 20.0, "the encoder is silent")
        latest = self._tracker.latest
        if latest is None or not latest.moving:
            raise RigError("the encoder does not count while the belt is to run; see drive and A/B")

    def wait(
        self, reached: Callable[[], bool], seconds: float, what: str, silent: bool = False
    ) -> None:
        """Wait until it is so; `what` is the trouble where it is not in time."""
        deadline = time.monotonic() + seconds
        while not reached():
            self.check(silent)
            if time.monotonic() > deadline:
                raise RigError(f"{what} (waited {seconds:.0f} s)")
            time.sleep(LOOK_S)

    def check(self, silent: bool = False) -> None:
        """Raise RigError for what stands in the way now; `silent`: it need not be heard yet."""
        ended = self._launch_ended()
        if ended is not None:
            raise RigError(f"the launch has ended: {ended}; see nodes.log")
        if self._pressed:
            raise RigError("the emergency stop is pressed; release it, then begin anew")
        for node, trouble in self._troubles.items():
            raise RigError(f"node {node}: {trouble}")
        if not silent and time.monotonic() - self._heard > SILENCE_S:
            raise RigError("the encoder is not heard any more; see the backend")

    def _tell(self) -> None:
        stamp = self.get_clock().now().to_msg()
        running = self._velocity > 0.0
        state = State.EXECUTE if running or self._armed else State.IDLE
        message = CellState(
            state=state.value, belt_enabled=running, valves_enabled=self._armed and running
        )
        message.header.stamp = stamp
        command = BeltCommand(run=running, velocity=self._velocity)
        command.header.stamp = stamp
        with self._lock:
            self._state.publish(message)
            self._belt.publish(command)

    def _on_encoder(self, message: EncoderCount) -> None:
        with self._lock:
            reading = self._tracker.add(
                stamp_of(message.header.stamp), message.epoch, message.count
            )
        self._heard = time.monotonic()
        self._readings.publish(reading_message(reading, BELT_FRAME))

    def _on_edge(self, message: BarrierEdge) -> None:
        stamp = stamp_of(message.header.stamp)
        item = self._detector.on_edge(stamp, message.epoch, message.count, message.blocked)
        if item is not None:
            self.items.append(item)

    def _on_arrival(self, message: BinArrival) -> None:
        self.arrivals.append(message)

    def _on_end(self, message: EjectEvent) -> None:
        self.ends[message.item_id] = message

    def _on_picture(self, message: Any) -> None:
        self.pictures.append(message)

    def _on_estop(self, message: EStop) -> None:
        self._pressed = message.pressed

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        prefix = f"{self.get_namespace().rstrip('/')}/"
        for status in message.status:
            name = status.name.partition(":")[0]
            if not name.startswith(prefix):
                continue
            name = name.removeprefix(prefix)
            self.told[name] = {pair.key: pair.value for pair in status.values}
            trouble = trouble_of(status)
            # The camera's are those of missed pictures; the walk counts these itself.
            if status.level >= DiagnosticStatus.ERROR and trouble and name != "camera":
                self._troubles[name] = str(trouble)
            else:
                self._troubles.pop(name, None)

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()
