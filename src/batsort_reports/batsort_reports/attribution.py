"""Why an item is not where it belongs: one cause for each, against the twin's ground truth."""

from __future__ import annotations

import math
from collections import Counter
from enum import StrEnum

from batsort_core.items import Reason
from batsort_interfaces.msg import ItemTruth
from batsort_reports.report import NOWHERE, Run, in_seconds, seconds

AIM_S = 0.02
"""What passes a nozzle within this time of a jet's opening can be blown by it [s]."""
FLIGHT_S = 0.3
"""Longest time from a jet to a bin [s]."""
AIM_MM = 10.0
"""A jet further from an item's centre does not blow it well [mm]."""


class Cause(StrEnum):
    """The part of the cell that an error is put down to."""

    INFEED = "infeed"
    """Touching, too close, too long, or never past the barrier."""
    CLASSIFY = "classify"
    """Judged wrong, too uncertain, too late or not at all."""
    TRACK = "track"
    """Not where the belt's count said."""
    EJECT = "eject"
    """Rightly decided and tracked, but not blown, or blown without being told to."""
    NEIGHBOUR = "neighbour"
    """Blown along with another item."""


INFEED = (Reason.GAP,)
TRACK = (Reason.TRACKING_LOST,)


def counts(run: Run) -> dict[str, int]:
    """Errors per cause, those with none left out."""
    found = Counter(cause_of(run, truth) for truth in run.truths)
    return {cause.value: found[cause] for cause in Cause if found[cause]}


def cause_of(run: Run, truth: ItemTruth) -> Cause | None:
    """Why an item did not land in its bin; None: it did."""
    if truth.bin == run.target(truth):
        return None
    decision = run.decision(truth.item_id)
    if decision is None:
        return Cause.INFEED
    if truth.bin not in (NOWHERE, run.others, decision.bin):
        return Cause.NEIGHBOUR if _blown_with_another(run, truth) else Cause.EJECT
    if decision.reason in INFEED:
        return Cause.INFEED
    if decision.reason in TRACK:
        return Cause.TRACK
    if decision.bin != run.target(truth):
        return Cause.CLASSIFY
    if math.isfinite(truth.aim_error) and abs(truth.aim_error) * 1e3 > AIM_MM:
        return Cause.TRACK
    return Cause.EJECT


def _blown_with_another(run: Run, truth: ItemTruth) -> bool:
    """Whether it landed in the bin of a shot at another item, just after that shot."""
    arrived = seconds(truth.header.stamp)
    return any(
        life.id != truth.item_id
        and life.decision.bin == truth.bin
        and -AIM_S < arrived - in_seconds(life.ejected.stamp) < FLIGHT_S
        for life in run.lives
        if life.blown and life.ejected and life.decision
    )
