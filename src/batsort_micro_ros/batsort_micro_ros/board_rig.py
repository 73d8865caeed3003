"""The other side of a board's link: stands in for the cell's nodes, and hears what the board says.

It needs topics only, so that a board can be held against its contract (`board_contract`) on a bench
without a cell. What topics can't do, pressing the emergency stop and unplugging the encoder, is
asked of a service where the rig has one, else of a person.
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock, ClockType
from rclpy.executors import Executor
from std_srvs.srv import SetBool

from batsort_core.belt import BeltError, BeltReading, BeltTracker
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_graph.from_messages import stamp_of
from batsort_graph.to_messages import shot_message, time_of
from batsort_graph.topics import DIAGNOSTICS, TOPICS, Topic, publisher, subscription
from batsort_interfaces import msg as batsort

SAID = [
    topic
    for topic in TOPICS.values()
    if topic.publisher == "backend" and not topic.name.startswith("camera/")
]
"""What a board publishes; a camera has a driver of its own."""
HEARD = [
    topic
    for topic in TOPICS.values()
    if "backend" in topic.subscribers and not topic.name.startswith("camera/")
]
"""What a board listens to."""
STATE_PERIOD_S = 0.4
REPLY_S = 3.0
"""A board on a slow link on a loaded machine has answered by then."""


class Unmet(Exception):
    """A clause can't hold, or can't be tried: what was seen instead, for the table."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message, and when it came [ns since 1970]."""

    received: int
    message: Any

    @property
    def stamp(self) -> int:
        return stamp_of(self.message.header.stamp)


