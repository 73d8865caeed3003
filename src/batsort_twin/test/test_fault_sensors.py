"""What faults of camera, eyes, barrier, emergency stop, clock and messages do."""

import pytest
from faulty import ITEMS, fault, mend_after, shortened
from sorting import START

from batsort_core.cell import CellDescription
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge
from batsort_twin.events import EStopSwitched
from batsort_twin.options import TwinOptions
from batsort_twin.sim import Twin


@pytest.fixture(scope="module")
def cell(cell: CellDescription) -> CellDescription:
    return shortened(cell)


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
