from dataclasses import replace

import cv2
import numpy as np
import pytest

from batsort_core.items import Item
from batsort_perception.crop import CROP_SIZE, crop_item
from batsort_perception.seek import seek_item
from batsort_perception.view import item_on_line


def belt(seed=0):
    """A dark belt between lighter rails, uint8[480, 640, 3]."""
    rng = np.random.default_rng(seed)
    image = np.full((480, 640, 3), 62.0)
    image[140:340] = 40.0
    return np.clip(image + rng.normal(0, 2, image.shape), 0, 255).astype(np.uint8)


def lay(image, u, v, degrees=0.0, length=126, width=36, colour=(200, 60, 50)):
    """A battery of one colour with light metal ends, its centre at (u, v)."""
    for part, paint in ((1.0, (200, 200, 198)), (0.95, colour)):
        corners = cv2.boxPoints(((u, v), (length * part, width), degrees))
        cv2.fillPoly(image, [np.rint(corners).astype(np.int32)], paint, cv2.LINE_AA)


def look(cell, image, u=320.0, length=0.0504, others=()):
    """The crop of an item at column u, with items at other columns in view."""
    mpp = cell.camera.metres_per_pixel
    items = [
        Item(id=i, epoch=0, count=10_000 - cell.counts((at - 320) * mpp), length=size, stamp=0)
        for i, (at, size) in enumerate([(320.0, length), *others])
    ]
    view = item_on_line(cell, 10_000 + cell.counts(cell.camera.distance), 0, items)
    return crop_item(image, replace(view, u=u))


@pytest.mark.parametrize("v", [165, 240, 310])
@pytest.mark.parametrize("degrees", [-20, 0, 3, 15, 90])
def test_an_item_is_found_across_the_belt_and_turned_level(cell, v, degrees):
    image = belt()
    turn = np.radians(degrees)
    v = np.clip(v, 140 + 18 + 63 * abs(np.sin(turn)), 340 - 18 - 63 * abs(np.sin(turn)))
    lay(image, 320, v, degrees)
    length = abs(np.cos(turn)) * 0.0504 + abs(np.sin(turn)) * 0.0144
    crop = look(cell, image, length=length)
    assert crop.found
    assert crop.pixels.shape == (CROP_SIZE, CROP_SIZE, 3)
    rows = np.flatnonzero((crop.pixels < 230).any(axis=(1, 2)))
    columns = np.flatnonzero((crop.pixels < 230).any(axis=(0, 2)))
    ratio = (columns[-1] - columns[0] + 1) / (rows[-1] - rows[0] + 1)
    assert ratio == pytest.approx(126 / 36, rel=0.12)
    middle = crop.pixels[CROP_SIZE // 2 - 10 : CROP_SIZE // 2 + 10, 40:-40].reshape(-1, 3)
    assert np.median(middle, axis=0) == pytest.approx((200, 60, 50), abs=4)
    assert crop.x <= 320 <= crop.x + crop.width
    assert crop.y <= v <= crop.y + crop.height


def test_a_black_item_is_found_by_its_ends(cell):
    image = belt()
    lay(image, 320, 240, 4, colour=(30, 30, 30))
    crop = look(cell, image)
    assert crop.found
    assert crop.width == pytest.approx(128, abs=7)


def test_neighbours_do_not_change_a_crop(cell):
    alone, crowded = belt(), belt()
    lay(alone, 320, 240)
    for u, v in ((320, 240), (320 - 190, 260), (320 + 180, 220)):
        lay(crowded, u, v, colour=(200, 60, 50) if u == 320 else (40, 220, 60))
    first = look(cell, alone)
    second = look(cell, crowded, others=((130, 0.0504), (500, 0.0504)))
    assert np.abs(first.pixels.astype(int) - second.pixels).max() <= 4


def test_a_shadow_is_not_taken_for_the_item(cell):
    image = belt()
    dark = image.copy()
    lay(dark, 320, 250, 0, length=134, width=60, colour=(22, 22, 22))
    image = np.minimum(image, dark)
    lay(image, 320, 240)
    assert look(cell, image).height == pytest.approx(38, abs=4)


def test_where_nothing_stands_out_the_crop_shows_the_item_s_place(cell):
    crop = look(cell, belt())
    assert not crop.found
    assert crop.x + crop.width / 2 == pytest.approx(320, abs=2)


@pytest.mark.parametrize("u", [3, 636])
def test_an_item_at_the_edge_of_the_image_is_cropped_within_it(cell, u):
    image = belt()
    lay(image, u, 240)
    crop = look(cell, image, u=u)
    assert crop.x >= 0
    assert crop.x + crop.width <= 640


def test_an_image_that_is_not_rgb_is_refused(cell):
    with pytest.raises(ValueError, match=r"uint8\[h, w, 3\]"):
        look(cell, np.zeros((480, 640), np.uint8))


ITEM = Item(id=1, epoch=0, count=0, length=0.0504, stamp=0)


@pytest.mark.parametrize("u", [70, 200, 320, 415, 570])
def test_an_item_is_found_where_nobody_knows_the_camera_line(cell, u):
    image = belt()
    lay(image, u, 250)
    column, crop = seek_item(image, cell, ITEM)
    assert column == pytest.approx(u, abs=1.5)
    assert crop.found


def test_of_two_items_the_one_nearer_to_the_middle_is_taken(cell):
    image = belt()
    lay(image, 110, 240)
    lay(image, 380, 240)
    column, _ = seek_item(image, cell, ITEM)
    assert column == pytest.approx(380, abs=1.5)


def test_nothing_of_another_length_is_taken_for_the_item(cell):
    image = belt()
    assert seek_item(image, cell, ITEM) is None
    lay(image, 320, 240, length=80)
    assert seek_item(image, cell, ITEM) is None
