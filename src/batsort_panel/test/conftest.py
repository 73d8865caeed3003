"""Fixtures: a ROS domain of their own, and a panel with a stand-in for its cell."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from domain_coordinator import domain_id
from stand_in import Cell


@pytest.fixture(scope="session", autouse=True)
def own_domain() -> Iterator[None]:
    """Tests that run side by side must not hear each other."""
    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        yield


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cell]:
    one = Cell(tmp_path_factory.mktemp("cell"))
    yield one
    one.close()
