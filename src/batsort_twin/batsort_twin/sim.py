"""The simulated cell: sensors, valves and ground truth around the mechanics of `scene`.

Pure: commands in by calls, events out of `advance`, in order of their stamps. The same seed and the
same commands at the same simulated moments give the same events, bit for bit. Stamps are integer
nanoseconds: start + steps x 1 ms, with edges, exposures and openings interpolated inside a step.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Protocol

import mujoco
import numpy as np

from batsort_core.belt import CountUnwrapper
from batsort_core.cell import CellDescription
from batsort_twin.camera import Body, Image, Renderer
from batsort_twin.feed import Item, ahead, drawn, photographed
from batsort_twin.photos import PhotoLibrary
from batsort_twin.scene import CATCH, INFEED, STEP_S, Scene

STEP_NS = 1_000_000
ENCODER_STEPS = 10
FIRST_ITEM = 0.02
"""Belt travel before the first item is fed [m]."""
REMEMBERED_SHOTS = 4096
FIRED, LATE, CANCELLED, FAULT = "fired", "late", "cancelled", "fault"


class TwinError(ValueError):
    """An option is refused; one line with its name, value and what is allowed."""


class Shot(Protocol):
    """What is read of ``batsort_core.sorter.Shot``."""

    @property
    def item_id(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def valve(self) -> int: ...
    @property
    def fire(self) -> bool: ...
    @property
    def target_count(self) -> int: ...
    @property
    def lead_s(self) -> float: ...
    @property
    def pulse_s(self) -> float: ...


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

    def __post_init__(self) -> None:
        for option in fields(self):
            if option.name in RANGES:
                low, high = RANGES[option.name]
                value = getattr(self, option.name)
                if not (math.isfinite(value) and low <= value <= high):
                    allowed = f"from {low:g} to {high:g}"
                    raise TwinError(f"{option.name}: {value} is refused; allowed: {allowed}")
        if self.encoder_bits not in (16, 32, 64):
            raise TwinError(f"encoder_bits: {self.encoder_bits} is refused; allowed: 16, 32 or 64")


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


@dataclass(frozen=True, slots=True)
class EncoderSample:
    """The count latched at the stamp."""

    stamp: int
    epoch: int
    count: int


@dataclass(frozen=True, slots=True)
class Edge:
    """The light barrier became blocked or clear."""

    stamp: int
    epoch: int
    count: int
    blocked: bool


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One exposure: uint8[height, width, 3] RGB."""

    stamp: int
    item_id: int
    """As it was requested."""
    image: Image


@dataclass(frozen=True, slots=True)
class Ejected:
    """What became of one shot: result is fired, late, cancelled or fault."""

    stamp: int
    item_id: int
    epoch: int
    valve: int
    result: str
    planned_count: int
    actual_count: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A confirm eye saw something pass."""

    stamp: int
    epoch: int
    bin: str
    count: int


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth of one item that has left."""

    stamp: int
    index: int
    item_id: int
    """0: it never blocked the beam on its own."""
    type: str
    label: str
    size: str
    photo: str
    photo_sha256: str
    bin: str
    """Where it landed; empty: in none."""
    length: float
    aim_error: float
    """Its centre minus the nozzle axis when the jet opened [m]; nan: never fired at."""


Event = EncoderSample | Edge | Frame | Ejected | Arrived | Truth


@dataclass(slots=True)
class _Live:
    """An item on its way."""

    item: Item
    slot: int
    lead: float
    trail: float
    item_id: int = 0
    aim_error: float = math.nan
    left: bool = False


@dataclass(slots=True)
class _Jet:
    """An energised valve: the jet is open from `opens` to `closes` [ns]."""

    shot: Shot
    nozzle: float
    opens: int
    closes: int


@dataclass(slots=True)
class _Valves:
    enabled: bool = False
    pending: list[Shot] = field(default_factory=list)
    jets: list[_Jet] = field(default_factory=list)
    known: OrderedDict[int, None] = field(default_factory=OrderedDict)


