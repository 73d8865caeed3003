"""Faults that the simulated cell can be given: what they are, and when they begin and end.

A scenario lists them, each with its kind and its parameters:

    faults:
      - {kind: slip, at_item: 15, share: 0.1, for_s: 4.0}
      - {kind: touching, at_item: 20, for_items: 2}

A lasting fault says what it makes of the `Conditions` that the simulation asks; one that happens
at a stroke is carried out by the simulation when it begins.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from enum import StrEnum
from typing import Annotated, Any

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError, Range, read, refuse

_NS = 1_000_000_000

Share = Annotated[float, Range(above=0.0, most=1.0)]
Place = Annotated[float, Range("m", above=0.0, most=100.0)]
Time = Annotated[float, Range("s", above=0.0, most=3600.0)]
Number = Annotated[int, Range("items", least=1)]


class Topic(StrEnum):
    """What the twin's node hears and says."""

    CELL_STATE = "cell/state"
    BELT_COMMAND = "belt/command"
    CAMERA_REQUEST = "camera/request"
    EJECTOR_COMMANDS = "ejector/commands"
    BELT_ENCODER = "belt/encoder"
    BELT_BARRIER = "belt/barrier"
    CAMERA_SOURCE = "camera/source"
    EJECTOR_EVENTS = "ejector/events"
    BINS_ARRIVALS = "bins/arrivals"
    CELL_ESTOP = "cell/estop"


@dataclass(slots=True)
class Conditions:
    """What is wrong at the moment; as it is made: nothing."""

    stopped: bool = False
    """The drive has stopped by itself."""
    jammed: bool = False
    """The drive is stalled."""
    ramp: "tuple[SpeedRamp, int] | None" = None
    """With the stamp of its beginning [ns]."""
    slip: float = 0.0
    """Share of the roller's travel that the belt does not follow."""
    missed: float = 0.0
    """Share of the counts that the encoder loses."""
    encoder_linked: bool = True
    gap: float | None = None
    """To the next item fed [m]."""
    length: float | None = None
    """Of the next item fed [m]."""
    camera_frozen: bool = False
    light: float = 1.0
    """Share of the camera's light."""
    camera_delay_s: float = 0.0
    dropped: float = 0.0
    """Share of the frames."""
    stuck_shut: set[int] = field(default_factory=set)
    stuck_open: set[int] = field(default_factory=set)
    slower_s: dict[int, float] = field(default_factory=dict)
    """By valve, more than its opening time."""
    pressure: float = 1.0
    """Share of the air's."""
    dead_eyes: set[str] = field(default_factory=set)
    blinking: dict[str, float] = field(default_factory=dict)
    """False arrivals a second, by bin."""
    barrier_dead: bool = False
    barrier_stuck: bool = False
    estop: bool = False
    lost: dict[str, float] = field(default_factory=dict)
    """Share of messages, by topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """When it begins: at the n-th item fed or at a simulated second. It lasts until repaired."""

    at_item: Annotated[int, Range("items", least=0)] | None = None
    at_s: Annotated[float, Range("s", least=0.0)] | None = None
    for_s: Time | None = None
    """Ends by itself, after so long."""
    for_items: Number | None = None
    """Ends by itself, after so many more items fed."""

    @property
    def kind(self) -> str:
        """As a scenario calls it."""
        return next(kind for kind, made in KINDS.items() if type(self) is made)

    @property
    def detail(self) -> str:
        """Its own parameters, for people."""
        common = {field.name for field in fields(Fault)}
        own = (f.name for f in fields(self) if f.name not in common)
        return ", ".join(f"{name} {getattr(self, name)}" for name in own)

    def impair(self, on: Conditions, began: int) -> None:
        """What is wrong while it lasts; `began` is its stamp [ns]."""

    def check(self, cell: CellDescription) -> None:
        """Refuse what the cell has not. Raises FieldError, from the field on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke(Fault):
    """Done in the moment it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltStop(Fault):
    """The drive stops, and starts again by itself."""

    for_s: Time | None = 2.0

    def impair(self, on: Conditions, began: int) -> None:
        on.stopped = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BeltJam(Fault):
    """The belt stands although it is driven: the drive is stalled."""

    def impair(self, on: Conditions, began: int) -> None:
        on.jammed = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeedRamp(Fault):
    """The drive runs at a speed of its own: evenly from the first to the last [m/s]."""

    first: Annotated[float, Range("m/s", above=0.0, most=10.0)] = 0.2
    last: Annotated[float, Range("m/s", above=0.0, most=10.0)] = 1.5
    for_s: Time | None = 5.0

    def impair(self, on: Conditions, began: int) -> None:
        on.ramp = (self, began)

    def velocity(self, since_ns: int) -> float:
        """So long after it began [m/s]."""
        share = 1.0 if self.for_s is None else min(1.0, since_ns / (self.for_s * _NS))
        return self.first + share * (self.last - self.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip(Fault):
    """The belt moves a share less than its encoder tells; below 0: more."""

    share: Annotated[float, Range(least=-0.5, most=1.0)] = 0.05

    def impair(self, on: Conditions, began: int) -> None:
        on.slip = min(1.0, on.slip + self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlipJump(Fault):
    """The belt falls back once, at half its speed while it does. Ends when it has."""

    distance: Annotated[float, Range("m", above=0.0, most=1.0)] = 0.02

    def impair(self, on: Conditions, began: int) -> None:
        on.slip = min(1.0, on.slip + 0.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderMissed(Fault):
    """A share of the counts is lost, at random."""

    share: Share = 0.05

    def impair(self, on: Conditions, began: int) -> None:
        on.missed = max(on.missed, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderFrozen(Fault):
    """Samples go on with the same count: the shaft's coupling is broken."""

    def impair(self, on: Conditions, began: int) -> None:
        on.missed = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSilent(Fault):
    """The link is dead: no samples, no barrier edges; counts stay as they were last heard."""

    def impair(self, on: Conditions, began: int) -> None:
        on.encoder_linked = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderReset(Stroke):
    """The counter has lost its count: from 0 on, in a new epoch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderWrap(Stroke):
    """From the start, a narrow counter that is near its end."""

    at_s: Annotated[float, Range("s", least=0.0, most=0.0)] | None = 0.0
    counts: Annotated[int, Range("counts", least=1, most=65_535)] = 20_000
    """Until it begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallGap(Fault):
    """The next items are fed too close to each other."""

    gap: Annotated[float, Range("m", least=0.0, most=1.0)] = 0.008
    for_items: Number | None = 2

    def impair(self, on: Conditions, began: int) -> None:
        on.gap = self.gap


