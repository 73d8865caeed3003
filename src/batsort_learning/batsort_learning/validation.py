"""Cross-validation: every lesson judged by heads that have seen nothing of its group.

Seeds shuffle the folds. Choices were made on the seeds CHOOSING; what a bundle states is measured
on the seeds REPORTING, which chose nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning.head import DEPTHS, LOOKS, Head, Moments, softmax
from batsort_learning.lessons import DRAWN, UNTAUGHT, Lessons
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
    familiarity: NDArray[np.float64]
    """float64[m]."""


def moments(lessons: Lessons, chosen: Bools, depths: int = DEPTHS) -> list[Moments]:
    """What heads are fitted to, per depth, of the chosen lessons. Weights are those among all."""
    known = lessons.known()
    weights = np.zeros(len(known))
    weights[known] = lessons.weights(known)
    learnt = known & chosen
    kinds = int(lessons.labels.max()) + 1
    classes = lessons.labels[learnt] + kinds * (lessons.sources[learnt] == DRAWN)
    parts = np.split(lessons.where(learnt).features, depths, axis=1)
    return [Moments.of(part, classes, weights[learnt], LOOKS * kinds) for part in parts]


def fit(lessons: Lessons) -> Head:
    """Fit a head to all known lessons."""
    return _fit(lessons, lessons.known(), moments(lessons, lessons.known()))


def _fit(lessons: Lessons, learnt: Bools, sums: Sequence[Moments]) -> Head:
    """The head of the moments of the lessons `learnt`."""
    head = Head(tuple(part.lda() for part in sums))
    drawn = lessons.sources[learnt] == DRAWN
    if drawn.all() or not drawn.any():
        return head
    _, lead, _ = head.leads(lessons.features[learnt])
    weights = lessons.weights(learnt)
    levels = (np.average(lead[rows], weights=weights[rows]) for rows in (drawn, ~drawn))
    return replace(head, surplus=float(next(levels) - next(levels)))


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
    logits = np.zeros((len(folds), int(lessons.labels.max()) + 1))
    known = np.zeros(len(folds))
    every = moments(lessons, lessons.known(), depths)
    for fold in range(FOLDS):
        inside = folds == fold
        head = _without(lessons, inside, every)
        logits[inside], known[inside] = head(features[inside])
        untaught_logits, untaught_known = head(features[untaught])
        logits[untaught] += untaught_logits / FOLDS
        known[untaught] += untaught_known / FOLDS
    return Judged(logits, known)


def head_without(lessons: Lessons, folds: NDArray[np.int64], fold: int) -> Head:
    """The head that has seen nothing of `fold`."""
    return _without(lessons, folds == fold, moments(lessons, lessons.known()))


def held_out(lessons: Lessons, label: int, limit: float, least: float, temperature: float) -> Bools:
    """bool[m]: which lessons of `label` are accepted as another type by a head not taught it."""
    others = lessons.where(lessons.labels != label)
    labels = np.where(others.labels > label, others.labels - 1, others.labels)
    head = fit(others.with_labels(labels))
    shown = lessons.where(lessons.labels == label)
    logits, familiarity = head(shown.features)
    confidence = softmax(logits / temperature).max(axis=1)
    return np.asarray((familiarity >= limit) & (confidence >= least))


def _without(lessons: Lessons, left_out: Bools, every: Sequence[Moments]) -> Head:
    taken = moments(lessons, left_out, len(every))
    sums = [a - b for a, b in zip(every, taken, strict=True)]
    return _fit(lessons, lessons.known() & ~left_out, sums)


def repeat(lessons: Lessons, seeds: Sequence[int], grouped: bool = True) -> list[Judged]:
    """Cross-validate once per seed."""
    return [cross_validate(lessons, seed, grouped) for seed in tqdm(seeds, "repeats", unit="seed")]
