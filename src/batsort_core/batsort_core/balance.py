"""What became of each item, and the counts: `items in = sum of outcomes + on the belt`."""

from dataclasses import dataclass

from batsort_core.items import Outcome, Verdict
from batsort_core.records import Record


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
