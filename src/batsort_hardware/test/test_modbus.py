"""Driver `modbus` at the reference PLC: what the contract of drivers does not say."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from modbus_rig import CELL, Rig
from plc_process import PlcProcess, document
from waiting import wait

from batsort_core.decisions import Shot
from batsort_core.items import EjectResult
from batsort_core.sensing import Edge
from batsort_hardware.modbus import ModbusDriver
from batsort_hardware.modbus_options import read_options
from batsort_hardware.protocols import Event


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


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


def test_the_emergency_stop_stops_the_plc(rig: Rig) -> None:
    rig.start()
    rig.press(True)
    wait(lambda: rig.driver.motion.velocity == 0.0)
