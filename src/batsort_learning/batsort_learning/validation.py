"""Cross-validation: every lesson judged by heads that have seen nothing of its group.

Seeds shuffle the folds. Choices were made on the seeds CHOOSING; what a bundle states is measured
on the seeds REPORTING, which chose nothing.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning.head import DEPTHS, LOOKS, Head, Moments
from batsort_learning.lessons import DEBRIS, DRAWN, INVENTED, RECOLOURED, UNTAUGHT, Lessons
from batsort_learning.splits import grouped_folds

FOLDS = 10
CHOOSING = range(10)
REPORTING = range(10, 40)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """What heads say of lessons they have not seen; of untaught ones, the mean over all folds."""

    logits: NDArray[np.float64]
    """float64[m, n]."""
    lead: NDArray[np.float64]
    """float64[m]: see `Head.leads`."""
    drawn: NDArray[np.float64]
    """float64[m]: the share of heads to which it looks drawn."""

    def familiarity(self, surplus: float) -> NDArray[np.float64]:
        """float64[m], as of heads with that surplus."""
        return self.lead - surplus * self.drawn


def moments(lessons: Lessons, chosen: Bools, depths: int = DEPTHS) -> list[Moments]:
    """What heads are fitted to, per depth, of the chosen lessons. Weights are those among all.

    Classes: the types as photographed, as drawn, and in other hues, then INVENTED and DEBRIS.
    """
    known = lessons.known()
    weights = lessons.strange().astype(np.float64)
    weights[known] = lessons.weights(known)
    rows = (weights > 0) & chosen
    kinds = lessons.types
    sources = lessons.sources[rows]
    classes = lessons.labels[rows] + kinds * (sources == DRAWN)
    classes[sources == RECOLOURED] += LOOKS * kinds
    for i, source in enumerate((INVENTED, DEBRIS)):
        classes[sources == source] = (LOOKS + 1) * kinds + i
    parts = np.split(lessons.where(rows).features, depths, axis=1)
    number = (LOOKS + 1) * kinds + 2
    return [Moments.of(part, classes, weights[rows], number, LOOKS * kinds) for part in parts]


def fit(lessons: Lessons, surplus: float = 0.0) -> Head:
    """Fit a head to all lessons."""
    return _head(moments(lessons, np.ones(len(lessons.labels), bool)), surplus)


def _head(sums: Sequence[Moments], surplus: float = 0.0) -> Head:
    return Head(tuple(part.lda() for part in sums), sums[0].taught // LOOKS, surplus)


def folds_of(lessons: Lessons, seed: int, grouped: bool = True) -> NDArray[np.int64]:
    """int64[m]: the fold of each lesson, -1 for the untaught; photos and drawn ones stratified."""
    result = np.full(len(lessons.labels), -1)
    taught = lessons.labels != UNTAUGHT
    _, first, which = np.unique(lessons.photos[taught], return_index=True, return_inverse=True)
    sources = np.unique(lessons.sources[taught][first], return_inverse=True)[1]
    labels = lessons.labels[taught][first]
    strata = np.unique(np.stack([labels, sources]), axis=1, return_inverse=True)[1].reshape(-1)
    groups = lessons.groups[taught][first]
    result[taught] = grouped_folds(strata, groups, FOLDS, seed, grouped)[which]
    return result


def cross_validate(
    lessons: Lessons, seed: int, grouped: bool = True, depths: int = DEPTHS
) -> Judged:
    """Judge every lesson; not `grouped`, heads have seen near-duplicates of some photos.

    `depths`: how many stand side by side in the features.
    """
    folds = folds_of(lessons, seed, grouped)
    features, untaught = lessons.features, folds == -1
    judged = Judged(
        np.zeros((len(folds), lessons.types)), np.zeros(len(folds)), np.zeros(len(folds))
    )
    for fold, head in enumerate(heads_without(lessons, folds, depths)):
        for rows, share in ((folds == fold, 1.0), (untaught, 1 / FOLDS)):
            for total, part in zip(
                (judged.logits, judged.lead, judged.drawn), head.leads(features[rows]), strict=True
            ):
                total[rows] += share * part
    return judged


def heads_without(
    lessons: Lessons, folds: NDArray[np.int64], depths: int = DEPTHS
) -> Iterator[Head]:
    """For each fold the head that has seen nothing of it."""
    parts = [moments(lessons, folds == fold, depths) for fold in range(-1, FOLDS)]
    every = [functools.reduce(operator.add, same_depth) for same_depth in zip(*parts, strict=True)]
    for taken in parts[1:]:
        yield _head([a - b for a, b in zip(every, taken, strict=True)])


def held_out(lessons: Lessons) -> Iterator[tuple[Bools, Judged]]:
    """For each type, which lessons show it, bool[m], and what a head says of them that was taught
    all but that type."""
    every, features = moments(lessons, np.ones(len(lessons.labels), bool)), lessons.features
    kinds = lessons.types
    for label in range(kinds):
        shown = lessons.labels == label
        classes = np.arange(len(every[0].weight))
        kept = (classes % kinds != label) | (classes >= (LOOKS + 1) * kinds)
        taken = moments(lessons, shown)
        head = _head([(a - b).of_classes(kept) for a, b in zip(every, taken, strict=True)])
        logits, lead, drawn = head.leads(features[shown])
        yield shown, Judged(logits, lead, drawn.astype(np.float64))


def repeat(lessons: Lessons, seeds: Sequence[int], grouped: bool = True) -> list[Judged]:
    """Cross-validate once per seed."""
    return [cross_validate(lessons, seed, grouped) for seed in tqdm(seeds, "repeats", unit="seed")]
