"""From any picture of one battery to what the network takes: the same in training and running.

The content is found against a plain border, turned until its longer side is level, and scaled to
fill a white canvas. So a battery looks the same at every angle, up to which end comes first. A
light border is taken for white paper: the light's colour and strength are judged by it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
"""uint8[height, width, 3], RGB."""

METHOD = "level_on_balanced_white"
"""Name of what `prepare` does, as a bundle states it."""
BACKGROUND = 255
BORDER_TOLERANCE = 14
"""A pixel belongs to the border while it differs no more from the border's colour [grey levels]."""
BORDER_SHARE = 0.6
"""With less of the rim in one colour the picture is a scene, and all of it is content."""
LEAST_WHITE = 96.0
"""Darker paper is not taken for white [grey levels]."""
LEAST_NEUTRAL = 0.6
"""Of its lightest channel that white paper has in every channel, in any usual light."""
MARGIN = 0.02
"""White kept at each end of the canvas, as a part of its side."""


class Rectangle(NamedTuple):
    """A turned rectangle in pixels: its centre, its sides, the angle of `along` clockwise."""

    u: float
    v: float
    along: float
    across: float
    degrees: float


def check_image(image: Image) -> None:
    """Raise ValueError where `image` is not uint8[h, w, 3] with at least one pixel."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f"image: {image.dtype}{list(image.shape)}; allowed: uint8[h, w, 3]")


def prepare(image: Image, height: int, width: int) -> Image:
    """Return uint8[height, width, 3] with the content of `image` level and as large as fits.

    Raises ValueError where `image` is not uint8[h, w, 3].
    """
    check_image(image)
    canvas = level(image, content(image), height, width, MARGIN)
    border = _border(image)
    return canvas if border is None else _balanced(canvas, border)


def content(image: Image) -> Rectangle:
    """The rectangle around what differs from the border; all of the image where there is none."""
    height, width = image.shape[:2]
    border = _border(image)
    if border is not None:
        low, high = border - BORDER_TOLERANCE, border + BORDER_TOLERANCE
        mask = cv2.bitwise_not(cv2.inRange(image, low, high))
        mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        rectangle = enclosing(np.asarray(mask, np.uint8))
        if rectangle is not None:
            return rectangle
    return lengthwise((width - 1) / 2, (height - 1) / 2, width, height, 0.0)


def _border(image: Image) -> NDArray[np.float64] | None:
    """The colour of a plain border, float64[3]; None where the rim has many colours."""
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    colour: NDArray[np.float64] = np.median(rim, axis=0)
    plain = np.all(np.abs(rim - colour) <= BORDER_TOLERANCE, axis=1).mean() >= BORDER_SHARE
    return colour if plain else None


def _balanced(image: Image, white: NDArray[np.float64]) -> Image:
    """The image in a light that shows `white` as white; as it is where that can't be paper."""
    if white.min() < max(LEAST_WHITE, LEAST_NEUTRAL * white.max()) or white.min() == BACKGROUND:
        return image
    levels = np.rint(np.arange(256)[:, None] * (BACKGROUND / white))
    table = np.minimum(levels, BACKGROUND).astype(np.uint8).reshape(1, 256, 3)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def enclosing(mask: NDArray[np.uint8], least_pixels: int = 40) -> Rectangle | None:
    """The smallest rectangle around the nonzero pixels of uint8[h, w]; None for too few of them."""
    points = cv2.findNonZero(mask)
    if points is None or len(points) < least_pixels:
        return None
    (u, v), (along, across), degrees = cv2.minAreaRect(points)
    # OpenCV measures between the centres of pixels.
    return lengthwise(u, v, along + 1, across + 1, degrees)


def lengthwise(u: float, v: float, along: float, across: float, degrees: float) -> Rectangle:
    """The rectangle with its longer side along, turned by -90 up to 90 degrees."""
    if across > along:
        along, across, degrees = across, along, degrees + 90
    return Rectangle(u, v, along, across, (degrees + 90) % 180 - 90)


def level(image: Image, part: Rectangle, height: int, width: int, margin: float) -> Image:
    """Return uint8[height, width, 3]: `part` of `image` level in the middle, white around it."""
    scale = (1 - 2 * margin) * min(width / part.along, height / part.across)
    u, v = part.u, part.v
    if scale < 0.5:
        # Sampling alone would skip pixels: shrink by their mean first.
        full = image.shape
        shrunk = (max(1, round(2 * scale * full[1])), max(1, round(2 * scale * full[0])))
        image = np.asarray(cv2.resize(image, shrunk, interpolation=cv2.INTER_AREA), np.uint8)
        u = (u + 0.5) * shrunk[0] / full[1] - 0.5
        v = (v + 0.5) * shrunk[1] / full[0] - 0.5
        scale *= full[1] / shrunk[0]
    turn = math.radians(part.degrees)
    cos, sin = scale * math.cos(turn), scale * math.sin(turn)
    middle_u, middle_v = (width - 1) / 2, (height - 1) / 2
    matrix = np.array(
        [[cos, sin, middle_u - cos * u - sin * v], [-sin, cos, middle_v + sin * u - cos * v]]
    )
    white = (BACKGROUND,) * 3
    size = (width, height)
    canvas = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderValue=white)
    return np.asarray(canvas, np.uint8)
