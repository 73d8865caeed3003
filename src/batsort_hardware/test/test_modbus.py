"""Driver `modbus` against a PLC in a process of its own, over TCP and links that fail."""

from __future__ import annotations

import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from bad_link import BadLink
from plc_process import CELL_FILE, PlcProcess, document

from batsort_core.decisions import Shot
from batsort_core.items import EjectResult
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_description.cell_file import load_cell
from batsort_files.schema import FieldError
from batsort_hardware import modbus_map as plc
from batsort_hardware.modbus import ModbusDriver, open_drivers
from batsort_hardware.modbus_link import ModbusLink
from batsort_hardware.modbus_map import Bits
from batsort_hardware.modbus_options import read_options
from batsort_hardware.protocols import Event, ShotEnd

CELL = load_cell(str(CELL_FILE))
DEADLINE_S = 20.0
COMMANDS = 1000
SPEED = 10_000
"""Counts a second: 1 m/s."""
PITCH = 1500
"""Of the items on the reference PLC's belt [counts]."""


def wait(reached: Callable[[], bool], deadline_s: float = DEADLINE_S) -> None:
    deadline = time.monotonic() + deadline_s
    while not reached():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.005)


class Rig:
    """A driver, a link that can fail, and a PLC."""

    def __init__(self, log: Path) -> None:
        self.plc = PlcProcess(log)
        self.link = BadLink(self.plc.port, seed=5)
        self.events: list[Event] = []
        self.driver = self.open()

    def open(self, **changed: Any) -> ModbusDriver:
        told = document(port=self.link.port, **changed)
        return ModbusDriver(read_options(told, CELL), CELL, self.events.append)

    def close(self) -> None:
        self.driver.close()
        self.link.close()
        self.plc.kill()

    def of(self, kind: type) -> list[Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    @property
    def ends(self) -> dict[int, list[ShotEnd]]:
        found: dict[int, list[ShotEnd]] = {}
        for end in self.of(ShotEnd):
            found.setdefault(end.shot.item_id, []).append(end)
        return found

    def start(self, velocity: float = 0.5) -> None:
        self.driver.run(True, velocity)
        self.driver.enable(True)
        counts = velocity / CELL.belt.metres_per_count
        wait(lambda: self.driver.motion is not None and self.driver.motion.velocity >= counts)

    def wait_taken(self, shots: int = 1) -> None:
        """Until so many wait at the PLC."""
        wait(lambda: self.driver.figures()["shots waiting"] == shots)

    def shot(self, item_id: int, ahead: float, fire: bool = True, valve: int = 1) -> Shot:
        """One whose target is `ahead` counts from where the belt is now."""
        motion = self.driver.motion
        assert motion is not None
        target = round(motion.at(self.driver._stamps.now()).count + ahead)
        return Shot(item_id, motion.epoch, valve, fire, target, 0.010, 0.020)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "plc.log")
    yield made
    made.close()


def test_a_shot_fires_at_its_count_once_and_has_one_end(rig: Rig) -> None:
    rig.start()
    shot = rig.shot(7, 2500)
    rig.driver.shoot(shot)
    rig.driver.shoot(shot)
    wait(lambda: 7 in rig.ends)
    (end,) = rig.ends[7]
    assert (end.result, end.epoch) == (EjectResult.FIRED, shot.epoch)
    assert abs(end.actual_count - shot.target_count) <= 2
    wait(lambda: rig.driver.motion.count > shot.target_count + 1000)
    rig.driver.shoot(shot)
    wait(lambda: rig.driver.motion.count > shot.target_count + 2000)
    assert rig.plc.fired == [7]
    assert len(rig.ends[7]) == 1


def test_a_shot_that_waits_fires_where_it_was_aimed_last(rig: Rig) -> None:
    rig.start()
    first = rig.shot(7, 6000)
    rig.driver.shoot(first)
    rig.wait_taken()
    moved = replace(first, target_count=first.target_count - 2000, lead_s=0.020)
    rig.driver.shoot(moved)
    wait(lambda: 7 in rig.ends)
    (end,) = rig.ends[7]
    assert (end.result, end.shot) == (EjectResult.FIRED, moved)
    assert abs(end.actual_count - moved.target_count) <= 2


