"""Node `supervisor`: brings the cell up, watches every node, alone tells the belt to run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from lifecycle_msgs.msg import Transition as LifecycleTransition
from lifecycle_msgs.srv import ChangeState
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.task import Future
from std_srvs.srv import Trigger

from batsort_core.trouble import Trouble
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.heartbeat import Health, Heartbeat, trouble_of
from batsort_graph.run import run
from batsort_graph.topics import DIAGNOSTICS, publisher, service, subscription
from batsort_graph.versions import versions
from batsort_interfaces.msg import BeltCommand, BeltState, BinStates, CellInfo, CellState, EStop
from batsort_supervision.links import Links
from batsort_supervision.oee import Oee, possible_rate
from batsort_supervision.packml import (
    Command,
    IllegalTransition,
    belt_enabled,
    meant,
    valves_enabled,
)
from batsort_supervision.supervision import Supervision, Transition

PARAMETERS = (
    CELL_FILE,
    Parameter("backend", "twin", "Name of the backend's node, watched like the others."),
    Parameter("recorder", False, "Begin only when the recorder listens."),
    Parameter(
        "reader", False, "A reader of print runs: bring it up, too, and warn when it is gone."
    ),
    Parameter("autostart", True, "Start sorting as soon as every node is up."),
    Parameter("resume_after_respawn", False, "Go on by itself when a node that was gone is back."),
    Parameter(
        "belt_velocity", 0.0, "Belt speed [m/s]; 0.0: as the cell description says.", 0.0, 5.0
    ),
    Parameter("silence_timeout_s", 1.5, "A node not heard for so long is gone [s].", 1.0, 30.0),
    Parameter("bringup_timeout_s", 30.0, "Longest time until every node is up [s].", 1.0, 600.0),
)
MANAGED = ("camera", "classifier", "ejector")
PERIOD_S = 0.1
HEARTBEAT_STEPS = 4
"""cell/state is sent on change and every so many periods."""

COMMANDS = {
    "cell/start": (Command.START, "started by the operator"),
    "cell/stop": (Command.STOP, "stopped by the operator"),
    "cell/hold": (Command.HOLD, "held by the operator"),
    "cell/reset": (Command.RESET, "reset by the operator"),
    "cell/clear": (Command.CLEAR, "cleared by the operator"),
    "cell/abort": (Command.ABORT, "aborted by the operator"),
}
TRANSITIONS = {
    "configure": LifecycleTransition.TRANSITION_CONFIGURE,
    "activate": LifecycleTransition.TRANSITION_ACTIVATE,
}


class Supervisor(Node):
    """Translates heartbeats and services for the core's supervision, and its decisions back."""

    def __init__(self) -> None:
        super().__init__("supervisor")
        declare(self, PARAMETERS)
        cell = load_cell(self.get_parameter("cell_file").value)
        self._velocity = self.get_parameter("belt_velocity").value or cell.belt.velocity
        if self._velocity > cell.belt.max_velocity:
            raise ConfigurationError(
                f"belt_velocity: {self._velocity} is refused; "
                f"allowed: up to belt.max_velocity = {cell.belt.max_velocity}"
            )
        backend = self.get_parameter("backend").value
        helpers = ("reader",) if self.get_parameter("reader").value else ()
        self._supervision = Supervision(
            members=(backend, "belt", "bins", *MANAGED),
            managed=frozenset(MANAGED),
            silence_s=self.get_parameter("silence_timeout_s").value,
            bringup_s=self.get_parameter("bringup_timeout_s").value,
            coast_s=2.0 * self._velocity / cell.belt.acceleration + 1.0,
            autostart=self.get_parameter("autostart").value,
            resume=self.get_parameter("resume_after_respawn").value,
            helpers=frozenset(helpers),
            witnesses=frozenset({"recorder"} if self.get_parameter("recorder").value else ()),
        )
        # At the speed that the belt is told to run.
        self._oee = Oee(possible_rate(cell, self._velocity))
        self._sent: tuple[object, ...] = ()
        self._steps = 0
        namespace = self.get_namespace().rstrip("/")
        self._prefix = f"{namespace}/"
        self._change = {
            name: self.create_client(ChangeState, f"{name}/change_state")
            for name in (*MANAGED, *helpers)
        }
        self._state = publisher(self, "cell/state")
        self._belt = publisher(self, "belt/command")
        self._info = publisher(self, "cell/info")
        self._info.publish(self._cell_info())
        subscription(self, "belt/state", self._on_belt)
        subscription(self, "bins/state", self._on_bins)
        subscription(self, "cell/estop", self._on_estop)
        self.create_subscription(
            DIAGNOSTICS.type, DIAGNOSTICS.name, self._on_diagnostics, DIAGNOSTICS.qos
        )
        for name, (command, reason) in COMMANDS.items():
            service(self, name, self._serve(command, reason))
        self.create_timer(PERIOD_S, self._step, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._heartbeat = Heartbeat(self, self._health)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        now = time.monotonic()
        for status in message.status:
            name, _, _ = status.name.partition(":")
            if not name.startswith(self._prefix):
                continue
            told = {pair.key: pair.value for pair in status.values}
            self._supervision.heartbeat(
                now,
                name.removeprefix(self._prefix),
                told.get("lifecycle", ""),
                trouble_of(status),
                Links.told(told),
            )
            if status.level >= status.ERROR:
                self._step()

    def _on_estop(self, message: EStop) -> None:
        self._supervision.estop(time.monotonic(), message.pressed, message.source)
        if message.pressed:
            self._step()

    def _on_belt(self, message: BeltState) -> None:
        self._supervision.belt(message.moving)

    def _on_bins(self, message: BinStates) -> None:
        self._oee.count(dict(zip(message.outcomes, message.outcome_counts, strict=True)))

    def _serve(
        self, command: Command, reason: str
    ) -> Callable[[Trigger.Request, Trigger.Response], Trigger.Response]:
        def serve(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                self._supervision.command(meant(command, self._supervision.packml.state), reason)
            except IllegalTransition as error:
                response.message = str(error)
            else:
                self._step()
                response.success = True
                response.message = f"the cell is {self._supervision.packml.state}"
            self.get_logger().info(f"{command}: {response.message}")
            return response

        return serve

    def _step(self) -> None:
        now = time.monotonic()
        for transition in self._supervision.step(now):
            self._ask(transition)
        if self._supervision.failed:
            raise ConfigurationError(f"the cell did not come up: {self._supervision.failed}")
        state = self._supervision.packml.state
        self._oee.state(state, now)
        shown = (state, self._supervision.reason, self._supervision.cure)
        self._steps += 1
        if shown == self._sent and self._steps % HEARTBEAT_STEPS:
            return
        changed, self._sent = shown != self._sent, shown
        self._publish()
        if changed:
            reason = f" ({self._supervision.reason})" if self._supervision.reason else ""
            self.get_logger().info(f"the cell is {state}{reason}")
            self._heartbeat.beat()

    def _publish(self) -> None:
        state = self._supervision.packml.state
        stamp = self.get_clock().now().to_msg()
        figures = self._oee.figures()
        message = CellState(
            state=state.value,
            reason=self._supervision.reason,
            cure=self._supervision.cure,
            belt_enabled=belt_enabled(state),
            valves_enabled=valves_enabled(state),
            availability=figures.availability,
            performance=figures.performance,
            quality=figures.quality,
            oee=figures.oee,
        )
        message.header.stamp = stamp
        self._state.publish(message)
        command = BeltCommand(
            run=message.belt_enabled, velocity=self._velocity, moved=self._supervision.moved
        )
        command.header.stamp = stamp
        self._belt.publish(command)

    def _cell_info(self) -> CellInfo:
        file = Path(self.get_parameter("cell_file").value)
        found = versions()
        message = CellInfo(
            description=file.read_text(encoding="utf-8"),
            packages=list(found),
            versions=list(found.values()),
        )
        message.header.stamp = self.get_clock().now().to_msg()
        return message

    def _ask(self, transition: Transition) -> None:
        client = self._change[transition.name]
        if not client.service_is_ready():
            # Asked again at the next step, when discovery has found it.
            self._supervision.transition_withdrawn(transition.name)
            return
        request = ChangeState.Request()
        request.transition.id = TRANSITIONS[transition.step.value]
        client.call_async(request).add_done_callback(partial(self._asked, transition))

    def _asked(self, transition: Transition, future: Future) -> None:
        self._supervision.transition_done(transition.name, future.result().success)

    def _health(self) -> Health:
        supervision = self._supervision
        state = supervision.packml.state
        figures = self._oee.figures()
        shares = {**asdict(figures), "oee": figures.oee}
        values = {
            "state": state.value,
            "reason": supervision.reason,
            "cure": supervision.cure,
            "belt velocity, commanded [m/s]": self._velocity,
            **{name: f"{share:.1%}" for name, share in shares.items()},
        }
        if supervision.cure:
            return Health(values, fault=Trouble(f"{state}: {supervision.reason}", supervision.cure))
        return Health(values, warning="; ".join(supervision.warnings))


def main() -> None:
    sys.exit(run(Supervisor))
