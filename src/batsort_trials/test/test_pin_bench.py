"""`./cell bench valve`: every shot is accounted for, in a table, a picture and a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from batsort_trials.bench import main
from batsort_trials.pin_bench import CONDITIONS, bench_encoder


def test_every_shot_is_accounted_for_and_the_table_fits_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["valve", "--shots", "4", "--out", str(tmp_path)]) == 0
    figures = json.loads((tmp_path / "valve.json").read_text())
    assert figures["SCHED_FIFO"] in ("allowed", "not allowed")
    assert list(figures["conditions"]) == [condition.name for condition in CONDITIONS]
    for one in figures["conditions"].values():
        assert one["fired"] + sum(one["not fired"].values()) == 4
        error, at_1 = one["error [us]"]["max"], one["error at 1 m/s [mm]"]["max"]
        if error is not None:
            assert error > 0.0
            assert at_1 == pytest.approx(error * 1e-3, abs=1e-3)
    assert (tmp_path / "valve.png").read_bytes().startswith(b"\x89PNG")
    said = capsys.readouterr().out.splitlines()
    rows = [line for line in said if str(tmp_path) not in line and "not fired (" not in line]
    assert len(rows) >= 6 + len(CONDITIONS)
    assert max(map(len, rows)) <= 80


def test_no_shots_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["valve", "--shots", "0"])
    assert "--shots: 0 is refused; allowed: from 1" in capsys.readouterr().err


def test_an_encoder_that_is_counted_at_full_speed_misses_nothing() -> None:
    figures = bench_encoder(edges=2000)
    assert figures["counted"] == "2000 of 2000, 0 missed"
    assert figures["edges/s that fill one core"] > 0
