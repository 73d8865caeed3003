"""Draws on a camera image what was made of it: box, type, confidence and plan. No ROS in here."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_description.layout import Colour

BAND = 52
"""Height of the dark band at the bottom [px]."""
MARGIN = 12
FONT = cv2.FONT_HERSHEY_SIMPLEX
WHITE, GREY, DARK = (255, 255, 255), (120, 120, 120), (24, 24, 28)


@dataclass(frozen=True, slots=True)
class Caption:
    """What is known of the item in an image."""

    box: tuple[int, int, int, int]
    """Left, top, width and height of what was judged [px]."""
    type: str
    confidence: float
    plan: str
    """The bin and why, or that nothing is decided yet."""
    colour: Colour
    """Of that bin."""


def annotate(
    pixels: NDArray[np.uint8], caption: Caption | None, threshold: float
) -> NDArray[np.uint8]:
    """A copy of uint8[height, width, 3] RGB with the caption drawn; None: nothing was judged."""
    image = pixels.copy()
    height, width, _ = image.shape
    band = image[max(0, height - BAND) :]
    band[:] = band // 6 + np.array(DARK, np.uint8)
    if caption is None:
        _write(image, "no verdict", (MARGIN, height - 20), WHITE)
        return image
    left, top, across, down = caption.box
    ink = tuple(round(255 * part) for part in caption.colour)
    cv2.rectangle(image, (left, top), (left + across, top + down), ink, 2, cv2.LINE_AA)
    _write(image, caption.type, (MARGIN, height - 31), WHITE)
    (wide, _), _ = cv2.getTextSize(caption.plan, FONT, 0.55, 1)
    place = max(MARGIN, width - MARGIN - wide)
    _write(image, caption.plan, (place, height - 31), WHITE)
    cv2.rectangle(image, (place, height - 22), (width - MARGIN, height - 10), ink, cv2.FILLED)
    _bar(image, caption.confidence, threshold, ink)
    return image


def _bar(image: NDArray[np.uint8], confidence: float, threshold: float, ink: Colour) -> None:
    """The confidence from 0 to 1, and a tick at the threshold."""
    height, width, _ = image.shape
    top, bottom, left, right = height - 22, height - 10, MARGIN, width // 3
    share = min(1.0, max(0.0, confidence))
    cv2.rectangle(image, (left, top), (right, bottom), GREY, 1)
    end = left + round(share * (right - left))
    cv2.rectangle(image, (left, top), (end, bottom), ink, cv2.FILLED)
    tick = left + round(threshold * (right - left))
    cv2.line(image, (tick, top - 3), (tick, bottom + 3), WHITE, 2)
    _write(image, f"{share:.0%}, at least {threshold:.0%}", (right + MARGIN, bottom), WHITE, 0.45)


def _write(
    image: NDArray[np.uint8],
    text: str,
    place: tuple[int, int],
    ink: tuple[int, int, int],
    size: float = 0.55,
) -> None:
    cv2.putText(image, text, place, FONT, size, ink, 1, cv2.LINE_AA)
