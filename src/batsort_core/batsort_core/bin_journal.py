"""What the journal of the bins keeps: one record for every change of their state."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from batsort_core.balance import Settled
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, Outcome
from batsort_core.records import Record
from batsort_files.schema import read, refuse


@dataclass(frozen=True, slots=True)
class Entered(Record):
    """An item has passed the barrier."""

    item: Item


@dataclass(frozen=True, slots=True)
class Decided(Record):
    """Where an item shall go."""

    decision: Decision


@dataclass(frozen=True, slots=True)
class Ejected(Record):
    """What became of a shot."""

    item_id: int
    result: EjectResult
    stamp: int
    actual_count: int


@dataclass(frozen=True, slots=True)
class Arrived(Record):
    """A confirm eye was crossed."""

    bin: str
    stamp: int
    epoch: int
    count: int


@dataclass(frozen=True, slots=True)
class Unexplained(Record):
    """An arrival given up: unexpected, or put down to an item whose tracking was lost."""

    arrival: Arrived
    lost_item: int | None


@dataclass(frozen=True, slots=True)
class NewBag(Record):
    """A new bag is at the bin."""

    bin: str


@dataclass(frozen=True, slots=True)
class BinTally(Record):
    """The counts of one bin, as `BinCount` has them."""

    name: str
    count: int = 0
    confirmed: int = 0
    missing: int = 0
    unexpected: int = 0
    in_bag: int = 0


@dataclass(frozen=True, slots=True)
class Lost(Record):
    """An item whose tracking was lost: it is somewhere on the belt, and will arrive one day."""

    item_id: int
    decided_bin: str


@dataclass(frozen=True, slots=True)
class Totals(Record):
    """Everything that is over, at the head of a shortened journal."""

    items_in: int
    outcomes: Mapping[Outcome, int]
    bins: tuple[BinTally, ...]
    settled: tuple[int, ...]
    lost: tuple[Lost, ...]
    arrived: tuple[Arrived, ...]
    """Arrivals that are over."""


Entry = Entered | Decided | Ejected | Arrived | Unexplained | NewBag | Totals | Settled

_KINDS: dict[str, type[Any]] = {
    "entered": Entered,
    "decided": Decided,
    "ejected": Ejected,
    "arrived": Arrived,
    "unexplained": Unexplained,
    "new_bag": NewBag,
    "totals": Totals,
    "settled": Settled,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def record_of(entry: Entry) -> dict[str, Any]:
    """The entry as a JSON-able record that names its kind."""
    return {"kind": _NAMES[type(entry)], **entry.to_record()}


def entry_of(record: Mapping[str, Any]) -> Entry:
    """The entry that a record was made from. Raises FieldError."""
    name = record.get("kind", "")
    kind = _KINDS.get(name)
    if kind is None:
        refuse("kind", name, ", ".join(_KINDS))
    entry: Entry = read(kind, {k: v for k, v in record.items() if k != "kind"}, name)
    return entry
