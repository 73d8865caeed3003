"""What a hardware file of the driver `modbus` says, refused by name where it can't be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_files.schema import Name, Range, read, refuse
from batsort_hardware import modbus_map as plc
from batsort_hardware.device_numbers import Number, check_eyes, check_valves


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the blocks of the register map begin, as in the requests (from 0)."""

    status: Annotated[int, Range(least=0, most=65536 - plc.STATUS_SIZE)]
    orders: Annotated[int, Range(least=0, most=65536 - plc.OUTPUTS_SIZE)]
    events: Annotated[int, Range(least=0, most=65536 - plc.EVENTS * plc.EVENT_SIZE)]


@dataclass(frozen=True, slots=True)
class ModbusOptions:
    """A hardware file of the driver `modbus`."""

    host: Annotated[str, Name()]
    port: Annotated[int, Range(least=1, most=65535)]
    unit: Annotated[int, Range(least=0, most=255)]
    """Modbus unit id."""
    period_s: Annotated[float, Range("s", least=0.005, most=0.05)]
    """Of the exchanges."""
    timeout_s: Annotated[float, Range("s", least=0.02, most=0.5)]
    """For an answer; then the link is made anew."""
    patience_s: Annotated[float, Range("s", least=1.5, most=60.0)]
    """Without the PLC for so long, open shots end as fault; it disables itself after 1 s."""
    addresses: Addresses
    valves: tuple[Number, ...]
    """Numbers that the PLC has valves for."""
    eyes: Mapping[str, Number]
    """Number of the confirm eye by the name of its bin."""


def read_options(document: object, cell: CellDescription) -> ModbusOptions:
    """The options of a hardware file that fits the cell. Raises FieldError."""
    options = read(ModbusOptions, document)
    blocks = sorted(
        (
            (options.addresses.status, plc.STATUS_SIZE, "status"),
            (options.addresses.orders, plc.OUTPUTS_SIZE, "orders"),
            (options.addresses.events, plc.EVENTS * plc.EVENT_SIZE, "events"),
        )
    )
    for (begin, size, before), (begins, _, name) in pairwise(blocks):
        if begins < begin + size:
            refuse(f"addresses.{name}", begins, f"from {begin + size}, the end of {before}")
    check_valves(options.valves, cell)
    check_eyes(options.eyes, cell)
    return options
