"""Clauses 15 to 19: silence, emergency stop, a lost count; and that nothing is left open."""

from __future__ import annotations

import time
from dataclasses import replace

from batsort_micro_ros.board_clause import clause
from batsort_micro_ros.board_judging import (
    CANCELLED,
    COMES_S,
    FAULT,
    FIRED,
    LATE,
    ended,
    longest_gap_s,
    results,
    stands,
)
from batsort_micro_ros.board_rig import Rig, Unmet

LONG_SPAN = 70_000
"""Counts to run, so that a timer of 16 bits overflows at least once."""


@clause(
    "silence", "1 s without cell/state disables belt and valves, neither sooner nor 0.2 s later"
)
def silence(rig: Rig) -> str:
    speed = rig.cell.belt.max_velocity
    rig.sort(speed)
    epoch = rig.belt.epoch
    rig.enable(belt=True, valves=True)
    rig.silent, silent_since = True, time.monotonic()
    present = rig.present
    # The belt brakes after 1 s, and passes the second one within its way to a stand.
    early, late = (rig.shoot(present + rig.cell.counts(speed * after)) for after in (0.6, 1.2))
    beyond = rig.shoot(present + rig.cell.counts(speed * 2.0 + speed**2))
    ended(rig, FIRED, early)
    ended(rig, LATE, late)
    rig.need_speed(0.0, "the belt stands without cell/state")
    stood_s = time.monotonic() - silent_since
    rig.sort(speed)
    ended(rig, FIRED, beyond)
    if rig.belt.epoch != epoch:
        raise Unmet("another epoch, though no count was lost")
    return f"stood after {stood_s:.1f} s, went on counting"


@clause(
    "estop",
    "cell/estop twice a second; pressed, disabled until released and then disabled by cell/state",
)
def estop(rig: Rig) -> str:
    speed = rig.cell.belt.velocity
    rig.sort(speed)
    heard = rig.heard["cell/estop"]
    rig.need(lambda: len(heard) >= 3, "three messages on cell/estop")
    gap = longest_gap_s(heard)
    if gap > 0.75:
        raise Unmet(f"{gap:.2f} s without cell/estop")
    if heard[-1].message.pressed:
        raise Unmet("pressed before anybody pressed it")
    waiting = rig.shoot(rig.present + rig.cell.counts(2.0))
    served = rig.ask("press_estop", True, "press the emergency stop")
    rig.need(lambda: heard[-1].message.pressed, "cell/estop: pressed", rig.patience(served))
    rig.need_speed(0.0, "the belt stands, the emergency stop being pressed")
    served = rig.ask("press_estop", False, "release the emergency stop")
    rig.need(lambda: not heard[-1].message.pressed, "cell/estop: released", rig.patience(served))
    stands(rig, 0.6, "released, but not yet disabled by cell/state")
    if rig.ends(waiting):
        raise Unmet(f"{results(rig.ends(waiting))} while it was pressed")
    rig.enable(belt=False, valves=False)
    rig.listen(0.3)
    rig.sort(speed)
    rig.send(replace(waiting, fire=False))
    ended(rig, CANCELLED, waiting)
    return f"longest gap {gap:.2f} s; starts only after cell/state disabled it"


@clause(
    "lost_count",
    "a lost count begins a later epoch, ends what waits as fault, is an ERROR while it lasts",
)
def lost_count(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    epoch = rig.belt.epoch
    waiting = rig.shoot(rig.present + rig.cell.counts(2.0))
    served = rig.ask("unplug_encoder", True, "unplug the encoder")
    rig.need(lambda: rig.fault, "ERROR on /diagnostics without encoder", rig.patience(served))
    said = rig.fault
    served = rig.ask("unplug_encoder", False, "plug the encoder in again")
    rig.need(lambda: rig.belt.epoch != epoch, "a new epoch", rig.patience(served))
    if rig.belt.epoch < epoch:
        raise Unmet(f"epoch {rig.belt.epoch} after {epoch}")
    ended(rig, FAULT, waiting)
    rig.need(lambda: not rig.fault, "no ERROR any more")
    return f"{said!r}; epoch {(rig.belt.epoch - epoch) * 1e-6:.0f} s later"


@clause("counts", "counts are 64 bits without wrap: none that the belt node would refuse")
def counts(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    longest_s = rig.cell.metres(LONG_SPAN) / rig.cell.belt.max_velocity
    rig.wait(lambda: rig.travel >= LONG_SPAN or _refused(rig), longest_s + COMES_S)
    if _refused(rig) or rig.travel < LONG_SPAN:
        faults = ", ".join(f"{name} {count}" for name, count in rig.tracker.faults.items())
        raise Unmet(f"{rig.travel} counts run, refused: {faults}")
    return f"{rig.travel} counts run, none refused"


@clause("ends", "every shot of this session has ended exactly once, and nothing else has")
def ends(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    present = rig.present
    burst = [rig.shoot(present + rig.cell.counts(0.5) + 40 * number) for number in range(30)]
    rig.need_ends(*burst)
    told = [heard.message.item_id for heard in rig.heard["ejector/events"]]
    without = set(rig.shots) - set(told)
    foreign = set(told) - set(rig.shots)
    twice = len(told) - len(set(told))
    if without or foreign or twice:
        raise Unmet(
            f"{len(without)} without an end, {twice} ends too many, {len(foreign)} never commanded"
        )
    return f"{len(rig.shots)} shots, {len(told)} ends"


def _refused(rig: Rig) -> bool:
    return any(rig.tracker.faults.values())


STOPPING = (silence, estop, lost_count, counts, ends)
