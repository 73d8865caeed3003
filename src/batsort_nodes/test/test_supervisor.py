"""Node `supervisor`: hears heartbeats, runs belt and cell, obeys the operator."""

from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_srvs.srv import Trigger

from batsort_graph.versions import versions
from batsort_nodes.supervisor import Supervisor

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"
PLAIN = ("twin", "belt", "bins")
MANAGED = ("camera", "classifier", "ejector", "reader")


class Members:
    """The cell's other nodes, as far as the supervisor hears them."""

    def __init__(self, bench) -> None:
        self.bench = bench
        self.fault = ""
        self.silent: set[str] = set()
        self.names = [*PLAIN, *MANAGED[:3]]
        self.publisher = bench.peer.create_publisher(DiagnosticArray, "/diagnostics", 10)
        bench.peer.create_timer(0.2, self.beat)

    def beat(self) -> None:
        self.publisher.publish(
            DiagnosticArray(
                status=[self.status(name) for name in self.names if name not in self.silent]
            )
        )

    def status(self, name: str) -> DiagnosticStatus:
        bad = bool(self.fault) and name == "belt"
        stage = [KeyValue(key="lifecycle", value="active")] if name in MANAGED else []
        return DiagnosticStatus(
            level=DiagnosticStatus.ERROR if bad else DiagnosticStatus.OK,
            name=f"/{name}: {name}",
            message=self.fault if bad else "ok",
            values=stage,
        )


@pytest.fixture
def cell(bench):
    bench = bench(silence_timeout_s=1.0)
    bench.add(Supervisor())
    members = Members(bench)
    states, commands = bench.heard("cell/state"), bench.heard("belt/command")
    bench.wait(lambda: states and states[-1].state == "execute")
    return bench, members, states, commands


def test_with_every_node_up_the_belt_runs_and_the_valves_are_enabled(cell) -> None:
    bench, _, states, commands = cell
    bench.wait(lambda: commands and commands[-1].run)
    assert commands[-1].velocity == 0.5
    assert states[-1].belt_enabled
    assert states[-1].valves_enabled
    assert states[-1].cure == ""


def test_where_it_is_told_of_a_recorder_nothing_begins_before_that_listens(bench) -> None:
    bench = bench(recorder="true")
    bench.add(Supervisor())
    members = Members(bench)
    states = bench.heard("cell/state")
    bench.wait(lambda: states and states[-1].reason == "recorder has not come up")
    members.names.append("recorder")
    bench.wait(lambda: states[-1].state == "execute")


def test_a_reader_is_brought_up_and_its_end_holds_nothing_but_is_warned_of(bench) -> None:
    bench = bench(reader="true", silence_timeout_s=1.0)
    node = bench.add(Supervisor())
    members = Members(bench)
    states = bench.heard("cell/state")
    bench.wait(lambda: states and states[-1].reason == "reader has not come up")
    members.names.append("reader")
    bench.wait(lambda: states[-1].state == "execute")
    members.silent.add("reader")
    bench.wait(lambda: "reader is gone" in node._health().warning)
    assert states[-1].state == "execute"
    members.silent.clear()
    bench.wait(lambda: not node._health().warning)


def test_a_silent_node_holds_the_cell_and_is_named_with_a_cure(cell) -> None:
    bench, members, states, commands = cell
    members.silent.add("classifier")
    bench.wait(lambda: states[-1].state == "held")
    assert "classifier is gone" in states[-1].reason
    assert "start classifier again" in states[-1].cure
    assert not states[-1].valves_enabled
    bench.wait(lambda: not commands[-1].run)


def test_a_fault_in_a_heartbeat_holds_the_cell_with_its_words(cell) -> None:
    bench, members, states, _ = cell
    members.fault = "no encoder count for 0.7 s; check the encoder and its driver"
    bench.wait(lambda: states[-1].state == "held")
    assert states[-1].reason == f"belt: {members.fault}"


def test_a_command_that_the_state_does_not_allow_is_refused_with_those_it_does(cell) -> None:
    bench, _, states, _ = cell
    answer = bench.call(Trigger, "cell/clear", Trigger.Request())
    assert not answer.success
    assert answer.message.startswith("clear is not allowed in execute; allowed: ")
    assert states[-1].state == "execute"


def test_start_leaves_a_hold(cell) -> None:
    bench, _, states, _ = cell
    assert bench.call(Trigger, "cell/hold", Trigger.Request()).success
    bench.wait(lambda: states[-1].state == "held")
    assert bench.call(Trigger, "cell/start", Trigger.Request()).success
    bench.wait(lambda: states[-1].state == "execute")


def test_the_cell_tells_what_it_is_to_whoever_comes_later(bench) -> None:
    bench = bench()
    bench.add(Supervisor())
    told = bench.heard("cell/info")
    bench.wait(lambda: told)
    assert told[0].description == CELL_FILE.read_text()
    assert dict(zip(told[0].packages, told[0].versions, strict=True)) == versions()
