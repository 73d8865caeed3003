"""What is measured at the cell, step by step; `batsort_core.calibration` makes figures of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from batsort_bags.messages import stamp_of
from batsort_core.calibration import (
    CalibrationError,
    EdgeSearch,
    Feed,
    Figure,
    Sighting,
    Trial,
    Window,
)
from batsort_core.cell import Bin, CellDescription
from batsort_core.items import Item
from batsort_core.sorter import Shot
from batsort_interfaces.msg import EjectEvent
from batsort_nodes.images import to_rgb
from batsort_perception.crop import Crop
from batsort_perception.seek import seek_item

from .people import Person
from .rig import LOOK_S, Rig, RigError

FEED = 1.0
"""Distance that the belt is fed [m]."""
SPEEDS = (0.8 / 3, 0.8)
"""At which valves are fired, as parts of the belt's greatest speed."""
EXPOSED_AT = (-0.025, 0.0, 0.025)
"""From the described camera line, along the belt [m]."""
NEAR = 0.005
"""Of a picture to where it was asked for [m]."""
ALIKE = 0.002
"""Difference in length of test batteries that are alike [m]."""
FLIGHT_S = 0.6
"""From the jet to the eye at most: what comes later was not blown."""
SLACK_S = 0.2
"""That an arrival may be heard later than the encoder."""
MOST_FAILED = 5
"""Shots that the valve driver does not fire."""
PATIENCE_S = 120.0
"""Until a battery has to come by."""


def feed_encoder(rig: Rig, cell: CellDescription, person: Person, feeds: int) -> list[Feed]:
    """Run the belt on by about one metre, several times, and have it measured."""
    velocity = min(cell.belt.velocity, 0.5)
    done = []
    for _ in range(feeds):
        start = rig.stand()
        person.mark()
        rig.run(velocity)
        braking = velocity**2 / (2 * cell.belt.acceleration)
        enough = start + cell.counts(FEED - braking)
        begin = rig.stamp
        longest = 3.0 * FEED / velocity + 2.0
        while rig.count < enough and rig.stamp - begin < longest * 1e9:
            rig.check()
            time.sleep(LOOK_S)
        end = rig.stand()
        done.append(Feed(end - start, person.tape()))
    return done


@dataclass(frozen=True, slots=True)
class Seen:
    """An item found in a picture."""

    item: Item
    sighting: Sighting
    crop: Crop


def see_items(rig: Rig, cell: CellDescription, metres_per_count: float, items: int) -> list[Seen]:
    """Expose each of some passing items before, at and behind the described camera line."""
    first, shown = len(rig.items), len(rig.pictures)
    asked: list[tuple[Item, int]] = []
    rig.steady(cell.belt.velocity)
    begin = rig.stamp
    for number in range(items):
        _wait_item(rig, first + number)
        item = rig.items[first + number]
        for i, place in enumerate(EXPOSED_AT):
            count = item.count + round((cell.camera.distance + place) / metres_per_count)
            rig.expose(item, count, i)
            asked.append((item, count))
    last = max(count for _, count in asked) + round(2 * NEAR / metres_per_count)
    rig.wait(lambda: rig.count > last, 20.0, "the belt does not carry the batteries on")
    settled = rig.stamp + round(SLACK_S * 1e9)
    rig.wait(lambda: rig.stamp > settled, 5.0, "the encoder is silent")
    rig.stand()
    seen = []
    for picture in rig.pictures[shown:]:
        stamp = stamp_of(picture.header.stamp)
        count = rig.count_at(stamp) if stamp > begin else None
        if count is None:
            continue
        item, wanted = min(asked, key=lambda request: abs(request[1] - count))
        if abs(wanted - count) * metres_per_count > NEAR:
            continue
        found = seek_item(to_rgb(picture), cell, item)
        if found is not None:
            column, crop = found
            travelled = (count - item.count) * metres_per_count
            seen.append(Seen(item, Sighting(travelled, column), crop))
    return seen


@dataclass(slots=True)
class Edge:
    """One edge of the window of one valve: `side` -1 early, 1 late."""

    bin: Bin
    side: int
    search: EdgeSearch
    velocity: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.bin.name}, {'early' if self.side < 0 else 'late'} edge"

    def result(self) -> Figure:
        """Where it is, as an aim [m]. Raises CalibrationError."""
        try:
            found = self.search.result()
        except CalibrationError as error:
            raise CalibrationError(f"{self.name} at {self.velocity:.2f} m/s: {error}") from None
        return Figure(self.side * found.value, found.sigma)

    def trials(self) -> list[Trial]:
        """Its shots, by their aims past the nozzle [m]."""
        return [Trial(self.side * shot.aim, shot.hit) for shot in self.search.shots]


@dataclass(slots=True)
class Shots:
    """Windows and shots of all valves, by the name of their bin."""

    windows: dict[str, list[Window]] = field(default_factory=dict)
    trials: dict[str, list[tuple[float, list[Trial]]]] = field(default_factory=dict)
    """With the belt's velocity [m/s]."""


@dataclass(slots=True)
class _Fired:
    """A shot on its way."""

    edge: Edge
    item: Item
    target: int


