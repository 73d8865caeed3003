"""Figures of merit, each with its source."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z95 = 1.959964


def wilson(hits: float, n: int) -> tuple[float, float, float]:
    """A share and its 95 % interval. Source: Wilson 1927. (0, 0, 1) for n = 0."""
    if n == 0:
        return 0.0, 0.0, 1.0
    share, z2 = float(hits) / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def auroc(positive: Floats, negative: Floats) -> float:
    """The chance that a positive's value is above a negative's, ties counting half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float((below + upto).mean() / (2 * len(negative)))
