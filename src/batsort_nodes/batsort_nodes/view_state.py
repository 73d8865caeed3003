"""What a viewer knows of the belt: each item with its verdict, plan and end. No ROS in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.ejection import too_close
from batsort_core.items import Item, Verdict

KEPT = 200
"""Items: more than any topic delivers again to who comes late."""
SHOWN_NS = 1_500_000_000
"""How long an outcome is shown where the item left."""
FLASH_NS = 150_000_000
"""How long a nozzle's jet is shown."""


@dataclass(slots=True)
class Track:
    """All that was heard of one item, in whatever order."""

    item: Item | None = None
    verdict: Verdict | None = None
    decision: Decision | None = None
    blown: bool = False
    outcome: str = ""
    bin: str = ""
    """Where it was seen to arrive, or was meant to."""
    settled: int = 0
    """Stamp of its outcome [ns]."""

    @property
    def label(self) -> str:
        """Type and confidence, as far as they are known."""
        if self.verdict is None or not self.verdict.type:
            return "?"
        return f"{self.verdict.type} {self.verdict.confidence:.0%}"


@dataclass(frozen=True, slots=True)
class Fill:
    """What is in one bin's bag."""

    count: int
    capacity: int
    """0: without limit."""
    full: bool


@dataclass(slots=True)
class ViewState:
    """Fed with what the cell's topics tell; times are stamps [ns] of the belt's clock."""

    cell: CellDescription
    reading: BeltReading | None = None
    fills: Mapping[str, Fill] = field(default_factory=dict)
    cell_state: str = ""
    """The state, and why."""
    tracks: dict[int, Track] = field(default_factory=dict)
    jets: dict[int, int] = field(default_factory=dict)
    """When each valve has blown last."""

    def track(self, item_id: int) -> Track:
        """That of an item; the oldest are forgotten."""
        found = self.tracks.setdefault(item_id, Track())
        while len(self.tracks) > KEPT:
            del self.tracks[next(iter(self.tracks))]
        return found

    def on_decision(self, decision: Decision) -> None:
        """It tells the verdict, too, to who has not heard it."""
        track = self.track(decision.item_id)
        track.decision = decision
        track.verdict = track.verdict or decision.verdict

    def on_shot(self, item_id: int, valve: int, stamp: int) -> None:
        """A valve has blown."""
        self.track(item_id).blown = True
        self.jets[valve] = stamp

    def on_outcome(self, item_id: int, outcome: str, bin: str, stamp: int) -> None:
        """An item has left."""
        track = self.track(item_id)
        track.outcome, track.bin, track.settled = outcome, bin, stamp

    def on_belt(self) -> list[tuple[float, Track]]:
        """Items that lie on the belt with their place along it [m], by place."""
        reading, end = self.reading, self.cell.others.distance
        if reading is None:
            return []
        places = [
            (self.cell.metres(reading.count - track.item.count), track)
            for track in self.tracks.values()
            if track.item is not None
            and track.item.epoch == reading.epoch
            and not track.blown
            and not track.outcome
        ]
        return sorted((place for place in places if place[0] <= end), key=lambda place: place[0])

    def leaving(self) -> list[Track]:
        """Of the items that have just left, with an outcome, the last one of each bin."""
        now = self.reading.stamp if self.reading else 0
        left = [
            track
            for track in self.tracks.values()
            if track.outcome and track.bin and abs(now - track.settled) < SHOWN_NS
        ]
        left.sort(key=lambda track: track.settled)
        return list({track.bin: track for track in left}.values())

    def blowing(self) -> list[int]:
        """Valves whose jet is to be seen."""
        now = self.reading.stamp if self.reading else 0
        return [valve for valve, stamp in self.jets.items() if abs(now - stamp) < FLASH_NS]

    def too_close(self) -> list[tuple[float, float]]:
        """From where to where there is too little free belt for a jet [m]."""
        velocity = self.reading.velocity if self.reading else 0.0
        return [
            (x + track.item.length / 2, ahead - other.item.length / 2)
            for (x, track), (ahead, other) in pairwise(self.on_belt())
            if track.item and other.item
            if too_close(self.cell, track.item, other.item, velocity)
        ]