def shoot(
    rig: Rig,
    cell: CellDescription,
    metres_per_count: float,
    bins: Sequence[Bin],
    length: float,
    shots: int,
    told: Callable[[str], None],
) -> Shots:
    """Find both edges of each valve's window at both speeds, by batteries of that length [m].

    One valve at a time is open; each edge has one shot on its way.
    """
    done = Shots()
    for part in SPEEDS:
        velocity = _run(rig, part * cell.belt.max_velocity, metres_per_count)
        edges = [
            Edge(bin, side, EdgeSearch(length, shots), velocity) for bin in bins for side in (-1, 1)
        ]
        rig.arm(True)
        _Round(rig, cell, metres_per_count, velocity, edges, told).fire(length)
        rig.arm(False)
        for early, late in zip(edges[::2], edges[1::2], strict=True):
            name = early.bin.name
            window = Window(velocity, early.result(), late.result())
            done.windows.setdefault(name, []).append(window)
            trials = early.trials() + late.trials()
            done.trials.setdefault(name, []).append((velocity, trials))
    rig.stand()
    return done


class _Round:
    """The shots at one belt speed."""

    def __init__(
        self,
        rig: Rig,
        cell: CellDescription,
        metres_per_count: float,
        velocity: float,
        edges: list[Edge],
        told: Callable[[str], None],
    ) -> None:
        self._rig, self._cell, self._scale = rig, cell, metres_per_count
        self._velocity, self._edges, self._told = velocity, edges, told
        self._pulse_s = cell.ejection.pulse_min_s
        self._halfway = velocity * self._pulse_s / 2
        self._flying: list[_Fired] = []
        self._aimed: dict[str, int] = {}
        """The newest target count of each bin."""
        self._failed = 0

    def fire(self, length: float) -> None:
        """Until every edge has its shots."""
        taken = len(self._rig.items)
        while not all(edge.search.done for edge in self._edges):
            if not self._flying:
                _wait_item(self._rig, taken)
            self._rig.check()
            while taken < len(self._rig.items):
                item = self._rig.items[taken]
                taken += 1
                if (
                    abs(item.length / self._cell.belt.metres_per_count * self._scale - length)
                    < ALIKE
                ):
                    self._aim(item)
            self._settle()
            time.sleep(LOOK_S)

    def _aim(self, item: Item) -> None:
        """Fire at the item for the edge that has the fewest shots, of those that are free."""
        spacing = (FLIGHT_S + SLACK_S / 2) * self._velocity / self._scale
        busy = [fired.edge for fired in self._flying]
        free = [edge for edge in self._edges if not edge.search.done and edge not in busy]
        for edge in sorted(free, key=lambda edge: len(edge.search.shots)):
            aim = edge.side * edge.search.aim - self._halfway
            target = item.count + round((edge.bin.distance + aim) / self._scale)
            if target - self._aimed.get(edge.bin.name, target - round(spacing)) < spacing - 1:
                continue
            self._aimed[edge.bin.name] = target
            self._flying.append(_Fired(edge, item, target))
            self._rig.shoot(
                Shot(
                    item_id=item.id,
                    epoch=item.epoch,
                    valve=edge.bin.valve,
                    fire=True,
                    target_count=target,
                    lead_s=self._cell.ejection.lead_s,
                    pulse_s=self._pulse_s,
                )
            )
            return

    def _settle(self) -> None:
        """See what became of the shots on their way."""
        for fired in list(self._flying):
            end = self._rig.ends.get(fired.item.id)
            if end is None:
                behind = (self._rig.count - fired.target) * self._scale / self._velocity
                if behind > 5.0:
                    raise RigError(
                        f"valve {fired.edge.bin.valve}: its driver tells no end of shots"
                    )
                continue
            if end.result != EjectEvent.FIRED:
                self._flying.remove(fired)
                self._failed += 1
                if self._failed > MOST_FAILED:
                    detail = f"{end.result} {end.detail}".strip()
                    raise RigError(f"valve {end.valve}: its driver does not fire: {detail}")
                continue
            opened = stamp_of(end.header.stamp)
            hit = any(
                -SLACK_S / 10 < (stamp_of(arrival.header.stamp) - opened) * 1e-9 < FLIGHT_S
                for arrival in self._rig.arrivals[-50:]
                if arrival.bin == fired.edge.bin.name
            )
            if not hit and self._rig.stamp - opened < (FLIGHT_S + SLACK_S) * 1e9:
                continue
            self._flying.remove(fired)
            place = (end.actual_count - fired.item.count) * self._scale
            aim = place - fired.edge.bin.distance + self._halfway
            search = fired.edge.search
            search.add(fired.edge.side * aim, hit)
            if search.done:
                self._told(f"  {fired.edge.name} at {self._velocity:.2f} m/s: found")


def _run(rig: Rig, velocity: float, metres_per_count: float) -> float:
    """Let the belt run evenly; its speed as counted [m/s]."""
    rig.steady(velocity)
    start = rig.stamp
    rig.wait(lambda: rig.stamp - start > 0.5e9, 5.0, "the encoder is silent")
    return rig.counts_per_s(start, rig.stamp) * metres_per_count


def _wait_item(rig: Rig, number: int) -> None:
    rig.wait(
        lambda: len(rig.items) > number,
        PATIENCE_S,
        "no battery passes the barrier; put some onto the belt, or see the barrier",
    )
