"""Where each item shall go, and the shots that bring it there: exactly one decision per item."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from batsort_core.belt import BeltReading, tracking_lost
from batsort_core.cell import CellDescription
from batsort_core.ejection import last_command_count, pulse_s, required_gap, target_count
from batsort_core.items import EjectResult, Item, Reason, Verdict
from batsort_core.recent import Recent
from batsort_core.records import Record

_KEPT = 4096  # decided items remembered: far more than any publisher delivers again
_WAITING = 256  # verdicts that may wait for their items


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """Where one item shall go, and why."""

    item_id: int
    epoch: int
    bin: str
    reason: Reason
    stamp: int
    """Of the belt reading it was taken on [ns]."""
    decided_count: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Shot:
    """A command to a valve driver, which executes an item id once."""

    item_id: int
    epoch: int
    valve: int
    fire: bool
    """False calls the shot off."""
    target_count: int
    """Belt count at which the item's centre is at the nozzle axis."""
    lead_s: float
    pulse_s: float


@dataclass(slots=True)
class _Track:
    item: Item
    decision: Decision | None
    pending: bool
    """A shot is commanded, and has neither happened nor been called off."""


class Sorter:
    """Takes items, verdicts and belt readings in any order, and decides each item once.

    A verdict is judged as soon as its item and a belt reading of the item's epoch are there, in
    this order: the recipe, the gap to both neighbours (whatever becomes of them), whether the
    ejector can still be reached. An item past the last ejector without a verdict gets `no_verdict`;
    one whose epoch ended, `tracking_lost`. Only belt travel makes an item late, never time.

    The gap is judged at the faster of the belt's set and present speeds, so that a belt that is
    just starting counts as running. Shots of items whose epoch ended are called off.
    """

    def __init__(self, cell: CellDescription) -> None:
        self.recipe = cell.recipe
        """For items decided from now on."""
        self._cell = cell
        self._reading: BeltReading | None = None
        self._tracks: dict[int, _Track] = {}
        self._verdicts: Recent[Verdict] = Recent(_WAITING)
        self._decided: Recent[Decision] = Recent(_KEPT)
        self._last_ejector = cell.counts(cell.ejectors[-1].distance)
        self._far_past = cell.counts(cell.others.distance + cell.confirm.window)

    def restore(self, decisions: Iterable[Decision]) -> None:
        """After a restart: these were taken already; their shots may still be called off."""
        for decision in decisions:
            self._decided.add(decision.item_id, decision)

    def on_item(self, item: Item) -> list[Decision | Shot]:
        """An item has passed the barrier; one that is known is ignored."""
        if item.id in self._tracks:
            return []
        decision = self._decided.get(item.id)
        sorted_out = decision is not None and decision.reason is Reason.SORT
        track = _Track(item, decision, pending=sorted_out)
        self._tracks[item.id] = track
        return [*self._protect(track), *self._decide(track)]

    def on_verdict(self, verdict: Verdict) -> list[Decision | Shot]:
        """A verdict is there; the first one of an item counts, and none after its decision."""
        if verdict.item_id in self._decided:
            return []
        self._verdicts.add(verdict.item_id, verdict)
        track = self._tracks.get(verdict.item_id)
        return [] if track is None else self._decide(track)

    def on_belt(self, reading: BeltReading) -> list[Decision | Shot]:
        """The belt is there now; readings that are not newer than the last are ignored."""
        first = self._reading is None
        if self._reading is not None and reading.stamp <= self._reading.stamp:
            return []
        self._reading = reading
        out: list[Decision | Shot] = []
        for track in list(self._tracks.values()):
            lost = tracking_lost(track.item, reading)
            if lost and track.pending:
                out += self._call_off(track)
            if first:
                out += self._protect(track)
            if track.decision is None:
                out += self._decide(track)
            gone = (
                track.item.epoch == reading.epoch
                and reading.count > track.item.count + self._far_past
            )
            if track.decision is not None and (lost or gone):
                del self._tracks[track.item.id]
        return out

    def on_eject_event(self, item_id: int, result: EjectResult) -> list[Decision | Shot]:
        """The driver is done with a shot, whatever came of it."""
        track = self._tracks.get(item_id)
        if track is not None:
            track.pending = False
        return []

    def cancel_all(self) -> list[Decision | Shot]:
        """Call off every shot that has not happened yet; undecided items go on."""
        return [
            shot
            for track in self._tracks.values()
            if track.pending
            for shot in self._call_off(track)
        ]

    def _decide(self, track: _Track) -> list[Decision | Shot]:
        reading, item = self._reading, track.item
        if track.decision is not None or reading is None:
            return []
        verdict = self._verdicts.get(item.id)
        others = self._cell.others.name
        if reading.epoch != item.epoch:
            if not tracking_lost(item, reading):
                return []
            bin, reason = others, Reason.TRACKING_LOST
        elif verdict is not None:
            bin, reason = self._judge(item, verdict, reading)
        elif reading.count > item.count + self._last_ejector:
            bin, reason = others, Reason.NO_VERDICT
        else:
            return []
        self._verdicts.pop(item.id)
        track.decision = Decision(
            item.id, item.epoch, bin, reason, reading.stamp, reading.count, verdict
        )
        self._decided.add(item.id, track.decision)
        if reason is not Reason.SORT:
            return [track.decision]
        track.pending = True
        return [track.decision, self._shot(track, fire=True)]

    def _judge(self, item: Item, verdict: Verdict, reading: BeltReading) -> tuple[str, Reason]:
        bin, reason = self.recipe.choose(
            verdict.type, verdict.confidence, verdict.novelty, verdict.scores
        )
        if reason is not Reason.SORT:
            return bin, reason
        if item.length > self._cell.items.max_length or any(
            self._too_close(item, other.item) for other in self._tracks.values()
        ):
            return self._cell.others.name, Reason.GAP
        if reading.count > self._deadline(item, bin, reading):
            return self._cell.others.name, Reason.LATE
        return bin, reason

    def _protect(self, track: _Track) -> list[Decision | Shot]:
        """Call off the shots at neighbours that this item turns out to be too close to."""
        reading = self._reading
        if reading is None:
            return []
        return [
            shot
            for other in self._tracks.values()
            if other.pending and other.decision is not None
            if self._too_close(track.item, other.item)
            if reading.epoch == other.item.epoch
            if reading.count <= self._deadline(other.item, other.decision.bin, reading)
            for shot in self._call_off(other)
        ]

    def _call_off(self, track: _Track) -> list[Decision | Shot]:
        track.pending = False
        return [self._shot(track, fire=False)]

    def _shot(self, track: _Track, fire: bool) -> Shot:
        assert track.decision is not None
        item, ejection = track.item, self._cell.ejection
        bin = self._cell.bin(track.decision.bin)
        assert bin.valve is not None
        return Shot(
            item.id,
            item.epoch,
            bin.valve,
            fire,
            target_count(self._cell, bin, item),
            ejection.lead_s,
            pulse_s(ejection, item.length),
        )

    def _deadline(self, item: Item, bin: str, reading: BeltReading) -> int:
        return last_command_count(self._cell, self._cell.bin(bin), item, reading.velocity)

    def _too_close(self, item: Item, other: Item) -> bool:
        """Whether one of the two could not be blown without touching the other."""
        if item.id == other.id or item.epoch != other.epoch or self._reading is None:
            return False
        cell = self._cell
        speed = max(cell.belt.velocity, abs(self._reading.velocity))
        needed = max(
            required_gap(cell, speed, i.length, pulse_s(cell.ejection, i.length))
            for i in (item, other)
        )
        lengths = cell.counts(item.length) + cell.counts(other.length)
        twice_free = 2 * abs(item.count - other.count) - lengths
        return twice_free < 2 * math.ceil(needed / cell.belt.metres_per_count)
