"""The state of the bins that a restart must keep: made of the records of its journal alone."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from batsort_core.balance import Balance, BinCount, Settled
from batsort_core.bin_journal import (
    Arrived,
    BinTally,
    Decided,
    Ejected,
    Entered,
    Entry,
    Lost,
    NewBag,
    Totals,
    Unexplained,
    entry_of,
    record_of,
)
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, Outcome
from batsort_core.lost_items import LostItems
from batsort_core.recent import Recent

_KEPT = 4096  # settled items remembered: far more than any publisher delivers again
_ARRIVALS = 256  # arrivals remembered: more than any publisher delivers again
_EARLY = 256  # decisions and events that may wait for their items


@dataclass(slots=True)
class OpenItem:
    """An item without an outcome, with the stamps of readings that started a wait."""

    item: Item
    decision: Decision | None
    ejected: Ejected | None
    past_ejector: int | None = None
    past_end: int | None = None
    lost: int | None = None
    unconfirmed: int | None = None
    """Its shot is too long ago for its eye."""
    suspected: bool = False
    """The watch knows of that."""

    @property
    def flew(self) -> bool:
        """Whether a jet was fired at the item."""
        return self.ejected is not None and self.ejected.result is EjectResult.FIRED


class BinLedger:
    """Open items, arrivals that nothing explains yet, and the counts.

    It changes by `record` alone, which writes the journal; `restore` makes the same state of it.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._journal: list[dict[str, Any]] = []
        self._items_in = 0
        self._outcomes = {outcome: 0 for outcome in Outcome}
        self._tallies = {bin.name: BinTally(bin.name) for bin in cell.bins}
        self.open: dict[int, OpenItem] = {}
        self.arrivals: list[Arrived] = []
        """Those that nothing explains yet, oldest first."""
        self._latest_arrivals: deque[Arrived] = deque(maxlen=_ARRIVALS)
        self._heard_before: Counter[Arrived] = Counter()
        self.lost_items = LostItems(cell)
        self.settled: Recent[None] = Recent(_KEPT)
        self._early_decisions: Recent[Decision] = Recent(_EARLY)
        self._early_events: Recent[Ejected] = Recent(_EARLY)

    @property
    def balance(self) -> Balance:
        """The counts now."""
        bins = tuple(
            BinCount(t.name, t.count, t.confirmed, t.missing, t.unexpected, t.in_bag, b.capacity)
            for b, t in zip(self._cell.bins, self._tallies.values(), strict=True)
        )
        unexpected = sum(bin.unexpected for bin in bins)
        return Balance(self._items_in, len(self.open), unexpected, dict(self._outcomes), bins)

    def tally(self, bin: str) -> BinTally:
        """The counts of a bin. Raises CellError for one that the cell does not have."""
        return self._tallies[self._cell.bin(bin).name]

    def decision(self, item_id: int) -> Decision | None:
        """The one known of an item that is not settled, maybe from before it was heard of."""
        open_item = self.open.get(item_id)
        return open_item.decision if open_item else self._early_decisions.get(item_id)

    def ejected(self, item_id: int) -> Ejected | None:
        """What is known of its shot, alike."""
        open_item = self.open.get(item_id)
        return open_item.ejected if open_item else self._early_events.get(item_id)

    def heard_before(self, arrival: Arrived) -> bool:
        """Whether the arrival is in the journal that was restored; true once for each there."""
        if self._heard_before[arrival] <= 0:
            return False
        self._heard_before[arrival] -= 1
        return True

    def record(self, entry: Entry) -> None:
        """Change the state, and write down how."""
        self._apply(entry)
        self._journal.append(record_of(entry))

    def drain(self) -> list[dict[str, Any]]:
        """The JSON-able records since the last call."""
        records, self._journal = self._journal, []
        return records

    def snapshot(self) -> list[dict[str, Any]]:
        """A short journal that gives the same state."""
        in_bag = {name: tally.in_bag for name, tally in self._tallies.items()}
        for arrival in self.arrivals:
            in_bag[arrival.bin] -= 1
        entries: list[Entry] = [
            Totals(
                self._items_in - len(self.open),
                dict(self._outcomes),
                tuple(replace(t, in_bag=in_bag[t.name]) for t in self._tallies.values()),
                tuple(item_id for item_id, _ in self.settled.items()),
                self.lost_items.all,
                tuple((Counter(self._latest_arrivals) - Counter(self.arrivals)).elements()),
            )
        ]
        for open_item in self.open.values():
            entries.append(Entered(open_item.item))
            entries += [Decided(open_item.decision)] if open_item.decision else []
            entries += [open_item.ejected] if open_item.ejected else []
        entries += [Decided(decision) for _, decision in self._early_decisions.items()]
        entries += [event for _, event in self._early_events.items()]
        entries += self.arrivals
        return [record_of(entry) for entry in entries]

    def restore(self, records: Iterable[Mapping[str, Any]]) -> list[Settled]:
        """Take up a journal, oldest record first; the outcomes in it.

        Raises FieldError, or CellError where the journal is of a cell with other bins.
        """
        settled: list[Settled] = []
        for record in records:
            entry = entry_of(record)
            self._apply(entry)
            settled += [entry] if isinstance(entry, Settled) else []
        self._heard_before = Counter(self._latest_arrivals)
        return settled

    def _apply(self, entry: Entry) -> None:
        """The only place where what a restart must keep is changed."""
        match entry:
            case Entered(item):
                self._items_in += 1
                self.open[item.id] = OpenItem(
                    item, self._early_decisions.pop(item.id), self._early_events.pop(item.id)
                )
            case Decided(decision):
                self.tally(decision.bin)
                if open_item := self.open.get(decision.item_id):
                    open_item.decision = decision
                else:
                    self._early_decisions.add(decision.item_id, decision)
            case Ejected(item_id=item_id):
                if open_item := self.open.get(item_id):
                    open_item.ejected = entry
                else:
                    self._early_events.add(item_id, entry)
            case Arrived(bin=bin):
                self.arrivals.append(entry)
                self._latest_arrivals.append(entry)
                self._count(bin, in_bag=1)
            case Unexplained(arrival, lost_item):
                self.arrivals.remove(arrival)
                self.lost_items.found(lost_item)
                if lost_item is None:
                    self._count(arrival.bin, unexpected=1)
            case NewBag(bin):
                self._count(bin, in_bag=-self.tally(bin).in_bag)
            case Settled():
                self._apply_settled(entry)
            case Totals():
                self._apply_totals(entry)

    def _apply_settled(self, settled: Settled) -> None:
        del self.open[settled.item_id]
        self.settled.add(settled.item_id, None)
        self._outcomes[settled.outcome] += 1
        if settled.decided_bin:
            self._count(
                settled.decided_bin,
                count=1,
                confirmed=int(settled.bin == settled.decided_bin),
                missing=int(not settled.bin),
            )
        if settled.bin:
            here = (settled.bin, settled.stamp)
            seen = next(a for a in self.arrivals if (a.bin, a.stamp) == here)
            self.arrivals.remove(seen)
        elif settled.outcome is Outcome.TRACKING_LOST:
            self.lost_items.add(Lost(settled.item_id, settled.decided_bin))

    def _apply_totals(self, totals: Totals) -> None:
        self._items_in += totals.items_in
        for outcome, n in totals.outcomes.items():
            self._outcomes[outcome] += n
        for tally in totals.bins:
            self._tallies[self.tally(tally.name).name] = tally
        for item_id in totals.settled:
            self.settled.add(item_id, None)
        for lost in totals.lost:
            self.lost_items.add(lost)
        self._latest_arrivals.extend(totals.arrived)

    def _count(self, bin: str, **changes: int) -> None:
        tally = self.tally(bin)
        changed = {name: getattr(tally, name) + change for name, change in changes.items()}
        self._tallies[bin] = replace(tally, **changed)
