"""The driver on the pins of a Raspberry Pi: what the contract of drivers does not say."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from gpio_rig import CELL, DOCUMENT, Machine
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin
from plc_process import CELL_FILE
from waiting import wait

from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import EjectResult
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_files.documents import ConfigurationError
from batsort_hardware.gpio import open_drivers


@pytest.fixture
def machine() -> Iterator[Machine]:
    made = Machine()
    yield made
    made.close()


class FailsOnce:
    """A pin that can't be read, once."""

    def __init__(self, pin: Any) -> None:
        self._pin = pin
        self.failed = False

    @property
    def state(self) -> Any:
        if not self.failed:
            self.failed = True
            raise OSError("pin can't be read")
        return self._pin.state

    def close(self) -> None:
        self._pin.close()


def test_an_emergency_stop_that_could_not_be_read_once_is_seen_by_all_who_look(
    machine: Machine,
) -> None:
    machine.gpio._stop = stop = FailsOnce(machine.gpio._stop)
    # The valve thread looks by itself, and has disabled the valves then.
    wait(lambda: stop.failed)
    assert machine.gpio.pressed
    wait(lambda: not machine.gpio.pressed)


class Busy(MockPin):
    """Pin 9 is another program's."""

    def _set_function(self, value: str) -> None:
        if self.info.name == "GPIO9" and value == "output":
            raise RuntimeError("GPIO busy")  # lgpio's error has no other base than Exception
        super()._set_function(value)


def test_a_pin_that_something_else_has_taken_is_refused_by_its_number() -> None:
    Device.pin_factory = MockFactory(pin_class=Busy)
    try:
        with pytest.raises(ConfigurationError, match=r"^pin 9: can't be used \(GPIO busy\); "):
            open_drivers(DOCUMENT, CELL, lambda event: None)
    finally:
        Device.pin_factory.close()
        Device.pin_factory = None


def test_samples_come_in_order_with_the_counts_of_the_pins(machine: Machine) -> None:
    for _ in range(10):
        machine.step()
    wait(lambda: any(sample.count == 10 for sample in machine.of(EncoderSample)))
    for _ in range(4):
        machine.step(-1)
    wait(lambda: machine.of(EncoderSample)[-1].count == 6)
    samples = machine.of(EncoderSample)
    assert all(one.stamp < other.stamp for one, other in itertools.pairwise(samples))
    assert {sample.epoch for sample in samples} == {machine.drivers.belt.motion.epoch}


def test_barrier_and_eyes_tell_edges_with_the_count_there(machine: Machine) -> None:
    for _ in range(25):
        machine.step()
    machine.pin("barrier").drive_low()
    wait(lambda: len(machine.of(Edge)) == 1)
    machine.pin("barrier").drive_high()
    wait(lambda: len(machine.of(Edge)) == 2)
    assert [edge.blocked for edge in machine.of(Edge)] == [False, True]
    assert all(abs(edge.count - 25) <= 1 for edge in machine.of(Edge))
    samples = len(machine.of(EncoderSample))
    eye = machine.factory.pin(DOCUMENT["confirm"]["klarus"]["pin"])
    eye.drive_low()
    wait(lambda: len(machine.of(EncoderSample)) > samples + 1)
    eye.drive_high()
    wait(lambda: bool(machine.of(Arrival)))
    arrival = machine.of(Arrival)[0]
    assert (arrival.bin, arrival.count) == ("klarus", 25)


def test_the_emergency_stop_shuts_an_open_valve_at_once_and_a_reset_opens_none(
    machine: Machine,
) -> None:
    machine.start()
    machine.drivers.valves.enable(True)
    shot = machine.drivers.belt.motion
    machine.drivers.valves.shoot(Shot(1, shot.epoch, 1, True, round(shot.count + 300), 0.0, 1.0))
    wait(lambda: bool(machine.valve(1).state))
    machine.pin("estop").drive_high()
    assert not machine.valve(1).state
    assert machine.drivers.estop.pressed
    machine.pin("estop").drive_low()
    machine.shoot(300, 2)
    wait(lambda: len(machine.of(ShotEnd)) == 2)
    assert machine.of(ShotEnd)[1].detail == "valves disabled"


def test_an_encoder_that_falls_silent_while_the_belt_runs_is_trouble_and_fires_nothing(
    machine: Machine,
) -> None:
    machine.start()
    machine.drivers.valves.enable(True)
    machine.shoot(2000)
    machine.stop()
    wait(lambda: bool(machine.of(ShotEnd)))
    end = machine.of(ShotEnd)[0]
    assert end.result is EjectResult.FAULT
    assert end.detail.startswith("no encoder count for ")
    assert machine.drivers.valves.trouble.cause == "the encoder fell silent while the belt ran"
    assert [state for _, state in machine.valve(1).states] == [False]


