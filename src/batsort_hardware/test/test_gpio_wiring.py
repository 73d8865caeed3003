"""Hardware files of the driver `gpio`."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from gpio_rig import CELL, DOCUMENT

from batsort_files.schema import FieldError
from batsort_hardware.gpio_wiring import parse_wiring


def changed(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT)
    *way, last = [int(key) if key.isdigit() else key for key in path.split(".")]
    part = document
    for key in way:
        part = part[key]
    if value is None:
        del part[last]
    else:
        part[last] = value
    return document


def test_a_machine_without_a_trigger_has_none() -> None:
    assert parse_wiring(changed("trigger", None), CELL).trigger is None


@pytest.mark.parametrize(
    ("path", "value", "refusal"),
    [
        (
            "encoder.a",
            28,
            "encoder.a: 28 is refused; allowed: a whole number from 0 up to 27 [BCM]",
        ),
        ("encoder.b", 17, "encoder.b: pin 17 is taken by encoder.a; allowed: one use a pin"),
        ("estop.pull", "floating", "estop.pull: 'floating' is refused; allowed: one of up, down"),
        ("barrier.settle_s", 1.0, "barrier.settle_s: 1.0 is refused; allowed: a number from 0"),
        ("barrier.debounce", 1.0, "barrier.debounce: unknown field; allowed: pin, pull, blocked"),
        ("drive", None, "drive: missing; allowed: fields pin, active_high"),
        ("confirm.klarus", None, "confirm.klarus: missing; allowed: each of duracell_alk,"),
        (
            "confirm.glass",
            {"pin": 0, "pull": "up", "blocked": "low", "settle_s": 0},
            "confirm.glass: ",
        ),
        ("valves.pins.9", None, "valves.pins.9: missing; allowed: each of 1, 2, 3"),
        ("valves.pins.10", 0, "valves.pins.10: 10 is refused; allowed: 1, 2, 3"),
        ("valves.pins.9", 2.5, "valves.pins.9: 2.5 is refused; allowed: a whole number"),
    ],
)
def test_wiring_that_does_not_fit_is_refused_by_name(path: str, value: Any, refusal: str) -> None:
    with pytest.raises(FieldError) as error:
        parse_wiring(changed(path, value), CELL)
    assert str(error.value).startswith(refusal)
