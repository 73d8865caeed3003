"""What a scenario's faults did, and how soon the cell noticed: against the twin's ground truth."""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from batsort_interfaces.msg import CellState
from batsort_reports.attribution import cause_of
from batsort_reports.report import NOWHERE, Run, seconds

EXECUTE = "execute"
STOPS_S = 1.0
"""After what the cell notices the belt stands, also where no encoder tells [s]."""


@dataclass(frozen=True, slots=True)
class Happened:
    """A fault began or ended at a moment of the cell's stamps [s]."""

    fault: str
    begins: bool
    stamp_s: float


@dataclass
class Observed:
    """What was seen of the cell beside its items."""

    happened: list[Happened] = field(default_factory=list)
    states: list[tuple[float, CellState]] = field(default_factory=list)
    """Changes of state with their moment [s]."""
    belt: list[tuple[float, float, bool]] = field(default_factory=list)
    """Moment [s], position [m] and whether it moves."""
    read: list[str] = field(default_factory=list)
    """What the operator read each time that the cell stood."""

    def travelled(self, since_s: float, until_s: float) -> float:
        """How far the belt has run between two moments, by its encoder [m]."""
        first = bisect_left(self.belt, since_s, key=lambda seen: seen[0])
        last = bisect_left(self.belt, until_s, key=lambda seen: seen[0])
        steps = zip(self.belt[first:last], self.belt[first + 1 : last + 1], strict=False)
        return sum(max(0.0, after[1] - before[1]) for before, after in steps)

    def noticed_s(self) -> float | None:
        """When the cell first left `execute` after the first fault; None: it sorted on."""
        began = [h.stamp_s for h in self.happened if h.begins]
        if not began:
            return None
        left = ((t, s) for (_, s), (t, _) in pairwise(self.states))
        return next((t for t, s in left if t >= began[0] and s.state == EXECUTE), None)

    def stood_s(self) -> float | None:
        """When the belt first stood after that."""
        noticed = self.noticed_s()
        if noticed is None:
            return None
        standing = (t for t, _, moving in self.belt if t >= noticed and not moving)
        return min(next(standing, math.inf), noticed + STOPS_S)


def summarize_scenario(run: Run, observed: Observed) -> dict[str, Any]:
    """The part `scenario` of report.json.

    `wrong_bin` are items that landed in the bin of a type for which they were not decided, each
    with its cause, when, and when it was blown there (None: it fell by itself, or was pushed by
    another); those blown after the belt stood must be none.
    """
    began = next((h.stamp_s for h in observed.happened if h.begins), None)
    noticed, stood = observed.noticed_s(), observed.stood_s()
    wrong = []
    for truth in run.truths:
        decision = run.decision(truth.item_id)
        meant = decision.bin if decision else run.others
        if truth.bin in (NOWHERE, run.others, meant):
            continue
        landed, blown = seconds(truth.header.stamp), seconds(truth.blown)
        wrong.append(
            {
                "item": truth.index,
                "bin": truth.bin,
                "meant": meant,
                "cause": cause_of(run, truth) or "right by chance",
                "after_fault_s": round(landed - began, 2) if began is not None else None,
                "after_fault_m": round(observed.travelled(began, landed), 3)
                if began is not None
                else None,
                "blown_after_fault_s": round(blown - began, 2)
                if blown and began is not None
                else None,
                # What was blown while the belt still ran may fall off its edge when it stands.
                "after_standing": stood is not None and blown > stood,
            }
        )
    return {
        "faults": [
            {"fault": h.fault, "begins": h.begins, "stamp_s": round(h.stamp_s, 3)}
            for h in observed.happened
        ],
        "noticed_after_s": round(noticed - began, 2) if noticed and began else None,
        "noticed_after_m": round(observed.travelled(began, noticed), 3)
        if noticed and began
        else None,
        "stood_after_m": round(observed.travelled(began, stood), 3) if stood and began else None,
        "wrong_bin": wrong,
        "wrong_bin_after_standing": sum(w["after_standing"] for w in wrong),
        "operator_reads": observed.read,
    }
