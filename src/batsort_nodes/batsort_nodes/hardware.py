"""Node `hardware`: the cell's backend with real sensors and valves, whatever they are wired to."""

from __future__ import annotations

import math
import queue
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from batsort_core.cell import CellDescription
from batsort_core.clock_watch import clock_warning
from batsort_core.flow import Flow
from batsort_core.trouble import Trouble
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError, load_document
from batsort_files.schema import FieldError
from batsort_graph.backend import EVENTS, shot_since
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.run import run
from batsort_graph.topics import publisher, subscription
from batsort_hardware.drivers import DRIVERS, opener
from batsort_hardware.protocols import Drivers, Event, SteadyStamps
from batsort_interfaces.msg import BeltCommand, CaptureRequest, CellState, EjectCommand, EStop

PARAMETERS = (
    CELL_FILE,
    Parameter(
        "driver",
        next(iter(DRIVERS)),
        f"What sensors and valves are wired to: {', or '.join(DRIVERS.values())}.",
        choices=tuple(DRIVERS),
    ),
    Parameter("hardware_file", "", "Addresses, pins and options of the driver (YAML)."),
)
FLOWS = {
    "belt/encoder": "encoder samples",
    "belt/barrier": "barrier edges",
    "bins/arrivals": "arrivals",
    "ejector/events": "shots",
}
"""What passes on each topic, in the diagnostics."""
SILENCE_S = 1.0
"""Without cell/state for that long, belt and valves are disabled."""
WATCH_S = 0.05
ESTOP_PERIOD_S = 0.4


class Hardware(Node):
    """Translates between drivers and topics; what drivers report comes from their threads."""

    def __init__(self) -> None:
        super().__init__("hardware")
        declare(self, PARAMETERS)
        cell = load_cell(self.get_parameter("cell_file").value)
        self._stamps = SteadyStamps()
        self._most_velocity = cell.belt.max_velocity
        self._state: CellState | None = None
        self._command = BeltCommand(velocity=cell.belt.velocity)
        self._heard = -math.inf
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._news = self.create_guard_condition(self._publish_events)
        self._out: dict[type, tuple[Any, Callable[[Any], Any], Flow]] = {
            event: (publisher(self, topic), message_of, Flow(FLOWS[topic]))
            for event, (topic, message_of) in EVENTS.items()
        }
        self._estop = publisher(self, "cell/estop")
        self._told_estop: tuple[float, bool | None] = (-math.inf, None)
        self._driver = self.get_parameter("driver").value
        self._drivers = self._open(cell)
        self._applying = threading.Lock()
        self._applied: tuple[bool, bool, float] = (False, False, 0.0)
        self._stopped = False
        """The emergency stop was pressed, and the cell has not stood since."""
        self._ended = threading.Event()
        subscription(self, "cell/state", self._on_state)
        subscription(self, "belt/command", self._on_command)
        subscription(self, "ejector/commands", self._on_shot)
        subscription(self, "camera/request", self._on_request)
        self._heartbeat = Heartbeat(self, self._health)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(WATCH_S, self._look, clock=steady)
        # A thread, since it also has to end what an executor that hangs would leave enabled.
        self._watch = threading.Thread(target=self._watch_silence, name="watch", daemon=True)
        self._watch.start()

    def destroy_node(self) -> None:
        """Shut the valves, stop the belt, and tell the end of what was open."""
        self._ended.set()
        self._watch.join()
        for driver in self._drivers.each():
            driver.close()
        if self.context.ok():
            self._publish_events()
        super().destroy_node()

    def _open(self, cell: CellDescription) -> Drivers:
        """Raises ConfigurationError."""
        path = self.get_parameter("hardware_file").value
        document = load_document("hardware_file", path, f"hardware file of {self._driver}")
        try:
            open_drivers = opener(self._driver)
        except ImportError as error:
            raise ConfigurationError(
                f"driver: {self._driver!r} can't be used ({error}); "
                "allowed: one whose packages are installed"
            ) from None
        try:
            return open_drivers(document.value, cell, self._report)
        except FieldError as error:
            raise ConfigurationError(document.located(error)) from None

    def _report(self, event: Event) -> None:
        """From any thread."""
        self._events.put(event)
        self._news.trigger()

    def _publish_events(self) -> None:
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                return
            out, message_of, flow = self._out[type(event)]
            flow.passed(time.monotonic())
            out.publish(message_of(event))

    def _on_state(self, message: CellState) -> None:
        self._state, self._heard = message, time.monotonic()
        self._apply()

    def _on_command(self, message: BeltCommand) -> None:
        if not 0.0 <= message.velocity <= self._most_velocity:
            raise ValueError(
                f"velocity {message.velocity} is refused; allowed: 0 to {self._most_velocity:g}"
            )
        self._command = message
        self._apply()

    def _on_shot(self, message: EjectCommand) -> None:
        shot = shot_since(message, self._stamps.began)
        if shot is not None:
            self._drivers.valves.shoot(shot)

    def _on_request(self, message: CaptureRequest) -> None:
        if self._drivers.trigger is not None:
            self._drivers.trigger.expose(message.item_id, message.epoch, message.count)

    def _watch_silence(self) -> None:
        while not self._ended.wait(WATCH_S):
            self._apply()
        self._state = None
        self._apply()

    def _apply(self) -> None:
        """Tell the drivers where something else is wanted of them; from two threads."""
        with self._applying:
            state, command = self._state, self._command
            heard = state is not None and time.monotonic() - self._heard < SILENCE_S
            if self._drivers.estop.pressed:
                self._stopped = True
            elif heard and not (state.valves_enabled or state.belt_enabled):
                # Its release starts nothing: the cell has to have stood in between.
                self._stopped = False
            free = heard and not self._stopped
            valves = free and state.valves_enabled
            run = free and state.belt_enabled and command.run
            wanted = (valves, run, command.velocity if run else 0.0)
            if wanted != self._applied:
                self._applied = wanted
                self._drivers.valves.enable(valves)
                self._drivers.belt.run(run, wanted[2])

    @property
    def _trouble(self) -> Trouble | None:
        return next((one.trouble for one in self._drivers.each() if one.trouble), None)

    def _look(self) -> None:
        if not self._watch.is_alive():
            # Better no node, with its valves shut, than one that nothing ends.
            raise RuntimeError("the watch over cell/state has ended, by the error told above")
        self._heartbeat.tell(self._trouble)
        now, pressed = time.monotonic(), self._drivers.estop.pressed
        at, told = self._told_estop
        if pressed != told or now - at >= ESTOP_PERIOD_S:
            self._told_estop = (now, pressed)
            message = EStop(pressed=pressed, source=self._driver)
            message.header.stamp = self.get_clock().now().to_msg()
            self._estop.publish(message)

    def _health(self) -> Health:
        values = {"driver": self._driver, **self._drivers.figures()}
        flows = [flow for _, _, flow in self._out.values()]
        return Health(values, clock_warning(self._stamps.stepped_s), self._trouble, flows)


def main() -> None:
    sys.exit(run(Hardware))


if __name__ == "__main__":
    main()
