"""What is behind the items in the camera's image: the belt's rubber, and what lies beside it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_twin.bodies import Image


def rubber(rng: np.random.Generator, height: int, width: int) -> Image:
    """Dark rubber with a slight weave and scuffs, periodic along the belt."""
    grain = rng.normal(0.0, 1.0, (height, width)).astype(np.float32)
    wrapped = cv2.copyMakeBorder(grain, 8, 8, 8, 8, cv2.BORDER_WRAP)
    cloud = cv2.blur(wrapped, (9, 9))[8:-8, 8:-8] * 22.0
    weave = 1.2 * ((np.arange(width) // 3 % 2)[None, :] ^ (np.arange(height) // 3 % 2)[:, None])
    grey = 40.0 + cloud + weave + grain * 1.2
    scuffs = np.zeros((height, width), np.float32)
    for _ in range(26):
        x, y = int(rng.integers(0, width - 60)), int(rng.integers(0, height))
        end = (x + int(rng.integers(8, 55)), y + int(rng.integers(-3, 4)))
        cv2.line(scuffs, (x, y), end, float(rng.uniform(3, 9)), 1, cv2.LINE_AA)
    tint = np.array([1.0, 1.0, 1.03])
    coloured: NDArray[np.float64] = (grey + scuffs)[..., None] * tint
    return np.clip(coloured, 0, 255).astype(np.uint8)


def rails(height: int, width: int, belt: slice) -> Image:
    """What lies beside the belt: matt guide rails over a dark machine bed."""
    grey = np.full(height, 24.0)
    rail = max(1, round(0.55 * (height - (belt.stop - belt.start)) / 2))
    for start, step in ((belt.start - 1, -1), (belt.stop, 1)):
        rows = np.arange(rail) * step + start
        rows = rows[(rows >= 0) & (rows < height)]
        grey[rows] = 62.0
        grey[rows[:6]] = np.linspace(30, 56, 6)[: rows[:6].size]
    column = np.repeat(grey[:, None], 3, axis=1) * (0.98, 1.0, 1.03)
    return np.repeat(column.astype(np.uint8)[:, None], width, axis=1)
