"""Which photos are learnt from and which are judged: stratified by type, whole groups at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

TEST_SHARE = 0.2
VALIDATION_SHARE = 0.1


class HoldOut(NamedTuple):
    """Three bool[m] masks that are true for each example in exactly one."""

    train: Bools
    validation: Bools
    test: Bools


def grouped_folds(labels: Ints, groups: Ints, folds: int, seed: int, grouped: bool = True) -> Ints:
    """int[m] below `folds`: stratified by label, and no group in more than one fold.

    `labels` int[m] from 0 up, `groups` int[m]. Not `grouped`, near-duplicates of what is learnt
    from are judged, and the figures come out too good: only to compare with those who do so.
    """
    return _shared_out(labels, groups, [1 / folds] * folds, seed, grouped)


def hold_out(
    labels: Ints,
    groups: Ints,
    seed: int,
    test: float = TEST_SHARE,
    validation: float = VALIDATION_SHARE,
    grouped: bool = True,
) -> HoldOut:
    """One split of m examples, stratified by label, the shares of all examples as near as groups
    allow; arrays and `grouped` as in `grouped_folds`. A type of one group is only learnt from."""
    part = _shared_out(labels, groups, [1 - test - validation, validation, test], seed, grouped)
    return HoldOut(*(part == i for i in range(3)))


def _shared_out(
    labels: Ints, groups: Ints, shares: Sequence[float], seed: int, grouped: bool
) -> Ints:
    """int[m] below the number of shares; large groups first, each where its types are scarcest."""
    if not grouped:
        groups = np.arange(len(labels))
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    sizes = {name: int(np.sum(groups == name)) for name in names}
    kinds, parts = int(labels.max()) + 1, len(shares)
    wanted = np.array(shares)[:, None] * parts
    counts, result = np.zeros((parts, kinds)), np.empty(len(labels), np.int64)
    for name in sorted(names, key=lambda name: -sizes[name]):
        members = groups == name
        added = np.bincount(labels[members], minlength=kinds)
        # Counts in proportion to the shares have the least sum of squares over shares.
        growth = (((counts + added) ** 2 - counts**2) / wanted).sum(axis=1)
        chosen = int((growth + rng.random(parts) * 1e-3).argmin())
        result[members] = chosen
        counts[chosen] += added
    return result
