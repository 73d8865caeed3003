"""`./cell commission` as an integrator has it, with a twin that is not as described."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from launched_cell import CELL_FILE, ROOT

from batsort_commissioning.cell_file import edited

TRUTH = {
    ("belt", "metres_per_count"): "0.000101",
    ("camera", "distance"): "0.207",
    ("ejection", "lead_s"): "0.0125",
    ("bins", 0, "distance"): "0.6045",
}

UNCERTAINTY = re.compile(r"^  (\S+(?: \S+)*) .* ± ([\d.]+) .*$", re.MULTILINE)
"""Name and uncertainty of each row of the tables that are printed."""


def test_the_walk_corrects_a_description_and_keeps_the_old_one(tmp_path: Path) -> None:
    """With few shots of one valve; how near twelve come is tested in batsort_bringup."""
    old = CELL_FILE.read_text(encoding="utf-8")
    description, truth = tmp_path / "cell.yaml", tmp_path / "truth.yaml"
    description.write_text(old, encoding="utf-8")
    truth.write_text(edited(old, TRUTH), encoding="utf-8")
    files = ["--cell", description, "--write", description, "--truth", truth]
    few = ["--feeds", "2", "--valves", "1", "--shots", "8"]
    done = subprocess.run(
        [ROOT / "cell", "commission", "--backend", "twin", "--yes", *files, *few],
        cwd=tmp_path,
        env=os.environ,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"

    new = description.read_text(encoding="utf-8")
    (kept,) = tmp_path.glob("cell.yaml.*")
    assert kept.read_text(encoding="utf-8") == old
    assert [line.partition("#")[2] for line in new.splitlines()] == [
        line.partition("#")[2] for line in old.splitlines()
    ]
    found = yaml.safe_load(new)
    assert found["belt"]["metres_per_count"] == pytest.approx(0.000101, rel=0.001)
    assert found["camera"]["distance"] == pytest.approx(0.207, abs=0.001)
    told = {name: 1e-3 * float(sigma) for name, sigma in UNCERTAINTY.findall(done.stdout)}
    distance, lead = found["bins"][0]["distance"], found["ejection"]["lead_s"]
    assert distance == pytest.approx(0.6045, abs=4 * told["duracell_alk: distance"]), done.stdout
    assert lead == pytest.approx(0.0125, abs=4 * told["ejection.lead_s"]), done.stdout
    assert told["duracell_alk: distance"] < 0.004 and told["ejection.lead_s"] < 0.004

    (report,) = (tmp_path / "reports").iterdir()
    names = {path.name for path in report.iterdir()}
    assert names >= {"commissioning.html", "1_encoder.png", "2_camera.png", "3_ejectors.png"}
