import cv2
import numpy as np
import pytest

from batsort_perception.preprocess import content, prepare


def bar(degrees, size=300, background=255):
    """A bar with a red and a blue half, turned by `degrees` clockwise."""
    image = np.full((size, size, 3), background, np.uint8)
    middle = size / 2
    turn = np.radians(degrees)
    along = np.array([np.cos(turn), np.sin(turn)])
    across = np.array([-along[1], along[0]])
    for sign, colour in ((-1, (200, 20, 20)), (1, (20, 20, 200))):
        ends = [(0, -25), (0, 25), (sign * 100, 25), (sign * 100, -25)]
        corners = [middle + a * along + b * across for a, b in ends]
        cv2.fillPoly(image, [np.rint(corners).astype(np.int32)], colour)
    return image


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_content_is_found_at_any_angle(degrees):
    found = content(bar(degrees))
    assert found.along == pytest.approx(201, abs=3)
    assert found.across == pytest.approx(51, abs=3)
    apart = (found.degrees - degrees + 90) % 180 - 90
    assert apart == pytest.approx(0, abs=1.5)


@pytest.mark.parametrize("degrees", range(0, 360, 30))
def test_a_turned_picture_comes_out_level_up_to_which_end_is_first(degrees):
    upright, turned = prepare(bar(0), 96, 224), prepare(bar(degrees), 96, 224)
    differences = [
        np.abs(upright.astype(int) - version).mean() for version in (turned, turned[::-1, ::-1])
    ]
    assert min(differences) < 6


@pytest.mark.parametrize("background", [255, 128, 0])
def test_the_border_may_have_any_one_colour(background):
    found = content(bar(20, background=background))
    assert (found.along, found.across) == pytest.approx((201, 51), abs=3)


def test_a_scene_without_a_border_is_kept_whole():
    scene = np.random.default_rng(0).integers(0, 256, (80, 200, 3)).astype(np.uint8)
    found = content(scene)
    assert (found.along, found.across) == (200, 80)


def test_a_blank_picture_is_kept_whole():
    assert prepare(np.full((30, 50, 3), 255, np.uint8), 96, 224).shape == (96, 224, 3)


def test_a_large_picture_is_shrunk_by_means_not_by_leaving_out_pixels():
    stripes = np.full((1200, 2400, 3), 255, np.uint8)
    stripes[100:-100, 100:-100] = np.where(np.arange(2200) % 2, 0, 200)[None, :, None]
    middle = prepare(stripes, 96, 224)[40:56, 40:-40]
    assert middle.std() < 12
    assert middle.mean() == pytest.approx(100, abs=12)
