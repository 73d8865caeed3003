"""Driver `modbus` over links that fail: every shot has one end, and none fires twice."""

from __future__ import annotations

import random
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from modbus_rig import CELL, PITCH, SPEED, Rig
from plc_process import document
from waiting import wait

from batsort_core.decisions import Shot
from batsort_core.items import EjectResult
from batsort_core.sensing import Edge
from batsort_hardware import modbus_map as plc
from batsort_hardware.modbus import ModbusDriver, open_drivers
from batsort_hardware.modbus_link import ModbusLink
from batsort_hardware.modbus_map import Bits
from batsort_hardware.modbus_options import read_options
from batsort_hardware.protocols import Event

COMMANDS = 1000


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.close()


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
