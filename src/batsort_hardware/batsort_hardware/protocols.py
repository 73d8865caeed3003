"""What the `hardware` node asks of drivers; it can't tell which ones run.

Drivers have threads or links of their own and hand on what happens through `Report`, from any
thread, stamped at the physical event. Counts are unwrapped. `stamp` is nanoseconds since the Unix
epoch on `SteadyStamps`, so that a step of the system's clock moves nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.trouble import Trouble

Event = EncoderSample | Edge | Arrival | ShotEnd
Report = Callable[[Event], None]


class Driver(Protocol):
    """What all drivers have."""

    @property
    def trouble(self) -> Trouble | None:
        """What keeps it from its work now."""

    def close(self) -> None:
        """End: valves shut, threads joined, links and pins released. May be called twice."""


class Belt(Driver, Protocol):
    """Encoder, light barrier, confirm eyes and drive: reports samples, edges and arrivals."""

    @property
    def motion(self) -> Motion | None:
        """Where the belt is, as last latched; None before the first sample. For any thread."""

    def run(self, run: bool, velocity: float) -> None:
        """Command the drive: to `velocity` [m/s], or to a stand."""


class Valves(Driver, Protocol):
    """Executes shots by count, each item once; reports one ShotEnd for each shot taken."""

    def shoot(self, shot: Shot) -> None:
        """Take a shot, or its calling off."""

    def enable(self, enabled: bool) -> None:
        """Let valves open, or shut them all. Disabled at first."""


class EStop(Driver, Protocol):
    """The emergency stop, observed."""

    @property
    def pressed(self) -> bool:
        """Whether it is pressed; also where its line is broken or it can't be read."""


class Trigger(Protocol):
    """The camera's trigger, where the device has one that pulses by count."""

    def expose(self, item_id: int, epoch: int, count: int) -> None:
        """Pulse it when the belt is at `count`; another epoch is never exposed."""


@dataclass(frozen=True, slots=True)
class Drivers:
    """All that the `hardware` node works with; one object may be several of them."""

    belt: Belt
    valves: Valves
    estop: EStop
    trigger: Trigger | None = None
    figures: Callable[[], Mapping[str, object]] = dict
    """For people, into the node's diagnostics."""

    def each(self) -> list[Driver]:
        """Each object once."""
        return list({id(one): one for one in (self.valves, self.belt, self.estop)}.values())


class Open(Protocol):
    """What a module of drivers has as `open_drivers`."""

    def __call__(self, document: object, cell: CellDescription, report: Report) -> Drivers:
        """Open what a hardware file describes. Raises FieldError naming what does not fit."""


class SteadyStamps:
    """System time at the start, carried on by the steady clock."""

    def __init__(self) -> None:
        self._made = time.monotonic_ns()
        self._offset = time.time_ns() - self._made

    def now(self) -> int:
        """Nanoseconds since the Unix epoch."""
        return self.at(time.monotonic_ns())

    @property
    def began(self) -> int:
        """The start, as the system's clock has it now: for what others stamp with that clock."""
        return time.time_ns() - (time.monotonic_ns() - self._made)

    @property
    def stepped_s(self) -> float:
        """By how much the system's clock was set since the start [s]."""
        return (time.time_ns() - self.now()) * 1e-9

    def at(self, steady: int) -> int:
        """The same for a moment of the steady clock [ns], as the kernel stamps edges and frames."""
        return self._offset + steady
