"""Photo folders: one folder per type, each photo with its hash and its group.

Photos of one group show the same thing, and a fold of a cross-validation takes all of them or none.
`groups.csv` beside the folders names the groups (columns `file` and `family_group`); without it
near-duplicates are found by their content.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_perception.preprocess import Image, prepare
from batsort_twin.photos import PhotoError, PhotoLibrary, read_photo

GROUPS = "groups.csv"
UNKNOWN_FOLDER = "Other"
"""Photos of unknown types: never trained on."""
THUMBNAIL = 16
NEAR = 9.0
"""Mean difference between thumbnails up to which photos are near-duplicates [grey levels]."""


class DataError(ValueError):
    """A photo folder that can't be used; one line with file or field and what is allowed."""


@dataclass(frozen=True, slots=True)
class LabelledPhoto:
    """One photo; `group` numbers what it shares with others."""

    path: Path
    name: str
    """Relative to the folder, with forward slashes."""
    label: str
    sha256: str
    image: Image
    """uint8[h, w, 3] RGB."""
    group: int


def read_photos(folder: Path) -> list[LabelledPhoto]:
    """Return every photo below `folder`, by name. Raises DataError naming what can't be used."""
    try:
        library = PhotoLibrary(folder)
        images = [read_photo(photo.path) for photo in library.photos]
    except PhotoError as error:
        raise DataError(str(error)) from None
    hashes = [photo.sha256() for photo in library.photos]
    table = folder / GROUPS
    if table.is_file():
        groups = _groups_of_table(table, [photo.name for photo in library.photos])
    else:
        groups = near_duplicates(images)
    return [
        LabelledPhoto(photo.path, photo.name, photo.label, digest, image, group)
        for photo, digest, image, group in zip(library.photos, hashes, images, groups, strict=True)
    ]


def near_duplicates(images: Sequence[Image]) -> list[int]:
    """A group number per image; images whose content looks the same, turned or not, share one."""
    thumbnails = np.stack([_thumbnail(image) for image in images])
    turned = thumbnails[:, ::-1, ::-1]
    groups = list(range(len(images)))
    for i in range(1, len(images)):
        for versions in (thumbnails, turned):
            apart = np.abs(versions[:i] - thumbnails[i]).mean(axis=(1, 2, 3))
            for j in np.flatnonzero(apart < NEAR):
                old, new = groups[i], groups[int(j)]
                groups = [new if group == old else group for group in groups]
    return groups


def _thumbnail(image: Image) -> NDArray[np.float32]:
    small = cv2.resize(prepare(image, 64, 64), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return small.astype(np.float32)


def _groups_of_table(table: Path, names: Sequence[str]) -> list[int]:
    with table.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        missing = {"file", "family_group"} - set(rows.fieldnames or ())
        if missing:
            raise DataError(f"{table}: no column {min(missing)!r}; allowed: file, family_group")
        known = {row["file"]: row["family_group"] for row in rows}
    numbers = {name: i for i, name in enumerate(sorted(set(known.values())))}
    groups = []
    for i, name in enumerate(names):
        # A photo that the table doesn't know is a group of its own.
        groups.append(numbers[known[name]] if name in known else len(numbers) + i)
    return groups
