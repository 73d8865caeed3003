import numpy as np
import pytest

from batsort_learning.calibration import calibrate, measure, threshold
from batsort_learning.lessons import BELT, DRAWN, PLAIN, STEP, UNTAUGHT, VARIED, Lessons
from batsort_learning.validation import cross_validate, fit, folds_of, held_out

TYPES = ("A", "B", "C")


def made(spread=0.15, photos=12, unknown=10):
    """Photos of three types, seen as they are, varied and on the belt, drawn ones, unknown ones."""
    rng = np.random.default_rng(0)
    rows = []
    number = 0
    for label in range(3):
        for source_set in ((PLAIN, VARIED, BELT),) * photos + ((DRAWN,),) * photos:
            own = rng.normal(0, spread, 12)
            for source in source_set:
                centre = 1.0 + np.tile(np.eye(3, 4)[label] + (source == DRAWN) * np.eye(4)[3], 3)
                rows.append((centre + own + rng.normal(0, 0.05, 12), label, source, number))
            number += 1
    for _ in range(unknown):
        rows.append((1.0 + rng.normal(0, spread, 12), UNTAUGHT, PLAIN, number))
        number += 1
    features, labels, sources, numbers = (np.array(column) for column in zip(*rows, strict=True))
    levels = np.clip(np.rint(features / STEP), 0, 255).astype(np.uint8)
    return Lessons(levels, labels, sources, numbers // 2, numbers)


@pytest.fixture(scope="module")
def lessons():
    return made()


def test_no_group_and_no_photo_is_in_two_folds_and_the_untaught_in_none(lessons):
    folds = folds_of(lessons, 0)
    for group in np.unique(lessons.groups[lessons.labels != UNTAUGHT]):
        inside = (lessons.groups == group) & (lessons.labels != UNTAUGHT)
        assert len(set(folds[inside])) == 1
    assert set(folds[lessons.labels == UNTAUGHT]) == {-1}
    loose = folds_of(lessons, 0, grouped=False)
    assert all(len(set(loose[lessons.photos == n])) == 1 for n in np.unique(lessons.photos))


def test_a_fold_is_judged_by_a_head_that_never_saw_it(lessons):
    """The label of one photo is made wrong: were it seen, it would draw its neighbours along."""
    wrong = lessons.labels.copy()
    wrong[lessons.photos == 0] = 1
    judged = cross_validate(lessons.with_labels(wrong), 0)
    assert (judged.logits[lessons.photos == 0].argmax(axis=1) == 0).all()


def test_the_same_seed_gives_the_same_predictions(lessons):
    first, second = (cross_validate(lessons, 3) for _ in range(2))
    assert np.array_equal(first.logits, second.logits)
    assert np.array_equal(first.familiarity, second.familiarity)


def test_drawn_ones_are_no_more_familiar_than_photographed_ones(lessons):
    judged = cross_validate(lessons, 0)
    drawn, photo = (judged.familiarity[lessons.known(s)].mean() for s in (DRAWN, PLAIN))
    assert drawn == pytest.approx(photo, abs=0.25 * abs(photo) + 1)


def test_figures_say_how_many_are_right_and_how_many_unknown_are_accepted(lessons):
    repeats = [cross_validate(lessons, seed) for seed in (0, 1)]
    calibration = calibrate(lessons, repeats)
    figures = measure(lessons, repeats, calibration, TYPES, ("C",))
    assert figures.metrics["plain.accuracy"].value > 0.95
    assert figures.metrics["plain.accuracy"].n == 36
    assert figures.metrics["plain.unknown_accepted"].n == 10
    assert figures.metrics["plain.unknown_accepted"].value < 0.5
    assert figures.metrics["li_ion.taken_for_another"].n == 12
    assert figures.statistics["plain.auroc_unknown"] > 0.9


def test_a_type_never_taught_is_mostly_rejected(lessons):
    calibration = calibrate(lessons, [cross_validate(lessons, 0)])
    accepted = held_out(lessons, 1, calibration.limit, 0.8, calibration.temperature)
    assert len(accepted) == (lessons.labels == 1).sum()
    assert accepted.mean() < 0.5


def test_the_head_of_all_lessons_names_them(lessons):
    known = lessons.known()
    logits, _ = fit(lessons)(lessons.features[known])
    assert (logits.argmax(axis=1) == lessons.labels[known]).mean() > 0.95


def test_the_threshold_is_the_lowest_that_gives_the_purity():
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    right = np.array([True, True, True, False, True])
    familiar = np.array([True, True, True, True, False])
    weights = np.ones(5)
    found = threshold(confidence, familiar, right, weights, 0.99)
    assert found is not None
    assert found.confidence == pytest.approx(0.7)
    assert found.coverage == pytest.approx(0.6)
    assert threshold(confidence, familiar, ~right, weights, 0.99) is None
