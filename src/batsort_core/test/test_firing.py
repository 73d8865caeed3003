"""Shots executed by count, each item once."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult

MS = 1_000_000
SPEED = 5000.0  # [counts/s]
SHOT = Shot(1, 1, 3, True, 1000, 0.010, 0.020)


def motion(
    count: float, ms: float | None = None, velocity: float = SPEED, epoch: int = 1
) -> Motion:
    at = count / SPEED * 1000 if ms is None else ms
    return Motion(round(at * MS), epoch, count, velocity)


@pytest.fixture
def queue() -> ShotQueue:
    queue = ShotQueue([1, 2, 3])
    queue.enabled = True
    return queue


def results(out: list[Energise | ShotEnd] | list[ShotEnd]) -> list[str]:
    return [one.result.value if isinstance(one, ShotEnd) else "energise" for one in out]


def test_a_shot_is_due_a_lead_before_its_target(queue: ShotQueue) -> None:
    assert queue.take(SHOT, motion(0)) == []
    assert queue.step(motion(949)) == [] and queue.waiting == 1
    [due] = queue.step(motion(951))
    assert isinstance(due, Energise) and due.shot == SHOT
    assert due.motion.count == pytest.approx(950) and queue.waiting == 0
    end = due.fired()
    assert (end.result, end.actual_count) == (EjectResult.FIRED, 1000)
    assert end.stamp == due.motion.stamp + 10 * MS


def test_what_is_energised_late_tells_where_the_jet_really_opens(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    [due] = queue.step(motion(950))
    assert isinstance(due, Energise)
    assert due.fired(due.motion.stamp + 2 * MS).actual_count == 1010


def test_the_moment_between_two_steps_is_interpolated(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    queue.step(motion(900))
    [due] = queue.step(motion(1400))
    assert isinstance(due, Energise)
    assert due.motion == replace(motion(950), count=pytest.approx(950))


def test_the_lead_counts_at_the_velocity_of_the_moment(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0, ms=0))
    assert queue.step(motion(950, ms=300, velocity=0.0)) == []
    assert results(queue.step(motion(950, ms=310, velocity=SPEED))) == ["energise"]


def test_a_standing_belt_fires_nothing(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(900, velocity=0.0))
    assert queue.due(motion(900, velocity=0.0)) is None
    for ms in range(200, 10_000, 100):
        assert queue.step(motion(900, ms=ms, velocity=0.0)) == []


def test_due_is_the_moment_of_the_next_shot(queue: ShotQueue) -> None:
    assert queue.due(motion(0)) is None
    queue.take(replace(SHOT, item_id=2, target_count=2000), motion(0))
    queue.take(SHOT, motion(0))
    assert queue.due(motion(0)) == 190 * MS
    assert queue.due(motion(0, epoch=2)) is None


def test_a_shot_that_comes_too_late_ends_late_and_never_fires(queue: ShotQueue) -> None:
    assert results(queue.take(SHOT, motion(951))) == ["late"]
    assert queue.step(motion(2000)) == []


def test_a_shot_called_off_ends_so_and_never_fires(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    [end] = queue.take(replace(SHOT, fire=False), motion(500))
    assert (end.result, end.shot) == (EjectResult.CANCELLED, SHOT)
    assert queue.take(SHOT, motion(600)) == [] and queue.step(motion(2000)) == []


def test_a_calling_off_that_overtakes_its_shot_holds(queue: ShotQueue) -> None:
    assert results(queue.take(replace(SHOT, fire=False), motion(0))) == ["cancelled"]
    assert queue.take(SHOT, motion(10)) == [] and queue.waiting == 0


def test_a_calling_off_that_comes_too_late_changes_nothing(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    queue.step(motion(960))
    assert queue.take(replace(SHOT, fire=False), motion(970)) == []


def test_a_shot_commanded_anew_takes_the_place_of_the_one_that_waits(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    assert queue.take(replace(SHOT, target_count=1100), motion(500)) == []
    assert queue.waiting == 1 and queue.step(motion(1040)) == []
    assert results(queue.step(motion(1060))) == ["energise"]


def test_a_shot_commanded_anew_too_late_ends_once(queue: ShotQueue) -> None:
    queue.take(SHOT, motion(0))
    assert results(queue.take(replace(SHOT, target_count=400), motion(500))) == ["late"]
    assert queue.step(motion(2000)) == []


def test_disabled_valves_fire_nothing_and_say_late(queue: ShotQueue) -> None:
    assert not ShotQueue([1]).enabled
    queue.take(SHOT, motion(0))
    queue.enabled = False
    [end] = queue.step(motion(960))
    assert isinstance(end, ShotEnd)
    assert (end.result, end.detail) == (EjectResult.LATE, "valves disabled")


def test_a_shot_of_another_epoch_is_a_fault_when_it_comes_and_while_it_waits(
    queue: ShotQueue,
) -> None:
    queue.take(SHOT, motion(0))
    [end] = queue.step(motion(2000, epoch=2))
    assert isinstance(end, ShotEnd) and end.result is EjectResult.FAULT
    assert end.detail == "epoch 1 is refused; allowed: 2, the encoder's"
    assert results(queue.take(replace(SHOT, item_id=2), motion(0, epoch=2))) == ["fault"]


@pytest.mark.parametrize("velocity_before", [0.0, SPEED])
def test_a_shot_that_the_count_jumps_over_is_late_and_not_fired(
    queue: ShotQueue, velocity_before: float
) -> None:
    queue.take(SHOT, motion(0))
    queue.take(replace(SHOT, item_id=2, target_count=6000), motion(0))
    queue.step(motion(5, ms=1, velocity=velocity_before))
    assert results(queue.step(motion(8000, ms=2))) == ["late", "late"]


def test_after_a_jump_shots_that_still_lie_ahead_are_fired(queue: ShotQueue) -> None:
    queue.take(replace(SHOT, target_count=6000), motion(0))
    queue.step(motion(5000, ms=1))
    assert queue.step(motion(5005, ms=2)) == []
    assert results(queue.step(motion(6005, ms=202))) == ["energise"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"valve": 9}, "valve 9 is refused; allowed: 1, 2, 3"),
        ({"lead_s": -0.1}, "lead_s -0.1 is refused; allowed: from 0 [s]"),
        ({"lead_s": math.nan}, "lead_s nan is refused; allowed: from 0 [s]"),
        ({"pulse_s": 0.0}, "pulse_s 0.0 is refused; allowed: above 0 up to 1 [s]"),
        ({"pulse_s": math.inf}, "pulse_s inf is refused; allowed: above 0 up to 1 [s]"),
    ],
)
def test_what_cannot_be_executed_is_a_fault_by_name(
    queue: ShotQueue, change: dict[str, float], detail: str
) -> None:
    [end] = queue.take(replace(SHOT, **change), motion(0))  # type: ignore[arg-type]
    assert (end.result, end.detail) == (EjectResult.FAULT, detail)
    assert queue.waiting == 0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["fire", "off", "step", "enable", "disable", "epoch"]),
            st.integers(1, 5),
            st.integers(0, 400),
        ),
        max_size=60,
    )
)
def test_each_item_ends_once_whatever_comes(calls: list[tuple[str, int, int]]) -> None:
    queue, now, epoch = ShotQueue([1, 2, 3]), 0, 1
    taken: set[int] = set()
    ended: list[int] = []
    for what, item_id, number in calls:
        shot = Shot(item_id, epoch, 1 + item_id % 3, what == "fire", now + number, 0.01, 0.02)
        now += number if what == "step" else 0
        if what in ("enable", "disable"):
            queue.enabled = what == "enable"
        elif what in ("fire", "off"):
            taken.add(item_id)
            ended += [end.shot.item_id for end in queue.take(shot, motion(now, epoch=epoch))]
        else:
            epoch += what == "epoch"
            ended += [one.shot.item_id for one in queue.step(motion(now, epoch=epoch))]
    ended += [one.shot.item_id for one in queue.step(motion(now, epoch=epoch + 1))]
    assert sorted(ended) == sorted(taken) and queue.waiting == 0


def test_shots_that_are_abandoned_end_once_with_the_cause() -> None:
    queue = ShotQueue((1,))
    queue.enabled = True
    here = Motion(0, 7, 0.0, 5000.0)
    for item_id in (1, 2):
        assert queue.take(Shot(item_id, 7, 1, True, 1000, 0.01, 0.02), here) == []
    ends = queue.abandon(here, "closed")
    assert [(end.shot.item_id, end.result, end.detail) for end in ends] == [
        (1, EjectResult.FAULT, "closed"),
        (2, EjectResult.FAULT, "closed"),
    ]
    assert queue.step(Motion(10**9, 7, 5000.0, 5000.0)) == []
    assert queue.waiting == 0
