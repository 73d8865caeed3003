"""Unlike things to learn rejection from: invented batteries and debris, drawn at random.

They share nothing with the unknown things that the twin shows but the typeface, so that rejecting
those stays a test.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from batsort_twin.bodies import Decal, Image, Wrap
from batsort_twin.lettering import draw_text, text_width
from batsort_twin.sizes import Size

DRAWN = 5.0
"""Resolution [px/mm]."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Colour = tuple[int, int, int]


def invented_wrap(size: Size, rng: np.random.Generator) -> Wrap:
    """A battery of random ground, rings and words."""
    rows = round(math.pi * size.diameter * 1000 * DRAWN)
    columns = round(size.length * 1000 * DRAWN)
    side: Image = np.empty((rows, columns, 3), np.uint8)
    side[:] = _colour(rng)
    for _ in range(int(rng.integers(0, 4))):
        if rng.random() < 0.5:
            width = rng.uniform(0.02, 0.4)
            start = rng.choice([0.0, 1.0 - width])
        else:
            width = rng.uniform(0.01, 0.15)
            start = rng.uniform(0.0, 1.0 - width)
        side[:, round(start * columns) : round((start + width) * columns)] = _colour(rng)
    for _ in range(int(rng.integers(0, 3))):
        word = "".join(rng.choice(list(LETTERS), int(rng.integers(2, 10))))
        height = rng.uniform(0.08, 0.22) * rows / 2
        centre, colour = rng.uniform(0.25, 0.75) * columns, _colour(rng)
        room = 2 * min(centre, columns - centre) * 0.9
        stretch = min(1.0, room / text_width(word, height))
        for face in (0.25, 0.75):
            draw_text(
                side,
                word,
                (centre, face * rows),
                height,
                colour,
                weight=float(rng.uniform(0.8, 1.6)),
                slant=float(rng.choice([0.0, 0.25])),
                turned=bool(rng.random() < 0.5),
                stretch=stretch,
            )
    edge = max(1, round(0.7 * DRAWN))
    side[:, :edge] = side[:, -edge:] = 190
    return Wrap(
        side,
        size.length,
        size.diameter,
        terminal_diameter=size.terminal_diameter,
        gloss=float(rng.uniform(0.1, 0.45)),
    )


def debris_decal(rng: np.random.Generator) -> Decal:
    """A bent strip or a lump of random colours, 30 to 70 mm long."""
    length = float(rng.uniform(0.030, 0.070))
    width = float(rng.uniform(0.006, 0.9 * min(length, 0.05)))
    rows, columns = round(width * 1000 * DRAWN), round(length * 1000 * DRAWN)
    rgba = np.zeros((rows, columns, 4), np.uint8)
    ground = (*_colour(rng), 255)
    if rng.random() < 0.5:
        thick = max(3, round(rng.uniform(0.12, 0.5) * rows))
        x = np.linspace(thick, columns - thick, 40)
        bends = np.cumsum(rng.normal(0, 1, 40))
        bends = (bends - bends.min()) / max(float(np.ptp(bends)), 1e-9)
        line = np.column_stack([x, thick / 2 + bends * (rows - thick)])
        cv2.polylines(rgba, [np.rint(line).astype(np.int32)], False, ground, thick, cv2.LINE_AA)
    else:
        turns = np.linspace(0, 2 * math.pi, int(rng.integers(4, 14)), endpoint=False)
        reach = rng.uniform(0.75, 1.0, len(turns))
        points = np.column_stack([np.cos(turns), np.sin(turns)]) * reach[:, None]
        points = (points + 1) / 2 * (columns - 1, rows - 1)
        cv2.fillPoly(rgba, [np.rint(points).astype(np.int32)], ground, cv2.LINE_AA)
    for _ in range(int(rng.integers(0, 5))):
        at = (int(rng.integers(columns)), int(rng.integers(rows)))
        axes = (int(rng.uniform(0.03, 0.3) * columns), int(rng.uniform(0.05, 0.5) * rows))
        spot = np.zeros((rows, columns), np.uint8)
        cv2.ellipse(spot, at, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
        rgba[..., :3][spot > 0] = _colour(rng)
    return Decal(rgba, length, width)


def _colour(rng: np.random.Generator) -> Colour:
    """Black, grey, white, a metal, or any hue."""
    if rng.random() < 0.45:
        neutral = ((28, 28, 30), (188, 190, 192), (236, 236, 234), (120, 122, 124))
        metal = ((190, 116, 66), (202, 160, 70))
        base = np.array((neutral + metal)[int(rng.integers(6))])
    else:
        hsv = np.array([[[rng.integers(180), rng.integers(90, 256), rng.integers(60, 256)]]])
        base = cv2.cvtColor(hsv.astype(np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    r, g, b = (int(np.clip(c + rng.normal(0, 8), 0, 255)) for c in base)
    return r, g, b