def test_a_belt_that_was_stopped_is_no_trouble_and_its_shots_wait(machine: Machine) -> None:
    machine.start()
    machine.drivers.valves.enable(True)
    machine.shoot(2000)
    machine.drivers.belt.run(False, 0.0)
    machine.stop()
    wait(lambda: machine.drivers.belt.motion.velocity == 0.0)
    assert machine.drivers.valves.trouble is None
    assert machine.of(ShotEnd) == []
    assert not machine.factory.pin(DOCUMENT["drive"]["pin"]).state


def test_a_belt_that_is_started_again_keeps_its_shots_and_is_no_trouble(machine: Machine) -> None:
    machine.start()
    machine.drivers.valves.enable(True)
    shot = machine.shoot(2000)
    machine.drivers.belt.run(False, 0.0)
    machine.stop()
    wait(lambda: machine.drivers.belt.motion.velocity == 0.0)
    machine.drivers.belt.run(True, 0.2)  # a drive takes its time before the first count
    seen = len(machine.of(EncoderSample))
    wait(lambda: len(machine.of(EncoderSample)) > seen + 10)
    assert machine.drivers.belt.trouble is None
    assert machine.of(ShotEnd) == []
    machine.start()
    wait(lambda: bool(machine.of(ShotEnd)))
    (end,) = machine.of(ShotEnd)
    assert (end.shot, end.result) == (shot, EjectResult.FIRED)


def test_an_emergency_stop_too_short_to_be_looked_at_is_pressed_for_who_looks_later(
    machine: Machine,
) -> None:
    machine.drivers.valves.enable(True)
    machine.pin("estop").drive_high()
    machine.pin("estop").drive_low()
    assert machine.drivers.estop.pressed
    wait(lambda: not machine.drivers.estop.pressed)


def test_an_emergency_stop_that_cannot_be_read_counts_as_pressed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(pin: object) -> bool:
        raise OSError("can't be read")

    assert not machine.drivers.estop.pressed
    with monkeypatch.context() as patch:
        patch.setattr(type(machine.pin("estop")), "_get_state", broken)
        assert machine.drivers.estop.pressed


def test_the_camera_is_pulsed_once_for_each_request_whether_valves_are_enabled_or_not(
    machine: Machine,
) -> None:
    machine.start()
    trigger = machine.pin("trigger")
    motion = machine.drivers.belt.motion
    for _ in range(2):
        machine.drivers.trigger.expose(1, motion.epoch, round(motion.count + 300))
    machine.drivers.trigger.expose(2, motion.epoch, round(motion.count - 300))
    wait(lambda: len(trigger.states) == 3)
    assert [state for _, state in trigger.states] == [False, True, False]
    assert machine.drivers.figures()["camera pulses missed"] == 1
    assert machine.of(ShotEnd) == []


def test_missed_edges_are_counted_and_beyond_the_limit_trouble(machine: Machine) -> None:
    for missed in range(DOCUMENT["encoder"]["missed_limit"] + 1):
        assert machine.drivers.belt.trouble is None
        assert machine.drivers.figures()["missed encoder edges"] == missed
        machine.a._call_when_changed()  # an edge to the level that is already there
    assert "edges were missed" in machine.drivers.belt.trouble.cause


def test_closing_stops_the_belt_shuts_the_valves_and_releases_the_pins(machine: Machine) -> None:
    machine.start()
    machine.drivers.valves.enable(True)
    machine.shoot(100_000)
    drive = machine.factory.pin(DOCUMENT["drive"]["pin"])
    levels: list[bool] = []
    released = drive._set_function
    drive._set_function = lambda value: (levels.append(bool(drive.state)), released(value))
    machine.gpio.close()
    machine.gpio.close()
    assert levels == [False]
    assert machine.of(ShotEnd)[0].detail == "the valve driver was closed"
    for pin in (*DOCUMENT["valves"]["pins"].values(), DOCUMENT["drive"]["pin"]):
        assert machine.factory.pin(pin).function == "input"


@pytest.mark.parametrize("end", ["SIGTERM", "SIGINT", "fail"])
def test_however_the_node_ends_no_valve_is_left_open_and_the_belt_stops(
    end: str, tmp_path: Path
) -> None:
    hardware = tmp_path / "hardware.yaml"
    hardware.write_text(yaml.safe_dump(DOCUMENT))
    words = [sys.executable, str(Path(__file__).parent / "gpio_process.py"), end, "--ros-args"]
    for name, value in (
        ("cell_file", CELL_FILE),
        ("driver", "gpio"),
        ("hardware_file", hardware),
    ):
        words += ["-p", f"{name}:={value}"]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=tmp_path
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if end != "fail":
            process.send_signal(signal.Signals[end])
        said, _ = process.communicate(timeout=10.0)
    finally:
        process.kill()
    assert said.splitlines()[-1] == "valve False drive False"
