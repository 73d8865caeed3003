"""What a scenario's report says of a fault: how soon it was noticed, and what went wrong by it."""

from __future__ import annotations

from typing import Any

import pytest
from builtin_interfaces.msg import Time

from batsort_graph.to_messages import time_of
from batsort_interfaces.msg import (
    BeltState,
    CellState,
    EjectEvent,
    ItemTruth,
    SortDecision,
    TwinFault,
)
from batsort_reports.report import Run
from batsort_reports.run_log import RunLog
from batsort_reports.scenario_report import summarize_scenario

BEGAN = 1000.0
SPEED = 0.5


def stamp_of(t: float) -> Time:
    return time_of(round((BEGAN + t) * 1e9))


class Story:
    """Tells a log what happens, `t` seconds after the first belt reading."""

    def __init__(self) -> None:
        self.log = RunLog(Run(bin_of_type={"A": "a", "B": "b"}, others="others"), 0.0001)
        self._position = 0.0
        self._at = 0.0

    def belt(self, until: float, speed: float = SPEED) -> None:
        """Readings every 20 ms."""
        for step in range(1, round((until - self._at) / 0.02) + 1):
            self._position += speed * 0.02
            message = BeltState(position=self._position, moving=speed > 0.0)
            self._say("belt/state", message, self._at + step * 0.02)
        self._at = until

    def state(self, t: float, state: str) -> None:
        self._say("cell/state", CellState(state=state), t, stamped=False)

    def fault(self, t: float, active: bool = True) -> None:
        self._say("twin/faults", TwinFault(kind="slip", active=active), t, stamped=False)

    def lands(
        self,
        t: float,
        bin: str,
        meant: str,
        item: int = 1,
        index: int = 7,
        blown: float | None = None,
    ) -> None:
        """An item lands; a jet reached it at `blown`, None: none did."""
        decision = SortDecision(item_id=item, bin=meant, reason=SortDecision.SORT)
        self._say("items/decisions", decision, t, stamped=False)
        truth = ItemTruth(index=index, item_id=item, type="A", bin=bin)
        if blown is not None:
            truth.blown = stamp_of(blown)
        self._say("twin/truth", truth, t)

    def report(self) -> dict[str, Any]:
        return summarize_scenario(self.log.run, self.log.observed)

    def _say(self, topic: str, message: Any, t: float, stamped: bool = True) -> None:
        if stamped:
            message.header.stamp = stamp_of(t)
        # Heard by another clock than the stamps are of.
        self.log.hear(topic, message, 5.0 + t)


@pytest.fixture
def held() -> Story:
    """A fault at 1 s, noticed at 1.4 s; the belt stands at 1.6 s."""
    story = Story()
    story.state(0.0, "execute")
    story.belt(1.0)
    story.fault(1.0)
    story.belt(1.4)
    story.state(1.4, "holding")
    story.belt(1.6)
    story.belt(3.0, speed=0.0)
    return story


def test_how_soon_it_was_noticed_is_told_in_seconds_and_metres(held: Story) -> None:
    report = held.report()
    assert report["noticed_after_s"] == pytest.approx(0.4)
    assert report["noticed_after_m"] == pytest.approx(0.2)
    assert report["stood_after_m"] == pytest.approx(0.3, abs=0.011)


@pytest.mark.parametrize("blown", [1.65, 2.4])
def test_what_is_blown_wrong_after_the_belt_stood_is_a_broken_promise(
    held: Story, blown: float
) -> None:
    held.lands(2.5, bin="b", meant="a", blown=blown)
    (wrong,) = held.report()["wrong_bin"]
    assert (wrong["item"], wrong["bin"], wrong["meant"]) == (7, "b", "a")
    assert wrong["after_fault_s"] == pytest.approx(1.5)
    assert wrong["blown_after_fault_s"] == pytest.approx(blown - 1.0)
    assert wrong["after_standing"] is True
    assert held.report()["wrong_bin_after_standing"] == 1


@pytest.mark.parametrize("landed", [1.2, 1.8, 2.5])
def test_what_was_blown_wrong_before_the_belt_stood_is_listed_whenever_it_falls(
    held: Story, landed: float
) -> None:
    held.lands(landed, bin="b", meant="a", blown=1.15)
    report = held.report()
    (wrong,) = report["wrong_bin"]
    assert wrong["after_fault_s"] == pytest.approx(landed - 1.0)
    assert wrong["blown_after_fault_s"] == pytest.approx(0.15)
    assert (wrong["after_standing"], report["wrong_bin_after_standing"]) == (False, 0)


def test_what_falls_by_itself_after_the_belt_stood_is_listed_as_never_blown(held: Story) -> None:
    held.lands(2.5, bin="b", meant="a")
    report = held.report()
    (wrong,) = report["wrong_bin"]
    assert wrong["blown_after_fault_s"] is None
    assert (wrong["after_standing"], report["wrong_bin_after_standing"]) == (False, 0)


@pytest.mark.parametrize(("bin", "meant"), [("a", "a"), ("others", "a"), ("", "a")])
def test_what_rides_on_or_is_taken_off_is_in_no_wrong_bin(
    held: Story, bin: str, meant: str
) -> None:
    held.lands(2.5, bin, meant)
    assert held.report()["wrong_bin"] == []


def test_an_item_that_nobody_decided_is_wrong_in_the_bin_of_any_type(held: Story) -> None:
    truth = ItemTruth(index=3, item_id=0, type="A", bin="a", foreign=True)
    truth.header.stamp, truth.blown = stamp_of(2.5), stamp_of(2.3)
    held.log.hear("twin/truth", truth, 7.5)
    (wrong,) = held.report()["wrong_bin"]
    assert (wrong["meant"], wrong["after_standing"]) == ("others", True)


def test_a_silent_encoder_hides_neither_when_it_was_noticed_nor_what_lands_wrong_then() -> None:
    story = Story()
    story.state(0.0, "execute")
    story.belt(1.0)
    story.fault(1.0)
    story.state(2.0, "holding")
    story.lands(3.5, bin="b", meant="a", blown=3.2)
    report = story.report()
    assert report["noticed_after_s"] == pytest.approx(1.0)
    assert report["wrong_bin_after_standing"] == 1


def test_a_fault_from_the_start_on_is_not_noticed_by_a_cell_that_starts() -> None:
    story = Story()
    story.belt(0.5, speed=0.0)
    story.fault(0.5)
    for t, state in ((0.6, "idle"), (0.7, "starting"), (0.8, "execute")):
        story.state(t, state)
    story.belt(3.0)
    assert story.report()["noticed_after_s"] is None
    story.state(3.0, "holding")
    assert story.report()["noticed_after_s"] == pytest.approx(2.5)


def test_a_fault_is_where_it_was_heard_though_its_clock_was_set_back() -> None:
    story = Story()
    story.state(0.0, "execute")
    story.belt(1.0)
    fault = TwinFault(kind="clock_step", active=True)
    fault.header.stamp = stamp_of(-1.0)
    story.log.hear("twin/faults", fault, 6.0)
    story.state(2.0, "holding")
    assert story.report()["noticed_after_s"] == pytest.approx(1.0)


def test_a_shot_that_blew_the_neighbour_is_put_down_to_that(held: Story) -> None:
    held.lands(2.4, bin="b", meant="b", item=2, index=8)
    shot = EjectEvent(item_id=2, result=EjectEvent.FIRED)
    shot.header.stamp = stamp_of(2.35)
    held.log.hear("ejector/events", shot, 7.35)
    held.lands(2.42, bin="b", meant="a")
    (wrong,) = held.report()["wrong_bin"]
    assert wrong["cause"] == "neighbour"
