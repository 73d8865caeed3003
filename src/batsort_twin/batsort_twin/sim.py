"""The simulated cell: sensors, valves and ground truth around the mechanics of `scene`.

Pure: commands in by calls, events out of `advance`, in order of their stamps. The same seed and the
same commands at the same simulated moments give the same events, bit for bit. Stamps are integer
nanoseconds: start + steps x 1 ms, with edges, exposures and openings interpolated inside a step.
"""

import heapq
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path

import mujoco
import numpy as np
from numpy.typing import NDArray

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_twin.camera import Body, Image, Renderer
from batsort_twin.drive import Drive
from batsort_twin.encoder import Encoder
from batsort_twin.events import EStopSwitched, Event, FaultSwitched, Frame, Truth
from batsort_twin.faults import (
    Active,
    ClockStep,
    Conditions,
    EncoderReset,
    EncoderWrap,
    Fault,
    ItemFromSide,
    ItemJam,
    ItemVanishes,
    OnPassing,
    Schedule,
    SlipJump,
    ValveStuckOpen,
    check_faults,
)
from batsort_twin.feed import Item, ahead, drawn, photographed, taped
from batsort_twin.photos import PhotoLibrary
from batsort_twin.scene import CATCH, INFEED, STEP_S, Scene
from batsort_twin.valves import Valves

Pose = NDArray[np.float64]
STEP_NS = 1_000_000
ENCODER_STEPS = 10
FIRST_ITEM = 0.02
"""Belt travel before the first item is fed [m]."""
OVERLAP = 0.005
"""Of items, at which the infeed waits [m]."""
NARROW_BITS = 16
PAUSE_NS = 50_000_000
"""A jet that comes back to an item after longer than that has reached it anew."""


class TwinError(ValueError):
    """An option is refused; one line with its name, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class TwinOptions:
    """How the twin is run. Raises TwinError for a value that is not allowed."""

    items: int = 100
    """To feed; 0: without end."""
    rate: float = 5.0
    """Items a second at the commanded belt speed."""
    seed: int = 0
    photos: Path | None = None
    """One folder of photos per type; None: drawn batteries."""
    unknown_share: float = 0.1
    """Of drawn items that are of an unknown type."""
    opening_s: float = 0.010
    """From energising a valve to the open jet [s]."""
    opening_scatter_s: float = 0.0005
    """1 sigma [s]."""
    encoder_bits: int = 32
    """Width of the encoder's counter."""
    pitch_scatter: float = 0.010
    """Most that an item's place differs from an even pitch [m]."""
    min_gap: float = 0.015
    """Least gap between items as they are fed [m]."""
    faults: tuple[Fault, ...] = ()
    """To inject."""

    def __post_init__(self) -> None:
        for option in fields(self):
            if option.name in RANGES:
                low, high = RANGES[option.name]
                value = getattr(self, option.name)
                if not (math.isfinite(value) and low <= value <= high):
                    allowed = f"from {low:g} to {high:g}"
                    raise TwinError(f"{option.name}: {value} is refused; allowed: {allowed}")
        if self.encoder_bits not in ENCODER_BITS:
            allowed = " or ".join(map(str, ENCODER_BITS))
            raise TwinError(f"encoder_bits: {self.encoder_bits} is refused; allowed: {allowed}")


ENCODER_BITS = (16, 32, 64)
RANGES: dict[str, tuple[float, float]] = {
    "items": (0, 10_000_000),
    "rate": (0.1, 50.0),
    "seed": (0, 2**31 - 1),
    "unknown_share": (0.0, 1.0),
    "opening_s": (0.0, 0.1),
    "opening_scatter_s": (0.0, 0.01),
    "pitch_scatter": (0.0, 0.05),
    "min_gap": (0.001, 1.0),
}


@dataclass(slots=True)
class _Live:
    """An item on its way."""

    item: Item
    slot: int
    lead: float
    trail: float
    item_id: int = 0
    aim_error: float = math.nan
    foreign: bool = False
    blown_by: int | None = None
    """The valve whose jet last pushed it."""
    blown: int = 0
    """Stamp at which that jet first reached it [ns]; 0: none did."""
    blown_until: int = 0
    """The simulated moment of its last push [ns]."""
    left: bool = False

    def push(self, valve: int, moment: int, stamp: int, stuck: bool) -> None:
        """A valve's jet pushes it at a simulated moment, when the machine's clock shows `stamp`.

        One `stuck` open is one jet: what turns out of it and rolls back is not reached anew.
        """
        anew = not stuck and moment - self.blown_until > PAUSE_NS
        if valve != self.blown_by or anew:
            self.blown = stamp
        self.blown_by, self.blown_until = valve, moment


