"""Which item an arrival is, and what became of an item: judged by shots, counts and patience."""

from collections.abc import Iterable

from batsort_core.belt_clock import BeltClock
from batsort_core.bin_journal import Arrived
from batsort_core.bin_ledger import OpenItem
from batsort_core.cell import CellDescription
from batsort_core.items import EjectResult, Item, Outcome, Reason

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


class Explainer:
    """Judges; it changes nothing."""

    def __init__(self, cell: CellDescription, clock: BeltClock) -> None:
        self._cell = cell
        self._clock = clock
        self._timeout = round(cell.confirm.timeout_s * 1e9)
        self._window = cell.counts(cell.confirm.window)
        self._end = cell.counts(cell.others.distance)

    def arrived(
        self, arrival: Arrived, open_items: Iterable[OpenItem]
    ) -> tuple[OpenItem | None, Outcome | None]:
        """The item that arrived, and its outcome if that can be told yet."""
        if arrival.bin != self._cell.others.name:
            shots = [
                (open_item.ejected.stamp, open_item.item.id, open_item)
                for open_item in open_items
                if open_item.decision is not None
                and open_item.decision.bin == arrival.bin
                and open_item.ejected is not None
                and open_item.flew
                and 0 <= arrival.stamp - open_item.ejected.stamp <= self._timeout
            ]
            return (min(shots)[-1], Outcome.SORTED_CONFIRMED) if shots else (None, None)
        near = [
            (distance, open_item.item.id, open_item)
            for open_item in open_items
            if open_item.item.epoch == arrival.epoch
            if (distance := abs(arrival.count - open_item.item.count - self._end)) <= self._window
        ]
        # One that was blown at is there only where nothing else explains it.
        near = [found for found in near if not found[-1].flew] or near
        if not near:
            return None, None
        nearest = min(near)[-1]
        return nearest, Outcome.FAULT if nearest.flew else self._at_end(nearest)

    def unseen(self, open_item: OpenItem) -> Outcome | None:
        """The outcome of an item that no eye has seen, once it should have; None before."""
        overdue, decision = self._clock.overdue, open_item.decision
        if open_item.flew:
            assert open_item.ejected is not None
            return Outcome.MISSING if overdue(open_item.ejected.stamp) else None
        if overdue(open_item.past_end):
            sorted_out = decision is not None and decision.reason is Reason.SORT
            return self._at_end(open_item) if sorted_out else Outcome.MISSING
        return Outcome.TRACKING_LOST if overdue(open_item.lost) else None

    def _at_end(self, open_item: OpenItem) -> Outcome | None:
        """What an item is at the belt's end for; None while that can't be told."""
        decision, ejected = open_item.decision, open_item.ejected
        if decision is None:
            return Outcome.NO_VERDICT if self._clock.overdue(open_item.past_end) else None
        if decision.reason is not Reason.SORT:
            return _AT_END[decision.reason]
        if ejected is None:
            return Outcome.FAULT if self._clock.overdue(open_item.past_ejector) else None
        return _NOT_BLOWN.get(ejected.result)

    def unconfirmed(self, open_item: OpenItem, stamp: int) -> bool:
        """Whether its eye should have seen by then what was blown at when all was heard."""
        shot = open_item.ejected
        if shot is None or not open_item.flew or not self._clock.live(shot.stamp):
            return False
        return stamp - shot.stamp > self._timeout

    def passed(self, open_item: OpenItem, arrival: Arrived) -> bool:
        """Whether the item, not meant for that bin, was before its nozzle just before."""
        meant = open_item.decision is not None and open_item.decision.bin == arrival.bin
        return not meant and self.before(open_item.item, arrival)

    def before(self, item: Item, arrival: Arrived) -> bool:
        """Whether the item was before the bin's nozzle just before the arrival."""
        bin = self._cell.bin(arrival.bin)
        if bin.valve is None or item.epoch != arrival.epoch:
            return False
        beyond = arrival.count - item.count - self._cell.counts(bin.distance)
        return -self._cell.counts(item.length / 2) <= beyond <= self._window