def test_items_are_seen_at_the_barrier_and_at_the_eyes_with_their_counts(rig: Rig) -> None:
    rig.start(1.0)
    wait(lambda: len(rig.of(Arrival)) > 2)
    leading = [edge.count for edge in rig.of(Edge) if edge.blocked]
    assert leading == [leading[0] + PITCH * i for i in range(len(leading))]
    assert {arrival.bin for arrival in rig.of(Arrival)} == {"others"}
    for sample, after in pairwise(rig.of(EncoderSample)):
        assert after.stamp > sample.stamp
        assert after.count >= sample.count


@pytest.mark.parametrize(
    "addresses",
    [
        {"status": 3000, "orders": 0, "events": 500},
        {"status": 3000, "orders": 4000, "events": 0},
    ],
)
def test_the_reference_plc_shows_its_events_wherever_they_are(
    tmp_path: Path, addresses: dict[str, int]
) -> None:
    file = tmp_path / "hardware.yaml"
    file.write_text(yaml.safe_dump(document(addresses=addresses)))
    plc = PlcProcess(tmp_path / "plc.log", hardware_file=file)
    events: list[Event] = []
    told = document(port=plc.port, addresses=addresses)
    driver = ModbusDriver(read_options(told, CELL), CELL, events.append)
    try:
        driver.run(True, 1.0)
        wait(lambda: any(isinstance(event, Edge) for event in events))
    finally:
        driver.close()
        plc.kill()


def test_the_emergency_stop_of_a_program_that_stands_counts_as_pressed(rig: Rig) -> None:
    wait(lambda: not rig.driver.pressed)
    read, status = rig.driver._link.read, rig.driver._options.addresses.status
    shown: list[list[int]] = []

    def stands(address: int, count: int) -> list[int]:
        if address != status:
            return read(address, count)
        if not shown:
            shown.append(read(address, count))
        return shown[0]

    rig.driver._link.read = stands
    wait(lambda: rig.driver.pressed)
    assert rig.driver.trouble is not None
    assert "its program stands" in rig.driver.trouble.cause


def test_a_host_that_cannot_be_a_name_is_told_as_trouble(rig: Rig) -> None:
    driver = rig.open(host="plc..local")
    try:
        wait(lambda: driver.trouble is not None and "idna" in driver.trouble.cause)
        driver.shoot(Shot(1, 1, 1, True, 0, 0.01, 0.02))
        wait(lambda: 1 in rig.ends)
    finally:
        driver.close()


def test_a_session_that_none_can_follow_is_refused_by_name(rig: Rig) -> None:
    rig.driver.close()
    link = ModbusLink(read_options(document(port=rig.plc.port), CELL))
    link.write(100, plc.control_registers(plc.Control(2**32 - 1, 1, plc.Orders(0), 0)))
    link.close()
    rig.driver = rig.open()
    wait(lambda: "status.session: 4294967295 is refused" in str(rig.driver.trouble))


def test_a_defect_of_its_thread_is_told_and_ends_nothing(rig: Rig) -> None:
    driver, broken = rig.driver, True

    def report(event: Event) -> None:
        if broken:
            raise KeyError(event)
        rig.events.append(event)

    driver._report = report
    wait(lambda: driver.figures().get("link cut", 0) > 1)
    assert "the driver has failed: KeyError" in driver._error
    broken = False
    rig.start()
    rig.driver.shoot(rig.shot(1, 2000))
    wait(lambda: 1 in rig.ends)


def test_a_shot_called_off_never_fires(rig: Rig) -> None:
    rig.start()
    rig.driver.shoot(rig.shot(8, 4000))
    rig.driver.shoot(rig.shot(8, 4000, fire=False))
    rig.driver.shoot(rig.shot(9, 4000, fire=False))
    rig.driver.shoot(rig.shot(9, 4000))
    wait(lambda: {8, 9} <= set(rig.ends))
    assert [end.result for end in (*rig.ends[8], *rig.ends[9])] == [EjectResult.CANCELLED] * 2
    rig.driver.shoot(rig.shot(10, 6000))
    wait(lambda: 10 in rig.ends)
    assert rig.plc.fired == [10]


