"""Cell descriptions for tests of what is pure: the default one, and what it is with other rules."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from batsort_core.cell import CellDescription, parse_cell

_CELL = yaml.safe_load((Path(__file__).parents[1] / "config" / "cell.yaml").read_text())


@pytest.fixture
def document() -> dict[str, Any]:
    """The default cell description as loaded YAML, to be broken."""
    return copy.deepcopy(_CELL)


@pytest.fixture(scope="session")
def cell() -> CellDescription:
    """The default cell, but a second to the eye, half a second's grace, types of any size.

    Print is read of what is doubtful only.
    """
    document = copy.deepcopy(_CELL)
    document["confirm"] |= {"timeout_s": 1.0, "grace_s": 0.5}
    del document["recipe"]["sizes"]
    document["recipe"]["print"]["novelty"] = 0.7
    return parse_cell(document)


@pytest.fixture(scope="session")
def veto_cell(cell: CellDescription) -> CellDescription:
    """The same where print has a veto."""
    assert cell.recipe.print is not None
    rule = replace(cell.recipe.print, veto=True)
    return replace(cell, recipe=replace(cell.recipe, print=rule))


@pytest.fixture(scope="session")
def sized_cell(cell: CellDescription) -> CellDescription:
    """The same with the default sizes."""
    return replace(cell, recipe=replace(cell.recipe, sizes=parse_cell(_CELL).recipe.sizes))
