"""Photographed batteries: cut from their background and laid on the belt.

    library = PhotoLibrary(Path("batteries"))       # one folder per label
    decal, size = library.show(library.photos[0])   # cut out, axis along the columns, real size

`cut` alone serves whoever needs the cut-out of one image.
"""

import hashlib
import os
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_twin.bodies import Decal, Image
from batsort_twin.sizes import SIZES, Size

Pixels = NDArray[np.integer[Any] | np.floating[Any]]
"""As OpenCV gives them, of any depth."""

SUFFIXES = (
    frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".dib"})
    | frozenset({".tif", ".tiff", ".gif", ".avif", ".jp2", ".j2k"})
    | frozenset({".heic", ".heif"})  # found, to be refused with advice
)
FORMATS = "JPEG, PNG, WebP, BMP, TIFF, GIF, AVIF or JPEG 2000"
JPEG = b"\xff\xd8"
"""First bytes; many a file's name says otherwise."""
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"})
"""Of the file type box, ISO/IEC 23008-12; an AVIF of these brands names `avif` beside them."""
ORIENTATION = 0x0112
"""Tag of EXIF, CIPA DC-008."""
WORKING_EDGE = 360
"""Longer edge of what is cut [px]: a battery covers some 160 px of the camera's image."""
PLAIN_SPREAD = 14.0
"""Of the border around its own colour, 70th percentile [grey levels], up to which it is plain."""
FROM_BACKGROUND = 22.0
"""Colour distance from which a pixel isn't plain background [grey levels]."""
LEAST_SHARE = 0.01
"""Of the image that a battery covers; a smaller cut is a failed one."""
WIDEST = 0.050
"""A decal is at most that wide [m]: it has to stay between the guide rails."""


