"""The set of lessons: features of every example, with where it comes from and what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_core.chemistry import RECHARGEABLE_LITHIUM
from batsort_perception.preprocess import Image, prepare
from batsort_training.conditions import CONDITIONS
from batsort_training.data import UNKNOWN_FOLDER, DataError, LabelledPhoto
from batsort_training.examples import SIDE, Studio
from batsort_twin.designs import KNOWN, UNKNOWN
from batsort_twin.things import THINGS

PLAIN, VARIED, BELT, DRAWN = "plain", "varied", "belt", "drawn"
SHARES = {PLAIN: 0.25, VARIED: 0.35, BELT: 0.25, DRAWN: 0.15}
"""Weight of each source in learning; within it every type weighs the same."""
RECOLOURED, COLOURLESS = "recoloured", "colourless"
INVENTED, DEBRIS = "invented", "debris"
STRANGE = (RECOLOURED, COLOURLESS, INVENTED, DEBRIS)
"""Sources of what no type looks like: photos in other hues or without any, and drawn things made up
at random."""
PHOTOGRAPHED = (PLAIN, VARIED, BELT)
"""Sources of what a photo itself shows."""
VARIED_COUNT, BELT_COUNT, RECOLOURED_COUNT, COLOURLESS_COUNT = 6, 3, 2, 3
"""Examples per photo."""
MADE_UP = 150
"""Invented batteries, and as much debris."""
UNTAUGHT = -1
"""Label of what is no type of the bundle."""
STEP = 0.08
"""Of the features as they are kept and learnt from; noise that shrinkage exceeds many times."""
FILE = "lessons.npz"

LEFT_OUT = np.zeros(0, bool)
"""Stands for a column that isn't given."""

