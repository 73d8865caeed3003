from types import SimpleNamespace

import numpy as np
import pytest

from batsort_core.chemistry import Chemistry
from batsort_training.conditions import CONDITIONS
from batsort_training.data import DataError
from batsort_training.lessons import (
    BELT,
    BELT_COUNT,
    COLOURLESS,
    COLOURLESS_COUNT,
    DEBRIS,
    DRAWN,
    FILE,
    INVENTED,
    MADE_UP,
    PLAIN,
    RECOLOURED,
    RECOLOURED_COUNT,
    SHARES,
    STRANGE,
    UNTAUGHT,
    VARIED,
    VARIED_COUNT,
    Lessons,
    gather,
)

TYPES = ("Duracell_Alk", "Klarus")


def photos():
    """Photos of two types and of an unknown Li-ion cell: bars of one colour on white."""
    result = []
    for group, (label, colour, chemistry) in enumerate(
        [
            ("Duracell_Alk", (40, 40, 42), None),
            ("Klarus", (200, 30, 30), None),
            ("Other", (30, 60, 200), Chemistry.LI_ION),
        ]
    ):
        image = np.full((90, 220, 3), 255, np.uint8)
        image[20:70, 20:200] = colour
        result.append(SimpleNamespace(label=label, image=image, group=group, chemistry=chemistry))
    return result


def mean_colour(image):
    assert image.shape == (224, 224, 3)
    assert image.dtype == np.uint8
    return image.mean(axis=(0, 1)).astype(np.float32) / 32


@pytest.fixture(scope="module")
def lessons():
    return gather(photos(), TYPES, 2, 0, mean_colour)


def test_the_same_seed_gives_the_same_lessons_and_another_seed_others(lessons):
    again, other = (gather(photos(), TYPES, 2, seed, mean_colour) for seed in (0, 1))
    assert np.array_equal(lessons.features, again.features)
    assert not np.array_equal(lessons.features, other.features)


def test_every_photo_is_seen_as_it_is_in_other_conditions_and_on_the_belt(lessons):
    for label in (0, 1, UNTAUGHT):
        of_label = lessons.labels == label
        for source, count in ((PLAIN, 1), (VARIED, VARIED_COUNT), (BELT, BELT_COUNT)):
            assert np.sum(of_label & (lessons.sources == source)) == count


def test_the_conditions_of_judging_are_never_taught(lessons):
    known = lessons.known()
    assert set(lessons.sources[known]) == set(SHARES)
    for name in CONDITIONS:
        assert np.sum(lessons.known(name)) == 2
        assert not (known & (lessons.sources == name)).any()


def test_unknown_things_are_never_taught(lessons):
    known = lessons.known()
    assert (lessons.labels[known] != UNTAUGHT).all()
    assert np.sum((lessons.sources == DRAWN) & known) == 2 * len(TYPES)
    assert np.sum((lessons.sources == DRAWN) & ~known) == 2 * 10


def test_what_is_strange_is_kept_apart_from_what_is_known_and_goes_with_its_type(lessons):
    strange = lessons.strange()
    assert not (strange & lessons.known()).any()
    for source, count in (
        (RECOLOURED, 2 * RECOLOURED_COUNT),
        (COLOURLESS, 2 * COLOURLESS_COUNT),
        (INVENTED, MADE_UP),
        (DEBRIS, MADE_UP),
    ):
        assert np.sum(strange & (lessons.sources == source)) == count
    forgotten = lessons.with_labels(np.where(lessons.labels == 1, UNTAUGHT, lessons.labels))
    assert np.sum(forgotten.strange() & (lessons.sources == RECOLOURED)) == RECOLOURED_COUNT
    assert np.sum(forgotten.strange() & (lessons.sources == COLOURLESS)) == COLOURLESS_COUNT


def test_a_stranger_of_li_ion_is_a_fire_risk_in_all_that_its_photo_shows(lessons):
    assert np.array_equal(lessons.risky, lessons.strangers())
    assert lessons.risky.sum() == 1 + VARIED_COUNT + BELT_COUNT


def test_lessons_from_before_fire_risks_were_told_have_none(lessons, tmp_path):
    lessons.save(tmp_path)
    with np.load(tmp_path / FILE) as arrays:
        old = {name: arrays[name] for name in arrays.files if name != "risky"}
    np.savez(tmp_path / FILE, **old)
    assert not Lessons.load(tmp_path).risky.any()


def test_lessons_are_read_as_they_were_written_but_for_the_conditions(lessons, tmp_path):
    lessons.save(tmp_path)
    again = Lessons.load(tmp_path)
    kept = lessons.where(np.isin(lessons.sources, [*SHARES, *STRANGE]))
    for name in ("levels", "labels", "sources", "groups", "photos", "risky"):
        assert np.array_equal(getattr(again, name), getattr(kept, name))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04nothing"])
def test_lessons_that_cannot_be_read_are_refused_by_file(content, tmp_path):
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(DataError, match=FILE):
        Lessons.load(tmp_path)


def test_joined_lessons_keep_their_groups_apart(lessons):
    both = lessons.joined(lessons)
    middle = len(lessons.labels)
    assert not set(both.groups[:middle]) & set(both.groups[middle:])
    assert not set(both.photos[:middle]) & set(both.photos[middle:])
    assert np.array_equal(both.levels[:middle], both.levels[middle:])


def test_every_type_weighs_the_same(lessons):
    known = lessons.known()
    weights, labels = lessons.weights(known), lessons.labels[known]
    assert weights[labels == 0].sum() == pytest.approx(weights[labels == 1].sum())
