"""What injected faults do to the simulated cell."""

import math
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sorting import START, Run, sort

from batsort_core.cell import CellDescription
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge
from batsort_files.schema import FieldError
from batsort_twin.events import EStopSwitched, FaultSwitched
from batsort_twin.fault import Fault
from batsort_twin.fault_reading import read_faults
from batsort_twin.faults import KINDS
from batsort_twin.options import TwinOptions
from batsort_twin.schedule import Schedule
from batsort_twin.sim import Twin

ITEMS = 6
SPEED = 0.8


def fault(kind: str, **change: Any) -> Fault:
    values = {"kind": kind} | ({} if kind == "encoder_wrap" else {"at_item": 3}) | change
    return read_faults([values])[0]


@pytest.fixture(scope="module")
def cell(cell: CellDescription) -> CellDescription:
    """A short one: of its bins, the first three and the belt's end."""
    return replace(cell, bins=(*cell.bins[:3], replace(cell.others, distance=1.05)))


@pytest.fixture
def run(cell: CellDescription) -> Callable[..., Run]:
    """A run of some known items with faults; every one is shot at into `into`, if any."""

    def made(*faults: Fault, into: str | None = None, **change: Any) -> Run:
        frames = change.pop("frames", False)
        tick = change.pop("each_tick", lambda twin: None)
        options = TwinOptions(items=ITEMS, rate=6.0, unknown_share=0.0, faults=faults, **change)
        return sort(cell, options, SPEED, lambda item: into, frames=frames, each_tick=tick)

    return made


def switched(run: Run, kind: str) -> list[FaultSwitched]:
    return [event for event in run.of(FaultSwitched) if event.kind == kind]


def speeds(run: Run, cell: CellDescription) -> np.ndarray:
    """Of the belt as its encoder tells [m/s], one each sample."""
    counts = np.array([sample.count for sample in run.samples])
    return np.diff(counts) * cell.belt.metres_per_count / 0.010


def mend_after(seconds: float) -> Callable[[Twin], None]:
    def mend(twin: Twin) -> None:
        if twin.now >= START + seconds * 1e9:
            twin.repair()

    return mend


def stand_while(since_s: float, until_s: float) -> Callable[[Twin], None]:
    def stop_and_go(twin: Twin) -> None:
        standing = since_s <= (twin.now - START) * 1e-9 < until_s
        twin.set_belt(not standing, SPEED)

    return stop_and_go


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


def test_a_frozen_camera_shows_the_same_picture_with_new_stamps(run):
    frames = run(fault("camera_frozen", at_item=0), frames=True).frames
    assert len({frame.stamp for frame in frames}) == ITEMS
    assert len({frame.image.tobytes() for frame in frames}) == 1


def test_without_its_lamp_the_camera_sees_next_to_nothing(run):
    frames = run(fault("camera_dark", at_item=0, light=0.03), frames=True).frames
    assert max(frame.image.max() for frame in frames) <= 8


def test_late_frames_have_the_right_stamps(cell):
    late = fault("camera_late", at_item=0, by_s=0.5)
    twin = Twin(cell, TwinOptions(items=1, faults=(late,)), START)
    twin.set_belt(True, 0.5)
    twin.advance(START + 100_000_000)
    twin.request_frame(1, 0)
    assert not any(hasattr(event, "image") for event in twin.advance(START + 599_000_000))
    events = twin.advance(START + 601_000_000)
    assert [e.stamp for e in events if hasattr(e, "image")] == [START + 100_000_000]


@pytest.mark.parametrize(
    ("kind", "least", "most"), [("camera_dropped", 1, ITEMS - 1), ("camera_silent", 0, 0)]
)
def test_dropped_frames_do_not_come(run, kind, least, most):
    assert least <= len(run(fault(kind, at_item=0), frames=True).frames) <= most


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


def test_a_dead_eye_sees_nothing_of_its_bin(run):
    ran = run(fault("eye_dead", at_item=0, bin="energizer_alk"), into="energizer_alk")
    assert {truth.bin for truth in ran.truths} == {"energizer_alk"}
    assert ran.of(Arrival) == []


def test_a_blinking_eye_sees_what_is_not_there(run):
    ran = run(fault("eye_blinking", at_item=0, bin="energizer_ind", rate=5.0))
    false = [arrived for arrived in ran.of(Arrival) if arrived.bin == "energizer_ind"]
    assert len(false) > 5
    assert "energizer_ind" not in {truth.bin for truth in ran.truths}


