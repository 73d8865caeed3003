"""What every driver keeps: promises, each held against a driver and the world at its inputs.

`test/test_driver_contract.py` holds every driver of `drivers` against each of them, on the rig
`test/NAME_rig.py`. A promise that is not kept raises Broken, in one line.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_hardware.protocols import Drivers, Event, SteadyStamps

T = TypeVar("T")

LEAD_S, PULSE_S = 0.010, 0.020
"""Of every shot here, but for those whose valve shall be seen open."""
LONG_S = 1.0
"""The pulse of those."""
PATIENCE_S = 10.0
SHUT_S = 0.6
"""Within which a valve shuts that has to: before its pulse is over."""


class Broken(AssertionError):
    """A promise is not kept: one line with what was seen instead."""


@dataclass(frozen=True, slots=True)
class Opening:
    """A jet that opened, as the world saw it."""

    valve: int
    count: int
    """Where the belt was, LEAD_S after the valve was energised."""


class Rig(Protocol):
    """A driver that was just opened, and the world at its inputs: a belt that its drive moves.

    Where the driver has to unwrap a counter, that is about to wrap.
    """

    cell: CellDescription
    drivers: Drivers
    events: Sequence[Event]
    """All that the driver has reported, in its order."""
    velocity: float
    """To run the belt at [m/s]."""
    bound: int
    """A jet opens within so many counts of its target."""

    def block(self, blocked: bool) -> int:
        """Block or free the light barrier; the belt's count there. The belt runs."""

    def trip(self) -> tuple[str, int]:
        """Let a confirm eye see something; its bin, and the belt's count. The belt runs."""

    def press(self, pressed: bool) -> None:
        """Press or release the emergency stop."""

    def fail(self) -> None:
        """Take away what the driver can't work without: its link, its encoder."""

    @property
    def openings(self) -> Sequence[Opening]:
        """Every jet that has opened, in order."""

    def is_open(self, valve: int) -> bool:
        """Whether air comes out of it now."""


def counts_without_end(rig: Rig) -> None:
    """Samples have rising stamps and unwrapped counts, and stop with the belt."""
    _start(rig)
    _pass(rig, 0.5)
    rig.drivers.belt.run(False, 0.0)
    _need(lambda: _motion(rig).velocity == 0.0, "the belt stands after run(False)")
    samples = _of(rig, EncoderSample)
    most = 2 * rig.cell.counts(rig.cell.belt.max_velocity)
    for one, other in pairwise(samples):
        if other.stamp <= one.stamp:
            raise Broken(f"stamp {other.stamp} after {one.stamp}; allowed: later ones only")
        if abs(other.count - one.count) > most * (other.stamp - one.stamp) * 1e-9 + rig.bound:
            raise Broken(f"count {other.count} after {one.count}; allowed: as far as a belt runs")
    run = samples[-1].count - samples[0].count
    _hold(run >= rig.cell.counts(0.5 * rig.velocity), f"{run} counts in half a second's way")


def edges_where_they_were(rig: Rig) -> None:
    """Edges of the light barrier alternate, each with the belt's count there."""
    _start(rig)
    for blocked in (True, False, True, False):
        there = rig.block(blocked)
        _need_edge(rig, blocked, there)
    for one, other in pairwise(_of(rig, Edge)):
        _hold(one.blocked != other.blocked, f"two edges to {other.blocked} in a row")
        _hold(one.stamp <= other.stamp, f"an edge at {other.stamp} after one at {one.stamp}")


def arrivals_where_they_were(rig: Rig) -> None:
    """What an eye saw is told once, with the name of its bin and the belt's count there."""
    _start(rig)
    bin, there = rig.trip()

    def near() -> list[Arrival]:
        return [one for one in _of(rig, Arrival) if abs(one.count - there) <= rig.bound]

    _need(near, f"an arrival at {there} +- {rig.bound}")
    _pass(rig, 0.1)
    told = [one.bin for one in near()]
    _hold(told == [bin], f"arrivals told {told}; allowed: one, in {bin!r}")


def fires_at_the_count_once(rig: Rig) -> None:
    """A shot is executed at the count it was aimed at last, and each item once."""
    _start(rig)
    for item_id, bin in enumerate(rig.cell.ejectors[:3], 1):
        first = _shoot(rig, item_id, 0.7, valve=bin.valve)
        shot = replace(first, target_count=first.target_count - _counts(rig, 0.3))
        for _ in range(2):
            rig.drivers.valves.shoot(shot)
        end = _end(rig, shot, EjectResult.FIRED)
        _hold(end.shot == shot, f"the end of {end.shot}; allowed: {shot}, its last aim")
        rig.drivers.valves.shoot(replace(shot, target_count=shot.target_count + 2000))
        _pass(rig, 0.3)
        _hold(len(rig.openings) == item_id, f"{len(rig.openings)} jets of {item_id} items")
        opening = rig.openings[-1]
        for said, count in (("told", end.actual_count), ("seen", opening.count)):
            off = count - shot.target_count
            _hold(abs(off) <= rig.bound, f"{said} {off} counts off; allowed: {rig.bound}")
        _hold(opening.valve == shot.valve, f"valve {opening.valve} opened; allowed: {shot.valve}")
    _pass(rig, 0.5)
    _each_ended_once(rig, 3)


