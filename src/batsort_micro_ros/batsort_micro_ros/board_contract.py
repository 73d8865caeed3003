"""Program `board_contract`: holds a live board against the contract of docs/hardware_micro_ros.md.

    ros2 run batsort_nodes board_contract --ros-args -p cell_file:=CELL -p board:=NAME

It stands in for the cell, so no cell may run in its namespace. One line per clause; exit status 0
only where all of them hold, 2 where something was refused.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy

from batsort_core.belt import BeltError
from batsort_core.decisions import Shot
from batsort_core.firing import MOST_PULSE_S
from batsort_core.items import EjectResult
from batsort_description.cell_file import load_cell
from batsort_files.documents import REFUSED, ConfigurationError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import stamp_of
from batsort_graph.topics import Topic
from batsort_interfaces.msg import EjectEvent
from batsort_micro_ros.board_rig import HEARD, SAID, Heard, Rig, Unmet

PARAMETERS = (
    CELL_FILE,
    Parameter("board", "board", "Name of the board's node."),
    Parameter("clauses", "", "Names of those to hold it against, with commas; empty: all."),
    Parameter("patience_s", 60.0, "For what a person is asked to do [s].", 1.0, 3600.0),
)
APPEARS_S = 15.0
COMES_S = 5.0
LONG_SPAN = 70_000
"""Counts to run, so that a timer of 16 bits overflows at least once."""
FIRED, LATE, CANCELLED, FAULT = (result.value for result in EjectResult)


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise of the contract; `check` says what was measured, or raises Unmet."""

    number: int
    name: str
    promise: str
    check: Callable[[Rig], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one clause."""

    clause: Clause
    measured: str
    good: bool


CLAUSES: list[Clause] = []
"""In the order in which they are tried."""


def clause(name: str, promise: str) -> Callable[[Callable[[Rig], str]], Callable[[Rig], str]]:
    """Make a check the next clause of the contract."""

    def add(check: Callable[[Rig], str]) -> Callable[[Rig], str]:
        CLAUSES.append(Clause(len(CLAUSES) + 1, name, promise, check))
        return check

    return add


@clause("topics", "each topic once, with its type, reliable, latched where the table says")
def _topics(rig: Rig) -> str:
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
def _alive(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    rig.need(lambda: len(rig.beats) >= 4, f"four signs of life of {rig.board!r}")
    gap = _longest_gap_s(rig.beats)
    if gap > 0.9:
        raise Unmet(f"{gap:.2f} s without a sign of life")
    if rig.fault:
        raise Unmet(f"ERROR though all is well: {rig.fault}")
    return f"longest gap {gap:.2f} s"


@clause("encoder", "latched at 100 Hz within 5 %, no gap above 20 ms, stamps grow")
def _encoder(rig: Rig) -> str:
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
def _clock(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    ages = [1e-6 * (heard.received - heard.stamp) for heard in _samples(rig, 0.5)]
    measured = f"age of a count at least {min(ages):.1f} ms, median {statistics.median(ages):.1f}"
    if not -2.0 <= min(ages) <= 20.0:
        raise Unmet(measured)
    return measured


@clause(
    "belt", "runs at belt/command's speed only with run and belt_enabled; nan and negative refused"
)
def _belt(rig: Rig) -> str:
    fast = rig.cell.belt.velocity
    rig.sort(fast)
    reached = rig.belt.velocity
    rig.command(run=False, velocity=fast)
    rig.need_speed(0.0, "a stand, run being false")
    rig.enable(belt=False, valves=True)
    rig.command(run=True, velocity=fast)
    _stands(rig, 0.5, "belt_enabled being false")
    rig.command(run=True, velocity=math.nan)
    rig.command(run=True, velocity=-fast)
    rig.enable(belt=True, valves=True)
    rig.listen(0.5)
    if rig.belt.velocity > 1.03 * fast or rig.belt.velocity < -0.03 * fast:
        raise Unmet(f"{rig.belt.velocity:.3f} m/s after a speed that can't be")
    return f"{reached:.3f} m/s at {fast:g} m/s commanded"


@clause("barrier", "edges alternate; the count latched is the belt's at the stamp within 0.5 mm")
def _barrier(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    heard = rig.heard["belt/barrier"]
    begun = len(heard)
    _through(rig, lambda: len(heard) >= begun + 4, "pass two things through the light barrier")
    edges = heard[begun:]
    if any(a.message.blocked == b.message.blocked for a, b in pairwise(edges)):
        raise Unmet("an edge repeats the level of the one before")
    return _latched(rig, edges)


@clause("arrivals", "a confirm eye says a bin of the cell, latched like an edge")
def _arrivals(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    heard = rig.heard["bins/arrivals"]
    begun = len(heard)
    _through(rig, lambda: len(heard) > begun, "pass something by the eye of a bin")
    names = {arrival.message.bin for arrival in heard[begun:]}
    strange = names - {bin.name for bin in rig.cell.bins}
    if strange:
        raise Unmet(f"bins that the cell has not: {', '.join(sorted(strange))}")
    return f"{', '.join(sorted(names))}; {_latched(rig, heard[begun:])}"


@clause("fire", "the jet opens at the target, at any speed, speeding up and down, after a stop")
def _fire(rig: Rig) -> str:
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
        worst = max(worst, _aim(rig, shots, speed))
    # Ramps: the belt needs this way from one speed to the other.
    ramp = (top**2 - slow**2) / 2 / cell.belt.acceleration
    shots = volley(slow * 0.2 + ramp * share for share in (0.3, 0.5, 0.7, 0.9))
    rig.sort(slow)
    present = rig.present
    shots += [rig.shoot(present + cell.counts(0.1 + ramp * share)) for share in (0.2, 0.5, 0.8)]
    rig.sort(top)
    worst = max(worst, _aim(rig, shots, top))
    stop = top**2 / 2 / cell.belt.acceleration
    beyond = rig.shoot(rig.present + cell.counts(top * 0.3 + stop + 0.1))
    rig.command(run=False, velocity=top)
    rig.need_speed(0.0, "a stand, run being false")
    rig.listen(0.3)
    if rig.ends(beyond):
        raise Unmet("a shot ended while the belt stood before its target")
    rig.sort(cell.belt.velocity)
    worst = max(worst, _aim(rig, [beyond], cell.belt.velocity))
    return f"at most {1e3 * worst:.2f} mm off"


@clause("lead", "opens lead_s after energising: the message's lead, at the speed of that moment")
def _lead(rig: Rig) -> str:
    speed = rig.cell.belt.velocity
    rig.sort(speed)
    present = rig.present
    leads = (0.0, 0.005, 0.020, 0.040)
    shots = [
        rig.shoot(present + rig.cell.counts(speed * 0.3) + 200 * number, lead_s=lead)
        for number, lead in enumerate(leads)
    ]
    worst = _aim(rig, shots, speed)
    return f"leads of 0 to 40 ms: at most {1e3 * worst:.2f} mm off"


@clause(
    "once",
    "an item id is executed once: commanded again while it waits, its aim moves; later, nothing",
)
def _once(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    first = rig.shoot(rig.present + rig.cell.counts(0.15))
    shot = replace(first, target_count=first.target_count + rig.cell.counts(0.05))
    rig.send(shot)
    _aim(rig, [shot], rig.cell.belt.velocity)
    again = replace(shot, target_count=round(rig.present) + rig.cell.counts(0.1))
    rig.send(shot)
    rig.send(again)
    rig.listen(0.6)
    if len(rig.ends(shot)) != 1:
        raise Unmet(f"{len(rig.ends(shot))} ends of one item: {_results(rig.ends(shot))}")
    return "4 commands, 1 end"


@clause(
    "cancel",
    "a shot called off ends as cancelled and is never fired, also called off before it came",
)
def _cancel(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    waiting = rig.shoot(rig.present + rig.cell.counts(0.4))
    rig.send(replace(waiting, fire=False))
    early = rig.shoot(rig.present + rig.cell.counts(0.4), fire=False)
    rig.send(replace(early, fire=True))
    fired = rig.shoot(rig.present + rig.cell.counts(0.1))
    _ended(rig, FIRED, fired)
    rig.send(replace(fired, fire=False))
    _ended(rig, CANCELLED, waiting, early, timeout_s=1.0)
    rig.need(lambda: rig.belt.count > early.target_count, "the belt passes the targets")
    rig.listen(0.2)
    events = rig.ends(waiting, early, fired)
    if len(events) != 3:
        raise Unmet(f"{len(events)} ends of 3 items: {_results(events)}")
    return "before, while it waits, after"


@clause("late", "a target that has passed ends as late, at once")
def _late(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    shots = [rig.shoot(rig.belt.count - ahead) for ahead in (10_000, 1_000, 1)]
    _ended(rig, LATE, *shots)
    return f"{len(shots)} of {len(shots)}"


@clause("refuse", "what can't be executed ends as fault, its detail naming the field")
def _refuse(rig: Rig) -> str:
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
        for event in _ended(rig, FAULT, *shots):
            if field not in event.detail:
                raise Unmet(f"{event.detail!r} does not name {field}")
    return f"{sum(map(len, bad.values()))} refused: {', '.join(bad)}"


@clause("disabled", "with valves_enabled false nothing is fired: shots that come due end as late")
def _disabled(rig: Rig) -> str:
    rig.sort(rig.cell.belt.velocity)
    rig.enable(belt=True, valves=False)
    rig.listen(0.2)
    shots = [rig.shoot(rig.present + rig.cell.counts(ahead)) for ahead in (0.1, 0.15)]
    _ended(rig, LATE, *shots)
    return f"{len(shots)} of {len(shots)} late"


@clause(
    "silence", "1 s without cell/state disables belt and valves, neither sooner nor 0.2 s later"
)
def _silence(rig: Rig) -> str:
    speed = rig.cell.belt.max_velocity
    rig.sort(speed)
    epoch = rig.belt.epoch
    rig.enable(belt=True, valves=True)
    rig.silent, silent_since = True, time.monotonic()
    present = rig.present
    # The belt brakes after 1 s, and passes the second one within its way to a stand.
    early, late = (rig.shoot(present + rig.cell.counts(speed * after)) for after in (0.6, 1.2))
    beyond = rig.shoot(present + rig.cell.counts(speed * 2.0 + speed**2))
    _ended(rig, FIRED, early)
    _ended(rig, LATE, late)
    rig.need_speed(0.0, "the belt stands without cell/state")
    stood_s = time.monotonic() - silent_since
    rig.sort(speed)
    _ended(rig, FIRED, beyond)
    if rig.belt.epoch != epoch:
        raise Unmet("another epoch, though no count was lost")
    return f"stood after {stood_s:.1f} s, went on counting"


@clause(
    "estop",
    "cell/estop twice a second; pressed, disabled until released and then disabled by cell/state",
)
def _estop(rig: Rig) -> str:
    speed = rig.cell.belt.velocity
    rig.sort(speed)
    heard = rig.heard["cell/estop"]
    rig.need(lambda: len(heard) >= 3, "three messages on cell/estop")
    gap = _longest_gap_s(heard)
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
    _stands(rig, 0.6, "released, but not yet disabled by cell/state")
    if rig.ends(waiting):
        raise Unmet(f"{_results(rig.ends(waiting))} while it was pressed")
    rig.enable(belt=False, valves=False)
    rig.listen(0.3)
    rig.sort(speed)
    rig.send(replace(waiting, fire=False))
    _ended(rig, CANCELLED, waiting)
    return f"longest gap {gap:.2f} s; starts only after cell/state disabled it"


@clause(
    "lost_count",
    "a lost count begins a later epoch, ends what waits as fault, is an ERROR while it lasts",
)
def _lost_count(rig: Rig) -> str:
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
    _ended(rig, FAULT, waiting)
    rig.need(lambda: not rig.fault, "no ERROR any more")
    return f"{said!r}; epoch {(rig.belt.epoch - epoch) * 1e-6:.0f} s later"


@clause("counts", "counts are 64 bits without wrap: none that the belt node would refuse")
def _counts(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    longest_s = rig.cell.metres(LONG_SPAN) / rig.cell.belt.max_velocity
    rig.wait(lambda: rig.travel >= LONG_SPAN or _refused(rig), longest_s + COMES_S)
    if _refused(rig) or rig.travel < LONG_SPAN:
        faults = ", ".join(f"{name} {count}" for name, count in rig.tracker.faults.items())
        raise Unmet(f"{rig.travel} counts run, refused: {faults}")
    return f"{rig.travel} counts run, none refused"


@clause("ends", "every shot of this session has ended exactly once, and nothing else has")
def _ends(rig: Rig) -> str:
    rig.sort(rig.cell.belt.max_velocity)
    present = rig.present
    burst = [rig.shoot(present + rig.cell.counts(0.5) + 40 * number) for number in range(30)]
    rig.need_ends(*burst)
    ended = [heard.message.item_id for heard in rig.heard["ejector/events"]]
    without = set(rig.shots) - set(ended)
    foreign = set(ended) - set(rig.shots)
    twice = len(ended) - len(set(ended))
    if without or foreign or twice:
        raise Unmet(
            f"{len(without)} without an end, {twice} ends too many, {len(foreign)} never commanded"
        )
    return f"{len(rig.shots)} shots, {len(ended)} ends"


def _samples(rig: Rig, seconds: float) -> Sequence[Heard]:
    heard = rig.heard["belt/encoder"]
    begun = len(heard)
    rig.listen(seconds)
    if len(heard) < begun + 3:
        raise Unmet(f"{len(heard) - begun} counts in {seconds:g} s")
    return heard[begun:]


def _longest_gap_s(heard: Sequence[Heard]) -> float:
    return max((b.received - a.received) * 1e-9 for a, b in pairwise(heard))


def _through(rig: Rig, reached: Callable[[], bool], words: str) -> None:
    """Things come by themselves where the rig has some; else a person is asked."""
    if not rig.wait(reached, COMES_S):
        print(f">> {words}", flush=True)
        rig.need(reached, words, rig.patience(False))


def _stands(rig: Rig, seconds: float, why: str) -> None:
    """Raises Unmet where the belt moves within this time."""
    begun = rig.travel
    rig.listen(seconds)
    if rig.travel - begun > 2:
        raise Unmet(f"the belt ran {1e3 * rig.cell.metres(rig.travel - begun):.1f} mm, {why}")


def _latched(rig: Rig, events: Sequence[Heard]) -> str:
    """How far the counts of edges are from the belt's at their stamps. Raises Unmet."""
    worst = max(
        _off(rig, event.stamp, event.message.epoch, event.message.count) for event in events
    )
    if worst > 0.0005:
        raise Unmet(f"{1e3 * worst:.2f} mm from the belt at the stamp")
    return f"{len(events)} latched, at most {1e3 * worst:.2f} mm off"


def _off(rig: Rig, stamp: int, epoch: int, count: int) -> float:
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


def _aim(rig: Rig, shots: Sequence[Shot], speed: float) -> float:
    """The worst distance from the targets at which jets opened [m]. Raises Unmet."""
    allowed = 2 * rig.cell.ejection.jitter_s * speed + 0.0005
    worst = 0.0
    for event in _ended(rig, FIRED, *shots, timeout_s=8.0):
        stamp = stamp_of(event.header.stamp)
        said = _off(rig, stamp, event.epoch, event.actual_count)
        if said > allowed:
            raise Unmet(f"actual_count {1e3 * said:.2f} mm from the belt at its stamp")
        off = max(
            rig.cell.metres(abs(event.actual_count - event.planned_count)),
            _off(rig, stamp, event.epoch, event.planned_count),
        )
        if off > allowed:
            raise Unmet(f"opened {1e3 * off:.2f} mm off at {speed:g} m/s")
        worst = max(worst, off)
    return worst


def _ended(rig: Rig, result: str, *shots: Shot, timeout_s: float = COMES_S) -> list[EjectEvent]:
    """The ends of shots. Raises Unmet where one is another, or not of its shot."""
    events = rig.need_ends(*shots, timeout_s=timeout_s)
    for shot, event in zip(shots, events, strict=True):
        if event.result != result:
            raise Unmet(f"{_results([event])}; allowed: {result}")
        if (event.valve, event.planned_count) != (shot.valve, shot.target_count):
            raise Unmet(
                f"valve {event.valve}, planned_count {event.planned_count} not as commanded"
            )
    return events


def _results(events: Sequence[EjectEvent]) -> str:
    return ", ".join(f"{e.result} ({e.detail})" if e.detail else e.result for e in events) or "none"


def _refused(rig: Rig) -> bool:
    return any(rig.tracker.faults.values())


def chosen(names: str) -> list[Clause]:
    """The clauses of a list with commas, all of an empty one. Raises ConfigurationError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    known = {clause.name: clause for clause in CLAUSES}
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"clauses: {name!r} is refused; allowed: {', '.join(known)}")
    return [known[name] for name in wanted] or CLAUSES


def hold(rig: Rig, clauses: Iterable[Clause], tell: Callable[[Finding], None]) -> list[Finding]:
    """Hold a board against the clauses, one by one. Raises Unmet where there is no board."""
    rig.enable(belt=False, valves=False)
    rig.need(lambda: rig.tracker.latest, "a count on belt/encoder", APPEARS_S)
    findings = []
    for one in clauses:
        try:
            finding = Finding(one, one.check(rig), True)
        except Unmet as unmet:
            finding = Finding(one, str(unmet), False)
        findings.append(finding)
        tell(finding)
    return findings


def _print(finding: Finding) -> None:
    one = finding.clause
    verdict = "pass" if finding.good else "FAIL"
    print(f"{one.number:>2} {one.name:<11}{verdict}  {finding.measured}", flush=True)
    if not finding.good:
        print(f"   promised: {one.promise}", flush=True)


def main() -> None:
    sys.exit(_main())


def _main() -> int:
    rclpy.init()
    node = rclpy.create_node("board_contract")
    executor = SingleThreadedExecutor()
    rig = None
    try:
        declare(node, PARAMETERS)
        value = {
            parameter.name: node.get_parameter(parameter.name).value for parameter in PARAMETERS
        }
        clauses = chosen(value["clauses"])
        rig = Rig(load_cell(value["cell_file"]), value["board"], executor, value["patience_s"])
        findings = hold(rig, clauses, _print)
        broken = [finding.clause.name for finding in findings if not finding.good]
        print(f"{len(findings) - len(broken)} of {len(findings)} clauses hold", flush=True)
        return 1 if broken else 0
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return REFUSED
    except Unmet as unmet:
        print(unmet, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, ExternalShutdownException):
        return 1
    finally:
        if rig is not None:
            rig.close()
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
