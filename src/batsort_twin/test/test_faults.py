"""What faults of the belt, its encoder and the infeed do to the simulated cell."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from faulty import ITEMS, fault, mend_after, shortened, switched
from sorting import START, Run

from batsort_core.cell import CellDescription
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge
from batsort_twin.faults import KINDS
from batsort_twin.options import TwinOptions
from batsort_twin.sim import Twin


@pytest.fixture(scope="module")
def cell(cell: CellDescription) -> CellDescription:
    return shortened(cell)


def speeds(run: Run, cell: CellDescription) -> np.ndarray:
    """Of the belt as its encoder tells [m/s], one each sample."""
    counts = np.array([sample.count for sample in run.samples])
    return np.diff(counts) * cell.belt.metres_per_count / 0.010


def test_a_fault_yet_to_come_changes_nothing(run):
    later = fault("belt_jam", at_item=1000)
    without, with_one = (
        run(into="energizer_ind", frames=True),
        run(later, into="energizer_ind", frames=True),
    )
    assert list(map(repr, without.events)) == list(map(repr, with_one.events))
    assert without.samples == with_one.samples
    assert all(
        np.array_equal(a.image, b.image)
        for a, b in zip(without.frames, with_one.frames, strict=True)
    )


def test_runs_with_faults_of_the_same_seed_are_identical_bit_for_bit(run):
    faults = (
        fault("slip", share=0.1, for_s=1.0),
        fault("encoder_missed", share=0.1),
        fault("touching"),
        fault("camera_dropped"),
        fault("eye_blinking", bin="energizer_ind"),
        fault("item_from_side"),
    )
    once, again = (run(*faults, into="energizer_ind", frames=True) for _ in range(2))
    assert list(map(repr, once.events)) == list(map(repr, again.events))
    assert once.samples == again.samples
    assert [f.image.tobytes() for f in once.frames] == [f.image.tobytes() for f in again.frames]


@pytest.mark.parametrize("kind", KINDS)
def test_every_item_has_one_truth_and_each_fault_says_when_it_began(run, kind):
    own: dict[str, Any] = {"valve": 2} if kind.startswith("valve") else {}
    own |= {"bin": "energizer_ind"} if kind.startswith("eye") else {}
    own |= {"topic": "belt/encoder"} if kind == "messages_lost" else {}
    ran = run(fault(kind, **own), into="energizer_alk", frames=True, each_tick=mend_after(2.0))
    fed = [truth.index for truth in ran.truths if not truth.foreign]
    assert fed == list(range(ITEMS))
    began, ended = switched(ran, kind)
    assert (began.active, ended.active) == (True, False)
    assert began.stamp <= ended.stamp


def test_it_begins_at_its_item_and_ends_after_so_many(run):
    began, ended = switched(run(fault("small_gap", at_item=3, for_items=2)), "small_gap")
    without = run()
    leads = [edge.stamp for edge in without.of(Edge) if edge.blocked]
    assert leads[1] < began.stamp < leads[3]
    assert began.stamp < ended.stamp


def test_it_begins_and_ends_at_its_seconds(run):
    began, ended = switched(run(fault("belt_stop", at_item=None, at_s=0.7, for_s=0.5)), "belt_stop")
    assert (began.stamp - START, ended.stamp - START) == (700_000_000, 1_200_000_000)


def test_repair_ends_what_is_active_and_not_what_is_to_come(cell):
    faults = (fault("camera_dark", at_item=0), fault("belt_jam", at_item=1))
    twin = Twin(cell, TwinOptions(items=2, faults=faults), START)
    twin.advance(START + 10_000_000)
    assert twin.repair() == ["camera_dark"]
    twin.set_belt(True, 0.5)
    twin.advance(START + 1_000_000_000)
    assert twin.repair() == ["belt_jam"]
    assert twin.repair() == []


def test_a_stopped_belt_goes_on_by_itself(run, cell):
    ran = run(fault("belt_stop", for_s=1.5))
    assert np.count_nonzero(speeds(ran, cell)[50:] == 0.0) > 50
    assert [truth.bin for truth in ran.truths] == ["others"] * ITEMS


def test_a_jammed_belt_stands_until_repaired(run, cell):
    ran = run(fault("belt_jam"))
    assert len(ran.truths) < ITEMS
    assert speeds(ran, cell)[-1] == 0.0


def test_items_pile_up_behind_one_that_sticks(run):
    ran = run(fault("item_jam", x=0.40))
    passed = len(ran.truths)
    assert 1 <= passed < ITEMS
    assert ran.twin.on_belt == ran.twin.fed - passed


def test_a_speed_ramp_runs_between_its_speeds(run, cell):
    ran = run(fault("speed_ramp", first=0.2, last=1.5, for_s=1.5))
    began, ended = switched(ran, "speed_ramp")
    moments = np.array([sample.stamp for sample in ran.samples[1:]])
    during = speeds(ran, cell)[(moments > began.stamp + 400_000_000) & (moments <= ended.stamp)]
    assert during.min() == pytest.approx(0.2 + 1.3 * 0.4 / 1.5, abs=0.03)
    assert during.max() == pytest.approx(1.5, abs=0.03)
    assert (np.diff(during) > -0.021).all()


def travels(run: Run, cell: CellDescription) -> list[float]:
    """From the barrier to the belt's end, as the encoder tells [m]."""
    leads = [edge.count for edge in run.of(Edge) if edge.blocked]
    arrivals = [arrived.count for arrived in run.of(Arrival)]
    return [cell.metres(b - a) for a, b in zip(leads, arrivals, strict=True)]


