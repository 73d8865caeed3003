import numpy as np
import pytest

from batsort_training.calibration import DRAWN_KEPT, calibrate, drawn_surplus, measure, threshold
from batsort_training.figures import auroc
from batsort_training.lessons import (
    BELT,
    DRAWN,
    INVENTED,
    PLAIN,
    RECOLOURED,
    STEP,
    UNTAUGHT,
    VARIED,
    Lessons,
)
from batsort_training.validation import cross_validate, fit, folds_of, heads_without, held_out

TYPES = ("A", "B", "C")


def made(spread=0.15, photos=12, unknown=10):
    """Photos of three types, as they are, varied, on the belt, in other hues; drawn, unknown and
    invented ones."""
    rng = np.random.default_rng(0)
    rows = []
    number = 0
    for label in range(3):
        for source_set in ((PLAIN, VARIED, BELT, RECOLOURED),) * photos + ((DRAWN,),) * photos:
            own = rng.normal(0, spread, 12)
            for source in source_set:
                kind = np.eye(3, 4)[label] * (0.5 if source == RECOLOURED else 1.0)
                centre = 1.0 + np.tile(kind + (source == DRAWN) * np.eye(4)[3], 3)
                rows.append((centre + own + rng.normal(0, 0.05, 12), label, source, number))
            number += 1
    for _ in range(unknown):
        for source in (PLAIN, INVENTED):
            rows.append((1.0 + rng.normal(0, spread, 12), UNTAUGHT, source, number))
            number += 1
    features, labels, sources, numbers = (np.array(column) for column in zip(*rows, strict=True))
    levels = np.clip(np.rint(features / STEP), 0, 255).astype(np.uint8)
    return Lessons(levels, labels, sources, numbers // 2, numbers)


@pytest.fixture(scope="module")
def lessons():
    return made()


def test_no_group_and_no_photo_is_in_two_folds_and_made_up_things_are_in_none(lessons):
    folds = folds_of(lessons, 0)
    shared = (lessons.labels != UNTAUGHT) | lessons.strangers()
    for group in np.unique(lessons.groups[shared]):
        assert len(set(folds[(lessons.groups == group) & shared])) == 1
    assert -1 not in folds[shared]
    assert set(folds[lessons.sources == INVENTED]) == {-1}
    loose = folds_of(lessons, 0, grouped=False)
    assert all(len(set(loose[lessons.photos == n])) == 1 for n in np.unique(lessons.photos))


def test_a_stranger_is_judged_by_a_head_that_never_saw_its_group(lessons):
    """A stranger that looks just like a type: a head that had learnt it would reject it."""
    levels = lessons.levels.copy()
    strangers = np.flatnonzero(lessons.strangers())
    like = np.flatnonzero((lessons.labels == 0) & (lessons.sources == PLAIN))[0]
    levels[strangers[0]] = levels[like]
    twin = Lessons(levels, lessons.labels, lessons.sources, lessons.groups, lessons.photos)
    judged = cross_validate(twin, 0)
    unlike = judged.lead[strangers[1:]]
    assert judged.lead[strangers[0]] > np.quantile(unlike, 0.9)


def test_what_has_learnt_from_strangers_rejects_more_of_their_kind(lessons):
    """Strangers of one kind lie just beside a type."""
    rng = np.random.default_rng(5)
    strangers = lessons.strangers()
    features = lessons.features.copy()
    beside = features[(lessons.labels == 0) & (lessons.sources == PLAIN)].mean(axis=0)
    beside = beside + np.where(np.arange(12) % 4 == 3, 0.3, 0.0)
    features[strangers] = beside + rng.normal(0, 0.1, (strangers.sum(), 12))
    levels = np.clip(np.rint(features / STEP), 0, 255).astype(np.uint8)
    near = Lessons(levels, lessons.labels, lessons.sources, lessons.groups, lessons.photos)
    aware, unaware = (cross_validate(near, 0, told=told) for told in (True, False))
    known = near.known(PLAIN)
    assert auroc(aware.lead[known], aware.lead[strangers]) > auroc(
        unaware.lead[known], unaware.lead[strangers]
    )


def test_a_fold_is_judged_by_a_head_that_never_saw_it(lessons):
    """The label of one photo is made wrong: were it seen, it would draw its neighbours along."""
    wrong = lessons.labels.copy()
    wrong[lessons.photos == 0] = 1
    judged = cross_validate(lessons.with_labels(wrong), 0)
    assert (judged.logits[lessons.photos == 0].argmax(axis=1) == 0).all()


def test_the_same_seed_gives_the_same_predictions(lessons):
    first, second = (cross_validate(lessons, 3) for _ in range(2))
    assert np.array_equal(first.logits, second.logits)
    assert np.array_equal(first.lead, second.lead)


def test_drawn_ones_have_a_limit_of_their_own(lessons):
    judged = cross_validate(lessons, 0)
    calibration = calibrate(lessons, [judged])
    for drawn_kept, surplus in ((True, calibration.surplus), (False, calibration.surplus + 50)):
        kept = judged.familiarity(surplus)[lessons.known(DRAWN)] >= calibration.limit
        assert (kept.mean() >= DRAWN_KEPT) == drawn_kept


def test_without_drawn_ones_there_is_no_surplus(lessons):
    photos = lessons.where(lessons.sources != DRAWN)
    assert drawn_surplus(photos, [cross_validate(photos, 0)], 3.0) == 0.0


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
    for label, (shown, judged) in enumerate(held_out(lessons)):
        assert np.array_equal(shown, lessons.labels == label)
        assert calibration.accepted(judged).mean() < 0.5


def test_a_head_without_a_type_is_that_of_the_other_types_lessons(lessons):
    """Its sums are those of all types less its own: no second pass over all lessons."""
    others = lessons.where(lessons.labels != 0)
    head = fit(others.with_labels(others.labels - (others.labels > 0)))
    shown, judged = next(held_out(lessons))
    logits, lead, _ = head.leads(lessons.features[shown])
    assert judged.logits == pytest.approx(logits, rel=1e-2, abs=0.1)
    assert judged.lead == pytest.approx(lead, rel=1e-2, abs=0.1)


def test_a_fold_s_head_is_that_of_the_other_folds_lessons(lessons):
    folds = folds_of(lessons, 0)
    of_sums = next(heads_without(lessons, folds))
    fresh = fit(lessons.where(folds != 0))
    logits, lead, _ = of_sums.leads(lessons.features)
    again, its_lead, _ = fresh.leads(lessons.features)
    assert logits == pytest.approx(again, rel=0.05, abs=1.0)
    known = lessons.known()
    assert (logits.argmax(axis=1) == again.argmax(axis=1))[known].all()
    assert lead == pytest.approx(its_lead, rel=0.05, abs=0.5)


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
