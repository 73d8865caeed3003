"""Hardware files of the driver `modbus`."""

from __future__ import annotations

from typing import Any

import pytest
from modbus_rig import CELL
from plc_process import document

from batsort_files.schema import FieldError
from batsort_hardware.modbus_options import read_options


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
