"""What is measured at the cell, step by step; `calibration` makes figures of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from batsort_commissioning.calibration import (
    CalibrationError,
    EdgeSearch,
    Feed,
    Figure,
    Sighting,
    Trial,
    Window,
)
from batsort_commissioning.people import Person
from batsort_commissioning.station import RigError, Station
from batsort_core.cell import Bin, CellDescription
from batsort_core.decisions import Shot
from batsort_core.items import EjectResult, Item
from batsort_perception.crop import Crop
from batsort_perception.seek import seek_item

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


def feed_encoder(station: Station, cell: CellDescription, person: Person, feeds: int) -> list[Feed]:
    """Run the belt on by about one metre, several times, and have it measured."""
    velocity = min(cell.belt.velocity, 0.5)
    done = []
    for _ in range(feeds):
        start = station.stand()
        person.mark()
        station.run(velocity)
        braking = velocity**2 / (2 * cell.belt.acceleration)
        enough = start + cell.counts(FEED - braking)
        begin = station.stamp
        longest = 3.0 * FEED / velocity + 2.0
        while station.count < enough and station.stamp - begin < longest * 1e9:
            station.pause()
        end = station.stand()
        done.append(Feed(end - start, person.tape()))
    return done


@dataclass(frozen=True, slots=True)
class Seen:
    """An item found in a picture."""

    item: Item
    sighting: Sighting
    crop: Crop


def see_items(
    station: Station, cell: CellDescription, metres_per_count: float, items: int
) -> list[Seen]:
    """Expose each of some passing items before, at and behind the described camera line."""
    asked: list[tuple[Item, int]] = []
    station.steady(cell.belt.velocity)
    first, shown, begin = len(station.items), len(station.pictures), station.stamp
    for number in range(items):
        _wait_item(station, first + number)
        item = station.items[first + number]
        for i, place in enumerate(EXPOSED_AT):
            count = item.count + round((cell.camera.distance + place) / metres_per_count)
            station.expose(item, count, i)
            asked.append((item, count))
    last = max(count for _, count in asked) + round(2 * NEAR / metres_per_count)
    station.wait(lambda: station.count > last, 20.0, "the belt does not carry the batteries on")
    station.let_pass(SLACK_S)
    station.stand()
    seen = []
    for stamp, pixels in station.pictures[shown:]:
        count = station.count_at(stamp) if stamp > begin else None
        if count is None:
            continue
        item, wanted = min(asked, key=lambda request: abs(request[1] - count))
        if abs(wanted - count) * metres_per_count > NEAR:
            continue
        found = seek_item(pixels, cell, item)
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
    station: Station,
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
        velocity = _run(station, part * cell.belt.max_velocity, metres_per_count)
        edges = [
            Edge(bin, side, EdgeSearch(length, shots), velocity) for bin in bins for side in (-1, 1)
        ]
        station.arm(True)
        _Round(station, cell, metres_per_count, velocity, edges, told).fire(length)
        station.arm(False)
        for early, late in zip(edges[::2], edges[1::2], strict=True):
            name = early.bin.name
            window = Window(velocity, early.result(), late.result())
            done.windows.setdefault(name, []).append(window)
            trials = early.trials() + late.trials()
            done.trials.setdefault(name, []).append((velocity, trials))
    station.stand()
    return done


class _Round:
    """The shots at one belt speed."""

    def __init__(
        self,
        station: Station,
        cell: CellDescription,
        metres_per_count: float,
        velocity: float,
        edges: list[Edge],
        told: Callable[[str], None],
    ) -> None:
        self._station, self._cell, self._scale = station, cell, metres_per_count
        self._velocity, self._edges, self._told = velocity, edges, told
        self._pulse_s = cell.ejection.pulse_min_s
        self._halfway = velocity * self._pulse_s / 2
        self._flying: list[_Fired] = []
        self._aimed: dict[str, int] = {}
        """The newest target count of each bin."""
        self._failed = 0

    def fire(self, length: float) -> None:
        """Until every edge has its shots."""
        taken = len(self._station.items)
        while not all(edge.search.done for edge in self._edges):
            if not self._flying:
                _wait_item(self._station, taken)
            while taken < len(self._station.items):
                item = self._station.items[taken]
                taken += 1
                if (
                    abs(item.length / self._cell.belt.metres_per_count * self._scale - length)
                    < ALIKE
                ):
                    self._aim(item)
            self._settle()
            self._station.pause()

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
            self._station.shoot(
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
            end = self._station.ends.get(fired.item.id)
            if end is None:
                behind = (self._station.count - fired.target) * self._scale / self._velocity
                if behind > 5.0:
                    raise RigError(
                        f"valve {fired.edge.bin.valve}: its driver tells no end of shots"
                    )
                continue
            if end.result != EjectResult.FIRED:
                self._flying.remove(fired)
                self._failed += 1
                if self._failed > MOST_FAILED:
                    detail = f"{end.result.value} {end.detail}".strip()
                    raise RigError(f"valve {end.shot.valve}: its driver does not fire: {detail}")
                continue
            opened = end.stamp
            hit = any(
                -SLACK_S / 10 < (arrival.stamp - opened) * 1e-9 < FLIGHT_S
                for arrival in self._station.arrivals[-50:]
                if arrival.bin == fired.edge.bin.name
            )
            if not hit and self._station.stamp - opened < (FLIGHT_S + SLACK_S) * 1e9:
                continue
            self._flying.remove(fired)
            place = (end.actual_count - fired.item.count) * self._scale
            aim = place - fired.edge.bin.distance + self._halfway
            search = fired.edge.search
            search.add(fired.edge.side * aim, hit)
            if search.done:
                self._told(f"  {fired.edge.name} at {self._velocity:.2f} m/s: found")


def _run(station: Station, velocity: float, metres_per_count: float) -> float:
    """Let the belt run evenly; its speed as counted [m/s]."""
    station.steady(velocity)
    start = station.stamp
    station.let_pass(0.5)
    return station.counts_per_s(start, station.stamp) * metres_per_count


def _wait_item(station: Station, number: int) -> None:
    station.wait(
        lambda: len(station.items) > number,
        PATIENCE_S,
        "no battery passes the barrier; put some onto the belt, or see the barrier",
    )
