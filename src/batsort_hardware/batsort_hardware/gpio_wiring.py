"""What is wired to which pin of a Raspberry Pi: config/hardware/pi/hardware.yaml, checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError, Range, read, refuse

PinNumber = Annotated[int, Range("BCM", least=0, most=27)]
Settle = Annotated[float, Range("s", least=0.0, most=0.05)]


class Pull(StrEnum):
    """The resistor inside the processor."""

    UP = "up"
    DOWN = "down"
    FLOATING = "floating"


class Level(StrEnum):
    """Of a line."""

    HIGH = "high"
    LOW = "low"


class Rest(StrEnum):
    """The level to which an open line is pulled."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class EncoderWiring:
    """Two lines in quadrature: a leads b while the belt runs in the sorting direction."""

    a: PinNumber
    b: PinNumber
    pull: Pull
    missed_limit: Annotated[int, Range("edges", least=0, most=1000)]
    """Missed edges in ten seconds that are still no trouble."""
    stale_s: Annotated[float, Range("s", least=0.005, most=0.5)]
    """Without a count for longer while the belt ran, nothing fires."""


@dataclass(frozen=True, slots=True)
class SensorWiring:
    """A light barrier or an eye."""

    pin: PinNumber
    pull: Pull
    blocked: Level
    """Its level while something is in the light."""
    settle_s: Settle
    """For how long it may bounce."""


@dataclass(frozen=True, slots=True)
class EStopWiring:
    """A contact that is closed while not pressed, against the pull: a broken line is pressed."""

    pin: PinNumber
    pull: Rest


@dataclass(frozen=True, slots=True)
class DriveWiring:
    """The drive's run input; its speed is set at the drive."""

    pin: PinNumber
    active_high: bool


@dataclass(frozen=True, slots=True)
class ValvesWiring:
    """The valves' outputs."""

    active_high: bool
    late_s: Annotated[float, Range("s", least=0.0005, most=0.05)]
    """A shot later than this behind its moment does not fire."""
    pins: Mapping[Annotated[int, Range(least=0, most=255)], PinNumber]
    """By the valve's number in the cell description."""


@dataclass(frozen=True, slots=True)
class TriggerWiring:
    """The camera's trigger input."""

    pin: PinNumber
    active_high: bool
    pulse_s: Annotated[float, Range("s", above=0.0, most=0.05)]


@dataclass(frozen=True, slots=True)
class Wiring:
    """All that is wired to the pins of one machine."""

    encoder: EncoderWiring
    barrier: SensorWiring
    confirm: Mapping[str, SensorWiring]
    """The confirm eye of each bin."""
    estop: EStopWiring
    drive: DriveWiring
    valves: ValvesWiring
    trigger: TriggerWiring | None
    """Absent where the camera runs free."""


def parse_wiring(document: object, cell: CellDescription) -> Wiring:
    """The wiring of a loaded YAML document for this cell. Raises FieldError."""
    wiring = read(Wiring, document)
    taken: dict[int, str] = {}
    for path, pin in _pins(wiring):
        if pin in taken:
            raise FieldError(f"{path}: pin {pin} is taken by {taken[pin]}; allowed: one use a pin")
        taken[pin] = path
    _check_names("confirm", wiring.confirm, [bin.name for bin in cell.bins])
    _check_names(
        "valves.pins", wiring.valves.pins, [bin.valve for bin in cell.bins if bin.valve is not None]
    )
    return wiring


def _pins(wiring: Wiring) -> Iterator[tuple[str, int]]:
    yield "encoder.a", wiring.encoder.a
    yield "encoder.b", wiring.encoder.b
    yield "barrier.pin", wiring.barrier.pin
    for bin, eye in wiring.confirm.items():
        yield f"confirm.{bin}.pin", eye.pin
    yield "estop.pin", wiring.estop.pin
    yield "drive.pin", wiring.drive.pin
    for valve, pin in wiring.valves.pins.items():
        yield f"valves.pins.{valve}", pin
    if wiring.trigger is not None:
        yield "trigger.pin", wiring.trigger.pin


def _check_names(
    path: str, given: Mapping[str, object] | Mapping[int, object], wanted: list[str] | list[int]
) -> None:
    allowed = f"{', '.join(map(str, wanted))}, those of the cell description"
    for name in given:
        if name not in wanted:
            refuse(f"{path}.{name}", name, allowed)
    for name in wanted:
        if name not in given:
            raise FieldError(f"{path}.{name}: missing; allowed: each of {allowed}")
