"""Photo folders: one folder per type, each photo with its hash and its group.

Photos of one group show the same thing, and a fold of a cross-validation takes all of them or none.
`groups.csv` beside the folders names the groups (columns `file` and `family_group`); without it
near-duplicates are found by their content. A label list says which photos are of another type than
their folder says; see `label_list`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from batsort_core.chemistry import Chemistry
from batsort_perception.preprocess import BACKGROUND, Image, prepare
from batsort_training import label_list
from batsort_training.label_list import AUTO, Applied, LabelsError
from batsort_twin.photos import SUFFIXES, Photo, PhotoError, PhotoLibrary, read_photo

GROUPS = "groups.csv"
UNKNOWN_FOLDER = label_list.UNKNOWN
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
    chemistry: Chemistry | None = None
    """Of a stranger, where a label list says it."""


class Photos(list[LabelledPhoto]):
    """The photos of a folder, by name."""

    def __init__(self, photos: Iterable[LabelledPhoto], applied: Applied | None) -> None:
        super().__init__(photos)
        self.applied = applied
        """What a label list says of them; None: all are of the type that their folder says."""


def read_photos(folder: Path, labels: str | Path = AUTO) -> Photos:
    """Return every photo below `folder`. Raises DataError naming what can't be used.

    `labels` is a label list, or `auto` for the one in the folder, else the one that comes with
    BatSort where it has these photos, or `none`; what it did is printed in a line.
    """
    photos, broken = read_readable(folder, labels)
    if broken:
        more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
        raise DataError(f"{broken[0]}{more}")
    return photos


def read_readable(folder: Path, labels: str | Path = AUTO) -> tuple[Photos, list[PhotoError]]:
    """Return every photo below `folder` that can be read, and why the others can't.

    `labels` as in `read_photos`. Raises DataError where `folder` holds no photos, or where its
    table of groups or the label list can't be used.
    """
    try:
        library = PhotoLibrary(folder)
        folders = sorted(path.name for path in folder.iterdir() if path.is_dir())
        applied = label_list.chosen(labels, folder, library.photos, folders)
    except (PhotoError, LabelsError) as error:
        raise DataError(str(error)) from None
    wanted, types, chemistries = list(library.photos), {}, {}
    if applied:
        tqdm.write(applied.line)
        wanted = [photo for photo in wanted if photo.name not in applied.left_out]
        types, chemistries = applied.labels, applied.chemistries
        if not wanted:
            raise DataError(f"photos: {applied.source.file} leaves out all; allowed: one or more")
    found, images, broken = [], [], []
    for photo in tqdm(wanted, "reading", unit="photo"):
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
    photos = (
        LabelledPhoto(
            photo.path,
            photo.name,
            types.get(photo.name, photo.label),
            photo.sha256(),
            image,
            group,
            chemistries.get(photo.name),
        )
        for photo, image, group in zip(found, images, groups, strict=True)
    )
    return Photos(photos, applied), broken


def read_folder(folder: Path, label: str, labels: str | Path = AUTO) -> list[LabelledPhoto]:
    """Return every photo in `folder` itself, by name, as of `label`. Raises DataError.

    Those that a label list (as in `read_photos` for the folder above) has as of another type are
    left out, and that is printed.
    """
    if not folder.is_dir():
        raise DataError(f"photos: {str(folder)!r} is refused; allowed: a folder of photos")
    photos = [
        Photo(label, path, path.name)
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    ]
    try:
        applied = label_list.chosen(labels, folder.resolve().parent, photos)
        others = applied.left_out | set(applied.labels) if applied else set()
        if applied and others:
            tqdm.write(f"left out, by {applied.source.id}: {', '.join(sorted(others))}")
            photos = [photo for photo in photos if photo.name not in others]
        images = [read_photo(photo.path) for photo in photos]
    except (PhotoError, LabelsError) as error:
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
