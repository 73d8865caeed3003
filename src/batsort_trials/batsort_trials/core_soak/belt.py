"""A belt without physics: bodies, sensors and valves as numbers, and what goes wrong there."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

from batsort_core.cell import CellDescription
from batsort_trials.core_soak.faults import Fault

_NS = 1_000_000_000
_BRAKE = 10.0  # [m/s^2] of an emergency stop or a jam
_FLIGHT_S = (0.08, 0.25)  # from the jet to the eye
_NOISE = 0.0005  # [m] of the camera, 1 sigma
_SLIP = 0.025


@dataclass(slots=True)
class Body:
    """Something that lies on the belt."""

    x: float
    """Belt travel at which its centre is at the barrier [m]."""
    length: float
    type: str
    foreign: bool = False
    """It came onto the belt behind the barrier."""
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """The barrier became blocked or clear."""

    stamp: int
    count: int
    blocked: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A confirm eye was crossed."""

    bin: str
    stamp: int
    count: int


@dataclass(slots=True)
class _Jet:
    bin: str
    opens: float
    shuts: float


@dataclass(slots=True)
class Belt:
    """Moves bodies along, counts as the encoder does, and blows what lies before an open jet.

    `t` is steady time [s], `travel` the belt's real way [m]; stamps are `t` on a clock that may be
    set.
    """

    cell: CellDescription
    rng: random.Random
    faults: frozenset[Fault]
    bodies: list[Body] = field(default_factory=list)
    t: float = 0.0
    travel: float = 0.0
    velocity: float = 0.0
    """Real [m/s]."""
    told: float = 0.0
    """To run at [m/s]."""
    braking: bool = False
    jammed_until: float = 0.0
    frozen_until: float = 0.0
    clock: float = 0.0
    """How far the clock was set forward [s]."""
    epoch: int = 1
    counted: float = 0.0
    """Of the encoder device [counts]."""
    rate: float = 0.0
    """Counts a second, as the device measures over its last step."""
    torn: float = -1.0
    """When counts were last lost or invented."""
    slip_from: float = math.inf
    stuck_shut: str = ""
    stuck_open: str = ""
    late_bin: str = ""
    late_s: float = 0.0
    dead_eye: str = ""
    _bounds: list[tuple[float, bool]] = field(default_factory=list)
    _passed: int = 0
    _jets: list[_Jet] = field(default_factory=list)
    _flying: list[tuple[float, str]] = field(default_factory=list)

    def stamp(self, t: float) -> int:
        """The clock's time [ns] at `t`."""
        return 1_700_000_000 * _NS + round((t + self.clock) * _NS)

    @property
    def count(self) -> int:
        """As latched now."""
        return math.floor(self.counted)

    def lay(self, bodies: list[Body]) -> None:
        """Put bodies on the belt before it, in order; those that touch block the barrier as one."""
        self.bodies = bodies
        for body in (b for b in bodies if not b.foreign):
            begin, end = body.x - body.length / 2, body.x + body.length / 2
            if self._bounds and begin <= self._bounds[-1][0] + 1e-6:
                self._bounds[-1] = (max(end, self._bounds[-1][0]), False)
            else:
                self._bounds += [(begin, True), (end, False)]

    def lose_counts(self, counts: int) -> None:
        """The encoder misses counts, or invents some."""
        self.counted += counts
        self.torn = self.t

    def reset(self, count: int) -> None:
        """The device has lost its count and begins a new epoch."""
        self.epoch += 1
        self.counted, self.torn, self.rate = float(count), self.t, 0.0

    def energise(self, bin: str, at: float, pulse_s: float) -> None:
        """A valve gets current at the time `at` [s]."""
        if bin == self.stuck_shut:
            return
        opens = at + self.cell.ejection.lead_s
        opens += self.late_s if bin == self.late_bin else self.rng.gauss(0.0, 0.0003)
        self._jets.append(_Jet(bin, opens, opens + pulse_s))

    def step(self, dt: float) -> Iterator[Edge | Seen]:
        """Run on for `dt` seconds; what the sensors see."""
        before, counted, began = self.travel, self.counted, self.t
        self._accelerate(dt)
        self.t += dt
        self.travel += self.velocity * dt
        slipping = self.travel > self.slip_from
        if self.t > self.frozen_until:
            real = (1.0 + _SLIP) if slipping else 1.0
            self.counted += self.velocity * dt / self.cell.belt.metres_per_count / real
        self.rate = (self.counted - counted) / dt
        for at, blocked in self._crossed(before):
            share = (at - before) / (self.travel - before)
            there = math.floor(counted + share * (self.counted - counted))
            yield Edge(self.stamp(began + share * dt), there, blocked)
        self._blow(dt)
        yield from self._arrivals(before, counted)

    def _accelerate(self, dt: float) -> None:
        jammed = self.t < self.jammed_until
        wanted = 0.0 if jammed else self.told
        most = (_BRAKE if jammed or self.braking else self.cell.belt.acceleration) * dt
        self.velocity += min(most, max(-most, wanted - self.velocity))

    def _crossed(self, before: float) -> Iterator[tuple[float, bool]]:
        bounds = self._bounds
        while self._passed < len(bounds) and bounds[self._passed][0] <= self.travel:
            if bounds[self._passed][0] > before:
                yield bounds[self._passed]
            self._passed += 1
        while self._passed > 0 and bounds[self._passed - 1][0] > self.travel:
            self._passed -= 1
            at, blocked = bounds[self._passed]
            yield at, not blocked

    def _blow(self, dt: float) -> None:
        jets = [(jet.bin, jet.opens, jet.shuts) for jet in self._jets if jet.opens <= self.t]
        self._jets = [jet for jet in self._jets if jet.shuts > self.t]
        if self.stuck_open:
            jets.append((self.stuck_open, self.t, self.t))
        for name, opens, shuts in jets:
            at, reach = self.cell.bin(name).distance, self.cell.ejection.nozzle_width / 2
            ago = [self.t - max(opens, self.t - dt), self.t - min(shuts, self.t)]
            first, last = (self.travel - self.velocity * s - at for s in ago)
            for body in self.bodies:
                half = body.length / 2 + reach
                lies_there = first - half < body.x < last + half
                if lies_there and not body.gone:
                    body.gone = True
                    self._flying.append((self.t + self.rng.uniform(*_FLIGHT_S), name))

    def _arrivals(self, before: float, counted: float) -> Iterator[Seen]:
        for due, name in self._flying:
            if due <= self.t:
                yield from self._seen(name, self.count)
        self._flying = [flight for flight in self._flying if flight[0] > self.t]
        end = self.cell.others.distance
        for body in self.bodies:
            if not body.gone and self.travel - body.x >= end:
                body.gone = True
                ran = self.travel - before
                share = (body.x + end - before) / ran if ran else 0.0  # pushed off
                there = math.floor(counted + share * (self.counted - counted))
                yield from self._seen(self.cell.others.name, there)

    def _seen(self, name: str, count: int) -> Iterator[Seen]:
        if name != self.dead_eye:
            yield Seen(name, self.stamp(self.t), count)

    def seen_by_camera(self, count: int) -> tuple[Body, float] | None:
        """The body nearest to where the belt has one under the camera, and how far it is off [m].

        `count` is the one at which its centre was at the barrier, by the belt's counts.
        """
        carried = (self.counted - count) * self.cell.belt.metres_per_count
        if not (near := [body for body in self.bodies if not body.gone]):
            return None
        body = min(near, key=lambda b: abs(self.travel - b.x - carried))
        off = self.travel - body.x - carried
        if abs(off) > 0.06:
            return None
        if Fault.NOISE in self.faults:
            off += self.rng.gauss(0.0, _NOISE)
        return body, off

    def clearance(self, body: Body) -> float | None:
        """Free belt to the nearest foreign body beside `body` [m]."""
        free = [
            abs(other.x - body.x) - (other.length + body.length) / 2
            for other in self.bodies
            if other.foreign and other is not body and not other.gone
        ]
        return max(0.0, min(free)) if free and min(free) < 0.05 else None