def waits_while_the_belt_stands(rig: Rig) -> None:
    """A belt that stands fires nothing; with the belt, its shot comes."""
    _start(rig)
    shot = _shoot(rig, 1, 1.5)
    rig.drivers.belt.run(False, 0.0)
    _need(lambda: _motion(rig).velocity == 0.0, "the belt stands after run(False)")
    _hold(not rig.openings and not _of(rig, ShotEnd), "a shot ended before its count came")
    _start(rig)
    _end(rig, shot, EjectResult.FIRED)


def cancelled_in_time(rig: Rig) -> None:
    """A shot called off while it waits, or before it came, is told so and never fired."""
    _start(rig)
    shots = [_shoot(rig, item_id, 0.8, fire=fire) for item_id, fire in ((1, True), (2, False))]
    rig.drivers.valves.shoot(replace(shots[0], fire=False))
    rig.drivers.valves.shoot(replace(shots[1], fire=True))
    for shot in shots:
        _end(rig, shot, EjectResult.CANCELLED)
    _pass(rig, 1.0)
    _nothing_opened(rig)
    _each_ended_once(rig, 2)


def late_is_late(rig: Rig) -> None:
    """A shot whose count has passed as it comes ends as late, at once."""
    _start(rig)
    _end(rig, _shoot(rig, 1, -0.5), EjectResult.LATE)
    _nothing_opened(rig)


def another_epoch_is_not_executed(rig: Rig) -> None:
    """A shot of another epoch ends as fault and is never fired."""
    _start(rig)
    epoch = _motion(rig).epoch
    for item_id, other in ((1, epoch - 1), (2, epoch + 1)):
        _end(rig, _shoot(rig, item_id, 0.3, epoch=other), EjectResult.FAULT)
    _pass(rig, 0.5)
    _nothing_opened(rig)


def disabled_stays_shut(rig: Rig) -> None:
    """Valves are disabled at first and when told so: what comes due ends as late."""
    _start(rig, enable=False)
    _end(rig, _shoot(rig, 1, 0.3), EjectResult.LATE)
    rig.drivers.valves.enable(True)
    _end(rig, _shoot(rig, 2, 0.3), EjectResult.FIRED)
    rig.drivers.valves.enable(False)
    _end(rig, _shoot(rig, 3, 0.3), EjectResult.LATE)
    _hold(len(rig.openings) == 1, f"{len(rig.openings)} jets opened; allowed: 1, while enabled")


def disabling_shuts(rig: Rig) -> None:
    """Disabling shuts a valve that is open."""
    _start(rig)
    valve = _open(rig, 1)
    rig.drivers.valves.enable(False)
    _need(lambda: not rig.is_open(valve), "the valve shuts when it is disabled", SHUT_S)


def emergency_stop_is_seen(rig: Rig) -> None:
    """The emergency stop is seen pressed and released, and shuts a valve that is open."""
    _start(rig)
    valve = _open(rig, 1)
    rig.press(True)
    _need(lambda: not rig.is_open(valve), "the valve shuts at the emergency stop", SHUT_S)
    _need(lambda: rig.drivers.estop.pressed, "the emergency stop is seen pressed")
    rig.press(False)
    _need(lambda: not rig.drivers.estop.pressed, "the emergency stop is seen released")


def one_end_of_each(rig: Rig) -> None:
    """Thirty shots at once, each commanded twice: each has one end."""
    _start(rig)
    valves = [bin.valve for bin in rig.cell.ejectors]
    step = _counts(rig, 0.03)
    target = _present(rig) + _counts(rig, 0.5)
    shots = [
        _shoot(rig, n + 1, 0.0, valve=valves[n % len(valves)], target_count=target + step * n)
        for n in range(30)
    ]
    for shot in shots:
        rig.drivers.valves.shoot(shot)
    for shot in shots:
        _end(rig, shot)
    _pass(rig, 0.3)
    _each_ended_once(rig, len(shots))
    fired = sum(end.result is EjectResult.FIRED for end in _of(rig, ShotEnd))
    _hold(len(rig.openings) == fired, f"{len(rig.openings)} jets opened, {fired} told as fired")


def closed_is_shut(rig: Rig) -> None:
    """After `close`, which may come twice, valves are shut and no shot is left without an end."""
    _start(rig)
    waiting = _shoot(rig, 2, 30.0)
    valve = _open(rig, 1)
    for _ in range(2):
        for driver in rig.drivers.each():
            driver.close()
    _need(lambda: not rig.is_open(valve), "the valve shuts when its driver is closed", SHUT_S)
    _end(rig, waiting, EjectResult.FAULT)
    _each_ended_once(rig, 2)


