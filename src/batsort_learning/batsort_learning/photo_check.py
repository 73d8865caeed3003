"""Photos that are there twice, show several cells or too little, and types with few of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from batsort_learning.findings import NEAR, SAME, SCARCE_TYPE, SEVERAL, SMALL, TWO_TYPES, Finding
from batsort_perception.preprocess import Image, content
from batsort_training.data import UNKNOWN_FOLDER, LabelledPhoto, near_duplicates

STOUT = 0.65
"""A photo this many times as stout as the slimmest of its type shows a pack or several cells."""
SLIM_SHARE = 0.9
"""Share of a type's photos that are stouter than its slim ones."""
APART = 0.5
"""What is cut out is less than this part of all content: there are several things."""
LEAST_LENGTH = 150
"""Of a battery in its photo [px]; the default network sees it at 215 px."""
SCARCE = 0.5
"""A type with fewer photos than this part of the largest type's is scarce."""
FEW_GROUPS = 10
"""Fewer different batteries than this can't be taught and judged."""


def twice(photos: Sequence[LabelledPhoto], li_ion: Sequence[str]) -> list[Finding]:
    """The same file and near-duplicates; what is under several types is a finding of its own."""
    same = _sharing(photos, [photo.sha256 for photo in photos])
    near = _sharing(photos, near_duplicates([photo.image for photo in photos]))
    findings = []
    for kind, sets in ((SAME, same), (NEAR, [found for found in near if found not in same])):
        for found in sets:
            types = {photo.label for photo in found}
            fire = len(types) > 1 and not types.isdisjoint(li_ion)
            says = f"({kind})" if len(types) > 1 else ""
            findings.append(Finding(TWO_TYPES if says else kind, says, found, fire))
    return findings


def _sharing(
    photos: Sequence[LabelledPhoto], keys: Sequence[Hashable]
) -> list[tuple[LabelledPhoto, ...]]:
    sets = defaultdict(list)
    for photo, key in zip(photos, keys, strict=True):
        sets[key].append(photo)
    return [tuple(found) for found in sets.values() if len(found) > 1]


def shapes(photos: Sequence[LabelledPhoto], cutouts: Sequence[Image]) -> list[Finding]:
    """Several cells or a pack, and batteries that are too small in their photo."""
    aspects, apart, lengths = np.empty((3, len(photos)))
    for i, (photo, cutout) in enumerate(zip(photos, cutouts, strict=True)):
        height, width = cutout.shape[:2]
        part = content(photo.image)
        aspects[i], lengths[i] = width / height, part.along
        whole = (part.along * part.across) >= photo.image[..., 0].size
        apart[i] = 1.0 if whole else width * height / (part.along * part.across)
    labels = np.array([photo.label for photo in photos])
    slim = {name: np.quantile(aspects[labels == name], SLIM_SHARE) for name in np.unique(labels)}
    findings = []
    for i, photo in enumerate(photos):
        if apart[i] < APART:
            findings.append(Finding(SEVERAL, "shows several things", (photo,)))
        elif aspects[i] < STOUT * slim[photo.label]:
            says = f"is stout for its type: {aspects[i]:.1f} times as long as wide"
            findings.append(Finding(SEVERAL, says, (photo,)))
        if lengths[i] < LEAST_LENGTH:
            says = f"is {lengths[i]:.0f} px long; wanted: {LEAST_LENGTH} px or more"
            findings.append(Finding(SMALL, says, (photo,)))
    return findings


def scarce(photos: Sequence[LabelledPhoto]) -> list[Finding]:
    """Types with few photos beside the others, or few different batteries."""
    known = [photo for photo in photos if photo.label != UNKNOWN_FOLDER]
    counts = Counter(photo.label for photo in known)
    largest = max(counts.values(), default=0)
    findings = []
    for name, count in sorted(counts.items()):
        groups = len({photo.group for photo in known if photo.label == name})
        if count < SCARCE * largest or groups < FEW_GROUPS:
            says = f"{name}: {count} photos of {groups} batteries; the largest type: {largest}"
            findings.append(Finding(SCARCE_TYPE, says))
    return findings
