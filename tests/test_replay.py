"""A recorded run replayed through the launched cell: the same items, the same fates."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from launched_cell import LaunchedCell, wait
from rclpy.task import Future
from std_srvs.srv import Trigger

from batsort_bringup import launchfile, runner

ROOT = Path(__file__).parents[1]
ITEMS = 20
"""No more than differences are printed."""

Launch = Callable[..., LaunchedCell]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bag of a short demo."""
    folder = tmp_path_factory.mktemp("recorded")
    options = ("--items", str(ITEMS), "--seed", "3", "--record", "--report", folder)
    done = subprocess.run(
        [ROOT / "cell", "demo", *options], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder / "bag"


def end(cell: LaunchedCell, file: Path) -> tuple[int, str, dict[str, Any]]:
    """Exit status of a replay, what was said, and the report.

    A machine too busy for the pace makes the cell hold; it is started again.
    """
    client = cell.watcher.create_client(Trigger, "cell/start")
    pressed: list[Future] = []

    def ended() -> bool:
        held = cell.watcher.cell_state.state == "held" and client.service_is_ready()
        if held and (not pressed or pressed[-1].done()):
            pressed.append(client.call_async(Trigger.Request()))
        return cell.process.poll() is not None

    wait(ended, "the replay ends", 100.0)
    status = cell.process.returncode
    said = cell.log.read_text()
    assert file.is_file(), said[-4000:]
    assert "Traceback" not in said
    return status, said, json.loads(file.read_text())


def unexplained(report: dict[str, Any]) -> list[dict[str, Any]]:
    """What differs without a reason: what was late then, on a busy machine, may be in time now."""
    return [
        difference
        for difference in report["differences"]
        if not difference["near_deadline"] and difference["then"]["reason"] != "late"
    ]


def test_at_the_recorded_pace_and_with_a_hold_every_item_fares_as_then(
    recorded: Path, launch: Launch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROS_HOME", str(tmp_path / "home"))
    file = tmp_path / "report.json"
    cell = launch(backend="replay", bag=recorded, report=file, journal_dir="")
    cell.wait(lambda: len(cell.run.items) >= 10, "ten items pass the barrier")
    assert cell.call(Trigger, "cell/hold").success
    cell.wait_state("held")
    assert cell.call(Trigger, "cell/start").success
    status, said, report = end(cell, file)
    assert unexplained(report) == [], said[-4000:]
    assert (status == 0) == report["good"]
    assert report["same"] + len(report["differences"]) == ITEMS
    assert report["lost_items"] == []
    assert f"{report['same']} items as in the bag" in said
    # The counts of the real cell are not touched.
    assert not (tmp_path / "home" / "batsort").exists()


@pytest.mark.parametrize("waiting", [True, False])
def test_four_times_as_fast_nothing_is_lost_or_it_says_what(
    recorded: Path, launch: Launch, tmp_path: Path, waiting: bool
) -> None:
    file = tmp_path / "report.json"
    cell = launch(
        backend="replay", bag=recorded, rate=4.0, wait=waiting, report=file, journal_dir=""
    )
    status, said, report = end(cell, file)
    assert (status == 0) == report["good"]
    assert not waiting or unexplained(report) == [], said[-4000:]
    assert report["same"] + len(report["differences"]) == ITEMS
    assert report["published"]["belt/barrier"] == 2 * ITEMS
    for difference in report["differences"]:
        assert f"item {difference['item_id']}: then" in said
    lost = len(report["lost_items"]), len(report["lost_verdicts"])
    assert lost == (0, 0) or f"lost: {lost[0] or lost[1]} " in said


def test_ctrl_c_ends_a_replay(recorded: Path, launch: Launch) -> None:
    cell = launch(backend="replay", bag=recorded, journal_dir="")
    cell.wait_state("execute")
    assert cell.stop() == 0


@pytest.mark.parametrize(("backend", "expected"), [("replay", True), ("twin", False)])
def test_every_sorting_node_takes_its_time_from_a_replay_only(backend: str, expected: bool) -> None:
    nodes = launchfile.read(
        runner.find_launch_file("cell.launch.xml"), {"backend": backend}, os.environ
    )
    for node in nodes:
        inline = [parameters for parameters in node.parameters if isinstance(parameters, dict)]
        told = [parameters["use_sim_time"] for parameters in inline if "use_sim_time" in parameters]
        assert told == ([] if node.name == backend else [expected]), node.name
