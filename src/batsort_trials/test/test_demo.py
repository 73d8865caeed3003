"""The demo ends when everything was sorted, not before, and refuses what it can't work with."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from batsort_core.balance import Settled
from batsort_core.items import Item, Outcome
from batsort_interfaces.msg import BinStates, CellState, ItemTruth
from batsort_reports.report import Run
from batsort_trials import demo, demo_run
from batsort_trials.watcher import Watcher


def test_an_item_put_onto_the_belt_by_a_fault_does_not_stand_for_one_that_is_still_to_come():
    run = Run(bin_of_type={}, others="others")
    run.lives.take(Item(1, 1, 0, 0.05, 1))
    run.lives.take(Settled(1, Outcome.MISSING, "", "", None, 1))
    run.bins = BinStates(items_in=1)
    watcher = SimpleNamespace(run=run, _truth_heard=0.0)
    run.truths = [ItemTruth(item_id=1), ItemTruth(foreign=True)]
    assert Watcher.sorted_all(watcher, 1)
    assert not Watcher.sorted_all(watcher, 2)


def test_a_report_folder_that_can_t_be_made_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "report"
    assert demo.main(["--report", str(folder)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"demo: --report: {folder} can't be written") and said.count("\n") == 1


def test_what_no_demo_has_left_is_not_replaced(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    bag = tmp_path / "bag" / "bag.mcap"
    bag.parent.mkdir()
    bag.write_text("of a real cell")
    assert demo.main(["--record", "--items", "1", "--report", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"demo: --report: {tmp_path} is refused; allowed: ")
    assert bag.read_text() == "of a real cell"


class Cell:
    """A cell that is fed `fed` items, one every so many seconds of a clock of its own."""

    belt_length, cell_state = 2.0, CellState(state="execute")

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fed: int, every_s: float) -> None:
        self.run = Run(bin_of_type={}, others="others")
        self._now, self._fed, self._every_s = 0.0, fed, every_s
        monkeypatch.setattr(demo_run, "LOOK_S", 0.0)
        monkeypatch.setattr(demo_run, "time", SimpleNamespace(monotonic=self._tick))

    def _tick(self) -> float:
        self._now += 0.5
        left = min(self._fed, int(self._now / self._every_s))
        self.run.truths = [ItemTruth(index=index) for index in range(left)]
        return self._now

    def sorted_all(self, items: int) -> bool:
        return self.run.left >= items

    def count_publishers(self, _: str) -> int:
        return 1

    def held_s(self) -> float:
        return 0.0

    def watch(self, items: int, interrupt: bool = False) -> tuple[int, list[str]]:
        """Exit status and what is noted, at 5 items/s and 0.05 m/s."""
        noted: list[str] = []

        async def watch() -> int:
            loop, interrupted = asyncio.get_running_loop(), asyncio.Event()
            if interrupt:
                interrupted.set()
            display = SimpleNamespace(show=lambda: None, note=noted.append)
            options = SimpleNamespace(items=items, rate=5.0, belt_speed=0.05)
            launch = loop.create_future()
            return await demo_run.watch(options, self, display, launch, None, interrupted)

        return asyncio.run(watch()), noted


def test_a_belt_too_slow_for_the_rate_is_waited_for_as_long_as_batteries_come(monkeypatch):
    assert Cell(monkeypatch, fed=200, every_s=2.0).watch(200) == (0, [])


def test_a_stream_that_has_ended_early_is_not_waited_for(monkeypatch):
    status, (noted,) = Cell(monkeypatch, fed=10, every_s=2.0).watch(200)
    assert status == 1 and "10 of 200 items have left the belt" in noted


def test_an_interrupted_demo_ends_with_a_report(monkeypatch):
    assert Cell(monkeypatch, fed=10, every_s=2.0).watch(200, interrupt=True) == (
        1,
        ["demo: interrupted"],
    )
