"""Numbers that a device has for the cell's valves and confirm eyes, held against the cell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError, Range, refuse

Number = Annotated[int, Range(least=0, most=255)]


def check_valves(valves: Collection[int], cell: CellDescription) -> None:
    """Raises FieldError where the device lacks a valve of the cell."""
    for bin in cell.ejectors:
        if bin.valve not in valves:
            refuse("valves", list(valves), f"a list with {bin.valve} of bin {bin.name!r}")


def check_eyes(eyes: Mapping[str, int], cell: CellDescription) -> None:
    """Raises FieldError unless each bin of the cell has an eye of its own."""
    names = [bin.name for bin in cell.bins]
    seen: dict[int, str] = {}
    for name, eye in eyes.items():
        if name not in names:
            raise FieldError(f"eyes.{name}: unknown bin; allowed: {', '.join(names)}")
        if eye in seen:
            raise FieldError(
                f"eyes.{name}: {eye} already sees bin {seen[eye]!r}; allowed: one bin per eye"
            )
        seen[eye] = name
    for name in names:
        if name not in eyes:
            raise FieldError(f"eyes.{name}: missing; allowed: the number of the bin's eye")
