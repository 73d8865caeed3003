"""What became of each item, and what is in the bins: `items in = sum of outcomes + on the belt`."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batsort_core.belt import BeltReading, tracking_lost
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.ejection_watch import EjectionWatch
from batsort_core.items import EjectResult, Item, Outcome, Reason, Verdict
from batsort_core.recent import Recent
from batsort_core.records import Record
from batsort_core.trouble import Trouble
from batsort_files.schema import read, refuse

_KEPT = 4096  # settled items remembered: far more than any publisher delivers again
_ARRIVALS = 256  # arrivals remembered: more than any publisher delivers again
_EARLY = 256  # decisions and events that may wait for their items
_ALL_HEARD = 2_000_000_000  # [ns] after the first belt reading
_SILENCE = 500_000_000  # [ns] of the belt, in which items may have passed the barrier unheard
_SURE = 300_000_000  # [ns] of belt readings, in which an arrival that was sent has come, too

_AT_END = {
    Reason.UNKNOWN_TYPE: Outcome.OTHERS_UNKNOWN_TYPE,
    Reason.LOW_CONFIDENCE: Outcome.OTHERS_LOW_CONFIDENCE,
    Reason.WRONG_SIZE: Outcome.OTHERS_WRONG_SIZE,
    Reason.BY_RECIPE: Outcome.OTHERS_BY_RECIPE,
    Reason.BY_PRINT: Outcome.OTHERS_BY_PRINT,
    Reason.GAP: Outcome.OTHERS_GAP,
    Reason.LATE: Outcome.OTHERS_LATE,
    Reason.NO_VERDICT: Outcome.NO_VERDICT,
    Reason.TRACKING_LOST: Outcome.TRACKING_LOST,
}
_NOT_BLOWN = {
    EjectResult.LATE: Outcome.OTHERS_LATE,
    EjectResult.CANCELLED: Outcome.CANCELLED,
    EjectResult.FAULT: Outcome.FAULT,
}


@dataclass(frozen=True, slots=True)
class Settled(Record):
    """What became of one item; exactly one per item."""

    item_id: int
    outcome: Outcome
    bin: str
    """Where it was confirmed; empty where it was not."""
    decided_bin: str
    """Where it was meant to go; empty without a decision."""
    verdict: Verdict | None
    stamp: int
    """Of the arrival, or else of the belt reading, that settled it [ns]."""


@dataclass(frozen=True, slots=True)
class BinCount:
    """One bin, as BinState has it."""

    name: str
    count: int
    """Items settled that were meant to go here."""
    confirmed: int
    """Of these, seen by the eye here."""
    missing: int
    """Of these, never seen by any eye."""
    unexpected: int
    """Arrivals here that no item explains."""
    in_bag: int
    """Arrivals since the last new bag."""
    capacity: int
    """Arrivals a bag holds; 0: without limit."""

    @property
    def full(self) -> bool:
        """Whether the bag holds no more."""
        return 0 < self.capacity <= self.in_bag


@dataclass(frozen=True, slots=True)
class Balance:
    """The counts of the cell: `items_in == sum(outcomes.values()) + on_belt`, always."""

    items_in: int
    on_belt: int
    """Items without an outcome yet."""
    unexpected: int
    outcomes: dict[Outcome, int]
    bins: tuple[BinCount, ...]


@dataclass(frozen=True, slots=True)
class _Entered(Record):
    item: Item


@dataclass(frozen=True, slots=True)
class _Decided(Record):
    decision: Decision


@dataclass(frozen=True, slots=True)
class _Ejected(Record):
    item_id: int
    result: EjectResult
    stamp: int
    actual_count: int


@dataclass(frozen=True, slots=True)
class _Arrived(Record):
    bin: str
    stamp: int
    epoch: int
    count: int


@dataclass(frozen=True, slots=True)
class _Unexplained(Record):
    """An arrival given up: unexpected, or put down to an item whose tracking was lost."""

    arrival: _Arrived
    lost_item: int | None


@dataclass(frozen=True, slots=True)
class _NewBag(Record):
    bin: str


@dataclass(frozen=True, slots=True)
class _BinTally(Record):
    name: str
    count: int = 0
    confirmed: int = 0
    missing: int = 0
    unexpected: int = 0
    in_bag: int = 0


@dataclass(frozen=True, slots=True)
class _Lost(Record):
    """An item whose tracking was lost: it is somewhere on the belt, and will arrive one day."""

    item_id: int
    decided_bin: str


@dataclass(frozen=True, slots=True)
class _Totals(Record):
    """Everything that is over, at the head of a shortened journal."""

    items_in: int
    outcomes: Mapping[Outcome, int]
    bins: tuple[_BinTally, ...]
    settled: tuple[int, ...]
    lost: tuple[_Lost, ...]
    arrived: tuple[_Arrived, ...]
    """Arrivals that are over."""


_Entry = _Entered | _Decided | _Ejected | _Arrived | _Unexplained | _NewBag | _Totals | Settled
_KINDS: dict[str, type[Any]] = {
    "entered": _Entered,
    "decided": _Decided,
    "ejected": _Ejected,
    "arrived": _Arrived,
    "unexplained": _Unexplained,
    "new_bag": _NewBag,
    "totals": _Totals,
    "settled": Settled,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


@dataclass(slots=True)
class _Open:
    """An item without an outcome, with the stamps of readings that started a wait."""

    item: Item
    decision: Decision | None
    ejected: _Ejected | None
    past_ejector: int | None = None
    past_end: int | None = None
    lost: int | None = None
    unconfirmed: int | None = None
    """Its shot is too long ago for its eye."""
    suspected: bool = False
    """The watch knows of that."""


@dataclass(slots=True)
class _Ghost:
    """A lost item, until the belt has run its whole length."""

    lost: _Lost
    travel: int
    past_end: int | None = None


class BinCounter:
    """Settles each item once, from what is heard of it, in whatever order that comes.

    A shot that FIRED is confirmed by the first arrival at its bin within `confirm.timeout_s`, by
    stamps, and else missing. Everything else rides to the belt's end: an arrival there belongs to
    the item nearest in count within `confirm.window`, if what that item is there for is known, else
    it waits. Not seen there once the belt has run past that window, an item is missing, unless its
    shot already says what became of it (late, cancelled, fault).

    An item that was blown at and is seen at its place at the belt's end was missed by its jet, and
    one that never came where it should, while something arrived in a bin just behind the nozzle it
    had passed, went there: both are a `fault`, in the bin where they were seen.

    Patience: whatever is waited for by time has `confirm.timeout_s` and `grace_s`, measured in
    stamps of belt readings, since topics overtake each other: an arrival waits so long for what
    explains it before it is unexpected, a missing event so long before it is a fault, an undecided
    item so long after the belt's end before it counts as `no_verdict`.

    When the epoch changes, items that did not fly settle as `tracking_lost`. They still arrive
    somewhere: for one more belt length of travel each of them excuses one unexplained arrival at
    the belt's end or at the bin it was meant for, which then is not unexpected.

    What arrives within one belt length since tracking began anew says nothing of the barrier: it
    may have lain there.

    Every change of state is a journal record, made before anything is returned: `drain` them and
    write them before publishing, and `restore` gives the same state; only waits start anew. Known
    items, decisions and events are ignored when they are delivered again; arrivals, which have no
    names, are once each after a `restore`.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._timeout = round(cell.confirm.timeout_s * 1e9)
        self._patience = round((cell.confirm.timeout_s + cell.confirm.grace_s) * 1e9)
        self._window = cell.counts(cell.confirm.window)
        self._end = cell.counts(cell.others.distance)
        self._reading: BeltReading | None = None
        self._since: int | None = None
        """Stamp of the first reading: what is from before can be heard in any order."""
        self._travel = 0
        self._anew = 0
        """Travel where items began to be tracked: nobody knows what lay on the belt there."""
        self._journal: list[dict[str, Any]] = []
        self._items_in = 0
        self._outcomes = {outcome: 0 for outcome in Outcome}
        self._tallies = {bin.name: _BinTally(bin.name) for bin in cell.bins}
        self._open: dict[int, _Open] = {}
        self._arrivals: list[_Arrived] = []
        self._latest_arrivals: deque[_Arrived] = deque(maxlen=_ARRIVALS)
        self._heard_before: Counter[_Arrived] = Counter()
        self._ghosts: list[_Ghost] = []
        self._settled: Recent[None] = Recent(_KEPT)
        self._early_decisions: Recent[Decision] = Recent(_EARLY)
        self._early_events: Recent[_Ejected] = Recent(_EARLY)
        self._ejection = EjectionWatch(cell)

    @property
    def trouble(self) -> Trouble | None:
        """What should keep the cell from sorting on."""
        full = [bin.name for bin in self.balance.bins if bin.full]
        if self._ejection.trouble is None and full:
            cure = "put a new bag there and say so (bins/new_bag)"
            return Trouble(f"full: {', '.join(full)}", cure, outside=True)
        return self._ejection.trouble

    def acknowledge(self) -> None:
        """Somebody has looked at the trouble: judge valves and eyes anew from what comes now."""
        self._ejection.acknowledge()

    @property
    def balance(self) -> Balance:
        """The counts now."""
        bins = tuple(
            BinCount(t.name, t.count, t.confirmed, t.missing, t.unexpected, t.in_bag, b.capacity)
            for b, t in zip(self._cell.bins, self._tallies.values(), strict=True)
        )
        unexpected = sum(bin.unexpected for bin in bins)
        return Balance(self._items_in, len(self._open), unexpected, dict(self._outcomes), bins)

    def on_item(self, item: Item) -> list[Settled]:
        """An item has passed the barrier."""
        if item.id in self._open or item.id in self._settled:
            return []
        self._record(_Entered(item))
        return self._settle()

    def on_decision(self, decision: Decision) -> list[Settled]:
        """Where an item shall go; the first one counts. Raises CellError, as `on_arrival` does."""
        open_item = self._open.get(decision.item_id)
        known = open_item.decision if open_item else self._early_decisions.get(decision.item_id)
        if known is not None or decision.item_id in self._settled:
            return []
        self._record(_Decided(decision))
        return self._settle()

    def on_eject_event(
        self, item_id: int, result: EjectResult, stamp: int, actual_count: int
    ) -> list[Settled]:
        """What became of a shot; the first event of an item counts."""
        open_item = self._open.get(item_id)
        known = open_item.ejected if open_item else self._early_events.get(item_id)
        if known is not None or item_id in self._settled:
            return []
        self._record(_Ejected(item_id, result, stamp, actual_count))
        return self._settle()

    def on_arrival(self, bin: str, stamp: int, epoch: int, count: int) -> list[Settled]:
        """A confirm eye was crossed. Raises CellError for a bin that the cell does not have."""
        self._bin(bin)
        arrival = _Arrived(bin, stamp, epoch, count)
        if self._heard_before[arrival] > 0:
            self._heard_before[arrival] -= 1
            return []
        self._record(arrival)
        settled = self._settle()
        if arrival in self._arrivals and bin != self._cell.others.name and self._live(stamp):
            self._look_at(arrival)
        return settled

    def on_belt(self, reading: BeltReading) -> list[Settled]:
        """The belt is there now; readings that are not newer than the last are ignored."""
        last = self._reading
        if last is not None and reading.stamp <= last.stamp:
            return []
        if last is not None and reading.epoch == last.epoch:
            self._travel += reading.count - last.count
        if last is not None and (
            reading.epoch != last.epoch
            or reading.trusted_since != last.trusted_since
            or reading.stamp - last.stamp > _SILENCE
        ):
            self._anew = self._travel
        if self._since is None:
            self._since = reading.stamp
        self._reading = reading
        for open_item in self._open.values():
            self._watch(open_item, reading)
        settled = self._settle()
        self._forget_ghosts(reading)
        return settled

    def new_bag(self, bin: str) -> int:
        """A new bag is at the bin; says the arrivals in the one taken off. Raises CellError."""
        taken = self._bin(bin).in_bag
        self._record(_NewBag(bin))
        return taken

    def drain(self) -> list[dict[str, Any]]:
        """The JSON-able records since the last call, to be written before anything is published."""
        records, self._journal = self._journal, []
        return records

    def snapshot(self) -> list[dict[str, Any]]:
        """A short journal that gives the same state, to take the place of all records before.

        It leaves out what was settled but for its counts, so publish that first.
        """
        in_bag = {name: tally.in_bag for name, tally in self._tallies.items()}
        for arrival in self._arrivals:
            in_bag[arrival.bin] -= 1
        entries: list[_Entry] = [
            _Totals(
                self._items_in - len(self._open),
                dict(self._outcomes),
                tuple(replace(t, in_bag=in_bag[t.name]) for t in self._tallies.values()),
                tuple(item_id for item_id, _ in self._settled.items()),
                tuple(ghost.lost for ghost in self._ghosts),
                tuple((Counter(self._latest_arrivals) - Counter(self._arrivals)).elements()),
            )
        ]
        for open_item in self._open.values():
            entries.append(_Entered(open_item.item))
            entries += [_Decided(open_item.decision)] if open_item.decision else []
            entries += [open_item.ejected] if open_item.ejected else []
        entries += [_Decided(decision) for _, decision in self._early_decisions.items()]
        entries += [event for _, event in self._early_events.items()]
        entries += self._arrivals
        return [_record_of(entry) for entry in entries]

    def restore(self, records: Iterable[Mapping[str, Any]]) -> list[Settled]:
        """Take up a journal, oldest record first, into a fresh counter.

        Returns the outcomes in it, oldest first: the newest may not have been published. Raises
        FieldError, or CellError where the journal is of a cell with other bins.
        """
        settled: list[Settled] = []
        for record in records:
            entry = _entry_of(record)
            self._apply(entry)
            settled += [entry] if isinstance(entry, Settled) else []
        self._heard_before = Counter(self._latest_arrivals)
        return settled

    def _record(self, entry: _Entry) -> None:
        self._apply(entry)
        self._journal.append(_record_of(entry))

    def _apply(self, entry: _Entry) -> None:
        """The only place where what a restart must keep is changed."""
        match entry:
            case _Entered(item):
                self._items_in += 1
                self._open[item.id] = _Open(
                    item, self._early_decisions.pop(item.id), self._early_events.pop(item.id)
                )
            case _Decided(decision):
                self._bin(decision.bin)
                if open_item := self._open.get(decision.item_id):
                    open_item.decision = decision
                else:
                    self._early_decisions.add(decision.item_id, decision)
            case _Ejected(item_id=item_id):
                if open_item := self._open.get(item_id):
                    open_item.ejected = entry
                else:
                    self._early_events.add(item_id, entry)
            case _Arrived(bin=bin):
                self._arrivals.append(entry)
                self._latest_arrivals.append(entry)
                self._tally(bin, in_bag=1)
            case _Unexplained(arrival, lost_item):
                self._arrivals.remove(arrival)
                self._ghosts = [g for g in self._ghosts if g.lost.item_id != lost_item]
                if lost_item is None:
                    self._tally(arrival.bin, unexpected=1)
            case _NewBag(bin):
                self._tally(bin, in_bag=-self._bin(bin).in_bag)
            case Settled():
                self._apply_settled(entry)
            case _Totals():
                self._items_in += entry.items_in
                for outcome, n in entry.outcomes.items():
                    self._outcomes[outcome] += n
                for tally in entry.bins:
                    self._tallies[self._bin(tally.name).name] = tally
                for item_id in entry.settled:
                    self._settled.add(item_id, None)
                self._ghosts += [_Ghost(lost, self._travel) for lost in entry.lost]
                self._latest_arrivals.extend(entry.arrived)

    def _apply_settled(self, settled: Settled) -> None:
        del self._open[settled.item_id]
        self._settled.add(settled.item_id, None)
        self._outcomes[settled.outcome] += 1
        if settled.decided_bin:
            self._tally(
                settled.decided_bin,
                count=1,
                confirmed=int(settled.bin == settled.decided_bin),
                missing=int(not settled.bin),
            )
        if settled.bin:
            here = (settled.bin, settled.stamp)
            seen = next(a for a in self._arrivals if (a.bin, a.stamp) == here)
            self._arrivals.remove(seen)
        elif settled.outcome is Outcome.TRACKING_LOST:
            lost = _Lost(settled.item_id, settled.decided_bin)
            self._ghosts.append(_Ghost(lost, self._travel))

    def _bin(self, name: str) -> _BinTally:
        return self._tallies[self._cell.bin(name).name]

    def _tally(self, bin: str, **changes: int) -> None:
        tally = self._bin(bin)
        changed = {name: getattr(tally, name) + change for name, change in changes.items()}
        self._tallies[bin] = replace(tally, **changed)

    def _watch(self, open_item: _Open, reading: BeltReading) -> None:
        """Note the first reading after which an item's ejector or the belt's end lies behind it."""
        item, decision = open_item.item, open_item.decision
        self._suspect(open_item, reading)
        if open_item.lost is None and tracking_lost(item, reading):
            open_item.lost = reading.stamp
        if item.epoch != reading.epoch:
            return
        if open_item.past_end is None and reading.count > item.count + self._end + self._window:
            open_item.past_end = reading.stamp
        if open_item.past_ejector is None and decision is not None:
            distance = self._cell.bin(decision.bin).distance
            if reading.count > item.count + self._cell.counts(distance):
                open_item.past_ejector = reading.stamp

    def _live(self, stamp: int) -> bool:
        """Whether every topic was surely heard then: after a start they come one by one."""
        return self._since is not None and stamp >= self._since + _ALL_HEARD

    def _suspect(self, open_item: _Open, reading: BeltReading) -> None:
        """Tell the watch of a shot that no eye has confirmed in time, long before its outcome."""
        shot, decision, noted = open_item.ejected, open_item.decision, open_item.unconfirmed
        if open_item.suspected or shot is None or decision is None:
            return
        if noted is None:
            fired = shot.result is EjectResult.FIRED and self._live(shot.stamp)
            if fired and reading.stamp - shot.stamp > self._timeout:
                open_item.unconfirmed = reading.stamp
        elif reading.stamp - noted > _SURE:
            open_item.suspected = True
            self._ejection.unconfirmed(decision.bin)

    def _overdue(self, since: int | None) -> bool:
        """Whether patience with something awaited since then is at its end."""
        if since is None or self._reading is None:
            return False
        # Also where the clock was set back since then.
        return abs(self._reading.stamp - since) > self._patience

    def _settle(self) -> list[Settled]:
        """Everything that can be settled now; arrivals first, since they say most."""
        settled: list[Settled] = []
        for arrival in list(self._arrivals):
            open_item, outcome = self._explain(arrival)
            if open_item is not None and outcome is not None:
                settled.append(self._close(open_item, outcome, arrival.bin, arrival.stamp))
            elif open_item is None and self._overdue(arrival.stamp):
                self._give_up(arrival)
        for open_item in list(self._open.values()):
            outcome = self._unseen(open_item)
            if outcome is None or self._reading is None:
                continue
            bin, stamp = "", self._reading.stamp
            if outcome is Outcome.MISSING and (astray := self._astray(open_item)) is not None:
                outcome, bin, stamp = Outcome.FAULT, astray.bin, astray.stamp
            settled.append(self._close(open_item, outcome, bin, stamp))
        return settled

    def _give_up(self, arrival: _Arrived) -> None:
        """Nothing explains the arrival, unless an item that may yet turn up elsewhere does not."""
        if any(self._passed(open_item, arrival) for open_item in self._open.values()):
            return
        excuse = self._excuse(arrival)
        self._record(_Unexplained(arrival, excuse))
        if excuse is None and not self._lay_there(arrival):
            self._ejection.unexplained(arrival.bin)

    def _lay_there(self, arrival: _Arrived) -> bool:
        """Whether what arrived may have been on the belt before items began to be tracked."""
        reading = self._reading
        if reading is None or reading.epoch != arrival.epoch:
            return True
        travel = self._travel - (reading.count - arrival.count) - self._anew
        return travel <= self._end + self._window

    def _look_at(self, arrival: _Arrived) -> None:
        """Judge an arrival in a bin that nothing heard so far explains."""
        before = [o for o in self._open.values() if self._before(o.item, arrival)]
        passed = [self._passed(open_item, arrival) for open_item in before]
        if all(passed) and self._excuse(arrival) is None:
            self._ejection.strange(arrival.bin, passed=bool(passed))

    def _astray(self, open_item: _Open) -> _Arrived | None:
        """The arrival in a bin of others that this item may be."""
        return next((a for a in self._arrivals if self._passed(open_item, a)), None)

    def _passed(self, open_item: _Open, arrival: _Arrived) -> bool:
        """Whether the item, not meant for that bin, was before its nozzle just before."""
        meant = open_item.decision is not None and open_item.decision.bin == arrival.bin
        return not meant and self._before(open_item.item, arrival)

    def _before(self, item: Item, arrival: _Arrived) -> bool:
        """Whether the item was before the bin's nozzle just before the arrival."""
        bin = self._cell.bin(arrival.bin)
        if bin.valve is None or item.epoch != arrival.epoch:
            return False
        beyond = arrival.count - item.count - self._cell.counts(bin.distance)
        return -self._cell.counts(item.length / 2) <= beyond <= self._window

    def _close(self, open_item: _Open, outcome: Outcome, bin: str, stamp: int) -> Settled:
        decision = open_item.decision
        settled = Settled(
            open_item.item.id,
            outcome,
            bin,
            decision.bin if decision else "",
            decision.verdict if decision else None,
            stamp,
        )
        self._record(settled)
        self._ejection.settled(outcome, settled.decided_bin, bin)
        return settled

    def _explain(self, arrival: _Arrived) -> tuple[_Open | None, Outcome | None]:
        """The item that arrived, and its outcome if that can be told yet."""
        if arrival.bin != self._cell.others.name:
            shots = [
                (open_item.ejected.stamp, open_item.item.id, open_item)
                for open_item in self._open.values()
                if open_item.decision is not None
                and open_item.decision.bin == arrival.bin
                and open_item.ejected is not None
                and open_item.ejected.result is EjectResult.FIRED
                and 0 <= arrival.stamp - open_item.ejected.stamp <= self._timeout
            ]
            return (min(shots)[-1], Outcome.SORTED_CONFIRMED) if shots else (None, None)
        near = [
            (distance, open_item.item.id, open_item)
            for open_item in self._open.values()
            if open_item.item.epoch == arrival.epoch
            if (distance := abs(arrival.count - open_item.item.count - self._end)) <= self._window
        ]
        # One that was blown at is there only where nothing else explains it.
        near = [found for found in near if not _flew(found[-1])] or near
        if not near:
            return None, None
        nearest = min(near)[-1]
        return nearest, Outcome.FAULT if _flew(nearest) else self._at_end(nearest)

    def _at_end(self, open_item: _Open) -> Outcome | None:
        """What an item is at the belt's end for; None while that can't be told."""
        decision, ejected = open_item.decision, open_item.ejected
        if decision is None:
            return Outcome.NO_VERDICT if self._overdue(open_item.past_end) else None
        if decision.reason is not Reason.SORT:
            return _AT_END[decision.reason]
        if ejected is None:
            return Outcome.FAULT if self._overdue(open_item.past_ejector) else None
        return _NOT_BLOWN.get(ejected.result)

    def _unseen(self, open_item: _Open) -> Outcome | None:
        """The outcome of an item that no eye has seen, once it should have; None before."""
        if _flew(open_item):
            assert open_item.ejected is not None
            return Outcome.MISSING if self._overdue(open_item.ejected.stamp) else None
        if self._overdue(open_item.past_end):
            decision = open_item.decision
            sorted_out = decision is not None and decision.reason is Reason.SORT
            return self._at_end(open_item) if sorted_out else Outcome.MISSING
        return Outcome.TRACKING_LOST if self._overdue(open_item.lost) else None

    def _excuse(self, arrival: _Arrived) -> int | None:
        """The lost item, first in line, that may be what arrived."""
        at_end = arrival.bin == self._cell.others.name
        may_be = [g.lost for g in self._ghosts if at_end or g.lost.decided_bin == arrival.bin]
        return may_be[0].item_id if may_be else None

    def _forget_ghosts(self, reading: BeltReading) -> None:
        """Lost items that must have left the belt by now excuse nothing any more."""
        for ghost in self._ghosts:
            if ghost.past_end is None and self._travel - ghost.travel > self._end + self._window:
                ghost.past_end = reading.stamp
        self._ghosts = [ghost for ghost in self._ghosts if not self._overdue(ghost.past_end)]


def _flew(open_item: _Open) -> bool:
    """Whether a jet was fired at the item."""
    return open_item.ejected is not None and open_item.ejected.result is EjectResult.FIRED


def _record_of(entry: _Entry) -> dict[str, Any]:
    return {"kind": _NAMES[type(entry)], **entry.to_record()}


def _entry_of(record: Mapping[str, Any]) -> _Entry:
    name = record.get("kind", "")
    kind = _KINDS.get(name)
    if kind is None:
        refuse("kind", name, ", ".join(_KINDS))
    entry: _Entry = read(kind, {k: v for k, v in record.items() if k != "kind"}, name)
    return entry
