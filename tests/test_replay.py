"""A recorded run replayed through the launched cell: the same items, the same fates."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from batsort_bringup import launchfile, runner

ROOT = Path(__file__).parents[1]
ITEMS = 25


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


def replay(bag: Path, folder: Path, rate: float) -> tuple[int, str, dict[str, Any]]:
    """Exit status, what was said, and the report."""
    report = folder / "report.json"
    arguments = {"backend": "replay", "bag": bag, "rate": rate, "report": report}
    done = subprocess.run(
        [
            *(ROOT / "cell", "launch", "cell.launch.xml"),
            *(f"{name}:={value}" for name, value in arguments.items()),
        ],
        capture_output=True,
        text=True,
        timeout=100,
        cwd=folder,
        env={**os.environ, "ROS_HOME": str(folder / "home")},
    )
    said = done.stdout + done.stderr
    assert report.is_file(), said[-4000:]
    assert "Traceback" not in said
    return done.returncode, said, json.loads(report.read_text())


def test_at_the_recorded_pace_every_item_fares_as_then(recorded: Path, tmp_path: Path) -> None:
    status, said, report = replay(recorded, tmp_path, 1.0)
    assert status == 0, said[-4000:]
    assert report["same"] + sum(d["near_deadline"] for d in report["differences"]) == ITEMS
    assert report["lost_items"] == []
    assert f"{report['same']} items as in the bag" in said
    # The counts of the real cell are not touched.
    assert not (tmp_path / "home" / "batsort").exists()


def test_four_times_as_fast_nothing_is_lost_or_it_says_what(recorded: Path, tmp_path: Path) -> None:
    status, said, report = replay(recorded, tmp_path, 4.0)
    assert (status == 0) == report["good"]
    assert report["same"] + len(report["differences"]) == ITEMS
    assert report["published"]["belt/barrier"] == 2 * ITEMS
    for difference in report["differences"]:
        assert f"item {difference['item_id']}: then" in said or len(report["differences"]) > 20
    lost = len(report["lost_items"]), len(report["lost_verdicts"])
    assert lost == (0, 0) or f"lost: {lost[0] or lost[1]} " in said


def test_ctrl_c_ends_a_replay(recorded: Path, launch: Any) -> None:
    cell = launch(backend="replay", bag=recorded, rate=0.25, journal_dir="")
    cell.wait(lambda: cell.run.items, "an item passes the barrier")
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