def test_a_dead_barrier_sees_nothing(run):
    ran = run(fault("barrier_dead", at_item=0))
    assert ran.of(Edge) == []
    assert [truth.item_id for truth in ran.truths] == [0] * ITEMS


def test_a_stuck_barrier_is_blocked_once_and_clear_when_mended(run):
    ran = run(fault("barrier_stuck", at_item=None, at_s=0.0), each_tick=mend_after(2.0))
    assert [edge.blocked for edge in ran.of(Edge)] == [True, False]


def test_the_emergency_stop_stops_belt_and_jets_until_it_is_released(run, cell):
    ran = run(fault("estop"), into="duracell_alk", each_tick=mend_after(2.0))
    pressed, released = ran.of(EStopSwitched)
    assert (pressed.pressed, released.pressed) == (True, False)
    during = [s for s in ran.samples if pressed.stamp + 150_000_000 < s.stamp < released.stamp]
    assert len({sample.count for sample in during}) == 1
    fired = [end for end in ran.of(ShotEnd) if end.result == "fired"]
    assert not any(pressed.stamp < end.stamp < released.stamp for end in fired)


@pytest.mark.parametrize("by_s", [-0.5, 2.0])
def test_a_clock_step_shifts_later_stamps_and_no_counts(run, by_s):
    usual, ran = run().samples, run(fault("clock_step", by_s=by_s)).samples
    assert [sample.count for sample in usual] == [sample.count for sample in ran]
    shifts = [b.stamp - a.stamp for a, b in zip(usual, ran, strict=True)]
    assert list(dict.fromkeys(shifts)) == [0, round(by_s * 1e9)]


def test_a_share_of_one_topics_messages_is_lost(cell):
    lost = fault("messages_lost", at_item=0, topic="belt/encoder", share=0.3)
    twin = Twin(cell, TwinOptions(items=1, faults=(lost,)), START)
    twin.advance(START + 10_000_000)
    assert sum(twin.loses("belt/encoder") for _ in range(1000)) == pytest.approx(300, abs=60)
    assert not any(twin.loses("belt/barrier") for _ in range(100))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"kind": "slipp", "at_item": 1},
            r"^faults\[0\].kind: 'slipp' is refused; allowed: one of ",
        ),
        ({"kind": "slip"}, r"^faults\[0\].at_item: missing; allowed: this or at_s$"),
        ({"kind": "slip", "at_item": 1, "at_s": 1.0}, r"^faults\[0\].at_item: 1 is refused"),
        ({"kind": "slip", "at_item": -1}, r"^faults\[0\].at_item: -1 is refused"),
        ({"kind": "slip", "at_item": 1, "share": 2.0}, r"^faults\[0\].share: 2.0 is refused"),
        ({"kind": "slip", "at_item": 1, "much": 2}, r"^faults\[0\].much: unknown field"),
        ({"kind": "slip", "at_item": 1, "for_s": 1.0, "for_items": 1}, "nothing beside for_s$"),
        ({"kind": "eye_dead", "at_item": 1}, r"^faults\[0\].bin: missing"),
        ({"kind": "messages_lost", "at_item": 1, "topic": "x"}, r"^faults\[0\].topic: 'x' is"),
        ({"kind": "encoder_wrap", "at_s": 3.0}, r"^faults\[0\].at_s: 3.0 is refused"),
        ("slip", r"^faults\[0\]: 'slip' is refused"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(document, message):
    with pytest.raises(FieldError, match=message):
        read_faults([document])


@pytest.mark.parametrize(
    ("kind", "own"), [("valve_slow", {"valve": 99}), ("eye_dead", {"bin": "x"})]
)
def test_a_fault_of_what_the_cell_has_not_is_refused_by_name(cell, kind, own):
    ((name, _),) = own.items()
    with pytest.raises(FieldError, match=rf"^faults\[0\].{name}: .* is refused; allowed: "):
        Twin(cell, TwinOptions(faults=(fault(kind, **own),)), START)


def test_a_lesser_fault_does_not_heal_a_greater_one():
    lost = {"topic": "belt/encoder", "at_item": 0}
    frozen, missed = (fault(kind, at_item=0) for kind in ("encoder_frozen", "encoder_missed"))
    all, some = (fault("messages_lost", share=share, **lost) for share in (1.0, 0.2))
    for faults in ((frozen, missed, all, some), (missed, frozen, some, all)):
        schedule = Schedule(faults, START)
        schedule.update(START, 0)
        assert (schedule.conditions.missed, schedule.conditions.lost) == (1.0, {all.topic: 1.0})
