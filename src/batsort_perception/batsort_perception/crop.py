"""Cut one item out of an image of the belt: found, turned level, all around it painted out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_perception.place import place
from batsort_perception.preprocess import (
    BACKGROUND,
    Image,
    Rectangle,
    check_image,
    enclosing,
    lengthwise,
    level,
)
from batsort_perception.view import ItemView

CROP_SIZE = 256
"""Side of a crop [px]."""
CROP_MARGIN = 0.03
"""White at each end of the item, as a part of the side."""
REACH = 12.0
"""How far an end may be from where the barrier says [px]."""
LEAST_CONTRAST = 14.0
"""To the belt, for a pixel to be the item's [grey levels]."""
SHADOW_DEPTH = 45.0
"""What is darker than the belt by less can be a shadow [grey levels]."""


AROUND = 4
"""What is kept around the part of an image that was judged, for print to be read [px]."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of one item, level on white, and the part of the image that it came from."""

    pixels: Image
    """uint8[CROP_SIZE, CROP_SIZE, 3], RGB."""
    x: int
    y: int
    width: int
    height: int
    found: bool
    """False where nothing stands out against the belt: then it shows the item's place."""
    offset: float | None
    """As `place.Place` has it."""
    clearance: float | None


def crop_item(image_rgb: Image, view: ItemView) -> Crop:
    """Return the crop of `view` from uint8[height, width, 3].

    The barrier tells where along the belt the item is; contrast tells how far from there it is
    seen, where across it, how wide and at which angle. Raises ValueError where
    `image_rgb` is not uint8[h, w, 3].
    """
    check_image(image_rgb)
    height, width = image_rgb.shape[:2]
    top, bottom = max(0, round(view.top)), min(height, round(view.bottom))
    first, end = max(0, math.floor(view.left)), min(width, math.ceil(view.right))
    strip = image_rgb[top:bottom]
    mask = _foreground(strip[:, first:end], _belt_rows(strip, view))
    offset, clearance = place(mask, first, view)
    half = view.length_px / 2 + REACH
    u = view.u + (offset or 0.0) / view.metres_per_pixel
    left = max(first, math.floor(max(view.left, u - half)))
    right = min(end, math.ceil(min(view.right, u + half)))
    found = enclosing(mask[:, left - first : right - first])
    if found:
        part = found._replace(u=found.u + left, v=found.v + top)
    else:
        length = max(view.length_px, 1.0)
        part = lengthwise(view.u, (top + bottom) / 2, length, 0.3 * length, 0.0)
    corners = cv2.boxPoints(((part.u, part.v), (part.along, part.across), part.degrees))
    x0, y0 = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    x1, y1 = np.clip(np.ceil(corners.max(axis=0)), (x0 + 1, y0 + 1), (width, height)).astype(int)
    pixels = level(image_rgb, part, CROP_SIZE, CROP_SIZE, CROP_MARGIN)
    _whiten_around(pixels, part)
    box = int(x0), int(y0), int(x1 - x0), int(y1 - y0)
    return Crop(pixels, *box, found is not None, offset, clearance)


def judged_part(image_rgb: Image, x: int, y: int, width: int, height: int) -> Image:
    """The part of uint8[h, w, 3] that a crop came from, pixel by pixel, with AROUND of its
    surroundings: enlarged, less of its print is read. Empty where it lies outside."""
    top, left = max(0, y - AROUND), max(0, x - AROUND)
    return np.ascontiguousarray(image_rgb[top : y + height + AROUND, left : x + width + AROUND])


def _belt_rows(strip: Image, view: ItemView) -> NDArray[np.float32]:
    """The belt's colour in each row, float32[rows, 1, 3], from the columns beside the item."""
    columns = np.arange(strip.shape[1])
    own = (columns >= view.left) & (columns < view.right)
    free = own & (np.abs(columns - view.u) > view.length_px / 2 + REACH)
    # Items that all but touch leave no belt between them: then whole rows have to do.
    belt = strip[:, free] if free.sum() >= 8 else strip
    rows = np.median(belt[:, :: max(1, belt.shape[1] // 32)], axis=1, keepdims=True)
    smooth = cv2.blur(rows.astype(np.float32), (1, 9))
    return np.asarray(smooth, np.float32).reshape(-1, 1, 3)


def _foreground(region: Image, belt: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Where the item is: uint8[rows, columns], 0 or 255.

    It is lighter or of another hue than the belt; where it is darker, darker than a shadow.
    """
    # Plane by plane: NumPy's maximum along an axis of three takes ten times as long.
    planes = cv2.split(cv2.blur(region, (3, 3)))
    red, green, blue = (plane - belt[..., i] for i, plane in enumerate(planes))
    lightest = np.maximum(np.maximum(red, green), blue)
    darkest = np.minimum(np.minimum(red, green), blue)
    contrast = np.maximum(lightest, np.maximum(lightest - darkest, -darkest - SHADOW_DEPTH))
    mask = np.asarray(contrast > LEAST_CONTRAST, np.uint8)
    return np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)


def _whiten_around(pixels: Image, part: Rectangle) -> None:
    """Paint out what is beside `part` in the square that `level` has made of it."""
    ends = round(CROP_MARGIN * CROP_SIZE)
    half = (1 - 2 * CROP_MARGIN) * CROP_SIZE * part.across / part.along / 2
    above, below = round(CROP_SIZE / 2 - half), round(CROP_SIZE / 2 + half)
    pixels[: max(above, 0)] = BACKGROUND
    pixels[below:] = BACKGROUND
    pixels[:, :ends] = BACKGROUND
    pixels[:, CROP_SIZE - ends :] = BACKGROUND
