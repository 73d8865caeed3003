"""The colours of a battery along its length, by which photos can be compared."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_perception.preprocess import Image

STRETCHES = 8
"""Along a battery, for its colours."""


def colours_along(cutout: Image) -> NDArray[np.float32]:
    """float32[24]: mean L*a*b* of 8 stretches along uint8[h, w, 4] RGBA, the darker half last."""
    lab = cv2.cvtColor(np.ascontiguousarray(cutout[..., :3]), cv2.COLOR_RGB2LAB)
    shown = cutout[..., 3:].astype(np.float64)
    columns = np.sum(lab * shown, axis=0), shown.sum(axis=0)
    edges = np.arange(STRETCHES) * cutout.shape[1] // STRETCHES
    sums, weights = (np.add.reduceat(part, edges, axis=0) for part in columns)
    means = sums / np.maximum(weights, 1)
    half = STRETCHES // 2
    darker_first = means[:half, 0].sum() < means[half:, 0].sum()
    return np.asarray(means[::-1] if darker_first else means, np.float32).ravel()
