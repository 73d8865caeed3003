"""Run after run, and what came of them all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from batsort_core.cell import CellDescription
from batsort_core.items import Outcome
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.promises import Broken, Promise
from batsort_trials.core_soak.run import SoakRun

_AGAIN = 20
"""Every how manieth run is done twice."""


@dataclass(slots=True)
class Findings:
    """What came of all runs."""

    runs: int = 0
    events: int = 0
    """Inputs taken by the parts."""
    items: int = 0
    """Items that passed the barrier."""
    fired: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    """Runs in which each was at work."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)


def soak(
    cell: CellDescription,
    runs: int,
    seed: int = 0,
    progress: Callable[[Findings], None] | None = None,
) -> Findings:
    """Do `runs` runs, seeded `seed`, `seed + 1` and so on; `progress` is called after each."""
    findings = Findings()
    for number in range(seed, seed + runs):
        run = SoakRun(cell, number)
        run.go()
        if number % _AGAIN == 0:
            again = SoakRun(cell, number)
            again.go()
            if again.told != run.told:
                run.promises.found(Promise.SAME_AGAIN, f"{len(run.told)}, {len(again.told)} told")
        findings.runs += 1
        findings.events += run.events
        findings.items += len(run.items)
        findings.fired += len(run.promises.fired)
        findings.faults.update(run.faults)
        findings.outcomes.update(one.outcome for one in run.promises.settled.values())
        findings.broken += run.promises.broken
        if progress is not None:
            progress(findings)
    return findings
