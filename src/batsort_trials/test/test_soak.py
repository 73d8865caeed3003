"""A soak holds to what it was asked, leaves nothing running, and tells of all runs in a table."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from batsort_trials import soak
from batsort_trials.soak import COLUMNS, markdown, table

DEADLINE_S = 20.0
CAUSE = "held: belt: it stands; start the cell"
KEPT: dict[str, Any] = {
    "kept": True,
    "said": [],
    "items_in": 1,
    "outcomes": {},
    "report": None,
    "identity": True,
}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gremlins"], "SCENARIO: gremlins is refused; allowed: a file, air_lost, "),
        (["slip", "--seeds", "0"], "--seeds: 0 is refused; allowed: 1 or more"),
        (["--streams", "-1"], "--streams: -1 is refused; allowed: 0 or more"),
        (["slip", "--report", "/dev/null/soak"], "--report: /dev/null/soak can't be written"),
    ],
)
def test_what_would_run_nothing_is_refused_at_once(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        soak.main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_an_interrupted_soak_tells_what_came_before_and_is_not_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(name: str, seed: int, folder: Path) -> dict[str, Any]:
        if seed == 1:
            raise KeyboardInterrupt
        return KEPT | {"scenario": name, "seed": seed}

    monkeypatch.setattr(soak, "run_scenario", run)
    assert soak.main(["slip", "--seeds", "2", "--report", str(tmp_path)]) == 1
    assert [row["seed"] for row in json.loads((tmp_path / "soak.json").read_text())] == [0]


def test_a_demo_does_not_outlive_the_one_that_has_started_it(tmp_path: Path) -> None:
    forever = tmp_path / "python"
    forever.write_text("#!/bin/sh\nexec sleep 1000\n")
    forever.chmod(0o755)
    script = (
        "import sys; from batsort_trials.processes import start_demo\n"
        f"sys.executable = {str(forever)!r}\n"
        "demo = start_demo('--items', '1'); print(demo.pid, flush=True); demo.wait()"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as starter:
        assert starter.stdout is not None
        demo = psutil.Process(int(starter.stdout.readline()))
        starter.terminate()
    deadline = time.monotonic() + DEADLINE_S
    with contextlib.suppress(psutil.NoSuchProcess):
        while demo.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < deadline, "the demo has been left running"


def row(seed: int, **changed: Any) -> dict[str, Any]:
    report = {
        "wrong_bin": [{"after_standing": False}] * seed,
        "noticed_after_m": 0.1 * (seed + 1),
        "noticed_after_s": 1.0,
        "operator_reads": [CAUSE],
    }
    return {
        "scenario": "belt_jam",
        "seed": seed,
        "kept": True,
        "said": [],
        "items_in": 10,
        "outcomes": {"sorted_confirmed": 8, "cancelled": 2, "fault": 0},
        "report": report,
        "identity": True,
    } | changed


def cells(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    lines = [line.strip("| ").split(" | ") for line in markdown(rows).splitlines()]
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[2:]]


def test_all_runs_of_a_scenario_make_one_row() -> None:
    first, other = cells([row(0), row(1), row(0, scenario="slip")])
    assert first == {
        "scenario": "belt_jam",
        "kept": "2 of 2",
        "items": "20",
        "outcomes": "16 sorted_confirmed, 4 cancelled",
        "wrong bin": "1, after 0",
        "identity": "holds",
        "noticed": "0.10 to 0.20 m, 1.0 s",
        "operator reads": CAUSE,
    }
    assert (other["scenario"], other["noticed"]) == ("slip", "0.10 m, 1.0 s")


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        ({"kept": False}, "kept", "1 of 2"),
        ({"identity": False}, "identity", "BROKEN"),
        ({"report": None, "said": ["demo: no node"]}, "operator reads", f"{CAUSE} / demo: no node"),
    ],
)
def test_one_bad_run_shows(changed: dict[str, Any], column: str, said: str) -> None:
    (found,) = cells([row(0), row(1, **changed)])
    assert found[column] == said


def test_a_scenario_that_sorts_on_was_not_noticed() -> None:
    report = row(0)["report"] | {"noticed_after_m": None, "noticed_after_s": None}
    (found,) = cells([row(0, report=report)])
    assert found["noticed"] == "-"


def test_the_table_fits_a_wide_terminal() -> None:
    assert max(map(len, table([row(0), row(1)]))) <= 160
