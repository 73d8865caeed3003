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

from batsort_training.head import DEPTHS, LOOKS, NEVER, Head, Linear, Moments, logistic
from batsort_training.lessons import (
    COLOURLESS,
    DEBRIS,
    DRAWN,
    INVENTED,
    RECOLOURED,
    STRANGE,
    UNTAUGHT,
    Lessons,
)
from batsort_training.splits import grouped_folds

FOLDS = 10
CHOOSING = range(10)
REPORTING = range(10, 40)

PHOTOS_SHARE, FIRE_SHARE, MADE_SHARE = 1.5, 1.0, 0.5
"""What all photos of strangers weigh in naming a type, those of a fire risk by themselves, and what
those of one of STRANGE do; a type weighs 1."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Judged:
    """What heads say of lessons they have not seen; where none has, the mean over all folds."""

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
    """What LDA is fitted to, per depth, of the chosen lessons. Weights are those among all.

    Classes: the types as photographed, as drawn, and in other hues, then INVENTED and DEBRIS.
    """
    known = lessons.known()
    weights = (lessons.strange() & (lessons.sources != COLOURLESS)).astype(np.float64)
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


def telling(lessons: Lessons, chosen: Bools, sums: Sequence[Moments]) -> Linear | None:
    """What names the types of the chosen lessons and tells them from strangers and from fire risks;
    `sums` are theirs.

    None where there is nothing strange to learn from.
    """
    known, strangers = lessons.known(), lessons.strangers()
    weights = np.zeros(len(known))
    weights[known] = lessons.weights(known)
    parts = [(strangers & chosen & ~lessons.risky, PHOTOS_SHARE)]
    parts += [(strangers & chosen & lessons.risky, FIRE_SHARE)]
    parts += [(lessons.strange() & chosen & (lessons.sources == s), MADE_SHARE) for s in STRANGE]
    for rows, share in parts:
        weights[rows] = share / max(1, rows.sum())
    rows = (weights > 0) & chosen
    labels = np.where(known, lessons.labels, lessons.types + (strangers & lessons.risky))[rows]
    present, classes = np.unique(labels, return_inverse=True)
    if lessons.types not in present:
        return None
    columns = lessons.types + 1 + bool((strangers & lessons.risky).any())
    fitted = logistic(
        lessons.where(rows).features, classes, weights[rows], [part.scatter() for part in sums]
    )
    scores = Linear(np.zeros((len(fitted.weights), columns)), np.full(columns, NEVER))
    scores.weights[:, present] = fitted.weights
    scores.bias[present] = fitted.bias
    return scores


def fit(lessons: Lessons, surplus: float = 0.0) -> Head:
    """Fit a head to all lessons."""
    every = np.ones(len(lessons.labels), bool)
    sums = moments(lessons, every)
    return _head(sums, telling(lessons, every, sums), surplus)


def _head(sums: Sequence[Moments], names: Linear | None, surplus: float = 0.0) -> Head:
    return Head(tuple(part.lda() for part in sums), sums[0].taught // LOOKS, names, surplus)


def folds_of(lessons: Lessons, seed: int, grouped: bool = True) -> NDArray[np.int64]:
    """int[m]: the fold of each lesson; -1 for what every head may see, or none.

    Photos of types, of strangers, and drawn ones are stratified.
    """
    result = np.full(len(lessons.labels), -1)
    shared = (lessons.labels != UNTAUGHT) | lessons.strangers()
    _, first, which = np.unique(lessons.photos[shared], return_index=True, return_inverse=True)
    sources = np.unique(lessons.sources[shared][first], return_inverse=True)[1]
    labels = lessons.labels[shared][first]
    strata = np.unique(np.stack([labels, sources]), axis=1, return_inverse=True)[1].reshape(-1)
    groups = lessons.groups[shared][first]
    result[shared] = grouped_folds(strata, groups, FOLDS, seed, grouped)[which]
    return result


def cross_validate(
    lessons: Lessons, seed: int, grouped: bool = True, depths: int = DEPTHS, told: bool = True
) -> Judged:
    """Judge every lesson; not `grouped`, heads have seen near-duplicates of some photos.

    `depths`: how many stand side by side in the features; not `told`, LDA alone names the type and
    nothing is learnt from strangers.
    """
    folds = folds_of(lessons, seed, grouped)
    features, unseen = lessons.features, folds == -1
    judged = Judged(
        np.zeros((len(folds), lessons.types)), np.zeros(len(folds)), np.zeros(len(folds))
    )
    for fold, head in enumerate(heads_without(lessons, folds, depths, told)):
        for rows, share in ((folds == fold, 1.0), (unseen, 1 / FOLDS)):
            for total, part in zip(
                (judged.logits, judged.lead, judged.drawn), head.leads(features[rows]), strict=True
            ):
                total[rows] += share * np.asarray(part, np.float64)
    return judged


def heads_without(
    lessons: Lessons, folds: NDArray[np.int64], depths: int = DEPTHS, told: bool = True
) -> Iterator[Head]:
    """For each fold the head that has seen nothing of it; `told` as for `cross_validate`."""
    parts = [moments(lessons, folds == fold, depths) for fold in range(-1, FOLDS)]
    every = [functools.reduce(operator.add, same_depth) for same_depth in zip(*parts, strict=True)]
    for fold, taken in enumerate(parts[1:]):
        sums = [a - b for a, b in zip(every, taken, strict=True)]
        yield _head(sums, telling(lessons, folds != fold, sums) if told else None)


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
        sums = [(a - b).of_classes(kept) for a, b in zip(every, taken, strict=True)]
        names = telling(lessons, ~shown, sums)
        if names is not None:
            others = np.arange(len(names.bias)) != label
            names = Linear(names.weights[:, others], names.bias[others])
        logits, lead, drawn = _head(sums, names).leads(features[shown])
        yield shown, Judged(logits, lead, drawn.astype(np.float64))


def repeat(lessons: Lessons, seeds: Sequence[int], grouped: bool = True) -> list[Judged]:
    """Cross-validate once per seed."""
    return [cross_validate(lessons, seed, grouped) for seed in tqdm(seeds, "repeats", unit="seed")]
