"""Fixtures of the system tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from domain_coordinator import domain_id
from launched_cell import LaunchedCell


@pytest.fixture(scope="session", autouse=True)
def own_domain() -> Iterator[None]:
    """Tests that run side by side must not hear each other."""
    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        yield


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., LaunchedCell]]:
    """Start cells that are ended with the test."""
    cells: list[LaunchedCell] = []

    def start(namespace: str = "", **arguments: Any) -> LaunchedCell:
        cells.append(LaunchedCell(tmp_path, namespace, **arguments))
        return cells[-1]

    yield start
    for cell in cells:
        cell.stop()