def test_with_slip_the_encoder_tells_more_than_the_belt_moves(run, cell):
    usual = travels(run(), cell)[-1]
    assert travels(run(fault("slip", share=0.1)), cell)[-1] == pytest.approx(usual / 0.9, abs=0.01)
    less = travels(run(fault("slip", share=-0.1)), cell)[-1]
    assert less == pytest.approx(usual / 1.1, abs=0.01)


def test_a_sudden_slip_is_as_far_as_told(run, cell):
    usual, slipped = travels(run(), cell), travels(run(fault("slip_jump", distance=0.03)), cell)
    assert slipped[0] - usual[0] == pytest.approx(0.03, abs=0.003)
    assert slipped[-1] == pytest.approx(usual[-1], abs=0.003)


def test_missed_counts_shorten_every_distance(run, cell):
    usual = travels(run(), cell)[-1]
    missed = travels(run(fault("encoder_missed", share=0.1)), cell)[-1]
    assert missed == pytest.approx(usual * 0.9, abs=0.01)


def test_a_reset_encoder_counts_from_0_in_a_new_epoch(run):
    ran = run(fault("encoder_reset"), into="energizer_ind")
    (before, after) = dict.fromkeys(sample.epoch for sample in ran.samples)
    assert after > before
    assert next(s.count for s in ran.samples if s.epoch == after) < 200
    assert {edge.epoch for edge in ran.of(Edge)} == {before, after}
    # Shots for counts that nobody has any more are not fired.
    assert "fault" in {end.result for end in ran.of(ShotEnd)}


def test_a_counter_that_wraps_is_unwrapped(run):
    ran = run(fault("encoder_wrap", counts=5000))
    counts = [sample.count for sample in ran.samples]
    assert counts[0] < 1 << 16 < counts[-1]
    assert all(0 <= b - a <= 90 for a, b in pairwise(counts))


def test_a_silent_encoder_says_nothing_and_counts_on(run):
    ran = run(fault("encoder_silent", for_s=1.0))
    began, ended = switched(ran, "encoder_silent")
    heard = [e for e in (*ran.samples, *ran.of(Edge)) if began.stamp < e.stamp < ended.stamp]
    assert heard == []
    after = next(s for s in ran.samples if s.stamp > ended.stamp)
    assert after.count - began.count > 7000


def test_a_frozen_encoder_says_the_same_count_again_and_again(run):
    ran = run(fault("encoder_frozen", for_s=1.0))
    began, ended = switched(ran, "encoder_frozen")
    during = [s.count for s in ran.samples if began.stamp < s.stamp < ended.stamp]
    assert len(during) > 90
    assert set(during) == {began.count}
    assert len(ran.truths) == ITEMS


def gaps(run: Run, cell: CellDescription) -> list[float]:
    edges = run.of(Edge)
    return [cell.metres(b.count - a.count) for a, b in zip(edges[1::2], edges[2::2], strict=False)]


def test_touching_items_leave_next_to_no_gap(run, cell):
    # Fed without one, they may part by a little where their ends are askew.
    usual, touching = gaps(run(), cell), gaps(run(fault("touching", for_items=1)), cell)
    assert len(touching) < len(usual) or min(touching) < 0.003 < 0.013 < min(usual)


def test_a_small_gap_is_as_small_as_told(run, cell):
    ran = run(fault("small_gap", gap=0.008, for_items=2))
    small = [gap for gap in gaps(ran, cell) if gap < 0.013]
    assert small == pytest.approx([0.008, 0.008], abs=0.003)


def test_a_long_item_is_as_long_as_told_and_of_no_type(run):
    ran = run(fault("long_item", length=0.1))
    long = [truth for truth in ran.truths if truth.length > 0.09]
    assert [(truth.length, truth.type) for truth in long] == [(pytest.approx(0.1), "")]


def test_an_item_that_vanishes_ends_in_no_bin(run):
    ran = run(fault("item_vanishes", x=0.40))
    (gone,) = [truth for truth in ran.truths if not truth.bin]
    assert gone.place == pytest.approx(0.40, abs=0.002)
    assert len(ran.of(Arrival)) == ITEMS - 1


def test_an_item_from_the_side_is_foreign_and_unseen_by_the_barrier(run):
    ran = run(fault("item_from_side", x=0.40))
    (foreign,) = [truth for truth in ran.truths if truth.foreign]
    assert (foreign.item_id, foreign.bin, foreign.index) == (0, "others", 0)
    assert len([edge for edge in ran.of(Edge) if edge.blocked]) == ITEMS
    assert len(ran.of(Arrival)) == ITEMS + 1