class Twin:
    """A cell that runs on simulated time; the belt stands and the valves are disabled at first.

    Raises TwinError, PhotoError, and FieldError for a fault of what the cell has not.
    """

    def __init__(self, cell: CellDescription, options: TwinOptions, start_stamp: int) -> None:
        check_faults(options.faults, cell)
        self.cell, self.options = cell, options
        self.fed = 0
        self.left = 0
        """Of those fed."""
        self._start, self._steps = start_stamp, 0
        self._shift = 0
        """Of the machine's clock, by which stamps differ from simulated moments [ns]."""
        self._scene = Scene(cell)
        self._before = self._scene.pose.copy()
        self._renderer = Renderer(cell.camera, cell.belt.width, options.seed)
        self._drive = Drive(cell.belt.acceleration)
        self._speed = cell.belt.velocity
        self._encoder = Encoder(
            cell.belt.metres_per_count, options.encoder_bits, start_stamp // 1000
        )
        self._enabled = False
        self._valves = Valves(
            {bin.valve: bin.distance for bin in cell.ejectors},
            options.opening_s,
            options.opening_scatter_s,
            np.random.default_rng([options.seed, 2]),
        )
        self._requests: list[tuple[int, int]] = []
        self._shown: Image | None = None
        """The last picture taken."""
        self._events: list[tuple[int, int, Event]] = []
        """By the moment at which they are delivered [ns], then in order."""
        self._added = 0
        self._stream = self._items()
        self._next = next(self._stream, None)
        self._next_place = FIRST_ITEM
        self._free = list(range(self._scene.size))
        self._live: dict[int, _Live] = {}
        self._approaching: list[_Live] = []
        self._blocking = 0
        self._blocked = False
        """As the barrier says."""
        self._schedule = Schedule(options.faults, start_stamp)
        self._chance = np.random.default_rng([options.seed, 3])
        self._losses = np.random.default_rng([options.seed, 4])
        self._foreign = 0
        self._stuck: dict[Active, tuple[int, Pose]] = {}
        self._slipped: dict[Active, float] = {}

    @property
    def now(self) -> int:
        """The simulated moment [ns since the Unix epoch]."""
        return self._start + self._steps * STEP_NS

    @property
    def epoch(self) -> int:
        """Of the encoder's counts."""
        return self._encoder.epoch

    @property
    def on_belt(self) -> int:
        """Items that have not left yet."""
        return sum(not live.left for live in self._live.values())

    @property
    def travel(self) -> float:
        """How far the belt has run in all, whatever its encoder counts [m]."""
        return self._drive.position

    @property
    def estop(self) -> bool:
        """Whether the emergency stop is pressed."""
        return self._wrong.estop

    @property
    def stamp(self) -> int:
        """What the machine's clock shows at the simulated moment [ns]."""
        return self.now + self._shift

    def set_belt(self, run: bool, velocity: float) -> None:
        """Command the drive: ramp to `velocity` [m/s], or to a stand."""
        if not (math.isfinite(velocity) and 0.0 <= velocity <= self.cell.belt.max_velocity):
            limit = self.cell.belt.max_velocity
            raise TwinError(f"velocity: {velocity} is refused; allowed: 0 to {limit:g} [m/s]")
        self._drive.target = velocity if run else 0.0
        if run and velocity > 0.0:
            self._speed = velocity

    def request_frame(self, item_id: int, count: int, epoch: int | None = None) -> None:
        """Expose when the belt reaches the count; at once where it has. Ignores another epoch."""
        if epoch is None or epoch == self.epoch:
            self._requests.append((count, item_id))
            self._requests.sort()

    def set_enabled(self, enabled: bool) -> None:
        """Let the valves fire, or cut them off: open jets close, and none opens."""
        self._enabled = enabled
        self._switch_valves()

    def shoot(self, shot: Shot) -> None:
        """Take a shot or its calling off; each item id is executed once."""
        self._report(self._valves.take(shot, self._encoder.motion(self.now)))

    def repair(self) -> list[str]:
        """End every fault that is active; their kinds.

        With a valve stuck open goes what its jet was the last to push and still lies there: whoever
        mends the valve takes it off.
        """
        ended = self._schedule.end(self._schedule.active)
        self._switch_faults(ended)
        faults = [fault for fault, _ in ended]
        mended = [fault.valve for fault in faults if isinstance(fault, ValveStuckOpen)]
        for live in [live for live in self._live.values() if live.blown_by in mended]:
            self._take_off(live)
        return [fault.kind for fault in faults]

    def loses(self, topic: str) -> bool:
        """Whether a fault takes the next message of that topic."""
        share = self._wrong.lost.get(topic, 0.0)
        return share > 0.0 and float(self._losses.random()) < share

    def advance(self, until_stamp: int) -> list[Event]:
        """Run on for the whole steps up to `until_stamp` [ns]; what happened, by stamp.

        Frames that a fault delays come when they are delivered. Raises PhotoError for a broken
        image that is to be shown.
        """
        events = self._delivered()
        while self.now + STEP_NS <= until_stamp:
            self._step()
            events += self._delivered()
        return events

    @property
    def _wrong(self) -> Conditions:
        return self._schedule.conditions

    def _items(self) -> Iterator[Item]:
        options, types = self.options, self.cell.recipe.types
        if options.photos is None:
            return ahead(drawn(options.seed, options.items, options.unknown_share, types))
        library = PhotoLibrary(options.photos, self.cell.recipe.sizes)
        return ahead(photographed(options.seed, options.items, library, types))

    def _add(self, event: Event, delay_s: float = 0.0) -> None:
        """Say it when simulated time has reached its stamp, or so much later."""
        due = event.stamp + round(delay_s * 1e9)
        if self._shift:
            event = replace(event, stamp=event.stamp + self._shift)
        heapq.heappush(self._events, (due, self._added, event))
        self._added += 1

    def _report(self, ends: Iterable[ShotEnd]) -> None:
        for end in ends:
            self._add(end)

    def _delivered(self) -> list[Event]:
        delivered = []
        while self._events and self._events[0][0] <= self.now:
            delivered.append(heapq.heappop(self._events)[2])
        return delivered

    def _step(self) -> None:
        started = self.now
        self._switch_faults(self._schedule.update(started, self.fed))
        self._feed()
        position = self._drive.position
        turned = self._drive.step(started, self._wrong)
        velocity = self._drive.roller_velocity
        self._encoder.turn(turned, velocity, self._wrong.missed, self._chance)
        motion = self._encoder.motion(started + STEP_NS)
        self._report(self._valves.step(started, motion, self._wrong.slower_s))
        for valve, share in self._valves.blown(started, motion.stamp, self._wrong).items():
            stuck = valve in self._wrong.stuck_open
            for slot in self._scene.blow(self._valves.nozzles[valve], share):
                self._live[slot].push(valve, started, self.stamp, stuck)
        for slot, pose in self._stuck.values():
            self._scene.hold(slot, pose)
        np.copyto(self._before, self._scene.pose)
        self._scene.step(self._drive.velocity)
        self._steps += 1
        self._aim(started)
        self._watch_barrier(started)
        if self._requests:
            self._expose(started, position)
        self._watch_bins(started)
        if self._schedule.active:
            self._befall()
        if self._steps % ENCODER_STEPS == 0 and self._wrong.encoder_linked:
            self._add(EncoderSample(self.now, self.epoch, self._encoder.count(1.0)))

    def _moment(self, started: int, share: float) -> tuple[int, int]:
        """Stamp and count at a share of the step just done."""
        return started + round(share * STEP_NS), self._encoder.count(share)

    def _switch_faults(self, changes: Iterable[tuple[Fault, bool]]) -> None:
        """What follows at once from faults that begin and end."""
        changes = list(changes)
        if not changes:
            return
        for fault, begins in changes:
            if begins:
                self._strike(fault)
            count = self._encoder.count(1.0)
            self._add(FaultSwitched(self.now, fault.kind, begins, self.epoch, count, fault.detail))
        self._stuck = {a: held for a, held in self._stuck.items() if a in self._schedule.active}
        self._encoder.linked = self._wrong.encoder_linked
        if any(fault.kind == "estop" for fault, _ in changes):
            self._add(EStopSwitched(self.now, self.estop))
            self._switch_valves()
        standing = (live for live in self._approaching if live.trail < 0.0 <= live.lead)
        self._say_blocked(self.now, self._encoder.count(1.0), next(standing, None))

    def _strike(self, fault: Fault) -> None:
        """What a fault does in the moment that it begins."""
        match fault:
            case EncoderReset():
                self._encoder.reset(self.stamp // 1000)
                self._requests.clear()
            case EncoderWrap():
                self._encoder.begin_before_wrap(fault.counts, NARROW_BITS)
            case ClockStep():
                self._shift += round(fault.by_s * 1e9)

    def _befall(self) -> None:
        """What active faults do to items on the belt, and random arrivals."""
        for active in list(self._schedule.active):
            fault = active.fault
            if isinstance(fault, SlipJump):
                since = self._slipped.setdefault(active, self._drive.slipped)
                if self._drive.slipped - since >= fault.distance:
                    self._switch_faults(self._schedule.end([active]))
            elif isinstance(fault, OnPassing) and active not in self._stuck:
                live = self._passing(fault.x)
                if live is not None and self._catch(active, live):
                    self._switch_faults(self._schedule.end([active]))
        for bin, rate in self._wrong.blinking.items():
            for _ in range(int(self._chance.poisson(rate * STEP_S))):
                self._add(Arrival(self.now, self.epoch, bin, self._encoder.count(1.0)))

    def _passing(self, x: float) -> _Live | None:
        """The item whose centre has passed the place in the step just done."""
        for live in self._live.values():
            before, after = self._before[live.slot, 0], self._scene.pose[live.slot, 0]
            if before < x <= after and not live.left:
                return live
        return None

    def _catch(self, active: Active, live: _Live) -> bool:
        """The item has come to the place of a fault, which may have done its work by that."""
        match active.fault:
            case ItemJam():
                self._stuck[active] = (live.slot, self._scene.pose[live.slot].copy())
                return False
            case ItemVanishes():
                self._take_off(live)
                return True
            case ItemFromSide() if self._free:
                seed = int(self._chance.integers(2**31))
                (item,) = drawn(seed, 1, 0.0, self.cell.recipe.types)
                item = replace(item, index=self._foreign, y=active.fault.y, yaw=0.0)
                x, reach = self._scene.pose[live.slot, 0], self._scene.reach(live.slot)
                behind = float(x) - reach - active.fault.behind - item.reach
                self._put(item, behind, self._drive.velocity, foreign=True)
                self._foreign += 1
                return True
        return False

    def _feed(self) -> None:
        position, velocity = self._drive.position, self._drive.velocity
        if self._next is None or position < self._next_place or not self._free:
            return
        item = self._next
        # Where the belt has carried it since; one that had to wait is put down now.
        passed = position - self._next_place
        x = INFEED + (passed if passed <= velocity * STEP_S else 0.0)
        if any(live.trail < x + item.reach - OVERLAP for live in self._approaching):
            return
        self._approaching.append(self._put(item, x, velocity))
        self.fed += 1
        self._next = next(self._stream, None)
        self._switch_faults(self._schedule.update(self.now, self.fed))
        if self._next is None:
            return
        if self._wrong.length is not None:
            self._next = taped(self._next, self._wrong.length)
        reaches = item.reach + self._next.reach
        if self._wrong.gap is not None:
            pitch = reaches + self._wrong.gap
        else:
            scattered = (self._next.scatter - item.scatter) * self.options.pitch_scatter
            pitch = self._speed / self.options.rate + scattered
            pitch = max(pitch, reaches + self.options.min_gap)
        self._next_place = position - (x - INFEED) + pitch

    def _put(self, item: Item, x: float, velocity: float, foreign: bool = False) -> _Live:
        slot = self._free.pop(0)
        self._scene.put(slot, item, x, velocity)
        live = _Live(item, slot, x + item.reach, x - item.reach, foreign=foreign)
        self._live[slot] = live
        return live

    def _switch_valves(self) -> None:
        enabled = self._enabled and not self.estop
        self._report(self._valves.enable(enabled, self._encoder.motion(self.now)))

    def _aim(self, started: int) -> None:
        """Note how the jets that have opened in the step just done met their items."""
        for jet in self._valves.opened(started, self.now, self._wrong):
            share = (jet.opens - started) / STEP_NS
            for live in self._live.values():
                if live.item_id == jet.item_id:
                    centre = self._between(live.slot, 0, share)
                    live.aim_error = centre - self._valves.nozzles[jet.valve]

    def _between(self, slot: int, axis: int, share: float) -> float:
        """A coordinate of a body's centre at a share of the step just done [m]."""
        before, after = self._before[slot, axis], self._scene.pose[slot, axis]
        return float(before + share * (after - before))

    def _watch_barrier(self, started: int) -> None:
        edges: list[tuple[float, bool, _Live]] = []
        for live in self._approaching:
            x, reach = float(self._scene.pose[live.slot, 0]), self._scene.reach(live.slot)
            lead, trail = x + reach, x - reach
            if live.lead < 0.0 <= lead:
                edges.append((live.lead / (live.lead - lead), True, live))
            if live.trail < 0.0 <= trail:
                edges.append((live.trail / (live.trail - trail), False, live))
            live.lead, live.trail = lead, trail
        for share, blocked, live in sorted(edges, key=lambda edge: edge[0]):
            self._blocking += 1 if blocked else -1
            self._say_blocked(*self._moment(started, share), live)
            if not blocked:
                self._approaching.remove(live)

    def _say_blocked(self, stamp: int, count: int, live: _Live | None) -> None:
        """What the barrier says of its beam, where that has changed; by `live`, if it blocks it."""
        wrong = self._wrong
        blocked = self._blocking > 0 or wrong.barrier_stuck
        if wrong.barrier_dead or blocked == self._blocked:
            return
        self._blocked = blocked
        if wrong.encoder_linked:
            self._add(Edge(stamp, self.epoch, count, blocked))
            if blocked and live is not None:
                live.item_id = (stamp + self._shift) // 1000

    def _expose(self, started: int, position: float) -> None:
        wrong = self._wrong
        while self._requests and self._requests[0][0] <= self._encoder.counts(1.0):
            count, item_id = self._requests.pop(0)
            share = self._encoder.share(count)
            at = position + share * (self._drive.position - position)
            if not (wrong.camera_frozen and self._shown is not None):
                picture = self._renderer.render(self._seen(share), at)
                dark = wrong.light < 1.0
                self._shown = (picture * wrong.light).astype(np.uint8) if dark else picture
            if wrong.dropped > 0.0 and float(self._chance.random()) < wrong.dropped:
                continue
            frame = Frame(started + round(share * STEP_NS), item_id, self._shown)
            self._add(frame, wrong.camera_delay_s)

    def _seen(self, share: float) -> list[Body]:
        """What may be in the camera's image at a share of the step just done."""
        camera = self.cell.camera
        margin = camera.image_width / 2 * camera.metres_per_pixel + 0.1
        bodies = []
        rotation = np.empty(9)
        for live in self._live.values():
            if abs(self._scene.pose[live.slot, 0] - camera.distance) > margin:
                continue
            centre = [self._between(live.slot, axis, share) for axis in range(3)]
            mujoco.mju_quat2Mat(rotation, self._scene.pose[live.slot, 3:])
            x, y, z = centre
            bodies.append(Body(live.item.skin, (x, y, z), rotation.reshape(3, 3).copy()))
        return bodies

    def _watch_bins(self, started: int) -> None:
        pose, end, eye = self._scene.pose, self._scene.belt_end, self._scene.eye
        furthest = pose[:, :3].max(axis=0)
        if furthest[0] >= end:
            for slot in np.flatnonzero(pose[:, 0] >= end).tolist():
                live = self._live[slot]
                if not live.left and pose[slot, 2] > CATCH:
                    self._arrive(live, self.cell.others.name, started, 0, end)
        if furthest[1] >= eye or pose[:, 2].min() < CATCH:
            beside = (pose[:, 1] >= eye) | (pose[:, 2] < CATCH)
            for slot in np.flatnonzero(beside).tolist():
                live = self._live[slot]
                if not live.left:
                    bin = self._scene.bin_at(*pose[slot, :2].tolist())
                    axis, line = (1, eye) if pose[slot, 1] >= eye else (2, CATCH)
                    self._arrive(live, bin, started, axis, line)
                self._remove(live)

    def _arrive(self, live: _Live, bin: str, started: int, axis: int, line: float) -> None:
        """The item's centre has passed `line` on that axis in the step just done."""
        before, after = self._before[live.slot, axis], self._scene.pose[live.slot, axis]
        share = float((line - before) / (after - before)) if before != after else 0.0
        share = min(1.0, max(0.0, share))
        stamp, count = self._moment(started, share)
        if bin and bin not in self._wrong.dead_eyes:
            self._add(Arrival(stamp, self.epoch, bin, count))
        self._leave(live, bin, stamp, share)

    def _leave(self, live: _Live, bin: str, stamp: int, share: float) -> None:
        item = live.item
        self._add(
            Truth(
                stamp,
                item.index,
                live.item_id,
                item.type,
                item.label,
                item.size,
                item.photo,
                item.photo_sha256,
                bin,
                item.length,
                live.aim_error,
                live.foreign,
                self._between(live.slot, 0, share),
                live.blown,
            )
        )
        live.left = True
        self.left += not live.foreign

    def _take_off(self, live: _Live) -> None:
        """By hand: it comes into no bin."""
        if not live.left:
            self._leave(live, "", self.now, 1.0)
        self._remove(live)

    def _remove(self, live: _Live) -> None:
        """Take it out of the scene."""
        self._scene.park(live.slot)
        self._free.append(live.slot)
        del self._live[live.slot]
        if live in self._approaching:
            self._approaching.remove(live)
            if live.lead >= 0.0:
                self._blocking -= 1
                self._say_blocked(self.now, self._encoder.count(1.0), None)
