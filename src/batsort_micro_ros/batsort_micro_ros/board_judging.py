"""How what a board said is held against the encoder and the commands; raises Unmet."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from batsort_core.belt import BeltError
from batsort_core.decisions import Shot
from batsort_core.items import EjectResult
from batsort_graph.from_messages import stamp_of
from batsort_interfaces.msg import EjectEvent
from batsort_micro_ros.board_rig import Heard, Rig, Unmet

APPEARS_S = 15.0
COMES_S = 5.0
FIRED, LATE, CANCELLED, FAULT = (result.value for result in EjectResult)


def longest_gap_s(heard: Sequence[Heard]) -> float:
    return max((b.received - a.received) * 1e-9 for a, b in pairwise(heard))


def stands(rig: Rig, seconds: float, why: str) -> None:
    """Raises Unmet where the belt moves within this time."""
    begun = rig.travel
    rig.listen(seconds)
    if rig.travel - begun > 2:
        raise Unmet(f"the belt ran {1e3 * rig.cell.metres(rig.travel - begun):.1f} mm, {why}")


def latched(rig: Rig, events: Sequence[Heard]) -> str:
    """How far the counts of edges are from the belt's at their stamps. Raises Unmet."""
    worst = max(
        off_by(rig, event.stamp, event.message.epoch, event.message.count) for event in events
    )
    if worst > 0.0005:
        raise Unmet(f"{1e3 * worst:.2f} mm from the belt at the stamp")
    return f"{len(events)} latched, at most {1e3 * worst:.2f} mm off"


def off_by(rig: Rig, stamp: int, epoch: int, count: int) -> float:
    """How far a count is from the encoder's at that stamp [m]."""
    rig.need(lambda: rig.belt.stamp >= stamp, "a count on belt/encoder after the stamp")
    try:
        if rig.tracker.epoch_at(stamp) != epoch:
            raise Unmet(f"epoch {epoch}, not that of the encoder")
        there = rig.tracker.count_at(stamp)
    except BeltError as error:
        raise Unmet(str(error)) from None
    assert there is not None
    return rig.cell.metres(abs(count - there))


def aim(rig: Rig, shots: Sequence[Shot], speed: float) -> float:
    """The worst distance from the targets at which jets opened [m]. Raises Unmet."""
    allowed = 2 * rig.cell.ejection.jitter_s * speed + 0.0005
    worst = 0.0
    for event in ended(rig, FIRED, *shots, timeout_s=8.0):
        stamp = stamp_of(event.header.stamp)
        said = off_by(rig, stamp, event.epoch, event.actual_count)
        if said > allowed:
            raise Unmet(f"actual_count {1e3 * said:.2f} mm from the belt at its stamp")
        off = max(
            rig.cell.metres(abs(event.actual_count - event.planned_count)),
            off_by(rig, stamp, event.epoch, event.planned_count),
        )
        if off > allowed:
            raise Unmet(f"opened {1e3 * off:.2f} mm off at {speed:g} m/s")
        worst = max(worst, off)
    return worst


def ended(rig: Rig, result: str, *shots: Shot, timeout_s: float = COMES_S) -> list[EjectEvent]:
    """The ends of shots. Raises Unmet where one is another, or not of its shot."""
    events = rig.need_ends(*shots, timeout_s=timeout_s)
    for shot, event in zip(shots, events, strict=True):
        if event.result != result:
            raise Unmet(f"{results([event])}; allowed: {result}")
        if (event.valve, event.planned_count) != (shot.valve, shot.target_count):
            raise Unmet(
                f"valve {event.valve}, planned_count {event.planned_count} not as commanded"
            )
    return events


def results(events: Sequence[EjectEvent]) -> str:
    return ", ".join(f"{e.result} ({e.detail})" if e.detail else e.result for e in events) or "none"
