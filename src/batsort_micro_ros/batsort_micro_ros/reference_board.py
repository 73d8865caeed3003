"""Node `board`: the contract of docs/hardware_micro_ros.md, executed by a Python program.

What a board of your own has to do, in the words of the cell's own code: `Board` is the firmware,
`ReferenceBoard` its link, and the belt is a simulated one. Not for driving real valves.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import SetBool

from batsort_core.belt import CountUnwrapper
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.trouble import Trouble
from batsort_description.cell_file import load_cell
from batsort_graph.backend import EVENTS, shot_since
from batsort_graph.configuration import CELL_FILE, declare
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import publisher, subscription
from batsort_hardware.protocols import Event, SteadyStamps
from batsort_hardware.reference_belt import Crossing, ReferenceBelt
from batsort_interfaces import msg as batsort

STEP_NS = 2_000_000
LATCH_STEPS = 5
"""The encoder is latched for ROS at every fifth step: 100 Hz."""
VELOCITY_STEPS = 10
"""Velocity is the mean of so many steps: 20 ms."""
SILENCE_NS = 1_000_000_000
"""Without cell/state for that long, belt and valves are disabled."""
PERIOD_S = 0.01
BATCH_STEPS = 25
"""Most steps at once, after the machine was too slow: commands have to be taken, too."""
ESTOP_PERIOD_S = 0.4
UNPLUGGED = Trouble("no encoder count", "plug the encoder in, then start the cell")


class Board:
    """The firmware: knows no ROS, and steps on its own clock from `stamp` on [ns]."""

    def __init__(self, cell: CellDescription, stamp: int) -> None:
        self._cell = cell
        self._belt = ReferenceBelt(cell)
        self._bins = {bin.valve: bin.name for bin in cell.ejectors}
        self._shots = ShotQueue([bin.valve for bin in cell.ejectors if bin.valve is not None])
        self._steps = 0
        self._run, self._speed = False, 0.0
        self._heard = stamp - SILENCE_NS
        self._belt_enabled = self._valves_enabled = False
        self._stopped = False
        self.stamp = stamp
        self.pressed = False
        self.counting = True
        self._begin_epoch()

    def take(self, shot: Shot) -> list[ShotEnd]:
        """A shot, or its calling off, has come."""
        return self._shots.take(shot, self._motion)

    def hear(self, belt_enabled: bool, valves_enabled: bool) -> None:
        """The cell's state has come; one that disables both ends an emergency stop."""
        self._heard = self.stamp
        self._belt_enabled, self._valves_enabled = belt_enabled, valves_enabled
        if not self.pressed and not belt_enabled and not valves_enabled:
            self._stopped = False

    def command(self, run: bool, velocity: float) -> None:
        """The belt's command [m/s] has come. Raises ValueError for a speed that can't be."""
        limit = self._cell.belt.max_velocity
        if not 0.0 <= velocity <= limit:
            raise ValueError(f"velocity {velocity} is refused; allowed: 0 to {limit:g} [m/s]")
        self._run, self._speed = run, velocity / self._cell.belt.metres_per_count

    def press(self, pressed: bool) -> None:
        """The emergency stop's input has changed."""
        self.pressed = pressed
        self._stopped |= pressed

    def plug(self, plugged: bool) -> None:
        """The encoder was plugged in or out: out, its count is lost and an epoch ends."""
        if self.counting and not plugged:
            self._begin_epoch()
        self.counting = plugged

    def step(self) -> list[Event]:
        """One step of the clock, and what happened within it."""
        self.stamp += STEP_NS
        self._steps += 1
        allowed = self.stamp - self._heard < SILENCE_NS and not self._stopped
        running = allowed and self._belt_enabled and self._run
        self._shots.enabled = allowed and self._valves_enabled and self.counting
        speed = self._speed if running else 0.0
        crossings = self._belt.advance(self.stamp, STEP_NS * 1e-9, speed)
        count = self._latch() if self.counting else self._latched[-1]
        self._latched.append(count)
        since = self._latched[0]
        velocity = (count - since) / ((len(self._latched) - 1) * STEP_NS * 1e-9)
        self._motion = Motion(self.stamp, self._epoch, count, velocity)
        events: list[Event] = [self._seen(crossing) for crossing in crossings]
        for due in self._shots.step(self._motion):
            events.append(self._open(due) if isinstance(due, Energise) else due)
        if self.counting and self._steps % LATCH_STEPS == 0:
            events.append(EncoderSample(self.stamp, self._epoch, count))
        return events

    def _begin_epoch(self) -> None:
        self._epoch = self.stamp // 1000
        self._unwrapper = CountUnwrapper(16)
        self._zero = self._belt.position - self._belt.timer
        self._latched = deque([self._latch()], maxlen=VELOCITY_STEPS + 1)
        self._motion = Motion(self.stamp, self._epoch, self._latched[-1], 0.0)

    def _latch(self) -> int:
        """The encoder's count of this epoch, without end."""
        return self._unwrapper.unwrap(self._belt.timer)

    def _seen(self, crossing: Crossing) -> Edge | Arrival:
        """A sensor's edge with the count that its input latched."""
        count = round(crossing.position - self._zero)
        if crossing.bin:
            return Arrival(crossing.stamp, self._epoch, crossing.bin, count)
        return Edge(crossing.stamp, self._epoch, count, crossing.blocked)

    def _open(self, due: Energise) -> ShotEnd:
        end = due.fired()
        self._belt.blow(self._bins[due.shot.valve], end.actual_count + self._zero)
        return end


