"""What can go wrong with the simulated cell: one class for each kind of fault.

A lasting fault says what it makes of the `Conditions` that the parts of the cell ask; what happens
at a stroke, or to the item that comes by, is carried out by `injection`. A new kind is one class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar, dataclass_transform

from batsort_files.schema import Range
from batsort_twin.conditions import Conditions
from batsort_twin.fault import Fault, Number, OfBin, OfValve, OnPassing, Stroke, Time

Share = Annotated[float, Range(above=0.0, most=1.0)]
F = TypeVar("F", bound=Fault)

KINDS: dict[str, type[Fault]] = {}
"""By what a scenario calls them."""


@dataclass_transform(frozen_default=True, kw_only_default=True)
def kind(name: str) -> Callable[[type[F]], type[F]]:
    """Make a class a kind of fault that a scenario calls `name`."""

    def register(described: type[F]) -> type[F]:
        made = dataclass(frozen=True, slots=True, kw_only=True)(described)
        made.kind = name
        KINDS[name] = made
        return made

    return register


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


@kind("belt_stop")
class BeltStop(Fault):
    """The drive stops, and starts again by itself."""

    for_s: Time | None = 2.0

    def impair(self, on: Conditions, began: int) -> None:
        on.stopped = True


@kind("belt_jam")
class BeltJam(Fault):
    """The belt stands although it is driven: the drive is stalled."""

    def impair(self, on: Conditions, began: int) -> None:
        on.jammed = True


@kind("item_jam")
class ItemJam(OnPassing):
    """The item sticks there, and others pile up behind it."""


@kind("speed_ramp")
class SpeedRamp(Fault):
    """The drive runs at a speed of its own: evenly from the first to the last [m/s]."""

    first: Annotated[float, Range("m/s", above=0.0, most=10.0)] = 0.2
    last: Annotated[float, Range("m/s", above=0.0, most=10.0)] = 1.5
    for_s: Time | None = 5.0

    def impair(self, on: Conditions, began: int) -> None:
        on.ramp = lambda now: self.velocity(now - began)

    def velocity(self, since_ns: int) -> float:
        """So long after it began [m/s]."""
        share = 1.0 if self.for_s is None else min(1.0, since_ns / (self.for_s * 1_000_000_000))
        return self.first + share * (self.last - self.first)


@kind("slip")
class Slip(Fault):
    """The belt moves a share less than its encoder tells; below 0: more."""

    share: Annotated[float, Range(least=-0.5, most=1.0)] = 0.05

    def impair(self, on: Conditions, began: int) -> None:
        on.slip = min(1.0, on.slip + self.share)


@kind("slip_jump")
class SlipJump(Fault):
    """The belt falls back once, at half its speed while it does. Ends when it has."""

    distance: Annotated[float, Range("m", above=0.0, most=1.0)] = 0.02

    def impair(self, on: Conditions, began: int) -> None:
        on.slip = min(1.0, on.slip + 0.5)


@kind("encoder_missed")
class EncoderMissed(Fault):
    """A share of the counts is lost, at random."""

    share: Share = 0.05

    def impair(self, on: Conditions, began: int) -> None:
        on.missed = max(on.missed, self.share)


@kind("encoder_frozen")
class EncoderFrozen(Fault):
    """Samples go on with the same count: the shaft's coupling is broken."""

    def impair(self, on: Conditions, began: int) -> None:
        on.missed = 1.0


@kind("encoder_silent")
class EncoderSilent(Fault):
    """The link is dead: no samples, no barrier edges; counts stay as they were last heard."""

    def impair(self, on: Conditions, began: int) -> None:
        on.encoder_linked = False


@kind("encoder_reset")
class EncoderReset(Stroke):
    """The counter has lost its count: from 0 on, in a new epoch."""


@kind("encoder_wrap")
class EncoderWrap(Stroke):
    """From the start, a narrow counter that is near its end."""

    at_s: Annotated[float, Range("s", least=0.0, most=0.0)] | None = 0.0
    counts: Annotated[int, Range("counts", least=1, most=65_535)] = 20_000
    """Until it begins anew."""


@kind("touching")
class Touching(Fault):
    """The next items are fed without a gap."""

    for_items: Number | None = 1

    def impair(self, on: Conditions, began: int) -> None:
        on.gap = 0.0


@kind("small_gap")
class SmallGap(Fault):
    """The next items are fed too close to each other."""

    gap: Annotated[float, Range("m", least=0.0, most=1.0)] = 0.008
    for_items: Number | None = 2

    def impair(self, on: Conditions, began: int) -> None:
        on.gap = self.gap


