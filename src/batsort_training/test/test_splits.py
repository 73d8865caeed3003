import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_training.splits import grouped_folds, hold_out

SEEDS = st.integers(0, 1000)


@st.composite
def photos(draw):
    """Labels from 0 up and groups, each of one label or more."""
    size = draw(st.integers(4, 60))
    labels = draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    groups = draw(st.lists(st.integers(0, size), min_size=size, max_size=size))
    return np.array(labels), np.array(groups)


def parts_of(split) -> np.ndarray:
    """int[m]: 0 train, 1 validation, 2 test."""
    return np.array(split).argmax(axis=0)


@settings(deadline=None, max_examples=60)
@given(photos(), st.integers(2, 6), SEEDS)
def test_no_group_is_in_two_folds(data, folds, seed):
    labels, groups = data
    fold = grouped_folds(labels, groups, folds, seed)
    assert set(fold) <= set(range(folds))
    assert all(len(set(fold[groups == group])) == 1 for group in set(groups))


@settings(deadline=None, max_examples=60)
@given(photos(), SEEDS)
def test_a_hold_out_puts_every_photo_in_one_part_and_no_group_in_two(data, seed):
    labels, groups = data
    split = hold_out(labels, groups, seed)
    assert (np.sum(split, axis=0) == 1).all()
    part = parts_of(split)
    assert all(len(set(part[groups == group])) == 1 for group in set(groups))


@settings(deadline=None, max_examples=60)
@given(photos(), SEEDS)
def test_the_same_seed_gives_the_same_split(data, seed):
    assert np.array_equal(hold_out(*data, seed), hold_out(*data, seed))
    assert np.array_equal(grouped_folds(*data, 5, seed), grouped_folds(*data, 5, seed))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(5, 60), min_size=1, max_size=4), SEEDS, st.booleans())
def test_without_groups_every_type_is_spread_by_the_shares(sizes, seed, grouped):
    labels = np.repeat(np.arange(len(sizes)), sizes)
    groups = np.arange(len(labels)) if grouped else np.zeros(len(labels), int)
    split = hold_out(labels, groups, seed, 0.2, 0.1, grouped)
    folds = grouped_folds(labels, groups, 5, seed, grouped)
    for label, size in enumerate(sizes):
        among = labels == label
        for mask, share in zip(split, (0.7, 0.1, 0.2), strict=True):
            assert abs(mask[among].sum() - share * size) <= 1
        assert np.ptp(np.bincount(folds[among], minlength=5)) <= 1


def test_large_groups_still_spread_types_evenly():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 60, 300)
    labels = groups % 3
    folds = grouped_folds(labels, groups, 5, seed=0)
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 8


def test_a_type_of_one_group_is_learnt_from():
    labels, groups = np.repeat([0, 1], [3, 12]), np.array([0] * 3 + list(range(1, 13)))
    assert hold_out(labels, groups, 0).train[:3].all()


@pytest.mark.parametrize("seed", range(3))
def test_another_seed_gives_another_split(seed):
    labels, groups = np.arange(100) % 4, np.arange(100)
    one, other = (hold_out(labels, groups, s).test for s in (seed, seed + 1))
    assert not np.array_equal(one, other)
