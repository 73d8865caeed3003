"""What is fed to the belt."""

from __future__ import annotations

import random

from batsort_core.cell import CellDescription
from batsort_trials.core_soak.belt import Body
from batsort_trials.core_soak.faults import Fault


def random_bodies(
    cell: CellDescription, rng: random.Random, faults: frozenset[Fault]
) -> list[Body]:
    """Batteries and strangers with random gaps, in order."""
    bodies, at = list[Body](), 0.15
    types = (*cell.recipe.types, "Paper")
    for _ in range(rng.randrange(5, 12)):
        length = rng.choice((0.044, 0.05, 0.05, 0.065, rng.uniform(0.012, 0.07)))
        gap = rng.choice((0.05, 0.08, 0.1, rng.uniform(0.003, 0.02)))
        if Fault.TOUCHING in faults and rng.random() < 0.4:
            gap = 0.0
        if Fault.TOO_LONG in faults and rng.random() < 0.3:
            length = 0.09
        at += gap + length
        bodies.append(Body(at - length / 2, length, rng.choice(types)))
        if Fault.FOREIGN in faults and rng.random() < 0.3:
            aside = at + rng.uniform(0.0, 0.04) + 0.025
            bodies.append(Body(aside, 0.05, "Paper", foreign=True))
    return bodies
