"""Labels that the other photos speak against, judged by heads that have not seen the photo."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning.findings import LABEL, Finding
from batsort_training.data import LabelledPhoto
from batsort_training.head import Moments, fit_temperature, softmax
from batsort_training.splits import grouped_folds

Floats = NDArray[np.float64]

FOLDS = 10
LEAST_OWN = 0.1
"""Where its colours speak less for a photo's own type, they are odd."""


def out_of_fold(
    features: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> Floats:
    """Probabilities float64[m, n] of float32[m, d], by LDA that has not seen their groups."""
    kinds = int(labels.max()) + 1
    weights = 1 / np.bincount(labels)[labels]
    features = features - features.mean(axis=0)
    everything = Moments.of(features, labels, weights, kinds)
    folds = grouped_folds(labels, groups, min(FOLDS, len(np.unique(groups))), seed)
    logits = np.empty((len(labels), kinds))
    for fold in tqdm(np.unique(folds), "labels", unit="fold"):
        inside = folds == fold
        judged = Moments.of(features[inside], labels[inside], weights[inside], kinds)
        logits[inside] = (everything - judged).lda()(features[inside])
    return softmax(logits / fit_temperature(logits, labels, np.ones(len(labels))))


def doubts(
    kind: str,
    photos: Sequence[LabelledPhoto],
    features: NDArray[np.float32],
    li_ion: Sequence[str],
    seed: int,
) -> list[Finding]:
    """Photos that the others speak against, the surest first; of odd colours the sure ones only."""
    types, labels = np.unique([photo.label for photo in photos], return_inverse=True)
    groups = np.array([photo.group for photo in photos])
    scores = out_of_fold(features, labels, groups, seed)
    own, taken = scores[np.arange(len(photos)), labels], scores.argmax(axis=1)
    doubted = (taken != labels) & ((kind == LABEL) | (own < LEAST_OWN))
    findings = []
    for i in np.argsort(own - scores.max(axis=1), kind="stable"):
        if doubted[i]:
            other = str(types[taken[i]])
            looks = "looks like" if kind == LABEL else "has the colours of"
            says = f"{looks} {other} ({scores[i, taken[i]]:.0%} sure, own type {own[i]:.0%})"
            fire = (photos[i].label in li_ion) != (other in li_ion)
            findings.append(Finding(kind, says, (photos[i],), fire))
    return findings