class ReferenceBoard(Node):
    """The board on its link: the topics of a backend, and services that stand for its plugs."""

    def __init__(self, firmware: Callable[[CellDescription, int], Board] = Board) -> None:
        super().__init__("board")
        declare(self, (CELL_FILE,))
        self._stamps = SteadyStamps()
        cell = load_cell(self.get_parameter("cell_file").value)
        self._board = firmware(cell, self._stamps.now())
        self._out = {
            event: (publisher(self, topic), message_of)
            for event, (topic, message_of) in EVENTS.items()
        }
        self._estop = publisher(self, "cell/estop")
        subscription(self, "cell/state", self._on_state)
        subscription(self, "belt/command", self._on_command)
        subscription(self, "ejector/commands", self._on_shot)
        self.create_service(SetBool, "rig/press_estop", self._on_press)
        self.create_service(SetBool, "rig/unplug_encoder", self._on_unplug)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD_S, self._advance, clock=steady)
        self.create_timer(ESTOP_PERIOD_S, self._tell_estop, clock=steady)
        self._heartbeat = Heartbeat(self, self._health)

    def _on_state(self, message: batsort.CellState) -> None:
        self._board.hear(message.belt_enabled, message.valves_enabled)

    def _on_command(self, message: batsort.BeltCommand) -> None:
        self._board.command(message.run, message.velocity)

    def _on_shot(self, message: batsort.EjectCommand) -> None:
        shot = shot_since(message, self._stamps.began)
        for end in [] if shot is None else self._board.take(shot):
            self._publish(end)

    def _on_press(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._board.press(request.data)
        self._tell_estop()
        response.success = True
        return response

    def _on_unplug(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._board.plug(not request.data)
        self._heartbeat.beat()
        response.success = True
        return response

    def _advance(self) -> None:
        behind = (self._stamps.now() - self._board.stamp) // STEP_NS
        for _ in range(min(behind, BATCH_STEPS)):
            for event in self._board.step():
                self._publish(event)

    def _publish(self, event: Event) -> None:
        out, message_of = self._out[type(event)]
        out.publish(message_of(event))

    def _tell_estop(self) -> None:
        message = batsort.EStop(pressed=self._board.pressed, source="input of the reference board")
        message.header.stamp = time_of(self._board.stamp)
        self._estop.publish(message)

    def _health(self) -> Health:
        return Health(fault=None if self._board.counting else UNPLUGGED)


def main() -> None:
    sys.exit(run(ReferenceBoard))


if __name__ == "__main__":
    main()
