"""What the parts of one run share."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from batsort_core.cell import CellDescription
from batsort_core.recipe import Recipe
from batsort_trials.core_soak.belt import Belt
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.promises import Promises


@dataclass(slots=True)
class Scene:
    """A cell under some faults, and what is noted of it."""

    cell: CellDescription
    rng: random.Random
    faults: frozenset[Fault]
    belt: Belt
    promises: Promises
    recipe: Recipe
    """In force now."""
    draining: bool = False
    """Nothing is fed any more, and no more faults begin."""
    dying: str = ""
    """The part that dies when it next has something to say; empty: none."""
    events: int = 0
    """Inputs taken by the parts."""
    told: list[object] = field(default_factory=list)
    """Decisions, outcomes and ends of shots, in order."""

    def chance(self, fault: Fault, p: float) -> bool:
        """Whether the fault strikes now; with probability `p` where it is at work."""
        return fault in self.faults and not self.draining and self.rng.random() < p