@dataclass(frozen=True, slots=True, kw_only=True)
class Touching(Fault):
    """The next items are fed without a gap."""

    for_items: Number | None = 1

    def impair(self, on: Conditions, began: int) -> None:
        on.gap = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LongItem(Fault):
    """The next items are too long: batteries that are taped together."""

    length: Annotated[float, Range("m", above=0.0, most=0.2)] = 0.1
    for_items: Number | None = 1

    def impair(self, on: Conditions, began: int) -> None:
        on.length = self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPassing(Fault):
    """Befalls the first item whose centre passes a place on the belt."""

    x: Place = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemJam(OnPassing):
    """The item sticks there, and others pile up behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemVanishes(OnPassing):
    """The item is taken off the belt there. Ends when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFromSide(OnPassing):
    """A battery that the barrier has not seen is put down behind the item. Ends when it is."""

    behind: Annotated[float, Range("m", least=0.0, most=1.0)] = 0.01
    """Gap between the two."""
    y: Annotated[float, Range("m", least=-1.0, most=1.0)] = 0.03
    """Across the belt, towards the bins: beside the stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFrozen(Fault):
    """The same picture again and again, with new stamps."""

    def impair(self, on: Conditions, began: int) -> None:
        on.camera_frozen = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraDark(Fault):
    """The lamp is out: a share of the light is left."""

    light: Annotated[float, Range(least=0.0, most=1.0)] = 0.03

    def impair(self, on: Conditions, began: int) -> None:
        on.light *= self.light


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraLate(Fault):
    """Frames are delivered late, with the right stamps."""

    by_s: Time = 1.0

    def impair(self, on: Conditions, began: int) -> None:
        on.camera_delay_s += self.by_s


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraDropped(Fault):
    """A share of the frames is lost, at random."""

    share: Share = 0.5

    def impair(self, on: Conditions, began: int) -> None:
        on.dropped = max(on.dropped, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSilent(Fault):
    """No frame comes."""

    def impair(self, on: Conditions, began: int) -> None:
        on.dropped = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OfValve(Fault):
    """Of one valve."""

    valve: int

    def check(self, cell: CellDescription) -> None:
        valves = [bin.valve for bin in cell.ejectors]
        if self.valve not in valves:
            refuse("valve", self.valve, ", ".join(map(str, valves)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveStuckShut(OfValve):
    """It does not open."""

    def impair(self, on: Conditions, began: int) -> None:
        on.stuck_shut.add(self.valve)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveStuckOpen(OfValve):
    """Its jet blows on and on, without any command."""

    def impair(self, on: Conditions, began: int) -> None:
        on.stuck_open.add(self.valve)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValveSlow(OfValve):
    """It opens later than it should."""

    by_s: Annotated[float, Range("s", above=0.0, most=1.0)] = 0.02

    def impair(self, on: Conditions, began: int) -> None:
        on.slower_s[self.valve] = on.slower_s.get(self.valve, 0.0) + self.by_s


@dataclass(frozen=True, slots=True, kw_only=True)
class AirLost(Fault):
    """A share of the air's pressure is left, for all valves."""

    pressure: Annotated[float, Range(least=0.0, most=1.0)] = 0.0

    def impair(self, on: Conditions, began: int) -> None:
        on.pressure *= self.pressure


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBin(Fault):
    """Of one bin's confirm eye."""

    bin: str

    def check(self, cell: CellDescription) -> None:
        bins = [bin.name for bin in cell.bins]
        if self.bin not in bins:
            refuse("bin", self.bin, ", ".join(bins))


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeDead(OfBin):
    """It sees nothing."""

    def impair(self, on: Conditions, began: int) -> None:
        on.dead_eyes.add(self.bin)


