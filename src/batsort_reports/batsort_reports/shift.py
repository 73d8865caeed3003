"""How the time of a run was spent: states with their causes, and effectiveness (OEE)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batsort_reports.scenario_report import Observed
from batsort_supervision.oee import Oee
from batsort_supervision.packml import State


def timeline(observed: Observed) -> list[dict[str, Any]]:
    """The states one after another: seconds since the first belt reading, with cause and cure."""
    if not observed.belt or not observed.states:
        return []
    first, last = observed.belt[0][0], observed.belt[-1][0]
    # What was heard before the first reading began before it.
    begins = [max(0.0, moment - first) for moment, _ in observed.states]
    ends = [*begins[1:], last - first]
    return [
        {
            "state": message.state,
            "cause": message.reason,
            "cure": message.cure,
            "from_s": round(begin, 2),
            "for_s": round(end - begin, 2),
        }
        for begin, end, (_, message) in zip(begins, ends, observed.states, strict=True)
        if end > begin
    ]


def time_spent(
    observed: Observed, outcomes: Mapping[str, int], possible_rate: float
) -> dict[str, Any]:
    """The parts `states` and `oee` of report.json."""
    states = timeline(observed)
    return {"states": states, "oee": effectiveness(states, outcomes, possible_rate)}


def effectiveness(
    states: list[dict[str, Any]], outcomes: Mapping[str, int], possible_rate: float
) -> dict[str, float]:
    """OEE and what it is made of; `possible_rate` as `batsort_supervision.oee` has it [1/s]."""
    oee = Oee(possible_rate)
    for entry in states:
        oee.state(State(entry["state"]), entry["from_s"])
    if states:
        last = states[-1]
        oee.state(State(last["state"]), last["from_s"] + last["for_s"])
    oee.count(dict.fromkeys(outcomes, 0))
    oee.count(outcomes)
    figures = oee.figures()
    return {
        "availability": round(figures.availability, 4),
        "performance": round(figures.performance, 4),
        "quality": round(figures.quality, 4),
        "oee": round(figures.oee, 4),
        "planned_s": round(figures.planned_s, 2),
        "running_s": round(figures.running_s, 2),
        "possible_items": round(figures.possible, 1),
        "out": figures.out,
        "good": figures.good,
    }