@pytest.mark.parametrize(
    ("changed", "result", "detail"),
    [
        ({"valve": 77}, EjectResult.FAULT, "the PLC has no such valve"),
        ({"epoch": 1}, EjectResult.FAULT, "the PLC counts in another epoch"),
        ({"target_count": 0}, EjectResult.LATE, "commanded too late"),
        ({"lead_s": float("nan")}, EjectResult.FAULT, "lead_s nan is refused"),
        ({"pulse_s": 70.0}, EjectResult.FAULT, "pulse_s 70.0 is refused"),
    ],
)
def test_a_shot_that_cannot_be_has_an_end_that_says_why(
    rig: Rig, changed: dict[str, Any], result: EjectResult, detail: str
) -> None:
    rig.start()
    shot = rig.shot(11, 3000)
    rig.driver.shoot(Shot(**{n: getattr(shot, n) for n in Shot.__dataclass_fields__} | changed))
    wait(lambda: 11 in rig.ends)
    (end,) = rig.ends[11]
    assert end.result is result
    assert end.detail.startswith(detail)
    assert rig.plc.fired == []


def test_valves_that_are_disabled_do_not_fire(rig: Rig) -> None:
    rig.start()
    rig.driver.enable(False)
    rig.driver.shoot(rig.shot(12, 2000))
    wait(lambda: 12 in rig.ends)
    (end,) = rig.ends[12]
    assert (end.result, end.detail) == (EjectResult.LATE, "valves disabled")
    assert rig.plc.fired == []


def test_a_thousand_shots_over_a_link_that_fails_are_each_told_once_and_fired_once(
    rig: Rig,
) -> None:
    rig.start(1.0)
    chance = random.Random(5)
    over = threading.Event()

    def fail() -> None:
        """One trouble after another; now and then one longer than the PLC's patience."""
        for turn in range(10_000):
            if over.wait(chance.uniform(0.1, 0.4)):
                break
            what = "long cut" if turn % 12 == 11 else chance.choice(["cut", "late", "garbage"])
            if what == "late":
                rig.link.delay_s = 0.08
            elif what == "garbage":
                rig.link.garbage = 0.15
            else:
                rig.link.cut()
            over.wait(1.4 if what == "long cut" else chance.uniform(0.05, 0.4))
            rig.link.delay_s = rig.link.garbage = 0.0
            rig.link.mend()

    failing = threading.Thread(target=fail)
    failing.start()
    called_off = set()
    shots = random.Random(6)
    for item_id in range(1, COMMANDS + 1):
        shot = rig.shot(item_id, shots.uniform(0.1, 0.9) * SPEED, valve=1 + item_id % 9)
        rig.driver.shoot(shot)
        if item_id % 20 == 0:
            rig.driver.shoot(shot)
        if item_id % 25 == 0:
            called_off.add(item_id)
            rig.driver.shoot(rig.shot(item_id, 0, fire=False))
        over.wait(0.02)
    over.set()
    failing.join()
    wait(lambda: len(rig.ends) == COMMANDS)

    ends, fired = rig.ends, rig.plc.fired
    assert [item for item, count in Counter(fired).items() if count > 1] == []
    assert [item for item, told in ends.items() if len(told) > 1] == []
    results = {item: told[0].result for item, told in ends.items()}
    assert {item for item, result in results.items() if result is EjectResult.FIRED} == set(fired)
    late = {item for item, result in results.items() if result is EjectResult.LATE}
    assert {ends[item][0].detail for item in late} <= {"valves disabled", "commanded too late"}
    cancelled = {i for i, result in results.items() if result is EjectResult.CANCELLED}
    assert cancelled <= called_off
    leading = [edge.count for edge in rig.of(Edge) if edge.blocked]
    assert leading == [leading[0] + PITCH * i for i in range(len(leading))]
    assert rig.driver.figures()["link cut"] > 10
    assert rig.driver.figures()["wrong checksum"] > 0
    assert len(fired) > COMMANDS / 2
    print(f"\n{Counter(result.value for result in results.values())} {rig.driver.figures()}")


