"""The walk through a cell's calibration, on a twin that is not as its description says."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from twin_station import TwinStation

from batsort_bringup import installed, launchfile
from batsort_commissioning import __main__ as commissioning
from batsort_commissioning.__main__ import main
from batsort_commissioning.calibration import CalibrationError
from batsort_commissioning.findings import Finding
from batsort_commissioning.measuring import shoot
from batsort_commissioning.people import Nobody, Stopped, Technician
from batsort_commissioning.rig import Rig
from batsort_commissioning.station import RigError
from batsort_commissioning.walk import changes, walk, write_page
from batsort_core.cell import CellDescription

CELL = installed.default_cell()
SHIFTS = (0.0045, -0.005)
"""Of the first ejectors [m]."""
FED = {"rate": 6.0, "min_gap": 0.05, "pitch_scatter": 0.0, "seed": 0}
LENGTH = 0.051


def true_cell() -> CellDescription:
    moved = [replace(b, distance=b.distance + s) for b, s in zip(CELL.bins, SHIFTS, strict=False)]
    return replace(
        CELL,
        belt=replace(CELL.belt, metres_per_count=0.000101),
        camera=replace(CELL.camera, distance=0.207),
        ejection=replace(CELL.ejection, lead_s=0.0125),
        bins=(*moved, *CELL.bins[len(moved) :]),
    )


def station(truth: CellDescription = CELL) -> TwinStation:
    made = TwinStation(CELL, truth, **FED)
    made.pause()
    return made


class Asked(Nobody):
    """Agrees so often."""

    def __init__(self, station: TwinStation, times: int) -> None:
        super().__init__(station)
        self.questions: list[str] = []
        self._times = times

    def agree(self, question: str) -> None:
        self.questions.append(question)
        if len(self.questions) > self._times:
            raise Stopped


def test_what_is_found_is_what_the_cell_is_in_truth(tmp_path) -> None:
    truth = true_cell()
    cell = station(truth)
    findings = walk(cell, CELL, CELL.ejectors[:2], 2, 12, Nobody(cell), lambda finding: None)
    found = {change.name: change.found.value for change in changes(findings)}
    assert found["belt.metres_per_count"] == pytest.approx(0.000101, rel=0.001)
    assert found["camera.distance"] == pytest.approx(0.207, abs=0.001)
    assert found["ejection.lead_s"] == pytest.approx(0.0125, abs=0.001)
    for bin in truth.ejectors[:2]:
        assert found[f"{bin.name}: distance"] == pytest.approx(bin.distance, abs=0.002)

    page = tmp_path / "commissioning.html"
    write_page(page, CELL, findings, "Nothing was written.")
    text = page.read_text(encoding="utf-8")
    for change in changes(findings):
        assert all(cell in text for cell in change.row)
    assert text.count("<svg") == 3
    assert not re.search(r"""(src|href)=["']?http|<link|<script|@import""", text)


def test_nothing_moves_before_somebody_agrees() -> None:
    cell = station()
    nobody = Asked(cell, times=0)
    with pytest.raises(Stopped):
        walk(cell, CELL, CELL.ejectors, 2, 6, nobody, lambda finding: None)
    cell.let_pass(0.5)
    assert cell.travel() == 0.0
    assert "the belt will run" in nobody.questions[0]


def test_no_valve_fires_before_somebody_agrees() -> None:
    cell = station()
    nobody, shown = Asked(cell, times=2), list[Finding]()
    with pytest.raises(Stopped):
        walk(cell, CELL, CELL.ejectors, 2, 6, nobody, shown.append)
    assert [finding.name for finding in shown] == ["1_encoder", "2_camera"]
    assert "will blow" in nobody.questions[-1]
    assert not cell.ends


def test_a_valve_that_does_not_blow_is_named() -> None:
    truth = replace(CELL, bins=(replace(CELL.bins[0], distance=0.66), *CELL.bins[1:]))
    with pytest.raises(CalibrationError, match=r"duracell_alk, (early|late) edge .*distance may"):
        shoot(station(truth), CELL, 0.0001, CELL.ejectors[:1], LENGTH, 6, lambda line: None)


def test_a_belt_that_does_not_run_is_named() -> None:
    stuck = replace(CELL, belt=replace(CELL.belt, acceleration=1e-9))
    with pytest.raises(RigError, match="does not count"):
        station(stuck).steady(0.5)


