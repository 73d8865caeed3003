"""Clauses 8 to 14: shots at their counts, once each, and those that are not to be."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from batsort_core.decisions import Shot
from batsort_core.firing import MOST_PULSE_S
from batsort_micro_ros.board_clause import clause
from batsort_micro_ros.board_judging import CANCELLED, FAULT, FIRED, LATE, aim, ended, results
from batsort_micro_ros.board_rig import Rig, Unmet


@clause("fire", "the jet opens at the target, at any speed, speeding up and down, after a stop")
def fire(rig: Rig) -> str:
    cell = rig.cell
    top, slow = cell.belt.max_velocity, 0.2 * cell.belt.max_velocity
    ejectors = cell.ejectors
    worst = 0.0

    def volley(metres: Iterable[float]) -> list[Shot]:
        present = rig.present
        return [
            rig.shoot(present + cell.counts(ahead), valve=ejectors[number % len(ejectors)].valve)
            for number, ahead in enumerate(metres)
        ]

    for speed in (slow, cell.belt.velocity, top):
        rig.sort(speed)
        shots = volley(speed * (0.2 + 0.05 * number) for number in range(5))
        worst = max(worst, aim(rig, shots, speed))
    # Ramps: the belt needs this way from one speed to the other.
    ramp = (top**2 - slow**2) / 2 / cell.belt.acceleration
    shots = volley(slow * 0.2 + ramp * share for share in (0.3, 0.5, 0.7, 0.9))
    rig.sort(slow)
    present = rig.present
    shots += [rig.shoot(present + cell.counts(0.1 + ramp * share)) for share in (0.2, 0.5, 0.8)]
    rig.sort(top)
    worst = max(worst, aim(rig, shots, top))
    stop = top**2 / 2 / cell.belt.acceleration
    beyond = rig.shoot(rig.present + cell.counts(top * 0.3 + stop + 0.1))
    rig.command(run=False, velocity=top)
    rig.need_speed(0.0, "a stand, run being false")
    rig.listen(0.3)
    if rig.ends(beyond):
        raise Unmet("a shot ended while the belt stood before its target")
    rig.sort(cell.belt.velocity)
    worst = max(worst, aim(rig, [beyond], cell.belt.velocity))
    return f"at most {1e3 * worst:.2f} mm off"


@clause("lead", "opens lead_s after energising: the message's lead, at the speed of that moment")
def lead(rig: Rig) -> str:
    speed = rig.cell.belt.velocity
    rig.sort(speed)
    present = rig.present
    leads = (0.0, 0.005, 0.020, 0.040)
    shots = [
        rig.shoot(present + rig.cell.counts(speed * 0.3) + 200 * number, lead_s=lead)
        for number, lead in enumerate(leads)
    ]
    worst = aim(rig, shots, speed)
    return f"leads of 0 to 40 ms: at most {1e3 * worst:.2f} mm off"


@clause(
    "once",
    "an item id is executed once: commanded again while it waits, its aim moves; later, nothing",
)
def once(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    first = rig.shoot(rig.present + rig.cell.counts(0.15))
    shot = replace(first, target_count=first.target_count + rig.cell.counts(0.05))
    rig.send(shot)
    aim(rig, [shot], rig.cell.belt.velocity)
    again = replace(shot, target_count=round(rig.present) + rig.cell.counts(0.1))
    rig.send(shot)
    rig.send(again)
    rig.listen(0.6)
    if len(rig.ends(shot)) != 1:
        raise Unmet(f"{len(rig.ends(shot))} ends of one item: {results(rig.ends(shot))}")
    return "4 commands, 1 end"


@clause(
    "cancel",
    "a shot called off ends as cancelled and is never fired, also called off before it came",
)
def cancel(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    waiting = rig.shoot(rig.present + rig.cell.counts(0.4))
    rig.send(replace(waiting, fire=False))
    early = rig.shoot(rig.present + rig.cell.counts(0.4), fire=False)
    rig.send(replace(early, fire=True))
    fired = rig.shoot(rig.present + rig.cell.counts(0.1))
    ended(rig, FIRED, fired)
    rig.send(replace(fired, fire=False))
    ended(rig, CANCELLED, waiting, early, timeout_s=1.0)
    rig.need(lambda: rig.belt.count > early.target_count, "the belt passes the targets")
    rig.listen(0.2)
    events = rig.ends(waiting, early, fired)
    if len(events) != 3:
        raise Unmet(f"{len(events)} ends of 3 items: {results(events)}")
    return "before, while it waits, after"


@clause("late", "a target that has passed ends as late, at once")
def late(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    shots = [rig.shoot(rig.belt.count - ahead) for ahead in (10_000, 1_000, 1)]
    ended(rig, LATE, *shots)
    return f"{len(shots)} of {len(shots)}"


@clause("refuse", "what can't be executed ends as fault, its detail naming the field")
def refuse(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    unknown = next(n for n in range(255, -1, -1) if n not in {b.valve for b in rig.cell.ejectors})
    target = rig.present + rig.cell.counts(0.3)
    bad = {
        "valve": [rig.shoot(target, valve=unknown)],
        "pulse_s": [
            rig.shoot(target, pulse_s=pulse) for pulse in (0.0, 2 * MOST_PULSE_S, math.nan)
        ],
        "lead_s": [rig.shoot(target, lead_s=lead) for lead in (-0.01, math.nan, math.inf)],
        "epoch": [rig.shoot(target, epoch=rig.belt.epoch + offset) for offset in (-1, 1)],
    }
    for field, shots in bad.items():
        for event in ended(rig, FAULT, *shots):
            if field not in event.detail:
                raise Unmet(f"{event.detail!r} does not name {field}")
    return f"{sum(map(len, bad.values()))} refused: {', '.join(bad)}"


@clause("disabled", "with valves_enabled false nothing is fired: shots that come due end as late")
def disabled(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    rig.enable(belt=True, valves=False)
    rig.listen(0.2)
    shots = [rig.shoot(rig.present + rig.cell.counts(ahead)) for ahead in (0.1, 0.15)]
    ended(rig, LATE, *shots)
    return f"{len(shots)} of {len(shots)} late"


FIRING = (fire, lead, once, cancel, late, refuse, disabled)
