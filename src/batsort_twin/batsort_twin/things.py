"""What is no battery, drawn as it is seen from above; each thing chooses its own measures."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_twin.bodies import Decal
from batsort_twin.designs import COPPER, WHITE
from batsort_twin.lettering import draw_text, text_width
from batsort_twin.sleeve import DRAWN

THINGS = ("wire", "package")

_INSULATION = (
    (190, 40, 36),
    (40, 80, 190),
    (226, 190, 40),
    (40, 140, 66),
    (232, 232, 228),
    (24, 24, 26),
)


def wire(rng: np.random.Generator) -> Decal:
    """A piece of cable from above: a bent round sleeve with bare copper at its ends."""
    length, width = float(rng.uniform(0.045, 0.068)), float(rng.uniform(0.012, 0.020))
    height, columns = round(width * 1000 * DRAWN), round(length * 1000 * DRAWN)
    colour = np.array(_INSULATION[int(rng.integers(len(_INSULATION)))])
    thick = int(rng.integers(9, 17))
    x = np.linspace(thick, columns - thick, 60)
    phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.6)
    swing = (height / 2 - thick / 2 - 2) * np.sin(phase + x / columns * waves * 2 * math.pi)
    line = np.column_stack([x, height / 2 + swing])
    rgba = np.zeros((height, columns, 4), np.uint8)
    # From the dark rim to the lit crest, each stroke narrower than the one before.
    for share, shade in ((1.0, 0.55), (0.75, 0.85), (0.45, 1.05), (0.15, 1.3)):
        stroke = max(1, round(thick * share))
        lit = tuple(int(c) for c in np.clip(colour * shade + 14 * shade, 0, 255))
        points = [np.rint(line * 16).astype(np.int32)]
        cv2.polylines(rgba, points, False, (*lit, 255), stroke, cv2.LINE_AA, 4)
        for end in (line[:5], line[-5:]):
            copper = tuple(int(c) for c in np.clip(np.array(COPPER) * shade, 0, 255))
            points = [np.rint(end * 16).astype(np.int32)]
            cv2.polylines(
                rgba, points, False, (*copper, 255), max(1, stroke * 2 // 3), cv2.LINE_AA, 4
            )
    return Decal(rgba, length, width)


def package(rng: np.random.Generator) -> Decal:
    """A flat blister package from above: a printed card with a clear bubble."""
    length, width = float(rng.uniform(0.050, 0.068)), float(rng.uniform(0.034, 0.046))
    rows, columns = round(width * 1000 * DRAWN), round(length * 1000 * DRAWN)
    base = np.array(rng.integers(50, 245, 3))
    card = np.full((rows, columns, 3), 0, np.uint8)
    card[:] = base
    ink = (20, 20, 20) if float(base.mean()) > 110 else (235, 235, 235)
    band = round(rows * 0.3)
    card[:band] = rng.integers(20, 235, 3)
    word = str(rng.choice(["POWER PACK", "LUMEN", "BUTTON CELL", "ADAPTER", "VALUE"]))
    high = min(0.16 * rows, 0.8 * columns / text_width(word, 1.0))
    draw_text(card, word, (columns / 2, band / 2), high, WHITE, 1.2)
    box = (round(columns * 0.14), band + 8, round(columns * 0.86), rows - 8)
    bubble = card[box[1] : box[3], box[0] : box[2]]
    bubble[:] = (bubble * 0.45 + np.array([210, 214, 218]) * 0.5).astype(np.uint8)
    for i in range(3):
        x = round(box[0] + (box[2] - box[0]) * (i + 0.5) / 3)
        y = (box[1] + box[3]) // 2
        cv2.circle(card, (x, y), round(rows * 0.15), (176, 178, 180), -1, cv2.LINE_AA)
        cv2.circle(card, (x, y), round(rows * 0.11), (150, 152, 156), 2, cv2.LINE_AA)
    gleam = ((box[0] + 6, box[3] - 8), (box[2] - 20, box[1] + 6))
    cv2.line(card, *gleam, (240, 242, 245), 2, cv2.LINE_AA)
    cv2.rectangle(card, (box[0], box[1]), (box[2], box[3]), ink, 1, cv2.LINE_AA)
    alpha: NDArray[np.uint8] = np.full((rows, columns, 1), 255, np.uint8)
    cv2.circle(alpha, (columns // 2, 8), 5, 0, -1)
    return Decal(np.concatenate([card, alpha], axis=2), length, width)
