"""The valve thread: each shot once, at its count, and shut whenever the valves must be."""

from __future__ import annotations

import gc
import queue
import time
from collections.abc import Iterator

import pytest
from gpiozero import OutputDevice
from gpiozero.pins.mock import MockFactory
from waiting import DEADLINE_S, wait

from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_hardware.valve_thread import ValveThread

EPOCH = 7
VELOCITY = 5000.0


class Belt:
    """Runs at VELOCITY from count 0 at its making; its encoder can fall silent."""

    def __init__(self) -> None:
        self.start = time.monotonic_ns()
        self.silent_since: int | None = None
        self.stands = self.unknown = self.broken = False

    def motion(self) -> Motion | None:
        if self.broken:
            raise OSError("the encoder can't be read")
        if self.unknown:
            return None
        if self.stands:
            return Motion(time.monotonic_ns(), EPOCH, 0.0, 0.0)
        now = self.silent_since or time.monotonic_ns()
        return Motion(now, EPOCH, VELOCITY * (now - self.start) / 1e9, VELOCITY)


class Rig:
    """Two valves on mock pins over a belt."""

    def __init__(self, late_s: float = 1.0) -> None:
        self.belt = Belt()
        self.ends: queue.SimpleQueue[ShotEnd] = queue.SimpleQueue()
        self.pressed = False
        factory = MockFactory()
        self.outputs = {valve: OutputDevice(4 + valve, pin_factory=factory) for valve in (1, 2)}
        self.thread = ValveThread(
            self.outputs,
            self.belt.motion,
            self.ends.put,
            time.monotonic_ns,
            stale_s=0.05,
            late_s=late_s,
            interlock=lambda: self.pressed,
        )

    def shoot(self, ahead: float = 500.0, item_id: int = 1, **changed: object) -> Shot:
        target = round(self.belt.motion().count + ahead)
        values = {"valve": 1, "fire": True, "target_count": target, "lead_s": 0.01, "pulse_s": 0.02}
        shot = Shot(item_id=item_id, epoch=EPOCH, **(values | changed))
        self.thread.shoot(shot)
        return shot

    def end(self) -> ShotEnd:
        return self.ends.get(timeout=DEADLINE_S)

    def opened(self, valve: int = 1) -> int:
        """How often a valve was opened."""
        return sum(1 for _, state in self.outputs[valve].pin.states[1:] if state)


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.thread.close()


def test_a_shot_fires_once_at_its_count_and_closes(rig: Rig) -> None:
    rig.thread.enable(True)
    shot = rig.shoot()
    rig.thread.shoot(shot)
    end = rig.end()
    assert (end.shot, end.result, end.epoch) == (shot, EjectResult.FIRED, EPOCH)
    assert end.actual_count >= shot.target_count - 1
    wait(lambda: not rig.outputs[1].value)
    rig.thread.shoot(shot)
    later = rig.shoot(item_id=2, valve=2)
    assert rig.end().shot == later
    assert (rig.opened(1), rig.opened(2)) == (1, 1)


