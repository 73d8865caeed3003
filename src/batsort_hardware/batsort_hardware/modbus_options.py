"""What a hardware file of the driver `modbus` says, refused by name where it can't be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError, Name, Range, read, refuse
from batsort_hardware import modbus_map as plc


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
    valves: tuple[Annotated[int, Range(least=0, most=255)], ...]
    """Numbers that the PLC has valves for."""
    eyes: Mapping[str, Annotated[int, Range(least=0, most=255)]]
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
    for bin in cell.ejectors:
        if bin.valve not in options.valves:
            refuse("valves", list(options.valves), f"a list with {bin.valve} of bin {bin.name!r}")
    names = [bin.name for bin in cell.bins]
    seen: dict[int, str] = {}
    for name, eye in options.eyes.items():
        if name not in names:
            raise FieldError(f"eyes.{name}: unknown bin; allowed: {', '.join(names)}")
        if eye in seen:
            raise FieldError(
                f"eyes.{name}: {eye} already sees bin {seen[eye]!r}; allowed: one bin per eye"
            )
        seen[eye] = name
    for name in names:
        if name not in options.eyes:
            raise FieldError(f"eyes.{name}: missing; allowed: the number of the bin's eye")
    return options
