"""Every driver keeps every promise of the contract; one that breaks a promise is found out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import serial_ascii_rig

from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Edge, EncoderSample
from batsort_hardware import driver_contract as contract
from batsort_hardware.driver_contract import PROMISES, Broken, Rig
from batsort_hardware.drivers import DRIVERS
from batsort_hardware.protocols import Event
from batsort_hardware.serial_ascii import SerialAscii


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("driver", DRIVERS)
def test_each_driver_keeps_each_promise(
    driver: str, promise: Callable[[Rig], None], tmp_path: Path
) -> None:
    rig = importlib.import_module(f"{driver}_rig").Rig(tmp_path)
    try:
        promise(rig)
    finally:
        rig.close()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[serial_ascii_rig.Rig]:
    made = serial_ascii_rig.Rig(tmp_path)
    yield made
    made.close()


def opens_twice(driver: SerialAscii, shot: Shot) -> None:
    for _ in range(2):
        driver.link.say(f"V {shot.valve} {shot.pulse_s:.3f}")


def opens_the_next_valve(driver: SerialAscii, shot: Shot) -> None:
    driver.link.say(f"V {shot.valve + 1} {shot.pulse_s:.3f}")


def opens_late(driver: SerialAscii, shot: Shot) -> None:
    until = driver.stamps.now() + 100_000_000
    while driver.stamps.now() < until:
        pass
    driver.link.say(f"V {shot.valve} {shot.pulse_s:.3f}")


@pytest.mark.parametrize(
    ("promise", "name", "broken", "seen"),
    [
        (contract.fires_at_the_count_once, "open", opens_twice, "2 jets of 1 items"),
        (contract.fires_at_the_count_once, "open", opens_the_next_valve, "valve 2 opened; allowed"),
        (contract.fires_at_the_count_once, "open", opens_late, "counts off; allowed: "),
        (contract.disabling_shuts, "shut", lambda driver: None, "when it is disabled: not within"),
        (
            contract.disabled_stays_shut,
            "enable",
            lambda driver, enabled: setattr(driver, "_enabled", True),
            r"item 1: fired \(\); allowed: late",
        ),
        (contract.emergency_stop_is_seen, "pressed", False, "at the emergency stop: not within"),
        (contract.trouble_has_a_cure, "_cure", "", "without a cause or a cure"),
    ],
)
def test_a_driver_that_breaks_a_promise_is_told_by_what_was_seen(
    rig: serial_ascii_rig.Rig,
    monkeypatch: pytest.MonkeyPatch,
    promise: Callable[[Rig], None],
    name: str,
    broken: Any,
    seen: str,
) -> None:
    if name == "_cure":
        rig.drivers.belt._cure = broken
    else:
        monkeypatch.setattr(SerialAscii, name, broken)
    with pytest.raises(Broken, match=seen):
        promise(rig)


@pytest.mark.parametrize(
    ("promise", "told", "seen"),
    [
        (
            contract.counts_without_end,
            lambda event: [replace(event, stamp=1)] if type(event) is EncoderSample else [event],
            "stamp 1 after 1; allowed: later ones only",
        ),
        (
            contract.edges_where_they_were,
            lambda event: [event, event] if type(event) is Edge else [event],
            "two edges to True in a row",
        ),
        (
            contract.late_is_late,
            lambda event: [replace(event, result="fired")] if type(event) is ShotEnd else [event],
            r"item 1: fired \(commanded too late\); allowed: late",
        ),
        (
            contract.cancelled_in_time,
            lambda event: [event, event] if type(event) is ShotEnd else [event],
            r"ends of \[1, 1, 2, 2\]; allowed: one of each of 2",
        ),
    ],
)
def test_a_driver_that_tells_what_is_not_so_is_told_by_what_was_seen(
    rig: serial_ascii_rig.Rig,
    promise: Callable[[Rig], None],
    told: Callable[[Event], list[Event]],
    seen: str,
) -> None:
    rig.drivers.belt.report = lambda event: rig.events.extend(told(event))
    with pytest.raises(Broken, match=seen):
        promise(rig)
