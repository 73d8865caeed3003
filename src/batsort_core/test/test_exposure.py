"""Frames of a camera: exposed when, and which of them are worth looking at."""

import pytest

from batsort_core.exposure import FrameGate, FrameStamp, Shutter, least_tolerance, longest_silence_s

MS = 1_000_000


def frame(stamp: int = 0, sequence: int = 0, damaged: bool = False) -> FrameStamp:
    return FrameStamp(stamp, sequence, at_start=True, damaged=damaged)


def test_the_moment_is_the_middle_of_the_exposure_whichever_end_the_device_stamps() -> None:
    shutter = Shutter(exposure_s=0.002, readout_s=0.010)
    assert shutter.exposed_at(FrameStamp(100 * MS, 0, at_start=True)) == 101 * MS
    assert shutter.exposed_at(FrameStamp(112 * MS, 0, at_start=False)) == 101 * MS


def test_a_frame_older_than_the_limit_is_refused_and_counted() -> None:
    gate = FrameGate(max_age_s=0.1)
    assert gate.admits(frame(sequence=0), 100 * MS)
    assert not gate.admits(frame(sequence=1), 100 * MS + 1)
    assert gate.counts["frames too old"] == 1


def test_a_frame_that_was_asked_for_is_never_too_old() -> None:
    gate = FrameGate(max_age_s=None)
    assert gate.admits(frame(), 10_000 * MS)


def test_a_damaged_frame_is_refused_and_counted() -> None:
    gate = FrameGate(max_age_s=None)
    assert not gate.admits(frame(damaged=True), 0)
    assert gate.counts["frames damaged"] == 1


def test_frames_that_never_came_are_counted_but_not_across_a_restart() -> None:
    gate = FrameGate(max_age_s=None)
    for sequence in (5, 6, 9):
        gate.admits(frame(sequence=sequence), 0)
    assert gate.counts["frames lost by the device"] == 2
    gate.restarted()
    gate.admits(frame(sequence=0), 0)
    gate.admits(frame(sequence=1), 0)
    assert gate.counts["frames lost by the device"] == 2


@pytest.mark.parametrize(("rate", "silence_s"), [(30.0, 1.0), (2.0, 5.0), (0.0, 1.0)])
def test_a_slow_camera_may_be_silent_for_longer(rate: float, silence_s: float) -> None:
    assert longest_silence_s(rate) == silence_s


def test_the_nearest_of_free_running_frames_is_at_most_half_their_distance_away() -> None:
    assert least_tolerance(velocity=0.6, rate=30.0) == 0.01
