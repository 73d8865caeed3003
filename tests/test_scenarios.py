"""Faults injected into the running cell: what it promises then, and what an operator reads.

A seeded part of `./cell soak`, which runs every scenario.
"""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READS = {
    "valve_stuck_open": "held: bins: something arrived in duracell_alk that was not for it",
    "slip": "held: ejector: the belt runs",
    "estop": "aborted: the emergency stop is pressed",
    "cell_killed": "",
}


@pytest.mark.timeout(200)
@pytest.mark.parametrize("scenario", READS)
def test_after_a_fault_nothing_is_blown_wrong_counts_add_up_and_the_operator_knows_why(
    scenario: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [ROOT / "cell", "demo", "--scenario", scenario, "--report", tmp_path],
        capture_output=True,
        text=True,
        timeout=190,
    )
    said = done.stdout[-3000:] + done.stderr[-3000:]
    assert (tmp_path / "report.json").is_file(), said
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["faults"] == [], said
    assert report["items_in"] == report["items_out"] and report["on_belt"] == 0
    found = report["scenario"]
    assert [fault for fault in found["faults"] if fault["begins"]], "the fault was never injected"
    assert found["wrong_bin_after_standing"] == 0, found["wrong_bin"]
    # A supervisor that was killed, too, has nothing to say of it: it brings the cell up anew.
    said_why = any(READS[scenario] in text for text in found["operator_reads"])
    assert said_why or not READS[scenario], found
    assert done.returncode == 0, said


def test_a_scenario_that_can_t_be_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("description: x\nfaults:\n  - {kind: gremlins}\n")
    for name, said in (("gremlins", "allowed: a file, "), (tmp_path / "bad.yaml", "gremlins")):
        done = subprocess.run(
            [ROOT / "cell", "demo", "--scenario", name, "--report", tmp_path / "report"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 2
        assert said in done.stderr and "\n" not in done.stderr.strip()
