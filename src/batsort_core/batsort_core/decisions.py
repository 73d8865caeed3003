"""What is decided: where each item shall go, and the commands that bring it there."""

from dataclasses import dataclass

from batsort_core.items import Reason, Verdict
from batsort_core.records import Record


@dataclass(frozen=True, slots=True)
class Decision(Record):
    """Where one item shall go, and why."""

    item_id: int
    epoch: int
    bin: str
    reason: Reason
    stamp: int
    """Of the belt reading it was taken on [ns]."""
    decided_count: int
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class Shot:
    """A command to a valve driver, which executes an item id once."""

    item_id: int
    epoch: int
    valve: int
    fire: bool
    """False calls the shot off."""
    target_count: int
    """Belt count at which the item's centre is at the nozzle axis."""
    lead_s: float
    pulse_s: float
