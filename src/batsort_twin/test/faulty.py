"""Runs of the simulated cell with faults."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sorting import START, Run

from batsort_core.cell import CellDescription
from batsort_twin.events import FaultSwitched
from batsort_twin.fault import Fault
from batsort_twin.fault_reading import read_faults
from batsort_twin.sim import Twin

ITEMS = 6
SPEED = 0.8


def fault(kind: str, **change: Any) -> Fault:
    """A fault of that kind, at the third item unless told otherwise."""
    values = {"kind": kind} | ({} if kind == "encoder_wrap" else {"at_item": 3}) | change
    return read_faults([values])[0]


def shortened(cell: CellDescription) -> CellDescription:
    """Of its bins, the first three and the belt's end."""
    return replace(cell, bins=(*cell.bins[:3], replace(cell.others, distance=1.05)))


def switched(run: Run, kind: str) -> list[FaultSwitched]:
    """When faults of that kind began and ended."""
    return [event for event in run.of(FaultSwitched) if event.kind == kind]


def mend_after(seconds: float) -> Callable[[Twin], None]:
    """For each tick: repair all from so long after the start."""

    def mend(twin: Twin) -> None:
        if twin.now >= START + seconds * 1e9:
            twin.repair()

    return mend


def stand_while(since_s: float, until_s: float) -> Callable[[Twin], None]:
    """For each tick: the belt stands between two moments after the start."""

    def stop_and_go(twin: Twin) -> None:
        standing = since_s <= (twin.now - START) * 1e-9 < until_s
        twin.set_belt(not standing, SPEED)

    return stop_and_go
