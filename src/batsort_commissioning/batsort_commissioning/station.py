"""The cell as commissioning sees it, whatever it is behind: commands in, what sensors say out."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable

from batsort_core.belt import BeltError, BeltReading, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import Item
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_perception.preprocess import Image

HISTORY_S = 1800.0
"""Of the belt: batteries that are put onto it by hand take their time."""
STANDING_S = 0.3
"""Without a count more, the belt stands."""
PATIENCE_S = 20.0
"""Until the belt does what it is told."""


class RigError(RuntimeError):
    """What keeps the walk from going on; one line with cause and cure."""


class Station(ABC):
    """Belt and valves are off at first. Every wait raises RigError where it can't end well."""

    def __init__(self, cell: CellDescription) -> None:
        self.cell = cell
        self._tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity, HISTORY_S)
        self._detector = ItemDetector(cell.items, cell.belt.metres_per_count)
        self._lock = threading.RLock()
        self.items: list[Item] = []
        """In order; new ones are added at the end, as in all of these."""
        self.arrivals: list[Arrival] = []
        self.ends: dict[int, ShotEnd] = {}
        """Of shots, by item."""
        self.pictures: list[tuple[int, Image]] = []
        """With the stamp of their exposure [ns]."""

    @abstractmethod
    def run(self, velocity: float) -> None:
        """Let the belt run [m/s]; 0: let it stand."""

    @abstractmethod
    def arm(self, armed: bool) -> None:
        """Let the valves fire, or not."""

    @abstractmethod
    def expose(self, item: Item, count: int, number: int) -> None:
        """Ask for the `number`th picture of an item, at that count."""

    @abstractmethod
    def shoot(self, shot: Shot) -> None:
        """Fire one shot; its end will be in `ends`."""

    @abstractmethod
    def travel(self) -> float:
        """Where the belt is in truth [m], where that can be known without a tape."""

    @abstractmethod
    def pause(self, silent: bool = False) -> float:
        """Let a moment pass; how long it was [s].

        Raises RigError for what stands in the way; `silent`: nothing need be heard yet.
        """

    def sampled(self, sample: EncoderSample) -> BeltReading:
        """The encoder was latched. Raises BeltError."""
        with self._lock:
            return self._tracker.add(sample.stamp, sample.epoch, sample.count)

    def crossed(self, edge: Edge) -> None:
        """The barrier's beam was broken, or is clear again."""
        item = self._detector.on_edge(edge.stamp, edge.epoch, edge.count, edge.blocked)
        if item is not None:
            self.items.append(item)

    @property
    def stamp(self) -> int:
        """Of the newest encoder count [ns]; 0: none yet."""
        latest = self._tracker.latest
        return latest.stamp if latest else 0

    @property
    def count(self) -> int:
        """The newest encoder count."""
        latest = self._tracker.latest
        return latest.count if latest else 0

    def count_at(self, stamp: int) -> float | None:
        """The count at a moment; None: not known."""
        with self._lock:
            try:
                return self._tracker.count_at(stamp)
            except BeltError:
                return None

    def counts_per_s(self, start: int, end: int) -> float:
        """Mean speed between two moments [counts/s]."""
        first, last = self.count_at(start), self.count_at(end)
        if first is None or last is None:
            raise RigError("the encoder's count was lost; see its wiring, then begin anew")
        return (last - first) / (end - start) * 1e9

    def stand(self) -> int:
        """Let the belt stand, and wait until it does; the count there."""
        self.run(0.0)
        since, count = self.stamp, self.count

        def standing() -> bool:
            nonlocal since, count
            if self.count != count:
                since, count = self.stamp, self.count
            return self.stamp - since >= STANDING_S * 1e9

        self.wait(standing, PATIENCE_S, "the belt does not stand; see its drive")
        return count

    def steady(self, velocity: float) -> None:
        """Let the belt run, and wait until it does so evenly."""
        self.run(velocity)
        ramp = 2.0 * velocity / self.cell.belt.acceleration + STANDING_S
        self.let_pass(ramp)
        latest = self._tracker.latest
        if latest is None or not latest.moving:
            raise RigError("the encoder does not count while the belt is to run; see drive and A/B")

    def let_pass(self, seconds: float) -> None:
        """Wait so long, by the encoder's stamps."""
        begin = self.stamp
        self.wait(
            lambda: self.stamp - begin > seconds * 1e9,
            seconds + PATIENCE_S,
            "the encoder is silent",
        )

    def wait(
        self, reached: Callable[[], bool], seconds: float, what: str, silent: bool = False
    ) -> None:
        """Wait until it is so; `what` is the trouble where it is not in time."""
        waited = 0.0
        while not reached():
            waited += self.pause(silent)
            if waited > seconds:
                raise RigError(f"{what} (waited {seconds:.0f} s)")
