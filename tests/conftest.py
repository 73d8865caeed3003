"""Fixtures of the system tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from launched_cell import LaunchedCell
from nodes_in_process import own_domain

__all__ = ["launch", "own_domain"]


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