@kind("long_item")
class LongItem(Fault):
    """The next items are too long: batteries that are taped together."""

    length: Annotated[float, Range("m", above=0.0, most=0.2)] = 0.1
    for_items: Number | None = 1

    def impair(self, on: Conditions, began: int) -> None:
        on.length = self.length


@kind("item_vanishes")
class ItemVanishes(OnPassing):
    """The item is taken off the belt there. Ends when it is."""


@kind("item_from_side")
class ItemFromSide(OnPassing):
    """A battery that the barrier has not seen is put down behind the item. Ends when it is."""

    behind: Annotated[float, Range("m", least=0.0, most=1.0)] = 0.01
    """Gap between the two."""
    y: Annotated[float, Range("m", least=-1.0, most=1.0)] = 0.03
    """Across the belt, towards the bins: beside the stream."""


@kind("camera_frozen")
class CameraFrozen(Fault):
    """The same picture again and again, with new stamps."""

    def impair(self, on: Conditions, began: int) -> None:
        on.camera_frozen = True


@kind("camera_dark")
class CameraDark(Fault):
    """The lamp is out: a share of the light is left."""

    light: Annotated[float, Range(least=0.0, most=1.0)] = 0.03

    def impair(self, on: Conditions, began: int) -> None:
        on.light *= self.light


@kind("camera_late")
class CameraLate(Fault):
    """Frames are delivered late, with the right stamps."""

    by_s: Time = 1.0

    def impair(self, on: Conditions, began: int) -> None:
        on.camera_delay_s += self.by_s


@kind("camera_dropped")
class CameraDropped(Fault):
    """A share of the frames is lost, at random."""

    share: Share = 0.5

    def impair(self, on: Conditions, began: int) -> None:
        on.dropped = max(on.dropped, self.share)


@kind("camera_silent")
class CameraSilent(Fault):
    """No frame comes."""

    def impair(self, on: Conditions, began: int) -> None:
        on.dropped = 1.0


@kind("valve_stuck_shut")
class ValveStuckShut(OfValve):
    """It does not open."""

    def impair(self, on: Conditions, began: int) -> None:
        on.stuck_shut.add(self.valve)


@kind("valve_stuck_open")
class ValveStuckOpen(OfValve):
    """Its jet blows on and on, without any command."""

    def impair(self, on: Conditions, began: int) -> None:
        on.stuck_open.add(self.valve)


@kind("valve_slow")
class ValveSlow(OfValve):
    """It opens later than it should."""

    by_s: Annotated[float, Range("s", above=0.0, most=1.0)] = 0.02

    def impair(self, on: Conditions, began: int) -> None:
        on.slower_s[self.valve] = on.slower_s.get(self.valve, 0.0) + self.by_s


@kind("air_lost")
class AirLost(Fault):
    """A share of the air's pressure is left, for all valves."""

    pressure: Annotated[float, Range(least=0.0, most=1.0)] = 0.0

    def impair(self, on: Conditions, began: int) -> None:
        on.pressure *= self.pressure


@kind("eye_dead")
class EyeDead(OfBin):
    """It sees nothing."""

    def impair(self, on: Conditions, began: int) -> None:
        on.dead_eyes.add(self.bin)


@kind("eye_blinking")
class EyeBlinking(OfBin):
    """It sees what is not there, at random moments."""

    rate: Annotated[float, Range("1/s", above=0.0, most=100.0)] = 2.0

    def impair(self, on: Conditions, began: int) -> None:
        on.blinking[self.bin] = self.rate


@kind("barrier_dead")
class BarrierDead(Fault):
    """It stays as it is, whatever passes."""

    def impair(self, on: Conditions, began: int) -> None:
        on.barrier_dead = True


@kind("barrier_stuck")
class BarrierStuck(Fault):
    """It is blocked, for instance by dirt."""

    def impair(self, on: Conditions, began: int) -> None:
        on.barrier_stuck = True


@kind("estop")
class EStop(Fault):
    """The emergency stop is pressed: drive and air are cut by hardware until it is released."""

    def impair(self, on: Conditions, began: int) -> None:
        on.estop = True
        on.pressure = 0.0


@kind("clock_step")
class ClockStep(Stroke):
    """The machine's clock is set: all later stamps are shifted."""

    by_s: Annotated[float, Range("s", least=-3600.0, most=3600.0)] = -2.0


@kind("messages_lost")
class MessagesLost(Fault):
    """A share of the messages of one topic that the twin's node hears or says is lost."""

    topic: Topic
    share: Share = 0.2

    def impair(self, on: Conditions, began: int) -> None:
        on.lost[self.topic] = max(on.lost.get(self.topic, 0.0), self.share)