class Rig:
    """Talks to the node `board` in the namespace of this process; close() ends it."""

    def __init__(
        self, cell: CellDescription, board: str, executor: Executor, patience_s: float
    ) -> None:
        self.cell = cell
        self.board = board
        self.heard: dict[str, list[Heard]] = defaultdict(list)
        """All there was, by topic."""
        self.tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        """Judges the counts as the belt node does."""
        self.travel = 0
        """Counts that the belt has run."""
        self.shots: list[int] = []
        """Item ids of all shots that must have ended, or will."""
        self.silent = False
        self._executor = executor
        self._patience_s = patience_s
        self._ids = itertools.count(time.time_ns() // 1000)
        self._belt_enabled = self._valves_enabled = False
        self._run, self._velocity = False, 0.0
        names = sorted({*(t.publisher for t in HEARD), *(n for t in SAID for n in t.subscribers)})
        self._nodes = {name: rclpy.create_node(name) for name in names}
        for topic in SAID:
            for name in topic.subscribers:
                hear = self._hearing(topic) if name == topic.subscribers[0] else _ignore
                subscription(self._nodes[name], topic.name, hear)
        self._publishers = {t.name: publisher(self._nodes[t.publisher], t.name) for t in HEARD}
        self._supervisor = self._nodes["supervisor"]
        self._supervisor.create_subscription(
            DIAGNOSTICS.type, DIAGNOSTICS.name, self._on_diagnostics, DIAGNOSTICS.qos
        )
        self._supervisor.create_timer(
            STATE_PERIOD_S, self._tell_state, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        for node in self._nodes.values():
            executor.add_node(node)

    def close(self) -> None:
        """Leave the board disabled."""
        self.silent = False
        self.enable(belt=False, valves=False)
        for node in self._nodes.values():
            self._executor.remove_node(node)
            node.destroy_node()

    def wait(self, reached: Callable[[], Any], timeout_s: float = REPLY_S) -> bool:
        """Listen until it is so; whether it became so in time."""
        deadline = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > deadline:
                return False
            self._executor.spin_once(timeout_sec=0.05)
        return True

    def need(self, reached: Callable[[], Any], what: str, timeout_s: float = REPLY_S) -> None:
        """Raises Unmet, saying `what` did not happen."""
        if not self.wait(reached, timeout_s):
            raise Unmet(f"{what}: not within {timeout_s:g} s")

    def listen(self, seconds: float) -> None:
        """Hear what comes for so long."""
        self.wait(lambda: False, seconds)

    def endpoints(self, topic: Topic) -> list[Any]:
        """The board's end of a topic, as the graph has it."""
        name = self._supervisor.resolve_topic_name(topic.name)
        ours = {node.get_name() for node in self._nodes.values()}
        infos = (
            self._supervisor.get_publishers_info_by_topic(name)
            if topic in SAID
            else self._supervisor.get_subscriptions_info_by_topic(name)
        )
        return [info for info in infos if info.node_name not in ours]

    @property
    def belt(self) -> BeltReading:
        """Where the belt was last. Raises Unmet before the first count."""
        if self.tracker.latest is None:
            raise Unmet("no count on belt/encoder")
        return self.tracker.latest

    @property
    def present(self) -> float:
        """The belt's count by now, carried on at its speed."""
        belt = self.belt
        since_s = (time.time_ns() - belt.stamp) * 1e-9
        return belt.count + belt.velocity * since_s / self.cell.belt.metres_per_count

    def enable(self, belt: bool, valves: bool) -> None:
        """Say cell/state with these flags, now and from now on."""
        self._belt_enabled, self._valves_enabled = belt, valves
        self._tell_state()

    def command(self, run: bool, velocity: float) -> None:
        """Say belt/command, now and from now on."""
        self._run, self._velocity = run, velocity
        self._tell_state()

    def sort(self, velocity: float) -> None:
        """Everything enabled, the belt runs at this speed [m/s]. Raises Unmet where it does not."""
        self.silent = False
        self._run, self._velocity = True, velocity
        self.enable(belt=True, valves=True)
        self.need_speed(velocity, f"the belt runs at {velocity:g} m/s")

    def need_speed(self, velocity: float, what: str) -> None:
        """Raises Unmet where the belt does not come to this speed, as far as an encoder tells."""
        spare = 0.03 * velocity + 2 * self.cell.belt.metres_per_count / 0.05
        slowest_s = self.cell.belt.max_velocity / self.cell.belt.acceleration

        def there() -> bool:
            return abs(self.belt.velocity - velocity) <= spare

        self.need(there, what, slowest_s + REPLY_S)

    def shoot(
        self,
        target: float,
        *,
        lead_s: float | None = None,
        pulse_s: float | None = None,
        valve: int | None = None,
        epoch: int | None = None,
        fire: bool = True,
    ) -> Shot:
        """Command a shot at a count, of a new item; what is not given is as the cell has it."""
        ejection = self.cell.ejection
        first = self.cell.ejectors[0].valve
        shot = Shot(
            item_id=next(self._ids),
            epoch=self.belt.epoch if epoch is None else epoch,
            valve=valve if valve is not None else first or 0,
            fire=fire,
            target_count=round(target),
            lead_s=ejection.lead_s if lead_s is None else lead_s,
            pulse_s=ejection.pulse_s if pulse_s is None else pulse_s,
        )
        self.shots.append(shot.item_id)
        self.send(shot)
        return shot

    def send(self, shot: Shot) -> None:
        """A shot as it is, also one that was sent before."""
        stamp = self._supervisor.get_clock().now().to_msg()
        self._publishers["ejector/commands"].publish(shot_message(shot, stamp))

    def ends(self, *shots: Shot) -> list[batsort.EjectEvent]:
        """All that the board told of these shots until now."""
        ids = {shot.item_id for shot in shots}
        return [h.message for h in self.heard["ejector/events"] if h.message.item_id in ids]

    def need_ends(self, *shots: Shot, timeout_s: float = REPLY_S) -> list[batsort.EjectEvent]:
        """The first end of each shot, in their order. Raises Unmet where one has none."""

        def all_ended() -> bool:
            return {event.item_id for event in self.ends(*shots)} == {s.item_id for s in shots}

        if not self.wait(all_ended, timeout_s):
            ended = {event.item_id for event in self.ends(*shots)}
            without = sum(shot.item_id not in ended for shot in shots)
            raise Unmet(f"{without} of {len(shots)} shots without an end in {timeout_s:g} s")
        return [self.ends(shot)[0] for shot in shots]

    def ask(self, service: str, on: bool, words: str) -> bool:
        """Have something done at the board; whether by a service, which has done it by now.

        Raises Unmet where the service refuses. A person has `patience_s`, see `patience`.
        """
        client = self._supervisor.create_client(SetBool, f"rig/{service}")
        try:
            if not self.wait(client.service_is_ready, 1.0):
                print(f">> {words}", flush=True)
                return False
            future = client.call_async(SetBool.Request(data=on))
            self.need(future.done, f"rig/{service} answers")
            if not future.result().success:
                raise Unmet(f"rig/{service}: {future.result().message}")
            return True
        finally:
            self._supervisor.destroy_client(client)

    def patience(self, by_service: bool) -> float:
        """How long to wait for what was asked for [s]."""
        return REPLY_S if by_service else self._patience_s

    @property
    def beats(self) -> list[Heard]:
        """The board's own entries on /diagnostics."""
        return self.heard[DIAGNOSTICS.name]

    def _hearing(self, topic: Topic) -> Callable[[Any], None]:
        heard = self.heard[topic.name]

        def hear(message: Any) -> None:
            heard.append(Heard(time.time_ns(), message))
            if topic.name == "belt/encoder":
                self._follow(message)

        return hear

    def _follow(self, message: batsort.EncoderCount) -> None:
        last = self.tracker.latest
        try:
            reading = self.tracker.add(stamp_of(message.header.stamp), message.epoch, message.count)
        except BeltError:
            return
        if last is not None and last.epoch == reading.epoch:
            self.travel += abs(reading.count - last.count)

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        prefix = self._supervisor.get_namespace().rstrip("/")
        for status in message.status:
            if status.name == f"{prefix}/{self.board}: {self.board}":
                self.beats.append(Heard(time.time_ns(), status))

    @property
    def fault(self) -> str:
        """What the board last said that keeps it from its work; empty where all is well."""
        if self.beats and self.beats[-1].message.level >= DiagnosticStatus.ERROR:
            return self.beats[-1].message.message or "ERROR without a word"
        return ""

    def _tell_state(self) -> None:
        if self.silent:
            return
        stamp = time_of(time.time_ns())
        state = batsort.CellState(
            state="execute" if self._valves_enabled else "held",
            belt_enabled=self._belt_enabled,
            valves_enabled=self._valves_enabled,
        )
        command = batsort.BeltCommand(run=self._run, velocity=self._velocity)
        state.header.stamp = command.header.stamp = stamp
        self._publishers["belt/command"].publish(command)
        self._publishers["cell/state"].publish(state)


def _ignore(_: Any) -> None:
    """What another of the rig's nodes remembers."""
