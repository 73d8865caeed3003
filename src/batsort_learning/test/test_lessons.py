from types import SimpleNamespace

import numpy as np
import pytest

from batsort_learning.lessons import BELT, BELT_COUNT, DRAWN, PLAIN, UNTAUGHT, gather

TYPES = ("Duracell_Alk", "Klarus")


def photos():
    """Photos of two types and of an unknown one: bars of one colour on white."""
    result = []
    for group, (label, colour) in enumerate(
        [("Duracell_Alk", (40, 40, 42)), ("Klarus", (200, 30, 30)), ("Other", (30, 60, 200))]
    ):
        image = np.full((90, 220, 3), 255, np.uint8)
        image[20:70, 20:200] = colour
        result.append(SimpleNamespace(label=label, image=image, group=group))
    return result


def mean_colour(image):
    assert image.shape == (224, 224, 3)
    assert image.dtype == np.uint8
    return image.mean(axis=(0, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def lessons():
    return gather(photos(), TYPES, 2, 0, mean_colour)


def test_the_same_seed_gives_the_same_lessons_and_another_seed_others(lessons):
    again, other = (gather(photos(), TYPES, 2, seed, mean_colour) for seed in (0, 1))
    assert np.array_equal(lessons.features, again.features)
    assert not np.array_equal(lessons.features, other.features)


def test_every_photo_is_seen_as_it_is_and_on_the_belt(lessons):
    for label in (0, 1, UNTAUGHT):
        of_label = lessons.labels == label
        assert np.sum(of_label & (lessons.sources == PLAIN)) == 1
        assert np.sum(of_label & (lessons.sources == BELT)) == BELT_COUNT


def test_unknown_things_are_never_taught(lessons):
    known = lessons.known()
    assert (lessons.labels[known] != UNTAUGHT).all()
    assert set(lessons.sources[known]) == {"plain", "relit", "belt", "drawn"}
    assert np.sum((lessons.sources == DRAWN) & known) == 2 * len(TYPES)
    assert np.sum((lessons.sources == DRAWN) & ~known) == 2 * 10


def test_every_type_weighs_the_same(lessons):
    known = lessons.known()
    weights, labels = lessons.weights(known), lessons.labels[known]
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