def test_a_plc_that_hears_nothing_stops_its_belt_and_calls_its_shots_off(rig: Rig) -> None:
    rig.start()
    rig.driver.shoot(rig.shot(13, 12_000))
    rig.wait_taken()
    rig.link.cut()
    wait(lambda: rig.driver.pressed)
    assert rig.driver.trouble.cause.startswith(f"PLC 127.0.0.1:{rig.link.port} is not heard")
    rig.driver.run(False, 0.0)
    wait(lambda: Bits.SILENT in rig.plc.status().bits and rig.plc.status().velocity == 0)
    stood = rig.plc.status().count
    rig.link.mend()
    wait(lambda: 13 in rig.ends)
    (end,) = rig.ends[13]
    assert end.result is EjectResult.FAULT
    assert end.detail == "called off by the PLC, which was told nothing for a second"
    wait(lambda: rig.driver.trouble is None and not rig.driver.pressed)
    wait(lambda: rig.driver.motion.velocity == 0.0)
    assert rig.driver.motion.count == stood
    assert rig.plc.fired == []


def test_shots_end_as_fault_where_the_link_stays_cut(rig: Rig) -> None:
    rig.driver.close()
    rig.driver = rig.open(patience_s=1.5)
    rig.start()
    rig.driver.shoot(rig.shot(14, 100_000))
    rig.wait_taken()
    rig.link.cut()
    rig.driver.shoot(rig.shot(15, 100_000))
    wait(lambda: {14, 15} <= set(rig.ends))
    rig.driver.shoot(rig.shot(16, 100_000))
    wait(lambda: 16 in rig.ends)
    rig.link.mend()
    wait(lambda: rig.driver.trouble is None)
    rig.driver.shoot(rig.shot(17, 2000))
    wait(lambda: 17 in rig.ends)
    results = {item: [end.result for end in told] for item, told in rig.ends.items()}
    fault, fired = [EjectResult.FAULT], [EjectResult.FIRED]
    assert results == {14: fault, 15: fault, 16: fault, 17: fired}


def test_a_plc_started_again_begins_an_epoch_and_fires_nothing_of_the_last(
    rig: Rig, tmp_path: Path
) -> None:
    rig.start()
    shot = rig.shot(18, 20_000)
    rig.driver.shoot(shot)
    rig.wait_taken()
    rig.plc.kill()
    rig.plc = PlcProcess(tmp_path / "again.log", rig.plc.port)
    wait(lambda: 18 in rig.ends)
    (end,) = rig.ends[18]
    assert end.result is EjectResult.FAULT
    assert end.detail.startswith("the PLC was started again")
    rig.start()
    assert rig.driver.motion.epoch != shot.epoch
    assert rig.driver.figures()["PLC restarted"] == 1
    rig.driver.shoot(rig.shot(19, 2000))
    wait(lambda: 19 in rig.ends)
    assert rig.plc.fired == [19]
    assert rig.of(Edge)[-1].epoch != shot.epoch


def test_a_ring_that_ran_over_is_told_and_leaves_no_shot_without_an_end(rig: Rig) -> None:
    rig.start()
    items = set(range(100, 300))
    for item_id in items:
        rig.driver.shoot(rig.shot(item_id, 100_000))
    rig.wait_taken(len(items))
    rig.link.cut()
    wait(lambda: Bits.SILENT in rig.plc.status().bits)
    rig.link.mend()
    wait(lambda: set(rig.ends) == items)
    wait(lambda: rig.driver.trouble is not None and "were lost" in rig.driver.trouble.cause)
    assert rig.driver.trouble.lasting
    assert all([end.result for end in told] == [EjectResult.FAULT] for told in rig.ends.values())
    assert rig.driver.figures()["events lost"] > 0
    assert rig.plc.fired == []


def test_an_event_that_cannot_be_is_given_up_by_name_and_the_next_ones_are_taken(rig: Rig) -> None:
    rig.driver.close()
    rig.driver = rig.open(eyes=document()["eyes"] | {"others": 99})
    rig.start(1.0)
    wait(lambda: rig.driver.trouble is not None)
    found = rig.driver.trouble
    assert "1 event was lost: event.eye: 10 is refused; allowed: 1, 2," in found.cause
    assert found.lasting
    edges = len(rig.of(Edge))
    wait(lambda: len(rig.of(Edge)) > edges)


def test_a_second_driver_of_the_same_plc_is_told(rig: Rig) -> None:
    rig.start()
    rig.driver.shoot(rig.shot(20, 100_000))
    rig.wait_taken()
    other = rig.open()
    wait(lambda: 20 in rig.ends)
    wait(lambda: rig.driver.trouble is not None)
    assert "another driver" in rig.driver.trouble.cause
    wait(lambda: other.trouble is None)
    other.close()


