"""Clauses 1 to 7: what a board says by itself, of its belt and of what it sees."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from itertools import pairwise

from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from batsort_graph.topics import Topic
from batsort_micro_ros.board_clause import clause
from batsort_micro_ros.board_judging import (
    APPEARS_S,
    COMES_S,
    latched,
    longest_gap_s,
    stands,
)
from batsort_micro_ros.board_rig import HEARD, SAID, Heard, Rig, Unmet


@clause("topics", "each topic once, with its type, reliable, latched where the table says")
def topics(rig: Rig) -> str:
    def odd() -> list[str]:
        return [oddity for topic in (*SAID, *HEARD) if (oddity := _oddity(rig, topic))]

    if not rig.wait(lambda: not odd(), APPEARS_S):
        raise Unmet("; ".join(odd()))
    return f"{len(SAID)} published, {len(HEARD)} heard"


def _oddity(rig: Rig, topic: Topic) -> str:
    """What is wrong with the board's end of a topic; empty where nothing is."""
    ends = rig.endpoints(topic)
    if len(ends) != 1:
        return f"{topic.name}: {len(ends)} endpoints; allowed: 1"
    kind = f"batsort_interfaces/msg/{topic.type.__name__}"
    if ends[0].topic_type != kind:
        return f"{topic.name}: {ends[0].topic_type}; allowed: {kind}"
    qos = ends[0].qos_profile
    if qos.reliability is not ReliabilityPolicy.RELIABLE:
        return f"{topic.name}: not reliable"
    latched = qos.durability is DurabilityPolicy.TRANSIENT_LOCAL
    if topic in SAID and latched != topic.latched:
        return f"{topic.name}: {'' if latched else 'not '}latched"
    return ""


@clause(
    "alive", "/diagnostics as NAMESPACE/NODE: NODE twice a second; below ERROR while all is well"
)
def alive(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    rig.need(lambda: len(rig.beats) >= 4, f"four signs of life of {rig.board!r}")
    gap = longest_gap_s(rig.beats)
    if gap > 0.9:
        raise Unmet(f"{gap:.2f} s without a sign of life")
    if rig.fault:
        raise Unmet(f"ERROR though all is well: {rig.fault}")
    return f"longest gap {gap:.2f} s"


@clause("encoder", "latched at 100 Hz within 5 %, no gap above 20 ms, stamps grow")
def encoder(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    samples = _samples(rig, 0.7)
    gaps = [(b.stamp - a.stamp) * 1e-9 for a, b in pairwise(samples)]
    if min(gaps) <= 0.0:
        raise Unmet(f"a stamp {-1e3 * min(gaps):.3f} ms before the one before")
    rate = 1.0 / statistics.fmean(gaps)
    measured = f"{rate:.1f} Hz, longest gap {1e3 * max(gaps):.1f} ms"
    if abs(rate - 100.0) > 5.0 or max(gaps) > 0.020:
        raise Unmet(measured)
    return measured


@clause("clock", "stamps are system time: never ahead by 2 ms, and seen within 20 ms at best")
def clock(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    ages = [1e-6 * (heard.received - heard.stamp) for heard in _samples(rig, 0.5)]
    measured = f"age of a count at least {min(ages):.1f} ms, median {statistics.median(ages):.1f}"
    if not -2.0 <= min(ages) <= 20.0:
        raise Unmet(measured)
    return measured


@clause(
    "belt", "runs at belt/command's speed only with run and belt_enabled; nan and negative refused"
)
def belt(rig: Rig) -> str:
    fast = rig.cell.belt.velocity
    rig.sort(fast)
    reached = rig.belt.velocity
    rig.command(run=False, velocity=fast)
    rig.need_speed(0.0, "a stand, run being false")
    rig.enable(belt=False, valves=True)
    rig.command(run=True, velocity=fast)
    stands(rig, 0.5, "belt_enabled being false")
    rig.command(run=True, velocity=math.nan)
    rig.command(run=True, velocity=-fast)
    rig.enable(belt=True, valves=True)
    rig.listen(0.5)
    if rig.belt.velocity > 1.03 * fast or rig.belt.velocity < -0.03 * fast:
        raise Unmet(f"{rig.belt.velocity:.3f} m/s after a speed that can't be")
    return f"{reached:.3f} m/s at {fast:g} m/s commanded"


@clause("barrier", "edges alternate; the count latched is the belt's at the stamp within 0.5 mm")
def barrier(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    heard = rig.heard["belt/barrier"]
    begun = len(heard)
    _through(rig, lambda: len(heard) >= begun + 4, "pass two things through the light barrier")
    edges = heard[begun:]
    if any(a.message.blocked == b.message.blocked for a, b in pairwise(edges)):
        raise Unmet("an edge repeats the level of the one before")
    return latched(rig, edges)


@clause("arrivals", "a confirm eye says a bin of the cell, latched like an edge")
def arrivals(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    heard = rig.heard["bins/arrivals"]
    begun = len(heard)
    _through(rig, lambda: len(heard) > begun, "pass something by the eye of a bin")
    names = {arrival.message.bin for arrival in heard[begun:]}
    strange = names - {bin.name for bin in rig.cell.bins}
    if strange:
        raise Unmet(f"bins that the cell has not: {', '.join(sorted(strange))}")
    return f"{', '.join(sorted(names))}; {latched(rig, heard[begun:])}"


def _through(rig: Rig, reached: Callable[[], bool], words: str) -> None:
    """Things come by themselves where the rig has some; else a person is asked."""
    if not rig.wait(reached, COMES_S):
        print(f">> {words}", flush=True)
        rig.need(reached, words, rig.patience(False))


def _samples(rig: Rig, seconds: float) -> Sequence[Heard]:
    heard = rig.heard["belt/encoder"]
    begun = len(heard)
    rig.listen(seconds)
    if len(heard) < begun + 3:
        raise Unmet(f"{len(heard) - begun} counts in {seconds:g} s")
    return heard[begun:]


SENSING = (topics, alive, encoder, clock, belt, barrier, arrivals)
