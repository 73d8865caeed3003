"""Driver `serial_ascii` at a sorter over a pseudo terminal: what the contract does not say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from serial_ascii_rig import CELL, Rig, document
from waiting import wait

from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import EjectResult
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_files.schema import FieldError
from batsort_hardware.protocols import Event
from batsort_hardware.serial_ascii import open_drivers
from batsort_hardware.wrapped_counts import WrappedCounts


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    wait(lambda: not made.drivers.estop.pressed)
    yield made
    made.close()


def of(rig: Rig, kind: type) -> list[Any]:
    return [event for event in list(rig.events) if isinstance(event, kind)]


def start(rig: Rig) -> Shot:
    """Run and enable; a shot that is far away."""
    rig.drivers.belt.run(True, rig.velocity)
    rig.drivers.valves.enable(True)
    wait(lambda: rig.drivers.belt.motion.velocity > 4000)
    motion = rig.drivers.belt.motion
    return Shot(1, motion.epoch, 1, True, round(motion.count) + 1000, 0.01, 1.0)


def test_a_line_that_is_cut_is_trouble_and_reads_as_pressed_until_it_is_back(rig: Rig) -> None:
    shot = start(rig)
    rig.sorter.unplug()
    wait(lambda: rig.drivers.belt.trouble is not None)
    assert rig.drivers.belt.trouble.cause.startswith(
        f"the sorter at {rig.sorter.port} is not heard"
    )
    assert rig.drivers.belt.trouble.cure == "check its power and cable, and port and baud"
    assert rig.drivers.estop.pressed
    rig.sorter.plug()
    wait(lambda: not rig.drivers.estop.pressed and rig.drivers.belt.trouble is None)
    assert rig.drivers.belt.motion.epoch > shot.epoch
    assert rig.drivers.figures()["link cut"] >= 1


def test_what_comes_back_after_a_cut_neither_runs_nor_fires_by_itself(rig: Rig) -> None:
    shot = start(rig)
    rig.sorter.unplug()
    wait(lambda: rig.drivers.estop.pressed)
    rig.sorter.heard.clear()
    rig.sorter.plug()
    wait(lambda: not rig.drivers.estop.pressed)
    motion = rig.drivers.belt.motion
    rig.drivers.valves.shoot(
        Shot(2, motion.epoch, 1, True, round(motion.count), 0.01, 0.02),
    )
    rig.drivers.valves.shoot(shot)
    wait(lambda: len(of(rig, ShotEnd)) == 2)
    assert {end.result for end in of(rig, ShotEnd)} == {EjectResult.LATE, EjectResult.FAULT}
    assert "R 500" not in rig.sorter.heard
    assert rig.openings == []


def test_a_valve_that_is_open_when_the_line_is_cut_is_shut_by_the_sorter(rig: Rig) -> None:
    rig.drivers.valves.shoot(start(rig))
    wait(lambda: rig.is_open(1))
    rig.sorter.unplug()
    wait(lambda: not rig.is_open(1))
    assert [end.result for end in of(rig, ShotEnd)] == [EjectResult.FIRED]


def test_a_port_that_is_not_there_is_trouble_that_names_it(tmp_path: Path) -> None:
    events: list[Event] = []
    drivers = open_drivers(document(port=str(tmp_path / "none")), CELL, events.append)
    try:
        wait(lambda: "No such file or directory" in str(drivers.belt.trouble))
        drivers.valves.shoot(Shot(1, 1, 1, True, 100, 0.01, 0.02))
        wait(lambda: events)
        assert events[0].result is EjectResult.FAULT
        assert events[0].detail == f"the sorter at {tmp_path / 'none'} is not heard"
    finally:
        drivers.belt.close()


def test_a_file_that_is_no_port_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    drivers = open_drivers(document(port=str(tmp_path / "file")), CELL, lambda event: None)
    try:
        wait(lambda: "Inappropriate ioctl for device" in str(drivers.belt.trouble))
    finally:
        drivers.belt.close()


def test_a_sorter_that_says_nothing_is_trouble(rig: Rig) -> None:
    rig.sorter.mute = True
    wait(lambda: "no count for 0.5 s" in str(rig.drivers.belt.trouble))


def test_a_sorter_that_was_started_again_begins_an_epoch_and_its_shots_are_over(rig: Rig) -> None:
    shot = replace(start(rig), target_count=2**31 + 100_000)
    rig.drivers.valves.shoot(shot)
    rig.sorter.restart()
    wait(lambda: of(rig, ShotEnd))
    assert of(rig, ShotEnd)[0].result is EjectResult.FAULT
    wait(lambda: rig.drivers.belt.motion is not None)
    assert rig.drivers.belt.motion.epoch > shot.epoch
    assert rig.drivers.belt.motion.count < 100_000


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        "C",
        "C 12",
        "C 12 13 14",
        "C twelve 13",
        "C 99999999999 13",
        "C 1 1",
        "B 2 100 100",
        "A 77 100 100",
        "A 1000 100 100",
        "E 2",
        "E",
        "\x00\xff",
        "x" * 5000,
    ],
)
def test_a_line_that_cannot_be_is_counted_and_changes_nothing(rig: Rig, line: str) -> None:
    rig.sorter.say(line)
    wait(lambda: rig.drivers.figures().get("lines refused") == 1)
    samples = len(of(rig, EncoderSample))
    wait(lambda: len(of(rig, EncoderSample)) > samples + 5)
    assert rig.drivers.belt.trouble is None
    assert rig.drivers.figures() == {"lines refused": 1}
    assert of(rig, Edge) == of(rig, Arrival) == []


def test_a_stream_without_lines_is_not_kept(rig: Rig) -> None:
    rig.sorter.say("C 1" * 10_000)
    samples = len(of(rig, EncoderSample))
    wait(lambda: len(of(rig, EncoderSample)) > samples + 5)


def test_counts_and_times_go_on_where_their_counters_wrap() -> None:
    counts = WrappedCounts(10_000.0)
    assert counts.follow(2**31 - 50, 2**32 - 5000)
    assert counts.follow(-(2**31), 5000)
    assert counts.count == 2**31
    assert not counts.follow(-(2**31), 4999)
    assert not counts.follow(-(2**31) + 200, 10_000)
    assert counts.follow(-(2**31) + 100, 15_000)
    assert counts.count == 2**31 + 100


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"port": ""}, "port: '' is refused; allowed: a text that is not empty"),
        (
            {"baud": 9601},
            "baud: 9601 is refused; allowed: one of 9600, 19200, ",
        ),
        ({"late_s": 1.0}, "late_s: 1.0 is refused; allowed: a number from 0.0005 up to 0.05 [s]"),
        ({"parity": "even"}, "parity: unknown field; allowed: port, baud, late_s, valves, eyes"),
        ({"valves": [1]}, "valves: [1] is refused; allowed: a list with 2 of bin 'energizer_alk'"),
        ({"valves": [-1]}, "valves[0]: -1 is refused; allowed: a whole number from 0 up to 255"),
        ({"eyes": {}}, "eyes.duracell_alk: missing; allowed: the number of the bin's eye"),
    ],
)
def test_a_hardware_file_that_does_not_fit_is_refused_by_name(
    changed: dict[str, Any], refusal: str
) -> None:
    with pytest.raises(FieldError) as error:
        open_drivers(document(**changed), CELL, lambda event: None)
    assert str(error.value).startswith(refusal)
