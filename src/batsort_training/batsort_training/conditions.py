"""What light, motion and neighbours do to a picture, to learn from and to be judged under.

Every function takes uint8[h, w, 3] RGB of a battery before a plain or any other background and
returns a picture; `CONDITIONS` fixes their strengths, as which a bundle is judged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_perception.preprocess import Image, content

Condition = Callable[[Image, np.random.Generator], Image]

WHITE = (255, 255, 255)
GREY = (128, 128, 128)
WARM = (1.15, 1.0, 0.70)
"""Gains of red, green and blue from daylight to a warm lamp without white balance."""
COOL = (0.75, 1.0, 1.20)
DARK, BRIGHT = 0.55, 1.35
SMEAR = 0.03
"""Length of a motion blur, as a part of the battery's length."""
COVERED = 0.2
"""Part of the battery's length that is covered."""


def relit(image: Image, gains: Sequence[float] | NDArray[np.float64], gamma: float = 1.0) -> Image:
    """In light of another colour and strength; `gains` are for red, green and blue."""
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * np.asarray(gains)
    table = np.clip(np.rint(255 * levels), 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return np.asarray(cv2.LUT(image, table), np.uint8)


def on_black(image: Image) -> Image:
    """What is white and joined to the rim becomes black."""
    framed = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=WHITE)
    tolerance = (12,) * 3
    cv2.floodFill(
        framed, None, (0, 0), (0,) * 3, tolerance, tolerance, 4 | cv2.FLOODFILL_FIXED_RANGE
    )
    return np.ascontiguousarray(framed[1:-1, 1:-1])


def smeared(image: Image, share: float, off_axis: float = 0.0) -> Image:
    """Motion blur over `share` of the battery's length, `off_axis` degrees from its axis."""
    part = content(image)
    side = max(3, round(share * part.along))
    line = np.zeros((side, side), np.float32)
    line[side // 2] = 1.0
    middle = ((side - 1) / 2, (side - 1) / 2)
    turn = cv2.getRotationMatrix2D(middle, -part.degrees - off_axis, 1.0)
    kernel = cv2.warpAffine(line, turn, (side, side))
    blurred = cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


def turned(image: Image, degrees: float) -> Image:
    """Turned counter-clockwise; the corners get the colour of the rim."""
    height, width = image.shape[:2]
    side = math.ceil(math.hypot(height, width))
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, degrees, 1.0), np.float64)
    matrix[:, 2] += ((side - width) / 2, (side - height) / 2)
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    colour = np.median(rim, axis=0).tolist()
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderValue=colour), np.uint8)


def covered(image: Image, place: float, share: float = COVERED) -> Image:
    """A grey strip lies across the battery, `place` from 0 to 1 along it."""
    part = content(image)
    turn = math.radians(part.degrees)
    off = (place - 0.5) * (1 - share) * part.along
    middle = (part.u + off * math.cos(turn), part.v + off * math.sin(turn))
    corners = cv2.boxPoints((middle, (share * part.along, 1.1 * part.across), part.degrees))
    result = image.copy()
    cv2.fillPoly(result, [np.rint(corners).astype(np.int32)], GREY, cv2.LINE_AA)
    return result


CONDITIONS: Mapping[str, Condition] = {
    "clean": lambda image, rng: image,
    "warm light": lambda image, rng: relit(image, WARM),
    "cool light": lambda image, rng: relit(image, COOL),
    "dark": lambda image, rng: relit(image, (DARK,) * 3),
    "bright": lambda image, rng: relit(image, (BRIGHT,) * 3),
    "black background": lambda image, rng: on_black(image),
    "motion blur": lambda image, rng: smeared(image, SMEAR),
    "any rotation": lambda image, rng: turned(image, rng.uniform(0, 360)),
    "partly covered": lambda image, rng: covered(image, rng.uniform()),
}
