"""Fixtures: a ROS domain of their own, and a panel with a stand-in for its cell."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from nodes_in_process import own_domain
from stand_in import Cell

__all__ = ["cell", "own_domain"]


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    one = Cell(tmp_path_factory.mktemp("cell"))
    yield one
    one.close()