class Twin:
    """A cell that runs on simulated time; the belt stands and the valves are disabled at first.

    Raises TwinError, PhotoError.
    """

    def __init__(self, cell: CellDescription, options: TwinOptions, start_stamp: int) -> None:
        self.cell, self.options = cell, options
        self.epoch = start_stamp // 1000
        self.fed = 0
        self.left = 0
        self._start, self._steps = start_stamp, 0
        self._scene = Scene(cell)
        self._before = self._scene.pose.copy()
        self._renderer = Renderer(cell.camera, cell.belt.width, options.seed)
        self._rng = np.random.default_rng([options.seed, 2])
        self._position = self._velocity = self._target = 0.0
        self._speed = cell.belt.velocity
        self._unwrapper = CountUnwrapper(options.encoder_bits)
        self._mask = (1 << options.encoder_bits) - 1
        self._nozzles = {bin.valve: bin.distance for bin in cell.ejectors}
        self._valves = _Valves()
        self._requests: list[tuple[int, int]] = []
        self._events: list[Event] = []
        self._stream = self._items()
        self._next = next(self._stream, None)
        self._next_place = FIRST_ITEM
        self._free = list(range(self._scene.size))
        self._live: dict[int, _Live] = {}
        self._approaching: list[_Live] = []
        self._blocking = 0

    @property
    def now(self) -> int:
        """The simulated moment [ns since the Unix epoch]."""
        return self._start + self._steps * STEP_NS

    @property
    def on_belt(self) -> int:
        """Items fed that have not left yet."""
        return self.fed - self.left

    def set_belt(self, run: bool, velocity: float) -> None:
        """Command the drive: ramp to `velocity` [m/s], or to a stand."""
        if not (math.isfinite(velocity) and 0.0 <= velocity <= self.cell.belt.max_velocity):
            limit = self.cell.belt.max_velocity
            raise TwinError(f"velocity: {velocity} is refused; allowed: 0 to {limit:g} [m/s]")
        self._target = velocity if run else 0.0
        if run and velocity > 0.0:
            self._speed = velocity

    def request_frame(self, item_id: int, count: int, epoch: int | None = None) -> None:
        """Expose when the belt reaches the count; at once where it has. Ignores another epoch."""
        if epoch is None or epoch == self.epoch:
            self._requests.append((count, item_id))
            self._requests.sort()

    def set_enabled(self, enabled: bool) -> None:
        """Let the valves fire, or cut them off: open jets close, and none opens."""
        valves = self._valves
        if valves.enabled and not enabled:
            for jet in valves.jets:
                if jet.opens > self.now:
                    self._report(jet.shot, LATE, "valves disabled before the jet opened")
            valves.jets.clear()
        valves.enabled = enabled

    def shoot(self, shot: Shot) -> None:
        """Take a shot or its cancelling; each item id is executed once."""
        if not shot.fire:
            self.cancel(shot.item_id, shot)
            return
        if shot.item_id in self._valves.known:
            return
        self._remember(shot.item_id)
        if shot.epoch != self.epoch:
            self._report(shot, FAULT, f"counts of epoch {shot.epoch}, this one is {self.epoch}")
        elif shot.valve not in self._nozzles:
            self._report(shot, FAULT, f"there is no valve {shot.valve}")
        elif not (math.isfinite(shot.lead_s) and 0.0 < shot.pulse_s <= 1.0 and shot.lead_s >= 0.0):
            self._report(shot, FAULT, f"lead {shot.lead_s} s, pulse {shot.pulse_s} s")
        elif self._reached(shot, self._position, self._velocity) > 0.0:
            self._report(shot, LATE, "commanded too late")
        else:
            self._valves.pending.append(shot)

    def cancel(self, item_id: int, shot: Shot | None = None) -> None:
        """Drop the shot of that item, now or whenever it comes, unless its valve is energised."""
        waiting = next((s for s in self._valves.pending if s.item_id == item_id), None)
        if waiting is not None:
            self._valves.pending.remove(waiting)
            self._report(waiting, CANCELLED)
        elif item_id not in self._valves.known and shot is not None:
            self._report(shot, CANCELLED)
        self._remember(item_id)

    def advance(self, until_stamp: int) -> list[Event]:
        """Run on for the whole steps up to `until_stamp` [ns]; what happened, by stamp.

        Raises PhotoError for a broken image that is to be shown.
        """
        events, self._events = self._events, []
        while self.now + STEP_NS <= until_stamp:
            self._step()
            self._events.sort(key=lambda event: event.stamp)
            events += self._events
            self._events = []
        return events

    def _items(self) -> Iterator[Item]:
        options, types = self.options, self.cell.recipe.types
        if options.photos is None:
            return ahead(drawn(options.seed, options.items, options.unknown_share, types))
        library = PhotoLibrary(options.photos)
        return ahead(photographed(options.seed, options.items, library, types))

    def _step(self) -> None:
        started = self.now
        position, velocity = self._position, self._velocity
        change = self.cell.belt.acceleration * STEP_S
        self._velocity += min(change, max(-change, self._target - velocity))
        self._position += (velocity + self._velocity) / 2 * STEP_S
        self._feed(position, velocity)
        if self._valves.pending:
            self._energise(started, position, velocity)
        for jet in self._valves.jets:
            open_ns = min(jet.closes, started + STEP_NS) - max(jet.opens, started)
            if open_ns > 0:
                self._scene.blow(jet.nozzle, open_ns / STEP_NS)
        np.copyto(self._before, self._scene.pose)
        self._scene.step(self._velocity)
        self._steps += 1
        if self._valves.jets:
            self._open(started, position)
        self._watch_barrier(started, position)
        if self._requests and self._requests[0][0] <= self._counts(self._position):
            self._expose(started, position)
        self._watch_bins(started, position)
        if self._steps % ENCODER_STEPS == 0:
            self._events.append(EncoderSample(self.now, self.epoch, self._count(self._position)))

    def _counts(self, position: float) -> float:
        return position / self.cell.belt.metres_per_count

    def _count(self, position: float) -> int:
        """What the counter shows there, unwrapped."""
        return self._unwrapper.unwrap(math.floor(self._counts(position)) & self._mask)

    def _within(self, started: int, position: float, share: float) -> tuple[int, int]:
        """Stamp and count at a share of the step just done."""
        moment = started + round(share * STEP_NS)
        return moment, self._count(position + share * (self._position - position))

    def _feed(self, position: float, velocity: float) -> None:
        if self._next is None or position < self._next_place or not self._free:
            return
        item, slot = self._next, self._free.pop(0)
        # Where the belt has carried it since; one that had to wait for a body is put down now.
        passed = position - self._next_place
        x = INFEED + (passed if passed <= velocity * STEP_S else 0.0)
        self._scene.put(slot, item, x, velocity)
        live = _Live(item, slot, x + item.reach, x - item.reach)
        self._live[slot] = live
        self._approaching.append(live)
        self.fed += 1
        self._next = next(self._stream, None)
        if self._next is not None:
            scattered = (self._next.scatter - item.scatter) * self.options.pitch_scatter
            pitch = self._speed / self.options.rate + scattered
            least = item.reach + self._next.reach + self.options.min_gap
            self._next_place = position - (x - INFEED) + max(pitch, least)

    def _reached(self, shot: Shot, position: float, velocity: float) -> float:
        """How far the belt, looking ahead by the lead, is past the target [m]."""
        target = shot.target_count * self.cell.belt.metres_per_count
        return position + velocity * shot.lead_s - target

    def _energise(self, started: int, position: float, velocity: float) -> None:
        valves = self._valves
        for shot in list(valves.pending):
            after = self._reached(shot, self._position, self._velocity)
            if after < 0.0:
                continue
            valves.pending.remove(shot)
            if not valves.enabled:
                self._report(shot, LATE, "valves disabled")
                continue
            before = min(0.0, self._reached(shot, position, velocity))
            share = -before / (after - before) if after > before else 0.0
            scatter = self.options.opening_scatter_s * float(self._rng.standard_normal())
            delay = max(0.0, self.options.opening_s + scatter)
            opens = started + round(share * STEP_NS + delay * 1e9)
            closes = opens + round(shot.pulse_s * 1e9)
            valves.jets.append(_Jet(shot, self._nozzles[shot.valve], opens, closes))

    def _open(self, started: int, position: float) -> None:
        """Report the jets that opened in the step just done; forget those that have closed."""
        for jet in self._valves.jets:
            if started <= jet.opens < self.now:
                share = (jet.opens - started) / STEP_NS
                stamp, count = self._within(started, position, share)
                shot = jet.shot
                self._events.append(
                    Ejected(
                        stamp, shot.item_id, self.epoch, shot.valve, FIRED, shot.target_count, count
                    )
                )
                for live in self._live.values():
                    if live.item_id == shot.item_id:
                        live.aim_error = self._between(live.slot, 0, share) - jet.nozzle
        self._valves.jets = [jet for jet in self._valves.jets if jet.closes > self.now]

    def _between(self, slot: int, axis: int, share: float) -> float:
        """A coordinate of a body's centre at a share of the step just done [m]."""
        before, after = self._before[slot, axis], self._scene.pose[slot, axis]
        return float(before + share * (after - before))

    def _watch_barrier(self, started: int, position: float) -> None:
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
            if self._blocking == (1 if blocked else 0):
                stamp, count = self._within(started, position, share)
                self._events.append(Edge(stamp, self.epoch, count, blocked))
                if blocked:
                    live.item_id = stamp // 1000
            if not blocked:
                self._approaching.remove(live)

    def _expose(self, started: int, position: float) -> None:
        first, last = self._counts(position), self._counts(self._position)
        while self._requests and self._requests[0][0] <= last:
            count, item_id = self._requests.pop(0)
            share = max(0.0, (count - first) / (last - first)) if last > first else 0.0
            moment = started + round(share * STEP_NS)
            at = position + share * (self._position - position)
            image = self._renderer.render(self._seen(share), at)
            self._events.append(Frame(moment, item_id, image))

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

    def _watch_bins(self, started: int, position: float) -> None:
        pose, end, eye = self._scene.pose, self._scene.belt_end, self._scene.eye
        furthest = pose[:, :3].max(axis=0)
        if furthest[0] >= end:
            for slot in np.flatnonzero(pose[:, 0] >= end).tolist():
                live = self._live[slot]
                if not live.left and pose[slot, 2] > CATCH:
                    self._leave(live, self.cell.others.name, started, position, 0, end)
        if furthest[1] >= eye or pose[:, 2].min() < CATCH:
            beside = (pose[:, 1] >= eye) | (pose[:, 2] < CATCH)
            for slot in np.flatnonzero(beside).tolist():
                live = self._live.pop(slot)
                if not live.left:
                    bin = self._scene.bin_at(*pose[slot, :2].tolist())
                    axis, line = (1, eye) if pose[slot, 1] >= eye else (2, CATCH)
                    self._leave(live, bin, started, position, axis, line)
                self._scene.park(slot)
                self._free.append(slot)
                if live in self._approaching:
                    self._approaching.remove(live)

    def _leave(
        self, live: _Live, bin: str, started: int, position: float, axis: int, line: float
    ) -> None:
        """The item's centre has passed `line` on that axis in the step just done."""
        before, after = self._before[live.slot, axis], self._scene.pose[live.slot, axis]
        share = float((line - before) / (after - before)) if before != after else 0.0
        share = min(1.0, max(0.0, share))
        stamp, count = self._within(started, position, share)
        if bin:
            self._events.append(Arrived(stamp, self.epoch, bin, count))
        item = live.item
        self._events.append(
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
            )
        )
        live.left = True
        self.left += 1

    def _remember(self, item_id: int) -> None:
        known = self._valves.known
        known[item_id] = None
        while len(known) > REMEMBERED_SHOTS:
            known.popitem(last=False)

    def _report(self, shot: Shot, result: str, detail: str = "") -> None:
        """A shot that ended without opening its jet, at this moment."""
        count = self._count(self._position)
        self._events.append(
            Ejected(
                self.now,
                shot.item_id,
                shot.epoch,
                shot.valve,
                result,
                shot.target_count,
                count,
                detail,
            )
        )
