"""Which photos are learnt from and which are judged: stratified by type, whole groups at a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def grouped_folds(labels: Ints, groups: Ints, folds: int, seed: int) -> Ints:
    """int[m] below `folds`: stratified by label, and no group in more than one fold."""
    rng = np.random.default_rng(seed)
    names = rng.permutation(np.unique(groups))
    sizes = {name: int(np.sum(groups == name)) for name in names}
    kinds = int(labels.max()) + 1
    counts, result = np.zeros((folds, kinds)), np.empty(len(labels), np.int64)
    for name in sorted(names, key=lambda name: -sizes[name]):
        members = groups == name
        added = np.bincount(labels[members], minlength=kinds)
        growth = ((counts + added) ** 2 - counts**2).sum(axis=1) + rng.random(folds) * 1e-3
        chosen = int(growth.argmin())
        result[members] = chosen
        counts[chosen] += added
    return result
