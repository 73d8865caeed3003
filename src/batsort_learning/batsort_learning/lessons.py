"""The set of lessons: features of every example, with where it comes from and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning.data import UNKNOWN_FOLDER, LabelledPhoto
from batsort_learning.examples import Studio
from batsort_perception.preprocess import Image
from batsort_twin.wraps import KNOWN, THINGS, UNKNOWN

PLAIN, RELIT, BELT, DRAWN = "plain", "relit", "belt", "drawn"
RECOLOURED, STRANGER = "recoloured", "stranger"
SHARES = {PLAIN: 0.2, RELIT: 0.2, BELT: 0.4, DRAWN: 0.2}
"""Weight of each source in learning; within it every type weighs the same."""
RELIT_COUNT, BELT_COUNT = 2, 4
"""Examples per photo."""
STRANGERS = 2
"""Invented batteries and debris per drawn battery of a type."""
UNTAUGHT = -1
"""Label of what is no type of the bundle: only reported on."""


@dataclass(frozen=True, slots=True)
class Lessons:
    """Arrays of one length m, one row per example."""

    features: NDArray[np.float64]
    """float64[m, d]."""
    labels: NDArray[np.int64]
    """Index of the type, or UNTAUGHT."""
    sources: NDArray[np.str_]
    """PLAIN, RELIT, BELT, DRAWN, or what is no type: RECOLOURED, STRANGER, whatever its label."""
    groups: NDArray[np.int64]
    """Examples of one group are never on both sides of a split."""

    def known(self, source: str | None = None) -> NDArray[np.bool_]:
        """Where an example shows a type of the bundle as it is, of one source or of any."""
        sources = list(SHARES) if source is None else [source]
        return (self.labels != UNTAUGHT) & np.isin(self.sources, sources)

    def weights(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """float64 for the chosen examples by SHARES, every type alike."""
        sources, labels = self.sources[chosen], self.labels[chosen]
        result = np.zeros(len(labels))
        for source, share in SHARES.items():
            for label in np.unique(labels):
                members = (sources == source) & (labels == label)
                result[members] = share / max(1, members.sum())
        return result


def types_of(photos: Sequence[LabelledPhoto]) -> tuple[str, ...]:
    """The types to teach, by name: every label but that of the unknown."""
    return tuple(sorted({photo.label for photo in photos} - {UNKNOWN_FOLDER}))


def gather(
    photos: Sequence[LabelledPhoto],
    types: Sequence[str],
    drawn: int,
    seed: int,
    extract: Callable[[Image], NDArray[np.float32]],
) -> Lessons:
    """Make all examples and their features; `drawn` individuals of every type that can be drawn.

    Photos of other labels, and drawn unknown things, are gathered to be reported on.
    """
    studio = Studio(seed)
    rows: list[tuple[NDArray[np.float32], int, str, int]] = []

    def add(image: Image, label: int, source: str, group: int, recoloured: bool) -> None:
        rows.append((extract(image), label, source, group))
        if recoloured and label != UNTAUGHT:
            rows.append((extract(studio.recoloured(image)), label, RECOLOURED, group))

    for photo in tqdm(photos, "photos", unit="photo"):
        label = types.index(photo.label) if photo.label in types else UNTAUGHT
        for i, image in enumerate(studio.plain(photo.image, 1 + RELIT_COUNT)):
            add(image, label, RELIT if i else PLAIN, photo.group, i == 0)
        for i, image in enumerate(studio.on_belt(photo.image, BELT_COUNT)):
            add(image, label, BELT, photo.group, i < 2)
    group = max(photo.group for photo in photos) + 1
    subjects = [(name, types.index(name)) for name in KNOWN if name in types]
    subjects += [(name, UNTAUGHT) for name in (*UNKNOWN, *THINGS)]
    for name, label in tqdm(subjects, "drawn", unit="kind"):
        for i in range(drawn):
            add(studio.drawn(name), label, DRAWN, group, i % 2 == 0)
            group += 1
    for i in tqdm(range(STRANGERS * drawn * len(types)), "strangers", unit="thing"):
        image = studio.invented() if i % 3 else studio.debris()
        rows.append((extract(image), i % len(types), STRANGER, group + i))
    features, labels, sources, groups = zip(*rows, strict=True)
    return Lessons(
        np.array(features, np.float64), np.array(labels), np.array(sources), np.array(groups)
    )
