"""Settles each item once, from what is heard of it, and counts what is in the bins."""

from collections.abc import Iterable, Mapping
from typing import Any

from batsort_core.balance import Balance, Settled
from batsort_core.belt import BeltReading, tracking_lost
from batsort_core.belt_clock import BeltClock
from batsort_core.bin_journal import Arrived, Decided, Ejected, Entered, NewBag, Unexplained
from batsort_core.bin_ledger import BinLedger, OpenItem
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.ejection_watch import EjectionWatch
from batsort_core.explaining import Explainer
from batsort_core.items import EjectResult, Item, Outcome
from batsort_core.trouble import Trouble

_SURE = 300_000_000  # [ns] of belt readings, in which an arrival that was sent has come, too


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
        self._window = cell.counts(cell.confirm.window)
        self._end = cell.counts(cell.others.distance)
        self._ledger = BinLedger(cell)
        self._clock = BeltClock(cell)
        self._explainer = Explainer(cell, self._clock)
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
        return self._ledger.balance

    def on_item(self, item: Item) -> list[Settled]:
        """An item has passed the barrier."""
        if item.id in self._ledger.open or item.id in self._ledger.settled:
            return []
        self._ledger.record(Entered(item))
        return self._settle()

    def on_decision(self, decision: Decision) -> list[Settled]:
        """Where an item shall go; the first one counts. Raises CellError, as `on_arrival` does."""
        item_id = decision.item_id
        if self._ledger.decision(item_id) is not None or item_id in self._ledger.settled:
            return []
        self._ledger.record(Decided(decision))
        return self._settle()

    def on_eject_event(
        self, item_id: int, result: EjectResult, stamp: int, actual_count: int
    ) -> list[Settled]:
        """What became of a shot; the first event of an item counts."""
        if self._ledger.ejected(item_id) is not None or item_id in self._ledger.settled:
            return []
        self._ledger.record(Ejected(item_id, result, stamp, actual_count))
        return self._settle()

    def on_arrival(self, bin: str, stamp: int, epoch: int, count: int) -> list[Settled]:
        """A confirm eye was crossed. Raises CellError for a bin that the cell does not have."""
        self._cell.bin(bin)
        arrival = Arrived(bin, stamp, epoch, count)
        if self._ledger.heard_before(arrival):
            return []
        self._ledger.record(arrival)
        settled = self._settle()
        unexplained = arrival in self._ledger.arrivals
        if unexplained and bin != self._cell.others.name and self._clock.live(stamp):
            self._look_at(arrival)
        return settled

    def on_belt(self, reading: BeltReading) -> list[Settled]:
        """The belt is there now; readings that are not newer than the last are ignored."""
        ran = self._clock.take(reading)
        if ran is None:
            return []
        self._ledger.lost_items.run_on(ran)
        for open_item in self._ledger.open.values():
            self._watch(open_item, reading)
        settled = self._settle()
        self._ledger.lost_items.forget(self._clock)
        return settled

    def new_bag(self, bin: str) -> int:
        """A new bag is at the bin; says the arrivals in the one taken off. Raises CellError."""
        taken = self._ledger.tally(bin).in_bag
        self._ledger.record(NewBag(bin))
        return taken

    def drain(self) -> list[dict[str, Any]]:
        """The JSON-able records since the last call, to be written before anything is published."""
        return self._ledger.drain()

    def snapshot(self) -> list[dict[str, Any]]:
        """A short journal that gives the same state, to take the place of all records before.

        It leaves out what was settled but for its counts, so publish that first.
        """
        return self._ledger.snapshot()

    def restore(self, records: Iterable[Mapping[str, Any]]) -> list[Settled]:
        """Take up a journal, oldest record first, into a fresh counter.

        Returns the outcomes in it, oldest first: the newest may not have been published. Raises
        FieldError, or CellError where the journal is of a cell with other bins.
        """
        return self._ledger.restore(records)

    def _watch(self, open_item: OpenItem, reading: BeltReading) -> None:
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

    def _suspect(self, open_item: OpenItem, reading: BeltReading) -> None:
        """Tell the watch of a shot that no eye has confirmed in time, long before its outcome."""
        decision, noted = open_item.decision, open_item.unconfirmed
        if open_item.suspected or open_item.ejected is None or decision is None:
            return
        if noted is None:
            if self._explainer.unconfirmed(open_item, reading.stamp):
                open_item.unconfirmed = reading.stamp
        elif reading.stamp - noted > _SURE:
            open_item.suspected = True
            self._ejection.unconfirmed(decision.bin)

    def _settle(self) -> list[Settled]:
        """Everything that can be settled now; arrivals first, since they say most."""
        settled: list[Settled] = []
        for arrival in list(self._ledger.arrivals):
            open_item, outcome = self._explainer.arrived(arrival, self._ledger.open.values())
            if open_item is not None and outcome is not None:
                settled.append(self._close(open_item, outcome, arrival.bin, arrival.stamp))
            elif open_item is None and self._clock.overdue(arrival.stamp):
                self._give_up(arrival)
        reading = self._clock.reading
        for open_item in list(self._ledger.open.values()):
            outcome = self._explainer.unseen(open_item)
            if outcome is None or reading is None:
                continue
            bin, stamp = "", reading.stamp
            if outcome is Outcome.MISSING and (astray := self._astray(open_item)) is not None:
                outcome, bin, stamp = Outcome.FAULT, astray.bin, astray.stamp
            settled.append(self._close(open_item, outcome, bin, stamp))
        return settled

    def _close(self, open_item: OpenItem, outcome: Outcome, bin: str, stamp: int) -> Settled:
        decision = open_item.decision
        settled = Settled(
            open_item.item.id,
            outcome,
            bin,
            decision.bin if decision else "",
            decision.verdict if decision else None,
            stamp,
        )
        self._ledger.record(settled)
        self._ejection.settled(outcome, settled.decided_bin, bin)
        return settled

    def _astray(self, open_item: OpenItem) -> Arrived | None:
        """The arrival in a bin of others that this item may be."""
        arrivals = self._ledger.arrivals
        return next((a for a in arrivals if self._explainer.passed(open_item, a)), None)

    def _give_up(self, arrival: Arrived) -> None:
        """Nothing explains the arrival, unless an item that may yet turn up elsewhere does not."""
        if any(self._explainer.passed(one, arrival) for one in self._ledger.open.values()):
            return
        excuse = self._ledger.lost_items.excuse(arrival)
        self._ledger.record(Unexplained(arrival, excuse))
        if excuse is None and not self._clock.untracked(arrival.epoch, arrival.count):
            self._ejection.unexplained(arrival.bin)

    def _look_at(self, arrival: Arrived) -> None:
        """Judge an arrival in a bin that nothing heard so far explains."""
        explainer, open_items = self._explainer, self._ledger.open.values()
        before = [one for one in open_items if explainer.before(one.item, arrival)]
        passed = [explainer.passed(one, arrival) for one in before]
        if all(passed) and self._ledger.lost_items.excuse(arrival) is None:
            self._ejection.strange(arrival.bin, passed=bool(passed))
