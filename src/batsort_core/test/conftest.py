import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from batsort_core.cell import CellDescription, parse_cell

_CELL = yaml.safe_load((Path(__file__).parents[3] / "config" / "cell.yaml").read_text())


@pytest.fixture
def document() -> dict[str, Any]:
    """The default cell description as loaded YAML, to be broken."""
    return copy.deepcopy(_CELL)


@pytest.fixture(scope="session")
def cell() -> CellDescription:
    """The default cell, but with a second to the eye and half a second's grace."""
    document = copy.deepcopy(_CELL)
    document["confirm"] |= {"timeout_s": 1.0, "grace_s": 0.5}
    return parse_cell(document)
