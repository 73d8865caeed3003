"""The register map of docs/hardware_modbus.md: what a PLC shows, and what it is told. Pure.

Numbers are big-endian, the most significant register first. Every block ends with a checksum over
the registers before it, CRC-16/IBM-3740 (polynomial 0x1021, start 0xFFFF), so that a block that the
PLC was just writing, or that was spoiled on the way, is known as such.
"""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum, IntFlag
from typing import TypeVar

E = TypeVar("E", bound=IntEnum)

IDENTITY, VERSION = 0x4253, 1
"""The first two registers of Status: "BS", and the version of this map."""
EVENTS = 128
"""Entries of the ring of events."""
SLOTS = 5
"""Entries of the mailbox for shots."""

_STATUS = struct.Struct(">HHIHHQQqiIIII")
_CONTROL = struct.Struct(">IIHI")
_SHOT = struct.Struct(">IIQQqBBII")
_EVENT = struct.Struct(">HBBQqQH")


def _size(layout: struct.Struct) -> int:
    return layout.size // 2 + 1


STATUS_SIZE, CONTROL_SIZE = _size(_STATUS), _size(_CONTROL)
SHOT_SIZE, EVENT_SIZE = _size(_SHOT), _size(_EVENT)
"""Registers of each block, checksum included."""
OUTPUTS_SIZE = CONTROL_SIZE + SLOTS * SHOT_SIZE
"""Control and the mailbox, one after the other."""
READ_MOST = 125
"""Registers that one Modbus request can read."""
WRAP = 1 << 32
"""Numbers of events and sessions begin anew there."""


class MapError(ValueError):
    """Registers that can't be, in one line; `what` names the kind of it."""

    def __init__(self, what: str, text: str) -> None:
        super().__init__(text)
        self.what = what


def check(name: str, value: int, good: bool, allowed: str) -> None:
    """Raises MapError where a field's value is not good."""
    if not good:
        raise MapError("wrong value", f"{name}: {value} is refused; allowed: {allowed}")


class Bits(IntFlag):
    """What the PLC is at, in Status."""

    BLOCKED = 1
    """The light barrier."""
    ESTOP = 2
    """The emergency stop is pressed, or its line is broken."""
    VALVES_ENABLED = 4
    RUNNING = 8
    """The drive is told to run."""
    SILENT = 16
    """No new Control for a second: valves shut, belt stopped, waiting shots called off."""
    DRIVE_FAULT = 32
    ENCODER_FAULT = 64
    VALVE_FAULT = 128


class Orders(IntFlag):
    """What the PLC shall do, in Control."""

    ENABLE_VALVES = 1
    RUN = 2


class Action(IntEnum):
    """What an entry of the mailbox asks for."""

    FIRE = 0
    CANCEL = 1
    EXPOSE = 2
    """Pulse the camera's trigger when the belt is at the target count."""


class Kind(IntEnum):
    """What happened, in Event."""

    BLOCKED = 1
    CLEAR = 2
    ARRIVAL = 3
    FIRED = 4
    LATE = 5
    CANCELLED = 6
    FAULT = 7


class Detail(IntEnum):
    """Why a shot ended as it did."""

    NONE = 0
    EPOCH = 1
    VALVE = 2
    LEAD = 3
    PULSE = 4
    TOO_LATE = 5
    DISABLED = 6
    SILENT = 7
    OUTPUT = 8


@dataclass(frozen=True, slots=True)
class Status:
    """One latched picture of the PLC; all of it belongs to one moment."""

    sequence: int
    """Grows by one with every refresh."""
    bits: Bits
    refused: int
    """Blocks written to it whose checksum was wrong, since its start."""
    boot: int
    """Another one after every start of the PLC: the epoch of its counts."""
    time: int
    """Of the latch, on its own clock [us]."""
    count: int
    velocity: int
    """[counts/s]"""
    session: int
    """Whose orders it takes, and the newest it has taken: Control and Shot have these numbers."""
    control: int
    shots: int
    events: int
    """Entries written to the ring since its start; the newest one has this number."""


