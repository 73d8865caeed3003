"""What the queue of shots promises where counts are not what they should be."""

import pytest

from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult
from batsort_core.sorter import Shot

MS = 1_000_000
SPEED = 5000.0


def shot(item_id: int, target_count: int) -> Shot:
    return Shot(item_id, 1, 1, True, target_count, 0.0, 0.02)


def moved(ms: int, count: float, velocity: float = SPEED) -> Motion:
    return Motion(ms * MS, 1, count, velocity)


@pytest.fixture
def queue() -> ShotQueue:
    """Enabled, its belt at count 0, with shots for counts 40 and 6000."""
    queue = ShotQueue([1])
    queue.enabled = True
    queue.step(moved(0, 0.0))
    queue.take(shot(1, 40), moved(0, 0.0))
    queue.take(shot(2, 6000), moved(0, 0.0))
    return queue


def test_a_shot_is_due_where_its_count_was_reached_between_two_steps(queue):
    (due,) = queue.step(moved(10, 50.0))
    assert isinstance(due, Energise)
    assert (due.motion.stamp, due.motion.count) == (8 * MS, 40.0)


@pytest.mark.parametrize("velocity_before", [0.0, SPEED])
def test_a_shot_that_the_count_jumps_over_is_late_and_not_fired(queue, velocity_before):
    queue.step(moved(1, 5.0, velocity_before))
    ends = queue.step(moved(2, 8000.0))
    assert all(isinstance(end, ShotEnd) for end in ends)
    assert [(end.shot.item_id, end.result) for end in ends] == [
        (1, EjectResult.LATE),
        (2, EjectResult.LATE),
    ]


def test_after_a_jump_shots_that_still_lie_ahead_are_fired(queue):
    queue.step(moved(1, 5000.0))
    assert not queue.step(moved(2, 5005.0))
    (due,) = queue.step(moved(202, 6005.0))
    assert isinstance(due, Energise)


def test_a_step_that_took_long_is_no_jump(queue):
    (due,) = queue.step(moved(300, 1500.0))
    assert isinstance(due, Energise)