class PhotoError(ValueError):
    """A photo or its folder can't be used; one line with its name."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One file of the library."""

    label: str
    """Name of its folder."""
    path: Path
    name: str
    """Relative to the library's folder."""

    def sha256(self) -> str:
        """Of the file, in hex."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


class PhotoLibrary:
    """A folder with one folder of photos per label. Raises PhotoError where there is none.

    A photo does not tell how large a thing is. What `sizes` gives for a label, by name, are those
    that it may be shown at.
    """

    def __init__(self, folder: Path, sizes: Mapping[str, Collection[str]] | None = None) -> None:
        self._sizes = sizes or {}
        if not folder.is_dir():
            raise PhotoError(f"photos: {str(folder)!r} is refused; allowed: a folder of folders")
        self.photos = tuple(
            Photo(label.name, path, f"{label.name}/{path.name}")
            for label in sorted(folder.iterdir())
            if label.is_dir() and not label.name.startswith(".")
            for path in sorted(label.iterdir())
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not self.photos:
            allowed = "a folder with one folder of photos per type"
            raise PhotoError(f"photos: no photo in {str(folder)!r}; allowed: {allowed}")

    def check(self) -> None:
        """Decode every photo, small. Raises PhotoError naming the first that is broken."""
        for photo in self.photos:
            _decode(photo.path, _load(photo.path), cv2.IMREAD_REDUCED_GRAYSCALE_4)

    def show(self, photo: Photo) -> tuple[Decal, Size]:
        """The photo cut out at the real size of what it shows. Raises PhotoError."""
        cutout = cut(read_photo(photo.path))
        height, width = cutout.shape[:2]
        size = fitting_size(width / height, self._sizes.get(photo.label, ()))
        # What is stouter than the size it comes nearest to (a pack) is shown smaller, not squeezed.
        length = min(size.length, WIDEST * width / height)
        return Decal(cutout, length, length * height / width), size


def read_photo(path: Path, edge: int = WORKING_EDGE) -> Image:
    """uint8[h, w, 3] RGB, turned as its EXIF says, alpha laid on white; at most `edge` px long.

    Raises PhotoError.
    """
    # Only a decoder that is asked for colour turns the image as its EXIF says, but it drops alpha.
    data = _load(path)
    image = _decode(path, data, cv2.IMREAD_COLOR)
    if data[:2].tobytes() != JPEG:
        unchanged = _decode(path, data, cv2.IMREAD_UNCHANGED)
        if unchanged.ndim == 3 and unchanged.shape[2] in (2, 4):
            image = _turned(unchanged, data)
    scale = edge / max(image.shape[:2])
    if scale < 1.0:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    if image.dtype != np.uint8:
        image = cv2.convertScaleAbs(image, alpha=255.0 / np.iinfo(image.dtype.name).max)
    if image.shape[2] != 3:
        alpha = image[..., -1:].astype(np.float32) / 255.0
        image = np.rint(image[..., :-1] * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
        if image.shape[2] == 1:
            image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def cut(image: Image) -> Image:
    """uint8[h, w, 4] RGBA of what uint8[h, w, 3] RGB shows, its long axis along the columns.

    Before a plain background the largest piece is cut out, so that of several cells lying apart one
    remains, and a touching pack stays whole. Before any other background its main object is
    looked for, and where none stands out, the whole image is laid on the belt.
    """
    mask = _mask(image)
    points = cv2.findNonZero(mask)
    (x, y), (width, height), angle = cv2.minAreaRect(points)
    if width < height:
        width, height, angle = height, width, angle + 90.0
    # The rectangle runs through the outermost pixels' middles.
    columns, rows = round(width) + 1, round(height) + 1
    matrix = np.asarray(cv2.getRotationMatrix2D((x, y), angle, 1.0), np.float64)
    matrix[:, 2] += np.array([(columns - 1) / 2 - x, (rows - 1) / 2 - y])
    rgba = np.dstack([image, mask])
    return np.asarray(cv2.warpAffine(rgba, matrix, (columns, rows), flags=cv2.INTER_LINEAR))


def fitting_size(aspect: float, allowed: Collection[str] = ()) -> Size:
    """The standard size with length over diameter nearest to `aspect`, on a logarithmic scale.

    An 18650 has the aspect of an AA and is shown as one. Of sizes that are `allowed` by name, any
    that the twin has is taken before all others.
    """
    known = [size for name, size in SIZES.items() if name in allowed]
    return min(
        known or SIZES.values(),
        key=lambda size: abs(np.log(size.length / size.diameter) - np.log(aspect)),
    )


def _load(path: Path) -> NDArray[np.uint8]:
    try:
        return np.fromfile(path, np.uint8)
    except OSError as error:
        raise PhotoError(f"photos: {path}: {os.strerror(error.errno or 0)}") from None


def _decode(path: Path, data: NDArray[np.uint8], flags: int) -> Pixels:
    if data[4:8].tobytes() == b"ftyp":
        brands = {data[i : i + 4].tobytes() for i in range(8, min(int(data[3]), len(data)), 4)}
        if brands & HEIC_BRANDS and b"avif" not in brands:
            raise PhotoError(f"photos: {path}: HEIC, convert it first; allowed: {FORMATS}")
    said = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        image = cv2.imdecode(data, flags) if data.size else None
    except cv2.error:
        image = None
    finally:
        cv2.utils.logging.setLogLevel(said)
    if image is None:
        raise PhotoError(f"photos: {path}: broken image; allowed: {FORMATS}")
    return np.asarray(image)


def _turned(image: Pixels, data: NDArray[np.uint8]) -> Pixels:
    """The image as the EXIF of its file `data` says."""
    _, kinds, parts = cv2.imdecodeWithMetadata(data, cv2.IMREAD_UNCHANGED)
    exif = next(
        (
            np.asarray(part).tobytes()
            for kind, part in zip(kinds, parts, strict=True)
            if kind == cv2.IMAGE_METADATA_EXIF
        ),
        b"",
    )
    turn = _orientation(exif)
    if turn > 4:
        image = image.swapaxes(0, 1)
    if turn in (3, 4, 7, 8):
        image = image[::-1]
    if turn in (2, 3, 6, 7):
        image = image[:, ::-1]
    return np.ascontiguousarray(image)


def _orientation(exif: bytes) -> int:
    """1 to 8 as in EXIF's tag; 1, upright, where it says nothing."""
    order = "<" if exif[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(f"{order}I", exif, 4)
        (count,) = struct.unpack_from(f"{order}H", exif, start)
        for i in range(count):
            tag, _, _, value = struct.unpack_from(f"{order}HHIH", exif, start + 2 + 12 * i)
            if tag == ORIENTATION:
                return int(value)
    except struct.error:
        pass
    return 1


def _mask(image: Image) -> NDArray[np.uint8]:
    """uint8[h, w], 255 where the battery is."""
    edge = max(1, round(0.015 * max(image.shape[:2])))
    border = np.concatenate(
        [
            image[:edge].reshape(-1, 3),
            image[-edge:].reshape(-1, 3),
            image[:, :edge].reshape(-1, 3),
            image[:, -edge:].reshape(-1, 3),
        ]
    ).astype(np.float32)
    background = np.median(border, axis=0)
    spread = np.percentile(np.linalg.norm(border - background, axis=1), 70)
    mask = _from_plain(image, background) if spread < PLAIN_SPREAD else _main_object(image)
    mask = _largest(mask)
    if np.count_nonzero(mask) < LEAST_SHARE * mask.size:
        mask = np.full(mask.shape, 255, np.uint8)
    return mask


def _from_plain(image: Image, background: NDArray[np.float32]) -> NDArray[np.uint8]:
    distance = np.linalg.norm(image.astype(np.float32) - background, axis=2)
    near = (distance < FROM_BACKGROUND).astype(np.uint8)
    # Only what is joined to the border is background: white print on a battery is not.
    framed = cv2.copyMakeBorder(near, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1)
    cv2.floodFill(framed, None, (0, 0), 2)
    mask = np.where(framed[1:-1, 1:-1] == 2, 0, 255).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel), np.uint8)


def _main_object(image: Image) -> NDArray[np.uint8]:
    """The object in the middle of a busy photo, by GrabCut on a small copy."""
    scale = min(1.0, 120 / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    labels = np.full((height, width), cv2.GC_BGD, np.uint8)
    dy, dx = max(1, round(0.04 * height)), max(1, round(0.04 * width))
    labels[dy:-dy, dx:-dx] = cv2.GC_PR_FGD
    back, fore = np.zeros((2, 1, 65))
    cv2.setRNGSeed(0)
    try:
        cv2.grabCut(small, labels, (0, 0, 0, 0), back, fore, 2, cv2.GC_INIT_WITH_MASK)
    except cv2.error:  # too little in it to tell an object from what is around
        return np.full(image.shape[:2], 255, np.uint8)
    found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8) * 255
    mask = cv2.resize(found, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)


def _largest(mask: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Its largest connected piece without holes."""
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    filled = np.zeros_like(mask)
    if contours:
        cv2.drawContours(filled, [max(contours, key=cv2.contourArea)], -1, 255, -1)
    return filled