@dataclass(frozen=True, slots=True)
class Control:
    """The orders of one driver; without a newer one for a second the PLC disables itself."""

    session: int
    sequence: int
    orders: Orders
    velocity: int
    """[counts/s]"""


@dataclass(frozen=True, slots=True)
class Shot:
    """One entry of the mailbox, taken in the order of `sequence`."""

    session: int
    sequence: int
    item_id: int
    boot: int
    target_count: int
    valve: int
    action: Action
    lead_us: int
    pulse_us: int


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the ring."""

    sequence: int
    """The lower 16 bits of its number."""
    kind: Kind
    eye: int
    """Of an arrival."""
    item_id: int
    """Of a shot."""
    count: int
    time: int
    """On the PLC's clock [us]."""
    detail: Detail


def status_registers(status: Status) -> list[int]:
    return _registers(_STATUS, IDENTITY, VERSION, *astuple(status))


def control_registers(control: Control) -> list[int]:
    return _registers(_CONTROL, *astuple(control))


def shot_registers(shot: Shot) -> list[int]:
    return _registers(_SHOT, *astuple(shot))


def event_registers(event: Event) -> list[int]:
    return _registers(_EVENT, *astuple(event))


def status_of(registers: Sequence[int]) -> Status:
    """Raises MapError."""
    identity, version, sequence, bits, *rest = _values("status", _STATUS, registers)
    if (identity, version) != (IDENTITY, VERSION):
        raise MapError(
            "other map",
            f"registers {identity:#06x} {version} are refused; "
            f"allowed: {IDENTITY:#06x} {VERSION}, the register map of BatSort",
        )
    return Status(sequence, Bits(bits), *rest)


def control_of(registers: Sequence[int]) -> Control:
    """Raises MapError."""
    session, sequence, orders, velocity = _values("control", _CONTROL, registers)
    return Control(session, sequence, Orders(orders), velocity)


def shot_of(registers: Sequence[int]) -> Shot:
    """Raises MapError."""
    session, sequence, item_id, boot, target, valve, action, lead_us, pulse_us = _values(
        "shot", _SHOT, registers
    )
    kind = _member(Action, "shot.action", action)
    return Shot(session, sequence, item_id, boot, target, valve, kind, lead_us, pulse_us)


def event_of(registers: Sequence[int]) -> Event:
    """Raises MapError."""
    sequence, kind, eye, item_id, count, time, detail = _values("event", _EVENT, registers)
    return Event(
        sequence,
        _member(Kind, "event.kind", kind),
        eye,
        item_id,
        count,
        time,
        _member(Detail, "event.detail", detail),
    )


def _registers(layout: struct.Struct, *values: int) -> list[int]:
    data = layout.pack(*values)
    return [*struct.unpack(f">{len(data) // 2}H", data), crc_hqx(data, 0xFFFF)]


def _values(block: str, layout: struct.Struct, registers: Sequence[int]) -> tuple[int, ...]:
    if len(registers) != _size(layout):
        raise MapError(
            "wrong length",
            f"{block}: {len(registers)} registers are refused; allowed: {_size(layout)}",
        )
    data = struct.pack(f">{len(registers) - 1}H", *registers[:-1])
    if crc_hqx(data, 0xFFFF) != registers[-1]:
        raise MapError(
            "wrong checksum",
            f"{block}: checksum {registers[-1]:#06x} is refused; "
            f"allowed: {crc_hqx(data, 0xFFFF):#06x}",
        )
    return layout.unpack(data)


def _member(kind: type[E], name: str, value: int) -> E:
    try:
        return kind(value)
    except ValueError:
        allowed = ", ".join(f"{one.value}" for one in kind)
        raise MapError("wrong value", f"{name}: {value} is refused; allowed: {allowed}") from None
