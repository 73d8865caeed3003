"""Drawn batteries and other things, one individual each: colours and wear vary with `rng`.

size = SIZES["AA"]
skin = skin_for("Duracell_Alk", size, rng)      # one of KNOWN, UNKNOWN or THINGS
"""

import math

import cv2
import numpy as np

from batsort_twin.bodies import Decal, Image, Wrap
from batsort_twin.designs import DESIGNS
from batsort_twin.sizes import Size
from batsort_twin.sleeve import DRAWN, Sleeve
from batsort_twin.things import package, wire


def skin_for(label: str, size: Size, rng: np.random.Generator) -> Wrap | Decal:
    """One individual of a label of KNOWN, UNKNOWN or THINGS. Raises KeyError for others.

    Things choose their own measures; see `length` and `width` of what is returned.
    """
    if label == "wire":
        return wire(rng)
    if label == "package":
        return package(rng)
    return texture_for(label, size, rng)


def texture_for(label: str, size: Size, rng: np.random.Generator) -> Wrap:
    """One individual battery of a label of KNOWN or UNKNOWN. Raises KeyError for others."""
    design = DESIGNS[label]
    sleeve = Sleeve(size, design.bases[int(rng.integers(len(design.bases)))], rng)
    design.draw(sleeve)
    edge = max(1, round(0.7 * DRAWN))
    for end in (slice(0, edge), slice(-edge, None)):
        sleeve.image[:, end] = sleeve.vary((190, 190, 188))
    return Wrap(
        _worn(sleeve.image, rng),
        size.length,
        size.diameter,
        terminal_diameter=size.terminal_diameter,
        gloss=float(design.gloss * rng.uniform(0.7, 1.2)),
    )


def _worn(image: Image, rng: np.random.Generator) -> Image:
    """Scratches, dirt and an uneven print; more on some individuals than on others."""
    height, width = image.shape[:2]
    age = float(rng.beta(1.3, 3.0))
    marks = np.zeros((height, width), np.float32)
    for _ in range(int(rng.poisson(2 + 14 * age))):
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        angle, reach = float(rng.normal(0.0, 0.5)), float(rng.uniform(4, 45))
        end = (round(x + reach * math.cos(angle)), round(y + reach * math.sin(angle)))
        strength = float(rng.choice([-1.0, 1.0]) * rng.uniform(15, 60))
        cv2.line(marks, (round(x), round(y)), end, strength, 1, cv2.LINE_AA)
    coarse = rng.normal(0.0, 1.0, (6, 8)).astype(np.float32)
    marks += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * (2 + 8 * age)
    light = float(rng.normal(1.0, 0.03))
    return np.asarray(np.clip(image * light + marks[..., None], 0, 255), np.uint8)
