"""The contract of a micro-ROS board: the reference board keeps it, its breakers are found out."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rclpy.node import Node

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import EjectResult
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_hardware.protocols import Event
from batsort_micro_ros.board_clause import Finding
from batsort_micro_ros.board_contract import CLAUSES, chosen, hold
from batsort_micro_ros.board_rig import Rig
from batsort_micro_ros.reference_board import Board, ReferenceBoard

ROOT = Path(__file__).parents[3]
CELL_FILE = ROOT / "config" / "cell.yaml"
PAGE = ROOT / "docs" / "hardware_micro_ros.md"
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \|", re.MULTILINE)


def test_the_reference_board_in_a_process_of_its_own_keeps_every_clause() -> None:
    options = ["--ros-args", "-r", "__ns:=/bench", "-p", f"cell_file:={CELL_FILE}"]
    board = subprocess.Popen([sys.executable, "-m", "batsort_micro_ros.reference_board", *options])
    try:
        contract = subprocess.run(
            [sys.executable, "-m", "batsort_micro_ros.board_contract", *options],
            stdout=subprocess.PIPE,
            text=True,
            timeout=100,
        )
    finally:
        board.terminate()
        board.wait()
    assert contract.returncode == 0, contract.stdout
    assert contract.stdout.count(" pass ") == len(CLAUSES)


class ExecutesTwice(Board):
    """Forgets which items it has executed."""

    def step(self) -> list[Event]:
        events = super().step()
        for end in events:
            if isinstance(end, ShotEnd):
                self._shots._known.pop(end.shot.item_id)
        return events


class KeepsItsFirstAim(Board):
    """Leaves a shot that waits as it was commanded first."""

    def take(self, shot: Shot) -> list[ShotEnd]:
        waits = any(one.item_id == shot.item_id for one in self._shots._waiting)
        return [] if waits and shot.fire else super().take(shot)


class IgnoresDisable(Board):
    """Fires whatever the cell's state says."""

    def hear(self, belt_enabled: bool, valves_enabled: bool) -> None:
        super().hear(belt_enabled, True)


class IgnoresSilence(Board):
    """Goes on when nothing is heard of the cell."""

    def step(self) -> list[Event]:
        self._heard = self.stamp
        return super().step()


class FiresWithoutLead(Board):
    """Energises the valve at the target."""

    def take(self, shot: Shot) -> list[ShotEnd]:
        self._leads = getattr(self, "_leads", {}) | {shot.item_id: shot.lead_s}
        return super().take(replace(shot, lead_s=0.0))

    def step(self) -> list[Event]:
        return [self._with_lead(event) for event in super().step()]

    def _with_lead(self, event: Event) -> Event:
        if not isinstance(event, ShotEnd):
            return event
        opens = event.stamp + round(self._leads[event.shot.item_id] * 1e9)
        return replace(event, stamp=opens, actual_count=round(self._motion.at(opens).count))


class WrapsCounts(Board):
    """Tells its timer's count as it is; begins shortly before the timer overflows."""

    def __init__(self, cell: CellDescription, stamp: int) -> None:
        super().__init__(cell, stamp)
        self._belt.position = 2**16 - 20_000.0

    def _latch(self) -> int:
        return self._belt.timer


class SilentOnCancel(Board):
    """Calls shots off without a word."""

    def take(self, shot: Shot) -> list[ShotEnd]:
        ends = super().take(shot)
        return [end for end in ends if end.result is not EjectResult.CANCELLED]


class StartsOnRelease(Board):
    """Goes on by itself when the emergency stop is released."""

    def press(self, pressed: bool) -> None:
        self.pressed = self._stopped = pressed


class KeepsItsEpoch(Board):
    """Goes on counting from anywhere after the count was lost."""

    def _begin_epoch(self) -> None:
        epoch = getattr(self, "_epoch", None)
        super()._begin_epoch()
        if epoch is not None:
            self._epoch = epoch


@pytest.fixture
def held(bench) -> Callable[..., list[Finding]]:
    """Hold a board of that firmware against some clauses; what was found."""
    bench = bench()
    cell = load_cell(str(CELL_FILE))

    def hold_it(firmware: type[Board], clauses: str) -> list[Finding]:
        board: Node = bench.add(ReferenceBoard(firmware))
        rig = Rig(cell, board.get_name(), bench.executor, patience_s=1.0)
        try:
            return hold(rig, chosen(clauses), lambda finding: None)
        finally:
            rig.close()

    return hold_it


@pytest.mark.parametrize(
    ("firmware", "clauses", "broken", "measured"),
    [
        (ExecutesTwice, "late, once", "once", "ends of one item: fired, "),
        (KeepsItsFirstAim, "late, once", "once", "planned_count [0-9]+ not as commanded"),
        (IgnoresDisable, "late, disabled", "disabled", "fired; allowed: late"),
        (IgnoresSilence, "late, silence", "silence", "fired; allowed: late"),
        (FiresWithoutLead, "late, lead", "lead", r"opened 2\.\d+ mm off at 0.5 m/s"),
        (WrapsCounts, "counts", "counts", "refused: stamp_back 0, jump "),
        (SilentOnCancel, "late, cancel", "cancel", "without an end"),
        (StartsOnRelease, "late, estop", "estop", "released, but not yet disabled"),
        (KeepsItsEpoch, "late, lost_count", "lost_count", "a new epoch: not within"),
    ],
)
def test_a_board_that_breaks_a_clause_fails_that_clause(
    held, firmware: type[Board], clauses: str, broken: str, measured: str
) -> None:
    findings = {finding.clause.name: finding for finding in held(firmware, clauses)}
    assert [name for name, finding in findings.items() if not finding.good] == [broken]
    assert re.search(measured, findings[broken].measured)


def test_a_clause_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^clauses: 'twice' is refused; allowed: topics, "
    ):
        chosen("once, twice")


def test_the_page_and_the_program_list_the_same_clauses() -> None:
    rows = [(int(number), name) for number, name in ROW.findall(PAGE.read_text(encoding="utf-8"))]
    assert rows == [(number, clause.name) for number, clause in enumerate(CLAUSES, 1)]
