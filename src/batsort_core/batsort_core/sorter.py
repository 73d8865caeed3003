"""Where each item shall go, and the shots that bring it there: exactly one decision per item."""

from collections.abc import Iterable
from dataclasses import dataclass

from batsort_core.aiming import Aiming
from batsort_core.belt import BeltReading, tracking_lost
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.ejection import needed_gap, too_close
from batsort_core.items import EjectResult, Item, PrintReading, Reason, Verdict
from batsort_core.print_tally import PrintTally
from batsort_core.recent import Recent
from batsort_core.sizes import Measured, edges_error
from batsort_core.trouble import Trouble

_WAITING = 256  # verdicts that may wait for their items
_UNJUDGED = 5  # items in a row without a verdict in time
REMEMBERED = 4096
"""Decided items: far more than any publisher delivers again."""


@dataclass(slots=True)
class _Track:
    item: Item
    decision: Decision | None
    pending: bool
    """A shot is commanded, and has neither happened nor been called off."""
    offset: float | None = None
    """As seen by the camera [m]."""
    shot: Shot | None = None
    """As last commanded."""
    fired: tuple[int, float] | None = None
    """When its jet was to open [ns] and how fast the belt ran [m/s], until its arrival is known."""


class Sorter:
    """Takes items, verdicts and belt readings in any order, and decides each item once.

    A verdict is judged as soon as its item and a belt reading of the item's epoch are there, in
    this order: the recipe, the gap to both neighbours (whatever becomes of them), whether the
    ejector can still be reached. An item past the last ejector without a verdict gets `no_verdict`;
    one whose epoch ended, `tracking_lost`. Only belt travel makes an item late, never time.

    The gap is judged at the faster of the belt's set and present speeds, so that a belt that is
    just starting counts as running. Shots of items whose tracking is lost are called off.

    Where print has a veto, an item that the recipe would sort, and whose print it wants to be read,
    waits for its reading until the belt comes within the recipe's margin of the last count that its
    shot can be commanded at. It is undecided until then, and judged anew on every belt reading.

    Aims follow what is seen of the items on their way (`aiming`): the camera's offsets and the eye
    at the belt's end tell the slip, the other eyes how late each valve blows; a shot that waits is
    commanded anew where its aim moves. An item too far from its place is `tracking_lost`, and with
    it the shots of all that lie ahead of it: the belt may have slipped.
    """

    def __init__(self, cell: CellDescription) -> None:
        self.recipe = cell.recipe
        """For items decided from now on."""
        self._cell = cell
        self._reading: BeltReading | None = None
        self._tracks: dict[int, _Track] = {}
        self._verdicts: Recent[Verdict] = Recent(_WAITING)
        self._prints: Recent[PrintReading] = Recent(_WAITING)
        self._decided: Recent[Decision] = Recent(REMEMBERED)
        self.print_tally = PrintTally()
        self.aiming = Aiming(cell)
        self._unjudged = 0
        self._since = 0
        self._confirm_ns = round(cell.confirm.timeout_s * 1e9)
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
        verdict = self._verdicts.get(item.id)
        out = self._protect(track)
        out += self._locate(track, verdict) if verdict else []
        return [*out, *self._decide(track)]

    def on_verdict(self, verdict: Verdict) -> list[Decision | Shot]:
        """A verdict is there; the first one of an item counts, and none after its decision."""
        if verdict.item_id in self._decided:
            return []
        self._verdicts.add(verdict.item_id, verdict)
        track = self._tracks.get(verdict.item_id)
        if track is None:
            return []
        out = self._locate(track, verdict)
        return [*out, *self._decide(track)]

    def on_print(self, reading: PrintReading) -> list[Decision | Shot]:
        """Print was read; the first reading of an item counts, and none after its decision."""
        if reading.item_id in self._decided:
            self.print_tally.came_late(reading.item_id)
            return []
        self._prints.add(reading.item_id, reading)
        track = self._tracks.get(reading.item_id)
        return [] if track is None else self._decide(track)

    def on_belt(self, reading: BeltReading) -> list[Decision | Shot]:
        """The belt is there now; readings that are not newer than the last are ignored."""
        first = self._reading is None
        if first:
            self._since = reading.stamp
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
            # A lost item still lies close to what came just behind it.
            ended = track.item.epoch != reading.epoch
            gone = lost if ended else reading.count > track.item.count + self._far_past
            if track.decision is not None and gone:
                del self._tracks[track.item.id]
        return out

    def on_eject_event(
        self, item_id: int, result: EjectResult, stamp: int
    ) -> list[Decision | Shot]:
        """The driver is done with a shot, whatever came of it."""
        track = self._tracks.get(item_id)
        if track is not None:
            track.pending = False
            velocity = self._reading.velocity if self._reading else 0.0
            track.fired = (stamp, velocity) if result is EjectResult.FIRED else None
        return []

    def on_arrival(self, bin: str, stamp: int, epoch: int, count: int) -> list[Decision | Shot]:
        """A confirm eye was crossed: it tells where the item was, or how late its valve blew."""
        if bin == self._cell.others.name:
            return self._arrived_at_end(epoch, count)
        shots = [
            (track.fired, track.item.id, track, track.shot)
            for track in self._tracks.values()
            if track.decision is not None and track.decision.bin == bin
            if track.fired is not None and 0 <= stamp - track.fired[0] <= self._confirm_ns
            if track.shot is not None
        ]
        if shots:
            (fired, velocity), _, track, shot = min(shots, key=lambda found: found[:2])
            track.fired = None
            delay = (stamp - fired) / 1e9
            timing = self.aiming.timing
            timing.confirmed(shot.valve, track.item.length, velocity, shot.lead_s, delay)
        return []

    def acknowledge(self) -> list[Decision | Shot]:
        """Somebody has looked at the trouble: judge anew from what comes now."""
        if self.trouble is not None:
            self.aiming.judge_anew()
            self._unjudged = 0
        return []

    @property
    def trouble(self) -> Trouble | None:
        """What should keep the cell from sorting on."""
        if self.aiming.trouble is not None:
            return self.aiming.trouble
        if self._unjudged >= _UNJUDGED:
            return Trouble(
                f"{self._unjudged} items in a row were not judged in time",
                "see classifier and camera, or slow the belt, then start the cell",
                lasting=True,
            )
        return None

    @property
    def undecided(self) -> int:
        """Items on the belt that are not decided yet."""
        return sum(track.decision is None for track in self._tracks.values())

    @property
    def warnings(self) -> list[str]:
        """What is corrected, and should be mended before it is trouble."""
        return self.aiming.warnings + self.print_tally.warnings

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
        if tracking_lost(item, reading):
            bin, reason = others, Reason.TRACKING_LOST
        elif reading.epoch != item.epoch:
            return []
        elif verdict is not None:
            bin, reason = self._judge(track, verdict, reading)
            if reason is Reason.SORT and self._waits(track, verdict, bin, reading):
                return []
        elif reading.count > item.count + self._last_ejector:
            bin, reason = others, Reason.NO_VERDICT
        else:
            return []
        self._verdicts.pop(item.id)
        printed = self._prints.pop(item.id)
        if reason in (Reason.SORT, Reason.BY_PRINT) and verdict is not None:
            self.print_tally.decided(self.recipe, verdict, printed)
        track.decision = Decision(
            item.id, item.epoch, bin, reason, reading.stamp, reading.count, verdict
        )
        self._decided.add(item.id, track.decision)
        if reason not in (Reason.LATE, Reason.NO_VERDICT):
            self._unjudged = 0
        elif item.stamp >= self._since:
            # What lay on the belt at a restart may well be late.
            self._unjudged += 1
        if reason is not Reason.SORT:
            return [track.decision]
        track.pending = True
        return [track.decision, self._shot(track, fire=True)]

    def _locate(self, track: _Track, verdict: Verdict) -> list[Decision | Shot]:
        """Take up where the camera saw the item."""
        if verdict.offset is None or track.offset is not None:
            return []
        track.offset = verdict.offset
        distance = self._cell.camera.distance
        out: list[Decision | Shot] = []
        if self.aiming.slip.measure(distance, distance + verdict.offset):
            out += self._aim_anew()
        if self.aiming.astray(track.offset):
            for ahead in self._tracks.values():
                if ahead.pending and ahead.item.count < track.item.count:
                    out += self._call_off(ahead)
        return out

    def _arrived_at_end(self, epoch: int, count: int) -> list[Decision | Shot]:
        cell, others, reading = self._cell, self._cell.others, self._reading
        window = cell.counts(cell.confirm.window)
        near = [
            (abs(count - self._target(track, others.name)), track.item.id, track)
            for track in self._tracks.values()
            if track.item.epoch == epoch
            and track.decision is not None
            and track.decision.reason is not Reason.SORT
            and (reading is None or not tracking_lost(track.item, reading))
        ]
        if not near:
            return []
        distance, _, track = min(near)
        if distance > window:
            return []
        counted = cell.metres(count - track.item.count)
        slipped = self.aiming.slip.measure(counted, others.distance)
        return self._aim_anew() if slipped else []

    def _aim_anew(self) -> list[Decision | Shot]:
        """Command again what waits and would now miss; call it off where nobody knows the aim."""
        if self.aiming.slip.excessive:
            return self.cancel_all()
        out: list[Decision | Shot] = []
        for track in self._tracks.values():
            reading, decision = self._reading, track.decision
            if not track.pending or reading is None or decision is None:
                continue
            if track.shot is None:
                continue  # commanded before a restart: it may have been called off since
            last = self._deadline(track, decision.bin, reading.velocity)
            if track.item.epoch == reading.epoch and reading.count <= last:
                out.append(self._shot(track, fire=True))
        return out

    def _judge(self, track: _Track, verdict: Verdict, reading: BeltReading) -> tuple[str, Reason]:
        item = track.item
        if self.aiming.slip.excessive or self.aiming.astray(track.offset):
            return self._cell.others.name, Reason.TRACKING_LOST
        bin, reason = self.recipe.choose(
            verdict.type,
            verdict.confidence,
            verdict.novelty,
            verdict.scores,
            self._measured(item),
            self._prints.get(item.id),
        )
        if reason is not Reason.SORT:
            return bin, reason
        if (
            item.length > self._cell.items.max_length
            or (verdict.clearance is not None and verdict.clearance < self._needed_gap(item))
            or any(self._too_close(item, other.item) for other in self._tracks.values())
        ):
            return self._cell.others.name, Reason.GAP
        if reading.count > self._deadline(track, bin, reading.velocity):
            return self._cell.others.name, Reason.LATE
        return bin, reason

    def _waits(self, track: _Track, verdict: Verdict, bin: str, reading: BeltReading) -> bool:
        """Whether a reading of its print is still to be waited for.

        At the faster of the belt's set and present speeds, since a belt that is just starting takes
        the last moment for a shot towards the item.
        """
        rule, item = self.recipe.print, track.item
        if rule is None or not rule.veto or item.id in self._prints:
            return False
        if not self.recipe.wants_print(verdict):
            return False
        fastest = max(reading.velocity, self._cell.belt.velocity)
        last = self._deadline(track, bin, fastest) - self._cell.counts(rule.margin)
        return reading.count < last

    def _measured(self, item: Item) -> Measured | None:
        """What its length tells of its size; nothing where items touch."""
        if item.length > self._cell.items.max_length:
            return None
        error = edges_error(self._cell.barrier.position_error)
        return Measured(item.length, error, self._cell.tracking.slip_most)

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
            if reading.count <= self._deadline(other, other.decision.bin, reading.velocity)
            for shot in self._call_off(other)
        ]

    def _call_off(self, track: _Track) -> list[Decision | Shot]:
        track.pending = False
        return [self._shot(track, fire=False)]

    def _shot(self, track: _Track, fire: bool) -> Shot:
        assert track.decision is not None
        track.shot = self.aiming.shot(track.item, track.decision.bin, track.offset, fire)
        return track.shot

    def _target(self, track: _Track, bin: str) -> int:
        return self.aiming.target(track.item, bin, track.offset)

    def _deadline(self, track: _Track, bin: str, velocity: float) -> int:
        """The last count to command its shot at."""
        return self.aiming.deadline(track.item, bin, track.offset, velocity)

    def _needed_gap(self, item: Item) -> float:
        assert self._reading is not None
        return needed_gap(self._cell, item, self._reading.velocity)

    def _too_close(self, item: Item, other: Item) -> bool:
        if self._reading is None:
            return False
        return too_close(self._cell, item, other, self._reading.velocity)
