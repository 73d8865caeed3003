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
from tqdm import tqdm

from batsort_perception.preprocess import BACKGROUND, Image, prepare
from batsort_twin.photos import SUFFIXES, Photo, PhotoError, PhotoLibrary, read_photo

GROUPS = "groups.csv"
UNKNOWN_FOLDER = "Other"
"""Photos of unknown types: never trained on."""
LI_ION = ("Klarus",)
"""Types of lithium-ion cells unless said otherwise: a fire risk in any other bin."""
THUMBNAIL = 32
NEAR = 14.0
"""Mean difference between the contents of thumbnails up to which photos are near-duplicates [grey
levels]."""
PAPER = 8
"""A pixel so near to white is background, not content [grey levels]."""


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
    photos, broken = read_readable(folder)
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise DataError(f"{broken[0]}{more}")
    return photos


def read_readable(folder: Path) -> tuple[list[LabelledPhoto], list[PhotoError]]:
    """Return every photo below `folder` that can be read, by name, and why the others can't.

    Raises DataError where `folder` holds no photos or its table of groups can't be used.
    """
    try:
        library = PhotoLibrary(folder)
    except PhotoError as error:
        raise DataError(str(error)) from None
    found, images, broken = [], [], []
    for photo in tqdm(library.photos, "reading", unit="photo"):
        try:
            images.append(read_photo(photo.path))
            found.append(photo)
        except PhotoError as error:
            broken.append(error)
    table = folder / GROUPS
    if table.is_file():
        groups = _groups_of_table(table, [photo.name for photo in found])
    else:
        groups = near_duplicates(images)
    return [
        LabelledPhoto(photo.path, photo.name, photo.label, photo.sha256(), image, group)
        for photo, image, group in zip(found, images, groups, strict=True)
    ], broken


def read_folder(folder: Path, label: str) -> list[LabelledPhoto]:
    """Return every photo in `folder` itself, by name, as of `label`. Raises DataError."""
    if not folder.is_dir():
        raise DataError(f"photos: {str(folder)!r} is refused; allowed: a folder of photos")
    photos = [
        Photo(label, path, path.name)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    try:
        images = [read_photo(photo.path) for photo in photos]
    except PhotoError as error:
        raise DataError(str(error)) from None
    return [
        LabelledPhoto(photo.path, photo.name, label, photo.sha256(), image, group)
        for photo, image, group in zip(
            photos, images, near_duplicates(images) if images else [], strict=True
        )
    ]


def li_ion_types(wanted: Sequence[str] | None, names: Sequence[str]) -> tuple[str, ...]:
    """The types of lithium-ion cells among `names`; DataError for a wanted one that is not there.

    None stands for LI_ION as far as they are there.
    """
    for name in wanted or ():
        if name not in names:
            raise DataError(f"li-ion: {name!r} is refused; allowed: {', '.join(names)}")
    return tuple(name for name in (LI_ION if wanted is None else wanted) if name in names)


def near_duplicates(images: Sequence[Image]) -> list[int]:
    """A group number per image; images whose content looks the same, turned or not, share one.

    The difference is a mean over the pixels that are content in one image or the other: the
    background of two photos on white is always the same.
    """
    count, area = len(images), THUMBNAIL**2
    groups = list(range(count))
    pixels = np.array([_thumbnail(image) for image in images], np.float32)
    pixels = pixels.reshape(count, THUMBNAIL, THUMBNAIL, 3)
    content = (BACKGROUND - pixels.min(axis=-1) > PAPER).astype(np.float32)
    all_pixels, all_content = pixels.reshape(count, 3 * area), content.reshape(count, area)
    for i in range(1, count):
        near = np.zeros(i, bool)
        for turn in (1, -1):
            mine, my_content = (part[i, ::turn, ::turn].ravel() for part in (pixels, content))
            apart = np.abs(all_pixels[:i] - mine).sum(axis=1) / 3
            both = all_content[:i] @ my_content
            near |= apart < NEAR * (all_content[:i].sum(axis=1) + my_content.sum() - both)
        for j in np.flatnonzero(near):
            old, new = groups[i], groups[int(j)]
            groups = [new if group == old else group for group in groups]
    return groups


def _thumbnail(image: Image) -> Image:
    small = prepare(image, 4 * THUMBNAIL, 4 * THUMBNAIL)
    return np.asarray(
        cv2.resize(small, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA), np.uint8
    )


def _groups_of_table(table: Path, names: Sequence[str]) -> list[int]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.DictReader(file)
            missing = {"file", "family_group"} - set(rows.fieldnames or ())
            if missing:
                raise DataError(f"{table}: no column {min(missing)!r}; allowed: file, family_group")
            known = {row["file"]: row["family_group"] for row in rows}
    except UnicodeDecodeError:
        raise DataError(f"{table}: not UTF-8; allowed: a CSV file in UTF-8") from None
    numbers = {name: i for i, name in enumerate(sorted(set(known.values())))}
    groups = []
    for i, name in enumerate(names):
        # A photo that the table doesn't know is a group of its own.
        groups.append(numbers[known[name]] if name in known else len(numbers) + i)
    return groups
