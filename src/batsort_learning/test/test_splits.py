import numpy as np

from batsort_learning.splits import grouped_folds


def test_no_group_is_in_two_folds_and_types_are_spread_evenly():
    rng = np.random.default_rng(2)
    groups = rng.integers(0, 60, 300)
    labels = groups % 3
    folds = grouped_folds(labels, groups, 5, seed=0)
    assert all(len(set(folds[groups == group])) == 1 for group in set(groups))
    for label in range(3):
        counts = np.bincount(folds[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 8
    assert np.array_equal(folds, grouped_folds(labels, groups, 5, seed=0))
