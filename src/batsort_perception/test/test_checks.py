"""Pictures that show nothing are told by what is wrong with them."""

import numpy as np
import pytest

from batsort_perception.checks import ImageChecks, Problem


def picture(seed: int, grey: float = 60.0) -> np.ndarray:
    """A belt with a battery and a sensor's noise, uint8[480, 640, 3]."""
    image = np.full((480, 640, 3), grey)
    image[222:258, 258:382] += 120.0
    noise = np.random.default_rng(seed).normal(0.0, 1.6, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def test_pictures_of_the_same_scene_with_a_sensor_s_noise_are_good() -> None:
    checks = ImageChecks()
    assert [checks.look(picture(seed)) for seed in range(20)] == [None] * 20


@pytest.mark.parametrize("between", [0, 1, 3])
def test_one_of_the_last_pictures_again_is_frozen(between: int) -> None:
    checks = ImageChecks()
    seen = [checks.look(picture(seed)) for seed in (*range(between + 1), 0)]
    assert seen == [*[None] * (between + 1), Problem.FROZEN]


def test_one_other_pixel_is_another_picture() -> None:
    checks = ImageChecks()
    first = picture(0)
    second = first.copy()
    second[100, 200, 1] += 1
    assert [checks.look(first), checks.look(second)] == [None, None]


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (picture(0, grey=-100.0), Problem.DARK),
        (np.zeros((48, 64, 3), np.uint8), Problem.DARK),
        (picture(0, grey=260.0), Problem.BLINDED),
        (np.full((48, 64, 3), 90, np.uint8), Problem.BLANK),
    ],
)
def test_a_picture_without_light_or_anything_to_see_is_named(
    image: np.ndarray, problem: Problem
) -> None:
    assert ImageChecks().look(image) is problem


def test_a_part_of_a_larger_picture_is_judged_as_it_is() -> None:
    checks = ImageChecks()
    large = picture(0)
    assert checks.look(large[:, 100:500]) is None
    assert checks.look(np.ascontiguousarray(large[:, 100:500])) is Problem.FROZEN