def trouble_has_a_cure(rig: Rig) -> None:
    """What keeps a driver from its work has cause and cure; what waits ends as fault."""
    _start(rig)
    told = [str(one.trouble) for one in rig.drivers.each() if one.trouble]
    _hold(not told, f"trouble while all is well: {'; '.join(told)}")
    waiting = _shoot(rig, 1, 2.0)
    _pass(rig, 0.1)
    rig.fail()
    found = _need(
        lambda: [one.trouble for one in rig.drivers.each() if one.trouble is not None],
        "a driver tells its trouble",
    )
    for trouble in found:
        _hold(bool(trouble.cause and trouble.cure), f"{trouble}: without a cause or a cure")
    _end(rig, waiting, EjectResult.FAULT)
    _nothing_opened(rig)


PROMISES: tuple[Callable[[Rig], None], ...] = (
    counts_without_end,
    edges_where_they_were,
    arrivals_where_they_were,
    fires_at_the_count_once,
    waits_while_the_belt_stands,
    cancelled_in_time,
    late_is_late,
    another_epoch_is_not_executed,
    disabled_stays_shut,
    disabling_shuts,
    emergency_stop_is_seen,
    one_end_of_each,
    closed_is_shut,
    trouble_has_a_cure,
)


def _start(rig: Rig, enable: bool = True) -> None:
    """Run the belt once the driver is well, and wait for its speed."""
    _need(lambda: not rig.drivers.estop.pressed, "the emergency stop is seen, not pressed")
    rig.drivers.belt.run(True, rig.velocity)
    rig.drivers.valves.enable(enable)
    wanted = 0.8 * rig.velocity / rig.cell.belt.metres_per_count
    _need(lambda: rig.drivers.belt.motion, "samples of the encoder")
    _need(lambda: _motion(rig).velocity >= wanted, f"the belt runs at {rig.velocity:g} m/s")


def _open(rig: Rig, item_id: int) -> int:
    """Open a valve for long; its number."""
    shot = _shoot(rig, item_id, 0.3, pulse_s=LONG_S)
    _end(rig, shot, EjectResult.FIRED)
    _need(lambda: rig.is_open(shot.valve), f"valve {shot.valve} is open")
    return shot.valve


def _need_edge(rig: Rig, blocked: bool, there: int) -> None:
    def told() -> bool:
        edges = [edge for edge in _of(rig, Edge) if edge.blocked == blocked]
        return any(abs(edge.count - there) <= rig.bound for edge in edges)

    _need(told, f"an edge to {'blocked' if blocked else 'free'} at {there} +- {rig.bound}")


def _shoot(rig: Rig, item_id: int, ahead_s: float, **changed: Any) -> Shot:
    """Command a shot at where the belt will be; other fields of it as `changed` says."""
    shot = Shot(
        item_id=item_id,
        epoch=_motion(rig).epoch,
        valve=rig.cell.ejectors[0].valve or 0,
        fire=True,
        target_count=_present(rig) + _counts(rig, ahead_s),
        lead_s=LEAD_S,
        pulse_s=PULSE_S,
    )
    shot = replace(shot, **changed)
    rig.drivers.valves.shoot(shot)
    return shot


def _motion(rig: Rig) -> Motion:
    motion = rig.drivers.belt.motion
    if motion is None:
        raise Broken("motion None after the first sample; allowed: where the belt is")
    return motion


def _present(rig: Rig) -> int:
    """The belt's count by now."""
    return round(_motion(rig).at(SteadyStamps().now()).count)


def _counts(rig: Rig, seconds: float) -> int:
    """The belt's way in that time."""
    return round(seconds * rig.velocity / rig.cell.belt.metres_per_count)


def _pass(rig: Rig, seconds: float) -> None:
    """Let the belt run on, by the counts of so long."""
    there = _motion(rig).count + _counts(rig, seconds)
    _need(lambda: _motion(rig).count >= there, f"the belt comes to {there:.0f}")


def _of(rig: Rig, kind: type[T]) -> list[T]:
    return [event for event in list(rig.events) if isinstance(event, kind)]


def _end(rig: Rig, shot: Shot, result: EjectResult | None = None) -> ShotEnd:
    """The end of a shot. Raises Broken where it is none such."""
    (end, *_) = _need(
        lambda: [end for end in _of(rig, ShotEnd) if end.shot.item_id == shot.item_id],
        f"the shot of item {shot.item_id} ends",
    )
    if result is not None and end.result is not result:
        raise Broken(f"item {shot.item_id}: {end.result} ({end.detail}); allowed: {result}")
    return end


def _each_ended_once(rig: Rig, shots: int) -> None:
    ended = sorted(end.shot.item_id for end in _of(rig, ShotEnd))
    _hold(ended == list(range(1, shots + 1)), f"ends of {ended}; allowed: one of each of {shots}")


def _nothing_opened(rig: Rig) -> None:
    _hold(not rig.openings, f"{len(rig.openings)} jets opened; allowed: none")


def _hold(kept: bool, seen: str) -> None:
    if not kept:
        raise Broken(seen)


def _need(reached: Callable[[], T], what: str, within_s: float = PATIENCE_S) -> T:
    """What is there once it is. Raises Broken where it is not in time."""
    deadline = time.monotonic() + within_s
    while not (found := reached()):
        if time.monotonic() > deadline:
            raise Broken(f"{what}: not within {within_s:g} s")
        time.sleep(0.002)
    return found
