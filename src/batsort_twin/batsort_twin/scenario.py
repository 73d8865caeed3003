"""Scenario files: a run of the cell and what goes wrong in it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from batsort_files.documents import ConfigurationError, read_document
from batsort_files.schema import FieldError, Name, Range, read, refuse
from batsort_twin.fault import Fault
from batsort_twin.fault_reading import read_faults, with_defaults


class ScenarioError(ValueError):
    """A scenario file that is refused; one line with file, field, value and what is allowed."""


class Operator(StrEnum):
    """How the simulated operator answers a cell that has stopped."""

    MEND = "mend"
    """Mends what is broken, then starts the cell."""
    WAIT = "wait"
    """Does nothing: the cell must go on by itself."""


class CellFaultKind(StrEnum):
    """What can be done to the cell's own processes."""

    KILL_NODE = "kill_node"
    KILL_ALL = "kill_all"
    PAUSE_NODE = "pause_node"
    DISK_FULL = "disk_full"


OF_NODE = (CellFaultKind.KILL_NODE, CellFaultKind.PAUSE_NODE)


class CellNode(StrEnum):
    """Whose process it can be done to."""

    BELT = "belt"
    CAMERA = "camera"
    CLASSIFIER = "classifier"
    EJECTOR = "ejector"
    BINS = "bins"
    RECORDER = "recorder"
    SUPERVISOR = "supervisor"
    TWIN = "twin"


@dataclass(frozen=True, slots=True)
class CellFault:
    """What is done to the cell's own processes, by whoever runs the scenario."""

    kind: CellFaultKind
    at_item: Annotated[int, Range("items", least=0)]
    node: CellNode | None = None
    """Of the kinds `OF_NODE`."""
    for_s: Annotated[float, Range("s", above=0.0, most=3600.0)] | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of a scenario file; None: as without a scenario."""

    description: Annotated[str, Name()]
    items: Annotated[int, Range("items", least=1)] | None = None
    rate: Annotated[float, Range("1/s", above=0.0, most=50.0)] | None = None
    belt_velocity: Annotated[float, Range("m/s", above=0.0, most=10.0)] | None = None
    unknown_share: Annotated[float, Range(least=0.0, most=1.0)] | None = None
    operator: Operator = Operator.MEND
    faults: tuple[Fault, ...] = ()
    """Of the twin."""
    cell: tuple[CellFault, ...] = ()


def parse_scenario(document: object) -> Scenario:
    """The scenario of a loaded YAML document. Raises FieldError."""
    if not isinstance(document, Mapping):
        refuse("document", document, "names with values")
    whole = with_defaults(Scenario, document)
    faults = read_faults(whole["faults"])
    # A fault's fields depend on its kind, which the schema can't say.
    scenario = replace(read(Scenario, {**whole, "faults": ()}), faults=faults)
    for i, fault in enumerate(scenario.cell):
        if fault.kind in OF_NODE and fault.node is None:
            raise FieldError(f"cell[{i}].node: missing; allowed: one of {', '.join(CellNode)}")
        if fault.kind not in OF_NODE and fault.node is not None:
            refuse(f"cell[{i}].node", fault.node.value, f"nothing beside {fault.kind}")
    return scenario


def read_scenario(path: Path) -> Scenario:
    """Raises ScenarioError."""
    try:
        return read_document(path).checked(parse_scenario)
    except ConfigurationError as error:
        raise ScenarioError(str(error)) from None
