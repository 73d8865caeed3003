import numpy as np
import pytest

from batsort_perception.preprocess import content, prepare
from batsort_training.conditions import CONDITIONS, covered, on_black, relit, smeared, turned


@pytest.fixture
def battery():
    """A striped bar on white, 160 px long and 40 px thick."""
    image = np.full((100, 200, 3), 255, np.uint8)
    image[30:70, 20:180] = (160, 60, 40)
    image[30:70, 60:70] = (240, 240, 20)
    return image


@pytest.mark.parametrize("name", [name for name in CONDITIONS if name != "clean"])
def test_every_condition_changes_the_picture_and_leaves_the_original(name, battery):
    before = battery.copy()
    after = CONDITIONS[name](battery, np.random.default_rng(1))
    assert after.dtype == np.uint8
    assert after.shape[2] == 3
    assert not np.array_equal(after, before)
    assert np.array_equal(battery, before)


def test_light_changes_each_channel_by_its_gain(battery):
    assert tuple(relit(battery, (0.5, 1.0, 2.0))[50, 30]) == (80, 60, 80)


def test_a_black_background_leaves_the_battery(battery):
    image = on_black(battery)
    assert (image[0] == 0).all()
    assert np.array_equal(image[35:65, 25:175], battery[35:65, 25:175])


def test_a_blur_smears_along_the_axis_only(battery):
    image = smeared(battery, 0.05)
    assert not np.array_equal(image[50, 55:75], battery[50, 55:75])
    assert np.array_equal(image[32:68, 120], battery[32:68, 120])


@pytest.mark.parametrize("degrees", [0, 30, 90, 135, 211])
def test_a_turned_battery_is_prepared_as_the_upright_one_or_its_half_turn(degrees, battery):
    upright = prepare(battery, 64, 64).astype(int)
    other = prepare(turned(battery, degrees), 64, 64)
    apart = min(np.abs(shown - upright).mean() for shown in (other, other[::-1, ::-1]))
    assert apart < 12


def test_the_cover_hides_its_share_of_the_length(battery):
    for place in (0.0, 0.5, 1.0):
        hidden = (covered(battery, place, 0.25) == 128).all(axis=2)[50].sum()
        assert hidden == pytest.approx(0.25 * content(battery).along, abs=3)
