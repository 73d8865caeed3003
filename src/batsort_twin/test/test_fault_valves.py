"""What faults of the valves and their air do to the simulated cell."""

import math
from dataclasses import replace

import pytest
from faulty import ITEMS, SPEED, fault, mend_after, shortened, stand_while, switched
from sorting import START

from batsort_core.cell import CellDescription
from batsort_core.firing import ShotEnd
from batsort_twin.options import TwinOptions
from batsort_twin.sim import Twin


@pytest.fixture(scope="module")
def cell(cell: CellDescription) -> CellDescription:
    return shortened(cell)


def test_a_valve_stuck_shut_says_fired_and_blows_nothing(run):
    ran = run(fault("valve_stuck_shut", at_item=0, valve=2), into="energizer_alk")
    assert {end.result for end in ran.of(ShotEnd)} == {"fired"}
    assert {truth.bin for truth in ran.truths} == {"others"}
    assert all(math.isnan(truth.aim_error) for truth in ran.truths)


def test_a_valve_stuck_open_blows_all_without_a_command(run):
    ran = run(fault("valve_stuck_open", at_item=0, valve=2))
    assert {truth.bin for truth in ran.truths} == {"energizer_alk"}
    assert ran.of(ShotEnd) == []


def test_who_mends_a_valve_takes_off_what_its_jet_has_moved(run):
    stuck = fault("valve_stuck_open", at_item=0, valve=2)
    # Too weak to blow them off the belt.
    weak = fault("air_lost", at_item=0, pressure=0.02)
    ran = run(stuck, weak, each_tick=mend_after(1.4))
    taken = [truth for truth in ran.truths if not truth.bin]
    assert 0 < len(taken) < ITEMS
    (mended,) = {event.stamp for event in switched(ran, "valve_stuck_open") if not event.active}
    assert {truth.stamp for truth in taken} == {mended}
    # What had not come to the jet yet rides on.
    assert [truth.index for truth in taken] == list(range(len(taken)))
    assert {truth.bin for truth in ran.truths} == {"", "others"}


def test_who_mends_a_valve_leaves_what_another_has_blown_since(run, cell):
    stuck = fault("valve_stuck_open", at_item=0, valve=1)
    weak = fault("air_lost", at_item=0, pressure=0.02)
    ran = run(stuck, weak, into=cell.bins[1].name, each_tick=mend_after(1.5))
    (mended,) = {event.stamp for event in switched(ran, "valve_stuck_open") if not event.active}
    (taken,) = [truth for truth in ran.truths if not truth.bin]
    assert cell.bins[0].distance < taken.place < cell.bins[1].distance
    before = [truth for truth in ran.truths if truth.index < taken.index]
    assert [truth.bin for truth in before] == ["others"] * len(before)
    assert before[-1].stamp > mended


def test_who_mends_a_valve_numbered_0_leaves_what_no_jet_has_touched(run, cell):
    bins = (replace(cell.bins[0], valve=0), *cell.bins[1:])
    stuck = fault("valve_stuck_open", at_item=0, valve=0)
    twin = Twin(replace(cell, bins=bins), TwinOptions(items=1, faults=(stuck,)), START)
    twin.set_belt(True, SPEED)
    twin.advance(START + 500_000_000)
    assert twin.on_belt == 1
    twin.repair()
    assert twin.on_belt == 1


@pytest.mark.parametrize("pause_s", [0.0, 0.04, 0.06])
def test_what_lies_before_a_valve_stuck_open_is_blown_since_the_jet_reached_it(run, cell, pause_s):
    """On the standing belt, by a jet so weak that it takes a while to roll it off."""
    stuck = fault("valve_stuck_open", at_item=None, at_s=1.8, valve=2)
    weak = fault("air_lost", at_item=None, at_s=1.8, pressure=0.02)
    none = [fault("air_lost", at_item=None, at_s=1.9, for_s=pause_s)] if pause_s else []
    ran = run(stuck, weak, *none, each_tick=stand_while(1.27, 3.5))
    first = min((truth for truth in ran.truths if truth.bin), key=lambda truth: truth.stamp)
    assert first.bin == cell.bins[1].name
    assert first.blown == START + 1_800_000_000
    assert 0.3 < (first.stamp - first.blown) * 1e-9 < 1.5


def test_when_an_item_was_blown_is_told_by_the_clock_of_then(run):
    """Set back again while the item lies before the jet."""
    stuck = fault("valve_stuck_open", at_item=None, at_s=1.8, valve=2)
    weak = fault("air_lost", at_item=None, at_s=1.8, pressure=0.02)
    steps = [fault("clock_step", at_item=None, at_s=at, by_s=-1.0) for at in (1.0, 2.0)]
    ran = run(stuck, weak, *steps, each_tick=stand_while(1.27, 3.5))
    first = min((truth for truth in ran.truths if truth.bin), key=lambda truth: truth.stamp)
    assert first.blown == START + 800_000_000
    assert first.stamp < first.blown


def test_a_slow_valve_opens_behind_its_items(run):
    ran = run(fault("valve_slow", at_item=0, valve=2, by_s=0.02), into="energizer_alk")
    errors = [truth.aim_error for truth in ran.truths]
    assert errors == pytest.approx([SPEED * 0.02] * ITEMS, abs=0.004)


def test_without_air_nothing_is_blown(run):
    ran = run(fault("air_lost", at_item=0), into="energizer_alk")
    assert {truth.bin for truth in ran.truths} == {"others"}
