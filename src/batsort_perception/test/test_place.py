"""Where an item is seen, and what else lies on its part of the belt."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.items import Item
from batsort_perception.place import place
from batsort_perception.view import ItemView

SCALE = 0.0004
LENGTH = 126
WIDTH = 640


def view(u: float = 320.0, left: float = 0.0, right: float = WIDTH) -> ItemView:
    item = Item(id=1, epoch=0, count=0, length=LENGTH * SCALE, stamp=0)
    return ItemView(item, u, LENGTH, left, right, 140.0, 340.0, SCALE)


def mask(*things: tuple[int, int, int, int]) -> np.ndarray:
    """The foreground with things from column to column, and from row to row."""
    pixels = np.zeros((200, WIDTH), np.uint8)
    for first, end, top, bottom in things:
        pixels[top:bottom, first:end] = 255
    return pixels


OWN = (257, 383, 80, 116)


@given(shift=st.integers(-55, 55))
def test_the_offset_is_how_far_the_item_is_seen_from_its_place(shift: int) -> None:
    found = place(mask((OWN[0] + shift, OWN[1] + shift, 80, 116)), 0, view())
    assert found.offset == pytest.approx(shift * SCALE, abs=1e-6)
    assert found.clearance is None


@given(gap=st.integers(10, 150), ahead=st.booleans())
def test_the_clearance_is_the_free_belt_to_a_stranger(gap: int, ahead: bool) -> None:
    first = OWN[1] + gap if ahead else OWN[0] - gap - 80
    found = place(mask(OWN, (first, first + 80, 30, 60)), 0, view())
    assert found.clearance == pytest.approx(gap * SCALE, abs=1e-6)
    assert found.offset == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("first", [330, 383, 386])
def test_what_touches_the_item_or_sticks_out_beside_it_leaves_no_clearance(first: int) -> None:
    found = place(mask(OWN, (first, first + 110, 130, 166)), 0, view())
    assert found == (None, 0.0)


def test_an_item_of_two_light_ends_only_is_not_seen_as_one_of_its_length() -> None:
    ends = mask((OWN[0], OWN[0] + 12, 80, 116), (OWN[1] - 12, OWN[1], 80, 116))
    assert place(ends, 0, view()).offset is None


def test_specks_and_small_holes_change_nothing() -> None:
    pixels = mask(OWN, (450, 456, 20, 60), (500, 540, 20, 23))
    pixels[:, 300:305] = 0
    found = place(pixels, 0, view())
    assert found.offset == pytest.approx(0.0, abs=1e-6)
    assert found.clearance is None


def test_an_item_that_its_columns_cut_off_is_measured_by_its_other_end() -> None:
    middle = (OWN[0] + OWN[1]) // 2
    moved = mask((OWN[0] + 30, OWN[1] + 30, 80, 116))
    found = place(moved[:, : OWN[1] + 10], 0, view(left=0, right=OWN[1] + 10))
    assert found.offset == pytest.approx(30 * view().metres_per_pixel, abs=2e-4)
    both = place(mask(OWN)[:, middle - 20 : middle + 20], middle - 20, view())
    assert both.offset is None


def test_an_empty_place_has_neither() -> None:
    assert place(mask(), 0, view()) == (None, None)


def test_both_are_told_as_they_are_sent_in_float32() -> None:
    found = place(mask((OWN[0] + 7, OWN[1] + 7, 80, 116), (450, 500, 20, 60)), 0, view())
    for value in found:
        assert value is not None
        assert math.isfinite(value)
        assert value == float(np.float32(value))
