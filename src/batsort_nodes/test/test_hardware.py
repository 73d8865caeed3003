"""Node `hardware`: drivers in, topics out, and back; against a PLC in a process of its own."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from plc_process import CELL_FILE, PlcProcess, document

from batsort_core.trouble import Trouble
from batsort_files.documents import ConfigurationError
from batsort_graph.from_messages import stamp_of
from batsort_graph.heartbeat import trouble_of
from batsort_graph.to_messages import time_of
from batsort_graph.topics import DIAGNOSTICS
from batsort_interfaces import msg as batsort
from batsort_nodes.hardware import Hardware


@pytest.fixture
def plc(tmp_path: Path) -> Iterator[PlcProcess]:
    process = PlcProcess(tmp_path / "plc.log")
    yield process
    process.kill()


@pytest.fixture
def cell(bench: Callable[..., Any], plc: PlcProcess, tmp_path: Path) -> Any:
    """The node at the PLC, and a peer that plays the rest of the cell."""
    path = tmp_path / "hardware.yaml"
    path.write_text(yaml.safe_dump(document(port=plc.port)))
    made = bench(hardware_file=path)
    made.node = made.add(Hardware())
    # Until the PLC is heard its emergency stop counts as pressed, and then the cell has to stand.
    estop = made.heard("cell/estop")
    made.wait(lambda: bool(estop) and not estop[-1].pressed)
    say(made, enabled=False)
    made.wait(lambda: not made.node._stopped)
    return made


def say(cell: Any, enabled: bool = True) -> None:
    state = batsort.CellState(state="execute", belt_enabled=enabled, valves_enabled=enabled)
    cell.send("cell/state", state)


def start(cell: Any) -> list[batsort.EncoderCount]:
    """Run the belt as a supervisor does; what the encoder tells from then on."""
    counts = cell.heard("belt/encoder")
    cell.send("belt/command", batsort.BeltCommand(run=True, velocity=0.5))
    cell.peer.create_timer(0.1, lambda: say(cell))
    cell.wait(lambda: len(counts) > 1 and counts[-1].count > 100)
    return counts


def command(count: batsort.EncoderCount, ahead: int, **changed: Any) -> batsort.EjectCommand:
    values = {"item_id": 5, "epoch": count.epoch, "valve": 2, "action": batsort.EjectCommand.FIRE}
    values |= {"target_count": count.count + ahead, "lead_s": 0.01, "pulse_s": 0.02} | changed
    message = batsort.EjectCommand(**values)
    message.header.stamp = time_of(time.time_ns())
    return message


def test_the_belt_runs_items_are_seen_and_a_shot_is_told(cell: Any, plc: PlcProcess) -> None:
    edges, ends = cell.heard("belt/barrier"), cell.heard("ejector/events")
    counts = start(cell)
    shot = command(counts[-1], 3000)
    cell.send("ejector/commands", shot)
    cell.wait(lambda: bool(ends) and len(edges) >= 4)
    assert (ends[0].item_id, ends[0].result) == (5, batsort.EjectEvent.FIRED)
    assert (ends[0].valve, ends[0].planned_count) == (2, shot.target_count)
    assert abs(ends[0].actual_count - shot.target_count) <= 2
    assert plc.fired == [5]
    assert all(edge.blocked != after.blocked for edge, after in pairwise(edges))
    assert all(
        stamp_of(after.header.stamp) > stamp_of(count.header.stamp)
        for count, after in pairwise(counts)
    )


def test_what_was_commanded_before_it_began_is_left_alone(cell: Any, plc: PlcProcess) -> None:
    ends = cell.heard("ejector/events")
    counts = start(cell)
    old = command(counts[-1], 1500, item_id=4)
    old.header.stamp.sec -= 3600
    cell.send("ejector/commands", old)
    cell.send("ejector/commands", command(counts[-1], 3000))
    cell.wait(lambda: bool(ends))
    assert [end.item_id for end in ends] == [5]
    assert plc.fired == [5]


def test_a_clock_that_is_set_back_keeps_no_shot_from_its_valve(
    cell: Any, plc: PlcProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = cell.heard("ejector/events")
    counts = start(cell)
    clock = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: clock() - 3_600_000_000_000)
    cell.send("ejector/commands", command(counts[-1], 3000))
    cell.wait(lambda: bool(ends))
    assert plc.fired == [5]


def test_a_cell_that_falls_silent_stops_the_belt_and_shuts_the_valves(
    cell: Any, plc: PlcProcess
) -> None:
    ends = cell.heard("ejector/events")
    counts = cell.heard("belt/encoder")
    cell.send("belt/command", batsort.BeltCommand(run=True, velocity=0.5))
    say(cell)
    cell.wait(lambda: len(counts) > 1 and counts[-1].count > 100)
    cell.send("ejector/commands", command(counts[-1], 20_000))
    cell.wait(lambda: len(counts) > 50 and counts[-1].count == counts[-50].count)
    assert counts[-1].count < 20_000
    cell.send("ejector/commands", command(counts[-1], 0, item_id=6))
    cell.wait(lambda: bool(ends))
    assert (ends[0].item_id, ends[0].detail) == (6, "valves disabled")
    assert plc.fired == []


def test_an_executor_that_hangs_stops_the_belt(cell: Any) -> None:
    start(cell)
    belt = cell.node._drivers.belt
    assert belt.motion.velocity > 0
    deadline = time.monotonic() + 10.0
    while belt.motion.velocity > 0:
        assert time.monotonic() < deadline, "did not stop in time"
        time.sleep(0.01)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_watch_that_a_driver_has_broken_ends_the_node(
    cell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(enabled: bool) -> None:
        raise OSError("pin busy")

    say(cell)
    cell.wait(lambda: cell.node._applied[0])
    monkeypatch.setattr(cell.node._drivers.valves, "enable", broken)
    # Silence, which the watch acts upon.
    with pytest.raises(RuntimeError, match="watch over cell/state has ended"):
        cell.wait(lambda: False)


def test_a_speed_that_cannot_be_is_refused(cell: Any) -> None:
    counts = start(cell)
    for velocity in (float("nan"), -1.0, 99.0):
        cell.send("belt/command", batsort.BeltCommand(run=True, velocity=velocity))
    last = counts[-1].count
    cell.wait(lambda: counts[-1].count > last + 5000)
    one, other = counts[-50], counts[-1]
    spent = (stamp_of(other.header.stamp) - stamp_of(one.header.stamp)) / 1e9
    assert abs((other.count - one.count) / spent - 5000) < 250


def test_the_emergency_stop_is_told_when_it_changes_and_to_who_comes_late(
    cell: Any, plc: PlcProcess
) -> None:
    told = cell.heard("cell/estop")
    cell.wait(lambda: bool(told) and not told[-1].pressed)
    plc.process.send_signal(signal.SIGUSR1)
    cell.wait(lambda: told[-1].pressed)
    late = cell.heard("cell/estop")
    cell.wait(lambda: bool(late) and late[-1].pressed)
    assert told[-1].source == "modbus"


def test_a_plc_that_is_gone_is_trouble_with_a_cure(cell: Any, plc: PlcProcess) -> None:
    troubles: list[Trouble | None] = []
    cell.peer.create_subscription(
        DIAGNOSTICS.type,
        DIAGNOSTICS.name,
        lambda array: troubles.extend(map(trouble_of, array.status)),
        DIAGNOSTICS.qos,
    )
    told = cell.heard("cell/estop")
    start(cell)
    plc.kill()
    cell.wait(lambda: any(t is not None and "is not heard" in t.cause for t in troubles))
    cell.wait(lambda: told[-1].pressed)
    found = next(t for t in troubles if t is not None and "is not heard" in t.cause)
    assert found.cause.startswith(f"PLC 127.0.0.1:{plc.port}")
    assert found.cure == "check its power, the network cable, and host, port and unit"


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({}, "hardware_file: not given; allowed: the path of a hardware file of modbus"),
        ({"hardware_file": "/no/such"}, "hardware_file: '/no/such' can't be read"),
        ({"hardware_file": CELL_FILE}, f"{CELL_FILE}:3: name: unknown field; allowed: host, port"),
        (
            {"driver": "rs232"},
            "driver: 'rs232' is refused; allowed: modbus or gpio or serial_ascii",
        ),
    ],
)
def test_what_it_cannot_run_with_is_refused_by_name(
    bench: Callable[..., Any], parameters: dict[str, Any], refusal: str
) -> None:
    bench(**parameters)
    with pytest.raises(ConfigurationError) as error:
        Hardware()
    assert str(error.value).startswith(refusal)