@dataclass(frozen=True, slots=True, kw_only=True)
class EyeBlinking(OfBin):
    """It sees what is not there, at random moments."""

    rate: Annotated[float, Range("1/s", above=0.0, most=100.0)] = 2.0

    def impair(self, on: Conditions, began: int) -> None:
        on.blinking[self.bin] = self.rate


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierDead(Fault):
    """It stays as it is, whatever passes."""

    def impair(self, on: Conditions, began: int) -> None:
        on.barrier_dead = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BarrierStuck(Fault):
    """It is blocked, for instance by dirt."""

    def impair(self, on: Conditions, began: int) -> None:
        on.barrier_stuck = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EStop(Fault):
    """The emergency stop is pressed: drive and air are cut by hardware until it is released."""

    def impair(self, on: Conditions, began: int) -> None:
        on.estop = True
        on.pressure = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStep(Stroke):
    """The machine's clock is set: all later stamps are shifted."""

    by_s: Annotated[float, Range("s", least=-3600.0, most=3600.0)] = -2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesLost(Fault):
    """A share of the messages of one topic that the twin's node hears or says is lost."""

    topic: Topic
    share: Share = 0.2

    def impair(self, on: Conditions, began: int) -> None:
        on.lost[self.topic] = max(on.lost.get(self.topic, 0.0), self.share)


KINDS: Mapping[str, type[Fault]] = {
    "belt_stop": BeltStop,
    "belt_jam": BeltJam,
    "item_jam": ItemJam,
    "speed_ramp": SpeedRamp,
    "slip": Slip,
    "slip_jump": SlipJump,
    "encoder_missed": EncoderMissed,
    "encoder_frozen": EncoderFrozen,
    "encoder_silent": EncoderSilent,
    "encoder_reset": EncoderReset,
    "encoder_wrap": EncoderWrap,
    "touching": Touching,
    "small_gap": SmallGap,
    "long_item": LongItem,
    "item_vanishes": ItemVanishes,
    "item_from_side": ItemFromSide,
    "camera_frozen": CameraFrozen,
    "camera_dark": CameraDark,
    "camera_late": CameraLate,
    "camera_dropped": CameraDropped,
    "camera_silent": CameraSilent,
    "valve_stuck_shut": ValveStuckShut,
    "valve_stuck_open": ValveStuckOpen,
    "valve_slow": ValveSlow,
    "air_lost": AirLost,
    "eye_dead": EyeDead,
    "eye_blinking": EyeBlinking,
    "barrier_dead": BarrierDead,
    "barrier_stuck": BarrierStuck,
    "estop": EStop,
    "clock_step": ClockStep,
    "messages_lost": MessagesLost,
}


