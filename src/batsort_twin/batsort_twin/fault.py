"""What all faults have in common: when they begin and end, and what they befall."""

from dataclasses import dataclass, fields
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_files.schema import Range, refuse
from batsort_twin.conditions import Conditions

Place = Annotated[float, Range("m", above=0.0, most=100.0)]
Time = Annotated[float, Range("s", above=0.0, most=3600.0)]
Number = Annotated[int, Range("items", least=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """When it begins: at the n-th item fed or at a simulated second. It lasts until repaired."""

    kind = ""
    """As a scenario calls it: `faults.kind` says so."""

    at_item: Annotated[int, Range("items", least=0)] | None = None
    at_s: Annotated[float, Range("s", least=0.0)] | None = None
    for_s: Time | None = None
    """Ends by itself, after so long."""
    for_items: Number | None = None
    """Ends by itself, after so many more items fed."""

    @property
    def detail(self) -> str:
        """Its own parameters, for people."""
        common = {field.name for field in fields(Fault)}
        own = (f.name for f in fields(self) if f.name not in common)
        return ", ".join(f"{name} {getattr(self, name)}" for name in own)

    def impair(self, on: Conditions, began: int) -> None:
        """What is wrong while it lasts; `began` is its stamp [ns]."""

    def check(self, cell: CellDescription) -> None:
        """Refuse what the cell has not. Raises FieldError, from the field on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stroke(Fault):
    """Done in the moment it begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnPassing(Fault):
    """Befalls the first item whose centre passes a place on the belt."""

    x: Place = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class OfValve(Fault):
    """Of one valve."""

    valve: int

    def check(self, cell: CellDescription) -> None:
        valves = [bin.valve for bin in cell.ejectors]
        if self.valve not in valves:
            refuse("valve", self.valve, ", ".join(map(str, valves)))


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBin(Fault):
    """Of one bin's confirm eye."""

    bin: str

    def check(self, cell: CellDescription) -> None:
        bins = [bin.name for bin in cell.bins]
        if self.bin not in bins:
            refuse("bin", self.bin, ", ".join(bins))
