"""What is asked of one running cell, and leaves it sorting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from launched_cell import LaunchedCell
from std_srvs.srv import Trigger

from batsort_interfaces.srv import LoadBundle, NewBag
from batsort_perception.bundle import default_bundle


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaunchedCell]:
    one = LaunchedCell(tmp_path_factory.mktemp("cell"))
    yield one
    one.stop()


@pytest.fixture
def cell(shared: LaunchedCell) -> LaunchedCell:
    """It sorts, even where a busy machine made it hold during the test before."""
    shared.wait(lambda: shared.watcher.cell_state.state in ("execute", "held"), "the cell is up")
    if shared.watcher.cell_state.state == "held":
        assert shared.call(Trigger, "cell/start").success
    shared.wait_state("execute")
    return shared


def test_a_bundle_is_loaded_while_the_cell_runs_and_a_bad_one_refused(
    cell: LaunchedCell, tmp_path: Path
) -> None:
    answer = cell.call(
        LoadBundle, "classifier/load_bundle", LoadBundle.Request(path=str(default_bundle()))
    )
    assert answer.success, answer.message
    assert answer.bundle_id
    refused = cell.call(
        LoadBundle, "classifier/load_bundle", LoadBundle.Request(path=str(tmp_path))
    )
    assert not refused.success
    assert "bundle.yaml" in refused.message
    assert refused.bundle_id == answer.bundle_id
    before = len(cell.run.outcomes)
    cell.wait(lambda: len(cell.run.outcomes) > before, "sorting goes on")


def test_a_new_bag_empties_the_bag_and_keeps_the_counts(cell: LaunchedCell) -> None:
    cell.wait(lambda: any(b.name == "others" and b.in_bag for b in cell.run.bins.bins), "arrivals")
    answer = cell.call(NewBag, "bins/new_bag", NewBag.Request(bin="others"))
    assert answer.success, answer.message
    assert answer.count >= 1
    refused = cell.call(NewBag, "bins/new_bag", NewBag.Request(bin="attic"))
    assert not refused.success
    assert "attic" in refused.message