def test_a_valve_that_is_fired_again_while_open_stays_open_for_both(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(300, 1, pulse_s=0.2)
    rig.shoot(310, 2, pulse_s=0.02)
    assert {rig.end().shot.item_id, rig.end().shot.item_id} == {1, 2}
    wait(lambda: not rig.outputs[1].value)
    assert rig.outputs[1].pin.states[-1].timestamp >= 0.2


def test_a_shot_that_is_called_off_does_not_fire(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(5000)
    rig.shoot(5000, fire=False)
    assert rig.end().result is EjectResult.CANCELLED
    rig.shoot(100, 2, valve=2)
    assert rig.end().shot.item_id == 2
    assert rig.opened() == 0


def test_a_shot_that_comes_too_late_does_not_fire(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(-1)
    end = rig.end()
    assert (end.result, end.detail) == (EjectResult.LATE, "commanded too late")
    assert rig.opened() == 0


def test_a_shot_whose_moment_was_slept_through_does_not_fire() -> None:
    rig = Rig(late_s=-1.0)
    rig.thread.enable(True)
    rig.shoot()
    end = rig.end()
    rig.thread.close()
    assert end.result is EjectResult.LATE
    assert end.detail.startswith("due ")
    assert rig.opened() == 0


def test_disabled_valves_end_shots_as_late(rig: Rig) -> None:
    rig.shoot()
    assert rig.end().detail == "valves disabled"
    assert rig.opened() == 0


def test_disabling_shuts_an_open_valve_before_it_returns(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(pulse_s=1.0)
    rig.end()
    assert rig.outputs[1].value
    rig.thread.enable(False)
    assert not rig.outputs[1].value


def test_a_silent_encoder_fires_nothing_and_says_so(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.belt.silent_since = time.monotonic_ns()
    rig.shoot(600)
    end = rig.end()
    assert end.result is EjectResult.FAULT
    assert end.detail.startswith("no encoder count for ")
    assert rig.opened() == 0


def test_a_standing_belt_fires_nothing_until_it_runs(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.belt.stands = True
    rig.shoot(400)
    with pytest.raises(queue.Empty):
        rig.ends.get(timeout=0.15)
    rig.belt.start = time.monotonic_ns()
    rig.belt.stands = False
    assert rig.end().result is EjectResult.FIRED


def test_an_interlock_shuts_and_stays_shut_until_enabled_again(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.pressed = True
    rig.shoot()
    assert rig.end().detail == "valves disabled"
    rig.thread.enable(True)
    rig.pressed = False
    rig.shoot(item_id=2)
    assert rig.end().detail == "valves disabled"
    rig.thread.enable(True)
    rig.shoot(item_id=3)
    assert rig.end().result is EjectResult.FIRED


def test_closing_shuts_and_ends_what_waits(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(pulse_s=1.0)
    rig.end()
    waiting = rig.shoot(50_000, 2)
    rig.thread.close()
    end = rig.end()
    assert (end.shot, end.result, end.detail) == (
        waiting,
        EjectResult.FAULT,
        "the valve driver was closed",
    )
    assert not rig.outputs[1].value
    rig.shoot(item_id=3)
    assert rig.end().detail == "the valve driver is closed"
    rig.thread.close()


def test_a_pin_that_fails_ends_all_shots_shuts_all_valves_and_is_trouble(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(300, 1, valve=2, pulse_s=1.0)
    assert rig.end().result is EjectResult.FIRED
    rig.shoot(50_000, 2, valve=2)
    rig.outputs[1].close()
    rig.shoot(300, 3)
    ends = {end.shot.item_id: end for end in (rig.end(), rig.end())}
    assert {end.result for end in ends.values()} == {EjectResult.FAULT}
    assert ends[3].detail.startswith("valve 1: GPIODeviceClosed")
    assert rig.thread.trouble is not None
    wait(lambda: not rig.outputs[2].value)
    rig.shoot(300, 4)
    assert rig.end().result is EjectResult.FAULT


def test_what_was_made_before_is_not_looked_through_for_garbage_any_more() -> None:
    gc.unfreeze()
    kept = [[] for _ in range(100_000)]
    rig = Rig()
    rig.thread.close()
    assert gc.get_freeze_count() > len(kept)


def test_a_shot_that_came_before_the_belt_was_known_is_over_and_never_fires(rig: Rig) -> None:
    rig.thread.enable(True)
    early = Shot(2, EPOCH, 1, True, round(rig.belt.motion().count + 700), 0.01, 0.02)
    rig.belt.unknown = True
    rig.thread.shoot(early)
    assert rig.end().detail == "no encoder count yet"
    rig.belt.unknown = False
    rig.thread.shoot(early)
    later = rig.shoot(800, 3, valve=2)
    assert rig.end().shot == later
    assert rig.opened() == 0


def test_a_shot_that_ended_with_the_driver_has_no_second_end(rig: Rig) -> None:
    shot = rig.shoot(50_000)
    rig.thread.close()
    rig.end()
    rig.thread.shoot(shot)
    assert rig.ends.empty()


def test_an_encoder_that_cannot_be_read_ends_every_shot_and_shuts_the_valves(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot(200, 1, pulse_s=1.0)
    assert rig.end().result is EjectResult.FIRED
    waiting = rig.shoot(50_000, 2)
    rig.belt.broken = True
    end = rig.end()
    assert (end.shot, end.result) == (waiting, EjectResult.FAULT)
    assert "can't be read" in end.detail
    assert not rig.outputs[1].value
    rig.thread.shoot(Shot(3, EPOCH, 1, True, 0, 0.01, 0.02))
    assert rig.end().result is EjectResult.FAULT


def test_how_long_a_valve_stayed_open_beyond_its_pulse_is_told(rig: Rig) -> None:
    rig.thread.enable(True)
    rig.shoot()
    rig.end()
    wait(lambda: not rig.outputs[1].value)
    assert 0.0 <= rig.thread.overrun_s < DEADLINE_S
