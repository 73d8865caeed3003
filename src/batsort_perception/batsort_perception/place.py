"""Where along the belt an item is seen, and what lies beside it that nobody knows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batsort_perception.view import ItemView

LEAST_ROWS = 4
"""Of a column, for something to be there [px]."""
LEAST_LENGTH = 10
"""Of something, along the belt [px]."""
HOLE = 6
"""Columns within one thing that may look like the belt [px]."""
LENGTH_ERROR = 0.12
"""Of an item as the camera and the barrier measure it."""


class Place(NamedTuple):
    """Of an item, along the belt."""

    offset: float | None
    """Of its centre as seen from `view.u` [m]; None: it is not seen as one thing of its length."""
    clearance: float | None
    """Free belt to the nearest thing in its own columns [m]; 0: beside it; None: none there."""


def place(mask: NDArray[np.uint8], left: int, view: ItemView) -> Place:
    """Find the item of `view` in uint8[rows, columns], the foreground from column `left` on.

    Its own columns reach half-way to its neighbours, so what else is there was never announced.
    """
    things = [(first + left, end + left) for first, end in _runs(mask)]
    begin, end = view.u - view.length_px / 2, view.u + view.length_px / 2
    touching = [thing for thing in things if thing[0] < end and thing[1] > begin]
    if not touching:
        return Place(None, None)
    own = max(touching, key=lambda thing: min(thing[1], end) - max(thing[0], begin))
    gaps = [max(first - own[1], own[0] - last) for first, last in things if (first, last) != own]
    clearance = min(gaps, default=None)
    error = (own[1] - own[0]) - view.length_px
    most = LENGTH_ERROR * view.length_px + HOLE
    if error > most:
        clearance = 0
    centre = _centre(own, left, left + mask.shape[1], view.length_px, most)
    scale = view.metres_per_pixel
    return Place(
        None if centre is None else float(np.float32((centre - view.u) * scale)),
        None if clearance is None else float(np.float32(clearance * scale)),
    )


def _centre(
    own: tuple[int, int], left: int, right: int, length: float, most: float
) -> float | None:
    """Of what is seen from column to column; by its other end, where its own columns cut it off."""
    cut_left, cut_right = own[0] <= left, own[1] >= right
    if cut_left and cut_right:
        return None
    if cut_left or cut_right:
        if own[1] - own[0] < length / 2:
            return None
        return own[1] - length / 2 if cut_left else own[0] + length / 2
    return (own[0] + own[1]) / 2 if abs(own[1] - own[0] - length) <= most else None


def _runs(mask: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """First column and end of each thing in the mask."""
    there = np.count_nonzero(mask, axis=0) >= LEAST_ROWS
    steps = np.flatnonzero(np.diff(np.concatenate(([False], there, [False])).astype(np.int8)))
    runs: list[tuple[int, int]] = []
    for first, end in steps.reshape(-1, 2).tolist():
        if runs and first - runs[-1][1] <= HOLE:
            runs[-1] = (runs[-1][0], end)
        else:
            runs.append((first, end))
    return [(first, end) for first, end in runs if end - first >= LEAST_LENGTH]