Extract = Callable[[Image], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Lessons:
    """Arrays of one length m, one row per example."""

    levels: NDArray[np.uint8] | NDArray[np.float32]
    """uint8[m, d]: features in units of STEP; float32 where they are not rounded."""
    labels: NDArray[np.int64]
    """Index of the type, also of those that lost its colours; or UNTAUGHT."""
    sources: NDArray[np.str_]
    """PLAIN, VARIED, BELT, DRAWN; one of STRANGE; or a condition, that is never learnt from."""
    groups: NDArray[np.int64]
    """Examples of one group are never on both sides of a split."""
    photos: NDArray[np.int64]
    """Number of the photo or of the drawn individual."""
    risky: NDArray[np.bool_] = field(default_factory=lambda: LEFT_OUT)
    """Where a stranger is a fire risk in any bin; none are where it is left out."""

    def __post_init__(self) -> None:
        if self.risky is LEFT_OUT:
            object.__setattr__(self, "risky", np.zeros(len(self.labels), bool))

    @property
    def features(self) -> NDArray[np.float32]:
        """float32[m, d]."""
        return self.levels * np.float32(STEP)

    @property
    def types(self) -> int:
        """How many there are."""
        return int(self.labels.max()) + 1

    def known(self, source: str | None = None) -> NDArray[np.bool_]:
        """Where an example shows a type of the bundle; of one source, or of all learnt from."""
        sources = list(SHARES) if source is None else [source]
        return np.asarray((self.labels != UNTAUGHT) & np.isin(self.sources, sources))

    def strange(self) -> NDArray[np.bool_]:
        """Where an example shows what no type looks like."""
        changed = np.isin(self.sources, (RECOLOURED, COLOURLESS)) & (self.labels != UNTAUGHT)
        return np.asarray(changed | np.isin(self.sources, (INVENTED, DEBRIS)))

    def strangers(self) -> NDArray[np.bool_]:
        """Where a photo shows what is no type of the bundle."""
        return np.asarray((self.labels == UNTAUGHT) & np.isin(self.sources, PHOTOGRAPHED))

    def weights(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """float64 for the chosen examples by SHARES, every type alike."""
        sources, labels = self.sources[chosen], self.labels[chosen]
        result = np.zeros(len(labels))
        for label in np.unique(labels):
            present = [s for s in SHARES if np.any((sources == s) & (labels == label))]
            total = sum(SHARES[source] for source in present)
            for source in present:
                members = (sources == source) & (labels == label)
                result[members] = SHARES[source] / total / members.sum()
        return result

    def where(self, chosen: NDArray[np.bool_]) -> Lessons:
        """The chosen rows."""
        return Lessons(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def with_labels(self, labels: NDArray[np.int64]) -> Lessons:
        """The same examples with other labels."""
        return replace(self, labels=labels)

    def joined(self, other: Lessons) -> Lessons:
        """All rows of both; groups and photos of `other` keep apart from these."""
        groups = other.groups + self.groups.max() + 1 - other.groups.min()
        photos = other.photos + self.photos.max() + 1 - other.photos.min()
        moved = replace(other, groups=groups, photos=photos)
        pairs = ((getattr(self, f.name), getattr(moved, f.name)) for f in fields(self))
        return Lessons(*(np.concatenate(pair) for pair in pairs))

    def save(self, folder: Path) -> None:
        """Write all but the conditions to FILE in `folder`."""
        kept = self.where(np.isin(self.sources, [*SHARES, *STRANGE]))
        arrays = {field.name: getattr(kept, field.name) for field in fields(kept)}
        np.savez_compressed(folder / FILE, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Lessons:
        """Read FILE of the bundle in `folder`. Raises DataError."""
        try:
            with np.load(folder / FILE, allow_pickle=False) as arrays:
                known = [f.name for f in fields(cls) if f.name in arrays or f.name != "risky"]
                lessons = cls(**{name: arrays[name] for name in known})
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            allowed = "the lessons of a bundle that `train` has written"
            raise DataError(f"{folder / FILE}: {error}; allowed: {allowed}") from None
        if len({len(getattr(lessons, field.name)) for field in fields(cls)}) != 1:
            raise DataError(f"{folder / FILE}: its arrays differ in length; allowed: one length")
        return lessons


class Collector:
    """Gathers examples one by one; `extract` makes the features of a prepared image."""

    def __init__(self, extract: Extract) -> None:
        self._extract = extract
        self._rows: list[tuple[NDArray[np.uint8], int, str, int, int, bool]] = []

    def add(
        self, image: Image, label: int, source: str, group: int, photo: int, risky: bool = False
    ) -> None:
        """Add one prepared image."""
        levels = np.clip(np.rint(self._extract(image) / STEP), 0, 255).astype(np.uint8)
        self._rows.append((levels, label, source, group, photo, risky))

    def add_photo(self, photo: LabelledPhoto, label: int, number: int, studio: Studio) -> None:
        """Add a photo as it is, under conditions at random, as the cell's camera sees it; and, of a
        type, in other hues and without any."""
        plain = studio.plain(photo.image)
        risky = label == UNTAUGHT and photo.chemistry in RECHARGEABLE_LITHIUM
        self.add(plain, label, PLAIN, photo.group, number, risky)
        for _ in range(VARIED_COUNT):
            self.add(studio.varied(photo.image), label, VARIED, photo.group, number, risky)
        seen = [plain, *studio.on_belt(photo.image, BELT_COUNT)]
        for image in seen[1:]:
            self.add(image, label, BELT, photo.group, number, risky)
        if label != UNTAUGHT:
            for _ in range(RECOLOURED_COUNT):
                self.add(studio.recoloured(plain), label, RECOLOURED, photo.group, number)
            for image in seen[:COLOURLESS_COUNT]:
                self.add(studio.colourless(image), label, COLOURLESS, photo.group, number)

    def add_conditions(self, photo: LabelledPhoto, label: int, number: int, seed: int) -> None:
        """Add the photo under every condition that a bundle is judged under."""
        rng = np.random.default_rng([seed, number, 0xC0D])
        for name, condition in CONDITIONS.items():
            image = prepare(condition(photo.image, rng), SIDE, SIDE)
            self.add(image, label, name, photo.group, number)

    def lessons(self) -> Lessons:
        """All that was added."""
        return Lessons(*(np.array(column) for column in zip(*self._rows, strict=True)))


def types_of(photos: Sequence[LabelledPhoto]) -> tuple[str, ...]:
    """The types to teach, by name: every label but that of the unknown."""
    return tuple(sorted({photo.label for photo in photos} - {UNKNOWN_FOLDER}))


def gather(
    photos: Sequence[LabelledPhoto], types: Sequence[str], drawn: int, seed: int, extract: Extract
) -> Lessons:
    """Make all examples and their features; `drawn` individuals of every type that can be drawn.

    Photos of other labels are strangers: learnt to be rejected, and reported on by heads that have
    not seen them. Drawn unknown things are only reported on.
    """
    studio, collector = Studio(seed), Collector(extract)
    for number, photo in enumerate(tqdm(photos, "photos", unit="photo")):
        label = types.index(photo.label) if photo.label in types else UNTAUGHT
        collector.add_photo(photo, label, number, studio)
        collector.add_conditions(photo, label, number, seed)
    known = [name for name in KNOWN if name in types]
    subjects: list[tuple[Callable[[], Image], int, str]] = [
        (partial(studio.drawn, name), label, DRAWN)
        for name, label in [
            *((name, types.index(name)) for name in known),
            *((name, UNTAUGHT) for name in (*UNKNOWN, *THINGS)),
        ]
        for _ in range(drawn)
    ]
    subjects += [(studio.invented, UNTAUGHT, INVENTED)] * MADE_UP
    subjects += [(studio.debris, UNTAUGHT, DEBRIS)] * MADE_UP
    group, number = max(photo.group for photo in photos) + 1, len(photos)
    for i, (draw, label, source) in enumerate(tqdm(subjects, "drawn", unit="thing")):
        collector.add(draw(), label, source, group + i, number + i)
    return collector.lessons()
