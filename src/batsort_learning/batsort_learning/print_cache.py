"""What is printed on photos, each read once: kept by the content of its file."""

from __future__ import annotations

from collections.abc import Sequence

from tqdm import tqdm

from batsort_perception.preprocess import Image
from batsort_perception.print_cache import PrintCache
from batsort_perception.printed import Print
from batsort_training.data import LabelledPhoto
from batsort_twin.photos import PhotoError, read_photo

EDGE = 1600
"""Longer edge up to which photos are read [px]: print is small."""


def read_prints(cache: PrintCache, photos: Sequence[LabelledPhoto]) -> list[Print]:
    """What is printed on each, boxes in pixels of the photo at EDGE.

    Raises PrintError where print can't be read here.
    """
    return [_read(cache, photo) for photo in tqdm(photos, "reading print", unit="photo")]


def _read(cache: PrintCache, photo: LabelledPhoto) -> Print:
    try:
        return cache.read(photo.sha256, lambda: at_full_size(photo))
    except PhotoError:  # gone since it was read small
        return Print()


def at_full_size(photo: LabelledPhoto) -> Image:
    """uint8[h, w, 3] RGB that the boxes are in. Raises PhotoError."""
    return read_photo(photo.path, EDGE)