def test_the_emergency_stop_is_seen_and_stops_the_plc(rig: Rig) -> None:
    rig.start()
    assert not rig.driver.pressed
    rig.plc.process.send_signal(signal.SIGUSR1)
    wait(lambda: rig.driver.pressed)
    wait(lambda: rig.driver.motion.velocity == 0.0)
    rig.plc.process.send_signal(signal.SIGUSR1)
    wait(lambda: not rig.driver.pressed)


def test_valves_without_supply_are_told_and_do_not_fire(rig: Rig) -> None:
    rig.start()
    rig.plc.process.send_signal(signal.SIGUSR2)
    wait(lambda: rig.driver.trouble is not None)
    assert rig.driver.trouble.cause == "a valve's output has a fault"
    rig.driver.shoot(rig.shot(22, 2000))
    wait(lambda: 22 in rig.ends)
    assert rig.ends[22][0].detail == "valves disabled"
    rig.plc.process.send_signal(signal.SIGUSR2)
    wait(lambda: rig.driver.trouble is None)
    assert rig.plc.fired == []


def test_the_camera_trigger_is_pulsed_at_its_count(rig: Rig) -> None:
    rig.start()
    shot = rig.shot(23, 2000)
    rig.driver.expose(23, shot.epoch, shot.target_count)
    rig.driver.expose(24, 1, shot.target_count)
    wait(lambda: rig.driver.motion.count > shot.target_count + 500)
    ((item_id, count),) = rig.plc.exposed
    assert item_id == 23
    assert 0 <= count - shot.target_count < 500


def test_no_plc_and_one_that_talks_nonsense_are_told_and_read_as_pressed() -> None:
    nonsense = random.Random(7)

    def answer(listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                while client.recv(300):
                    client.sendall(nonsense.randbytes(nonsense.randint(1, 300)))
            except OSError:
                if listener.fileno() < 0:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        events: list[Event] = []
        told = document(port=listener.getsockname()[1])
        driver = open_drivers(told, CELL, events.append).belt
        assert isinstance(driver, ModbusDriver)
        driver.shoot(Shot(21, 1, 1, True, 100, 0.01, 0.02))
        wait(lambda: bool(events) and driver.figures().get("link cut", 0) >= 3)
        assert [event.result for event in events] == [EjectResult.FAULT]
        assert driver.pressed
        assert "is not heard" in driver.trouble.cause
        driver.close()
        driver.close()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"host": ""}, "host: '' is refused; allowed: a text that is not empty"),
        ({"port": 0}, "port: 0 is refused; allowed: a whole number from 1 up to 65535"),
        ({"unit": 300}, "unit: 300 is refused; allowed: a whole number from 0 up to 255"),
        (
            {"period_s": 0.0},
            "period_s: 0.0 is refused; allowed: a number from 0.005 up to 0.05 [s]",
        ),
        ({"baud": 9600}, "baud: unknown field; allowed: host, port, unit"),
        (
            {"valves": [1, 2]},
            "valves: [1, 2] is refused; allowed: a list with 3 of bin 'energizer_ind'",
        ),
        ({"eyes": {}}, "eyes.duracell_alk: missing; allowed: the number of the bin's eye"),
        (
            {"eyes": document()["eyes"] | {"trash": 11}},
            "eyes.trash: unknown bin; allowed: duracell_alk",
        ),
        (
            {"eyes": document()["eyes"] | {"others": 1}},
            "eyes.others: 1 already sees bin 'duracell_alk'; allowed: one bin per eye",
        ),
        (
            {"addresses": {"status": 110, "orders": 100, "events": 1000}},
            "addresses.status: 110 is refused; allowed: from 218, the end of orders",
        ),
        (
            {"addresses": {"status": 0, "orders": 100, "events": 65000}},
            "addresses.events: 65000 is refused",
        ),
    ],
)
def test_a_hardware_file_that_does_not_fit_is_refused_by_name(
    changed: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(FieldError) as error:
        read_options(document(**changed), CELL)
    assert str(error.value).startswith(refusal)