def test_a_technician_goes_on_by_yes_only_and_reads_the_tape_in_metres(monkeypatch) -> None:
    answers = iter(["", "maybe", "y", "1003 mm", "1,003", "n"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    technician = Technician()
    technician.agree("Go on?")
    assert technician.tape() == 1.003
    with pytest.raises(Stopped):
        technician.agree("Go on?")


@pytest.mark.parametrize("backend", ["hardware", "micro_ros", "twin"])
def test_the_backend_can_be_another_cell_than_the_camera_believes(backend: str) -> None:
    path = installed.share() / "launch" / "commission.launch.xml"
    given = {"backend": backend, "cell_file": "/described", "backend_cell_file": "/true"}
    told = {
        node.name: parameters["cell_file"]
        for node in launchfile.read(path, given, os.environ)
        for parameters in node.parameters
        if isinstance(parameters, dict) and "cell_file" in parameters
    }
    assert told.pop("camera") == "/described"
    assert told == ({} if backend == "micro_ros" else {backend: "/true"})


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--valves", "1,77"], "--valves: '1,77' is refused; allowed: some of 1,2,3"),
        (["--shots", "3"], "--shots: 3 is refused; allowed: 6 to 100"),
        (["--feeds", "1"], "--feeds: 1 is refused; allowed: 2 to 20"),
        (["--yes"], "--yes: hardware is refused; allowed: with the twin"),
        (["--truth", "TRUTH"], "allowed: with the twin"),
        (["--cell", "/no/cell.yaml"], "--cell: /no/cell.yaml can't be read"),
        (["--cell", "ALIASES"], "YAML aliases (*name) are refused; allowed: every figure written"),
        (["--backend", "twin", "rate"], "'rate' is no launch argument"),
    ],
)
def test_bad_options_are_refused_in_one_line(words, told, tmp_path, capsys) -> None:
    truth = tmp_path / "truth.yaml"
    truth.write_bytes(installed.cell_file().read_bytes())
    aliases = tmp_path / "aliases.yaml"
    text = truth.read_text().replace("lead_s: 0.010 ", "lead_s: &lead 0.010 ")
    aliases.write_text(text.replace("jitter_s: 0.0005 ", "jitter_s: *lead "))
    given = {"TRUTH": truth, "ALIASES": aliases}
    words = [str(given.get(word, word)) for word in words]
    assert main([*words, "--report", str(tmp_path / "report")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert told in line
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_however_it_is_ended_the_belt_is_stopped_before_the_drivers_go(
    number: signal.Signals, tmp_path, monkeypatch
) -> None:
    ended: list[str] = []

    @contextmanager
    def launch(*_: object) -> Iterator[SimpleNamespace]:
        try:
            yield SimpleNamespace(ended=lambda: None)
        finally:
            ended.append("drivers")

    def end(*_: object) -> None:
        os.kill(os.getpid(), number)

    def rig(*_: object) -> SimpleNamespace:
        return SimpleNamespace(up=lambda: None, close=lambda: ended.append("belt"))

    for name, fake in (("_Launch", launch), ("Rig", rig), ("walk", end)):
        monkeypatch.setattr(commissioning, name, fake)
    before = {one: signal.getsignal(one) for one in (signal.SIGTERM, signal.SIGHUP)}
    try:
        assert main(["--backend", "twin", "--yes", "--report", str(tmp_path)]) == 130
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
    assert ended == ["belt", "drivers"]
    assert "Nothing was written." in (tmp_path / "commissioning.html").read_text()


@pytest.mark.parametrize(
    ("namespace", "name", "own"),
    [
        ("/", "/twin", True),
        ("/left", "/left/twin", True),
        ("/", "/left/twin", False),
        ("/left", "/right/twin", False),
    ],
)
def test_a_trouble_of_another_cell_does_not_end_the_walk(
    namespace: str, name: str, own: bool
) -> None:
    node = SimpleNamespace(get_namespace=lambda: namespace)
    rig = SimpleNamespace(_node=node, _troubles={}, _twin={})
    values = [KeyValue(key="cause", value="jam"), KeyValue(key="cure", value="clear it")]
    status = DiagnosticStatus(
        level=DiagnosticStatus.ERROR, name=f"{name}: twin", message="jam", values=values
    )
    Rig._on_diagnostics(rig, DiagnosticArray(status=[status]))
    assert bool(rig._troubles) is own
