"""The faults that a scenario lists, each with its kind and its parameters:

faults:
  - {kind: slip, at_item: 15, share: 0.1, for_s: 4.0}
  - {kind: touching, at_item: 20, for_items: 2}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError, read, refuse
from batsort_twin.fault import Fault
from batsort_twin.faults import KINDS


def read_faults(document: object, path: str = "faults") -> tuple[Fault, ...]:
    """The faults of a list of mappings. Raises FieldError."""
    if not isinstance(document, Sequence) or isinstance(document, str):
        refuse(path, document, "a list")
    return tuple(_read_fault(part, f"{path}[{i}]") for i, part in enumerate(document))


def check_faults(faults: Iterable[Fault], cell: CellDescription) -> None:
    """Refuse faults of what the cell has not. Raises FieldError."""
    for i, fault in enumerate(faults):
        try:
            fault.check(cell)
        except FieldError as error:
            raise FieldError(f"faults[{i}].{error}") from None


def with_defaults(kind: type, document: Mapping[str, object]) -> dict[str, object]:
    """The document with what the dataclass `kind` has defaults for."""
    defaults = {f.name: f.default for f in fields(kind) if f.default is not MISSING}
    return {**defaults, **document}


def _read_fault(document: object, path: str) -> Fault:
    if not isinstance(document, Mapping):
        refuse(path, document, "a kind and its parameters")
    kind = document.get("kind")
    made = KINDS.get(kind) if isinstance(kind, str) else None
    if made is None:
        refuse(f"{path}.kind", kind, "one of " + ", ".join(KINDS))
    own: dict[str, Any] = {name: value for name, value in document.items() if name != "kind"}
    if own.get("for_items") is not None and own.get("for_s") is not None:
        refuse(f"{path}.for_items", own["for_items"], "nothing beside for_s")
    # An end that is given takes the place of the usual one.
    if "for_items" in own:
        own.setdefault("for_s")
    if "for_s" in own:
        own.setdefault("for_items")
    fault = read(made, with_defaults(made, own), path)
    if fault.at_item is None and fault.at_s is None:
        raise FieldError(f"{path}.at_item: missing; allowed: this or at_s")
    if fault.at_item is not None and fault.at_s is not None:
        refuse(f"{path}.at_item", fault.at_item, "nothing beside at_s")
    return fault
