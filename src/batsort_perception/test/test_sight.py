"""Images wait until the belt's history reaches them, and are matched by its position."""

from dataclasses import replace

import pytest

from batsort_core.belt import BeltTracker
from batsort_core.items import Item
from batsort_perception.sight import KEPT_IMAGES, Sight

MS = 1_000_000
LINE = 2000


@pytest.fixture
def tracker(cell) -> BeltTracker:
    """At 0.5 m/s, up to a second."""
    tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
    for step in range(51):
        tracker.add(step * 20 * MS, 1, step * 100)
    return tracker


def item(count: int) -> Item:
    return Item(id=count, epoch=1, count=count, length=0.05, stamp=0)


def test_an_image_is_matched_with_the_item_at_the_camera_line(cell, tracker) -> None:
    sight = Sight(cell)
    sight.item(item(1000))
    sight.item(item(2000))
    sight.image(600 * MS, "picture")
    (seen,) = sight.step(tracker)
    assert (seen.image, seen.problem) == ("picture", "")
    assert seen.view is not None
    assert seen.view.item_id == 1000
    assert list(sight.step(tracker)) == []


def test_an_image_ahead_of_the_belt_waits(cell, tracker) -> None:
    sight = Sight(cell)
    sight.item(item(3500))
    sight.image(1100 * MS, "picture")
    assert list(sight.step(tracker)) == []
    tracker.add(1120 * MS, 1, 5600)
    assert [seen.image for seen in sight.step(tracker)] == ["picture"]


def test_an_image_waits_for_its_item_and_is_never_taken_for_the_neighbour_s(cell, tracker) -> None:
    sight = Sight(cell)
    neighbour, own = item(1400), item(2000)
    sight.item(neighbour)
    sight.image(800 * MS, "picture")
    assert list(sight.step(tracker)) == []
    sight.item(own)
    (seen,) = sight.step(tracker)
    assert seen.view is not None
    assert seen.view.item_id == own.id


def test_an_image_without_an_item_is_told_without_a_problem(cell, tracker) -> None:
    sight = Sight(cell)
    sight.image(100 * MS, "belt")
    (seen,) = sight.step(tracker)
    assert (seen.view, seen.problem) == (None, "")


def test_an_image_of_a_lost_count_says_why_nobody_knows(cell, tracker) -> None:
    sight = Sight(cell)
    tracker.add(1020 * MS, 2, 0)
    sight.item(replace(item(3000), epoch=2))
    sight.image(1010 * MS, "lost")
    (seen,) = sight.step(tracker)
    assert seen.view is None
    assert "allowed: moments at which the count was known" in seen.problem


def test_images_that_can_be_told_do_not_wait_for_others(cell, tracker) -> None:
    sight = Sight(cell)
    sight.item(item(1000))
    sight.image(900 * MS, "of an item not announced")
    sight.image(600 * MS, "of the item")
    assert [seen.image for seen in sight.step(tracker)] == ["of the item"]


def test_more_images_than_are_kept_drop_the_oldest_and_say_so(cell) -> None:
    sight = Sight(cell)
    assert [sight.image(i, str(i)) for i in range(KEPT_IMAGES + 1)] == [False] * KEPT_IMAGES + [
        True
    ]
