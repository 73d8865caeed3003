import pytest

from batsort_core.items import Item
from batsort_perception.view import item_on_line

LINE = 2000
"""Counts from the barrier to the camera line."""


def item(identity, count, length=0.05, epoch=0):
    return Item(id=identity, epoch=epoch, count=count, length=length, stamp=0)


def test_an_item_at_the_camera_line_is_in_the_middle_column(cell):
    view = item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000)])
    assert view.item_id == 1
    assert view.u == pytest.approx(320)
    assert view.length_px == pytest.approx(125)


def test_an_item_past_the_line_is_further_right(cell):
    view = item_on_line(cell, 5000.0 + LINE + 100, 0, [item(1, 5000)])
    assert view.u == pytest.approx(320 + 25)


def test_of_several_the_one_that_lies_on_the_line_is_taken(cell):
    items = [item(1, 5000), item(2, 6500), item(3, 3500)]
    assert item_on_line(cell, 5000.0 + LINE + 240, 0, items).item_id == 1
    assert item_on_line(cell, 5000.0 + LINE + 1400, 0, items).item_id == 2


def test_an_item_beside_the_line_is_never_taken_for_one_that_is_not_known_yet(cell):
    assert item_on_line(cell, 5000.0 + LINE + 260, 0, [item(1, 5000)]) is None


def test_an_item_has_the_columns_up_to_half_way_to_its_neighbours(cell):
    items = [item(1, 5000), item(2, 5800), item(3, 4000)]
    view = item_on_line(cell, 5000.0 + LINE, 0, items)
    # Item 2 entered later: 200 px to the left; item 3 is 250 px to the right.
    assert view.left == pytest.approx(320 - 100)
    assert view.right == pytest.approx(320 + 125)


def test_items_that_overlap_do_not_take_each_other_away(cell):
    view = item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000), item(2, 5300)])
    assert view.left <= view.u - view.length_px / 2


def test_items_of_another_epoch_are_not_seen(cell):
    assert item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000, epoch=1)]) is None


def test_nothing_is_seen_of_an_empty_belt_or_of_items_out_of_the_image(cell):
    assert item_on_line(cell, 0.0, 0, []) is None
    assert item_on_line(cell, 5000.0, 0, [item(1, 5000)]) is None


def test_the_belt_bounds_the_rows(cell):
    view = item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000)])
    assert (view.top, view.bottom) == pytest.approx((140, 340))


def test_an_item_out_of_sight_changes_nothing_whether_it_is_known_yet_or_not(cell):
    """At 0.2 m it is as far away as the barrier, where items are announced."""
    alone = item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000)])
    assert item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000), item(2, 7000)]) == alone
    assert item_on_line(cell, 5000.0 + LINE, 0, [item(1, 5000), item(3, 3000)]) == alone