def read_faults(document: object, path: str = "faults") -> tuple[Fault, ...]:
    """The faults of a list of mappings. Raises FieldError."""
    if not isinstance(document, Sequence) or isinstance(document, str):
        refuse(path, document, "a list")
    return tuple(_read_fault(part, f"{path}[{i}]") for i, part in enumerate(document))


def check_faults(faults: Iterable[Fault], cell: CellDescription) -> None:
    """Refuse faults of what the cell has not. Raises FieldError."""
    for i, fault in enumerate(faults):
        try:
            fault.check(cell)
        except FieldError as error:
            raise FieldError(f"faults[{i}].{error}") from None


def with_defaults(kind: type, document: Mapping[str, object]) -> dict[str, object]:
    """The document with what the dataclass `kind` has defaults for."""
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    return {**defaults, **document}


def _read_fault(document: object, path: str) -> Fault:
    if not isinstance(document, Mapping):
        refuse(path, document, "a kind and its parameters")
    kind = document.get("kind")
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None:
        refuse(f"{path}.kind", kind, "one of " + ", ".join(KINDS))
    own: dict[str, Any] = {name: value for name, value in document.items() if name != "kind"}
    if own.get("for_items") is not None and own.get("for_s") is not None:
        refuse(f"{path}.for_items", own["for_items"], "nothing beside for_s")
    # An end that is given takes the place of the usual one.
    if "for_items" in own:
        own.setdefault("for_s")
    if "for_s" in own:
        own.setdefault("for_items")
    fault = read(made, with_defaults(made, own), path)
    if fault.at_item is None and fault.at_s is None:
        raise FieldError(f"{path}.at_item: missing; allowed: this or at_s")
    if fault.at_item is not None and fault.at_s is not None:
        refuse(f"{path}.at_item", fault.at_item, "nothing beside at_s")
    return fault


@dataclass(frozen=True, slots=True, eq=False)
class Active:
    """A fault that has begun."""

    fault: Fault
    began: int
    """[ns]"""
    fed: int
    """Items, when it began."""

    def over(self, now: int, fed: int) -> bool:
        """Whether it has ended by itself."""
        fault = self.fault
        return (
            isinstance(fault, Stroke)
            or (fault.for_s is not None and now >= self.began + round(fault.for_s * _NS))
            or (fault.for_items is not None and fed >= self.fed + fault.for_items)
        )


class Schedule:
    """Which faults are active. `start` is the stamp that `at_s` counts from [ns]."""

    def __init__(self, faults: Iterable[Fault], start: int) -> None:
        self.active: list[Active] = []
        self.conditions = Conditions()
        self._to_come = list(faults)
        self._start = start

    def update(self, now: int, fed: int) -> list[tuple[Fault, bool]]:
        """The faults that have begun (True) or ended (False) by now [ns], in this order."""
        if not self._to_come and not self.active:
            return []
        begun = [fault for fault in self._to_come if self._begins(fault, now, fed)]
        for fault in begun:
            self._to_come.remove(fault)
            self.active.append(Active(fault, now, fed))
        over = [active for active in self.active if active.over(now, fed)]
        changes = [(fault, True) for fault in begun]
        if begun and not over:
            self._see()
        return changes + self.end(over)

    def end(self, over: Iterable[Active]) -> list[tuple[Fault, bool]]:
        """End these; with False each."""
        ended = list(over)
        if ended:
            self.active = [active for active in self.active if active not in ended]
            self._see()
        return [(active.fault, False) for active in ended]

    def _begins(self, fault: Fault, now: int, fed: int) -> bool:
        if fault.at_item is not None:
            return fed >= fault.at_item
        return fault.at_s is not None and now >= self._start + round(fault.at_s * _NS)

    def _see(self) -> None:
        self.conditions = Conditions()
        for active in self.active:
            active.fault.impair(self.conditions, active.began)
