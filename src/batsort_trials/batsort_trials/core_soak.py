"""A whole cell of core parts under random faults, run after run: does it keep its promises?

Pure: a run is a function of its seed. A part crashes and is restored from its records, messages are
lost, late and repeated, and what is heard of bodies on a kinematic belt (`soak_belt`) is judged by
`soak_promises`.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from typing import Any

from batsort_core.balance import Settled
from batsort_core.belt import BeltError, BeltTracker, ItemDetector
from batsort_core.belt_watch import BeltWatch
from batsort_core.bins import BinCounter
from batsort_core.cell import CellDescription
from batsort_core.chemistry import Chemistry
from batsort_core.decisions import Decision, Shot
from batsort_core.firing import Motion, ShotEnd, ShotQueue
from batsort_core.items import Item, Outcome, PrintReading, Reason, Verdict
from batsort_core.sorter import Sorter
from batsort_supervision.packml import (
    Command,
    IllegalTransition,
    State,
    belt_enabled,
    looked_at,
    valves_enabled,
)
from batsort_supervision.supervision import Supervision
from batsort_trials.soak_belt import Belt, Body, Edge, Fault, Seen
from batsort_trials.soak_promises import Broken, Promise, Promises

_TICK_S = 0.02
_DRAIN_TICK_S = 0.1
_LONGEST_S = 120.0
_LOOK_TICKS = 5
_UNSETTLED_S = 0.05  # after counts were lost the velocity is not that of the belt
_HEARD = 0.05  # [m] of travel until all have heard what is not trusted any more
_KEPT = 100  # messages that a late joiner is given (transient local)
_LATCHED = ("items", "verdicts", "prints", "decisions", "ends", "arrivals")
_AGAIN = 20
"""Every how manieth run is done twice."""
_ODD_SEEN = frozenset(
    {
        Fault.SLIP,
        Fault.NOISE,
        Fault.FOREIGN,
        Fault.MISSED,
        Fault.MOVED,
        Fault.FROZEN,
        Fault.JUMP,
        Fault.EDGE_LOST,
        Fault.TOUCHING,
        Fault.BLINKING_EYE,
    }
)
"""Faults by which items are rightly seen off their places."""
_UNHEARD = frozenset({Fault.DELAYED, Fault.LOST, Fault.CLOCK_BACK, Fault.VALVES_RESTART})
"""Faults by which somebody hears too late, or never, what is not trusted any more: a belt node that
is started alone on a clock set back, a new valve driver that is told an old shot again."""
_MOMENTARY = (
    Fault.BACKWARDS,
    Fault.JAM,
    Fault.JUMP,
    Fault.MISSED,
    Fault.RESET,
    Fault.SILENCE,
    Fault.FROZEN,
    Fault.CLOCK_FORWARD,
    Fault.CLOCK_BACK,
    Fault.BELT_RESTART,
    Fault.SORTER_RESTART,
    Fault.BINS_RESTART,
    Fault.VALVES_RESTART,
    Fault.ESTOP,
    Fault.HOLD,
    Fault.NEW_BAG,
    Fault.RECIPE,
    Fault.STOPS,
    Fault.SPEEDS,
    Fault.MOVED,
    Fault.VANISHING,
)


@dataclass(slots=True)
class Findings:
    """What came of all runs."""

    runs: int = 0
    events: int = 0
    """Inputs taken by the parts."""
    items: int = 0
    """Items that passed the barrier."""
    fired: int = 0
    faults: Counter[Fault] = field(default_factory=Counter)
    """Runs in which each was at work."""
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    broken: list[Broken] = field(default_factory=list)


def soak(
    cell: CellDescription,
    runs: int,
    seed: int = 0,
    progress: Callable[[Findings], None] | None = None,
) -> Findings:
    """Do `runs` runs, seeded `seed`, `seed + 1` and so on; `progress` is called after each."""
    findings = Findings()
    for number in range(seed, seed + runs):
        run = SoakRun(cell, number)
        run.go()
        if number % _AGAIN == 0:
            again = SoakRun(cell, number)
            again.go()
            if again.told != run.told:
                run.promises.found(Promise.SAME_AGAIN, f"{len(run.told)}, {len(again.told)} told")
        findings.runs += 1
        findings.events += run.events
        findings.items += len(run.items)
        findings.fired += len(run.promises.fired)
        findings.faults.update(run.faults)
        findings.outcomes.update(one.outcome for one in run.promises.settled.values())
        findings.broken += run.promises.broken
        if progress is not None:
            progress(findings)
    return findings


class SoakRun:
    """One run: some items, some faults, and then everything drains."""

    def __init__(
        self, cell: CellDescription, seed: int, faults: Iterable[Fault] | None = None
    ) -> None:
        """`faults`: those at work; drawn at random where not given."""
        rng = self._rng = random.Random(seed)
        drawn = rng.sample(list(Fault), rng.choice((0, 1, 1, 2, 3, 5, 8)))
        self.faults = frozenset(drawn if faults is None else faults)
        # Of its own: what is drawn for all else does not hang on whether print is read.
        self._print_rng = random.Random(f"print {seed}")
        rule = cell.recipe.print
        if rule is not None and self._print_rng.random() < 0.5:
            veto = replace(rule, veto=True)
            cell = replace(cell, recipe=replace(cell.recipe, print=veto))
        if Fault.FULL_BAGS in self.faults:
            cell = replace(cell, bins=tuple(replace(bin, capacity=2) for bin in cell.bins))
        self.events = 0
        self.items: dict[int, Item] = {}
        self.told: list[object] = []
        """Decisions, outcomes and ends of shots, in order."""
        self._cell = cell
        self.promises = Promises(cell, seed, not self.faults & _ODD_SEEN, recipe=cell.recipe)
        self._belt = Belt(cell, rng, self.faults)
        self._belt.lay(self._bodies())
        self._last_x = self._belt.bodies[-1].x
        self._feeding_s = 1.0 + self._last_x / cell.belt.velocity
        self._moments = sorted(
            (rng.uniform(0.3, self._feeding_s + 2.0), fault)
            for fault in _MOMENTARY
            if fault in self.faults
            for _ in range(rng.choice((1, 1, 2)))
        )
        self._draining = False
        self._speed = cell.belt.velocity
        self._posts: list[tuple[float, int, str, Any]] = []
        self._posted = 0
        self._last_due: dict[str, float] = {}
        self._history: dict[str, list[Any]] = {topic: [] for topic in _LATCHED}
        self._decided: list[dict[str, Any]] = []
        self._journal: list[dict[str, Any]] = []
        self._heard_by_bins: set[int] = set()
        self._heard_by_sorter: set[int] = set()
        self._sorter = Sorter(cell)
        self._recipe = cell.recipe
        self._counter = BinCounter(cell)
        self._begin_belt()
        self._valves = {bin.valve: bin.name for bin in cell.ejectors if bin.valve is not None}
        self._queue = ShotQueue(list(self._valves))
        self._opening: list[tuple[float, Shot]] = []
        self._before = (0.0, 0.0)
        self._supervision = Supervision(
            members=("belt", "ejector", "bins"),
            managed=frozenset(),
            silence_s=2.0,
            bringup_s=30.0,
            coast_s=3.0,
            autostart=True,
            resume=True,
        )
        self._pressed_until = 0.0
        self._silent_until = 0.0
        self._dying = ""
        self._enabled = False
        self._moved: tuple[frozenset[int], float] = (frozenset(), 0.0)
        """What lay there when the belt started after a look, and where it was [m]."""
        self._jump: list[int] = []
        self._operator_at = 0.0
        self._troubled = False
        self._lasting_faults()

    def go(self) -> None:
        """Run until everything has drained."""
        try:
            tick = 0
            while not self._over():
                self._tick(tick)
                tick += 1
            self._judge_end()
        except Exception as error:  # whatever it is, it is a finding
            self.promises.found(Promise.NO_ERROR, f"{type(error).__name__}: {error}")

    def _has(self, fault: Fault) -> bool:
        return fault in self.faults and not self._draining

    def _chance(self, fault: Fault, p: float) -> bool:
        return fault in self.faults and not self._draining and self._rng.random() < p

    def _bodies(self) -> list[Body]:
        rng, bodies, at = self._rng, list[Body](), 0.15
        types = (*self._cell.recipe.types, "Paper")
        for _ in range(rng.randrange(5, 12)):
            length = rng.choice((0.044, 0.05, 0.05, 0.065, rng.uniform(0.012, 0.07)))
            gap = rng.choice((0.05, 0.08, 0.1, rng.uniform(0.003, 0.02)))
            if Fault.TOUCHING in self.faults and rng.random() < 0.4:
                gap = 0.0
            if Fault.TOO_LONG in self.faults and rng.random() < 0.3:
                length = 0.09
            at += gap + length
            bodies.append(Body(at - length / 2, length, rng.choice(types)))
            if Fault.FOREIGN in self.faults and rng.random() < 0.3:
                aside = at + rng.uniform(0.0, 0.04) + 0.025
                bodies.append(Body(aside, 0.05, "Paper", foreign=True))
        return bodies

    def _lasting_faults(self) -> None:
        rng, belt = self._rng, self._belt
        names = [bin.name for bin in self._cell.ejectors]
        if Fault.SLIP in self.faults:
            belt.slip_from = rng.uniform(0.0, self._last_x)
        if Fault.STUCK_SHUT in self.faults:
            belt.stuck_shut = rng.choice(names)
        if Fault.STUCK_OPEN in self.faults:
            belt.stuck_open = rng.choice(names)
        if Fault.SLOW in self.faults:
            belt.late_bin, belt.late_s = rng.choice(names), rng.uniform(0.005, 0.04)
        if Fault.DEAD_EYE in self.faults:
            belt.dead_eye = rng.choice([*names, self._cell.others.name])

    def _begin_belt(self) -> None:
        self._tracker = BeltTracker(self._cell.belt.metres_per_count, self._cell.belt.max_velocity)
        self._detector = ItemDetector(self._cell.items, self._cell.belt.metres_per_count)
        self._watch = BeltWatch(
            self._cell, self._tracker, self._detector, silence_s=0.3, standing_s=0.5
        )
        self._imaging: list[Item] = []

    def _over(self) -> bool:
        if self._belt.t > _LONGEST_S:
            return True
        if not self._draining or self._belt.travel <= self._far:
            return False
        on_its_way = any(not link.startswith("readings>") for _, _, link, _ in self._posts)
        return not on_its_way and self._counter.balance.on_belt == 0

    @property
    def _far(self) -> float:
        """Travel after which the last body must have left the belt [m]."""
        return self._last_x + 1.1 * (self._cell.others.distance + self._cell.confirm.window)

    def _tick(self, tick: int) -> None:
        belt = self._belt
        far = belt.travel > self._far
        self._before = (belt.t, belt.counted)
        sights = list(belt.step(_DRAIN_TICK_S if far else _TICK_S))
        if not self._draining and belt.t > self._feeding_s + 4.0:
            self._draining = True
            belt.stuck_open, belt.dead_eye = "", ""
        while self._moments and self._moments[0][0] <= belt.t:
            self._happen(self._moments.pop(0)[1])
        self._deliver()
        for sight in sights:
            if isinstance(sight, Edge):
                self._edge(sight)
            else:
                self._post("arrivals", (sight, belt.epoch))
        if self._chance(Fault.BLINKING_EYE, 0.01):
            bin = self._rng.choice(self._cell.bins).name
            self._post("arrivals", (Seen(bin, belt.stamp(belt.t), belt.count), belt.epoch))
        self._encode()
        self._image()
        self._drive_valves()
        self._deliver()
        if far or tick % _LOOK_TICKS == 0:
            self._supervise()

    # Messages -----------------------------------------------------------------------------------

    def _post(self, topic: str, message: Any) -> None:
        """Send to all that listen; each hears it in its time, in the order of its topic."""
        if topic in _LATCHED and topic != "decisions":
            self._history[topic].append(message)
        for link in _LINKS[topic]:
            if self._chance(Fault.LOST, 0.03):
                continue
            delay = self._rng.random() * 0.01
            if self._chance(Fault.DELAYED, 0.1):
                delay += self._rng.expovariate(2.0)
            due = self._belt.t + delay
            if not (topic == "ends" and Fault.REORDERED in self.faults):
                due = self._last_due[link] = max(due, self._last_due.get(link, 0.0))
            self._push(due, link, message)
            if topic == "shots" and self._chance(Fault.REPEATED, 0.3):
                self._push(due + self._rng.choice((0.0, 0.2, 3.0)), link, message)

    def _push(self, due: float, link: str, message: Any) -> None:
        self._posted += 1
        heappush(self._posts, (due, self._posted, link, message))

    def _deliver(self) -> None:
        while self._posts and self._posts[0][0] <= self._belt.t:
            _, _, link, message = heappop(self._posts)
            self.events += 1
            self._hand_over(link, message)

    def _hand_over(self, link: str, message: Any) -> None:
        match link:
            case "items>ejector":
                self._heard_by_sorter.add(message.id)
                self._sorter_takes(message, lambda: self._sorter.on_item(message))
            case "verdicts>ejector":
                self._sorter_takes(message, lambda: self._sorter.on_verdict(message))
            case "prints>ejector":
                self._sorter_takes(message, lambda: self._sorter.on_print(message))
            case "readings>ejector":
                self._sorter_takes(message, lambda: self._sorter.on_belt(message))
            case "ends>ejector":
                self.promises.sorter_heard_end(message.shot.item_id)
                end = (message.shot.item_id, message.result, message.stamp)
                self._sorter_takes(message, lambda: self._sorter.on_eject_event(*end))
            case "arrivals>ejector":
                seen, epoch = message
                arrival = (seen.bin, seen.stamp, epoch, seen.count)
                self._sorter_takes(message, lambda: self._sorter.on_arrival(*arrival))
            case "shots>valves":
                self._valves_take(message)
            case "items>bins":
                self._heard_by_bins.add(message.id)
                self._counted(self._counter.on_item(message))
            case "decisions>bins":
                self._counted(self._counter.on_decision(message))
            case "readings>bins":
                self._counted(self._counter.on_belt(message))
            case "ends>bins":
                item_id, count = message.shot.item_id, message.actual_count
                self._counted(
                    self._counter.on_eject_event(item_id, message.result, message.stamp, count)
                )
            case "arrivals>bins":
                seen, epoch = message
                self._counted(self._counter.on_arrival(seen.bin, seen.stamp, epoch, seen.count))

    # Parts --------------------------------------------------------------------------------------

    def _sorter_takes(self, what: object, call: Callable[[], list[Decision | Shot]]) -> None:
        self.promises.sorter_heard(what)
        out = call()
        self.promises.sorter_said(what, out)
        decided = [said for said in out if isinstance(said, Decision)]
        self.told += decided
        self._decided += [decision.to_record() for decision in decided]
        self._history["decisions"] += decided
        if decided and self._dying == "ejector":
            self._restart_sorter()
            return
        for said in out:
            self._post("decisions" if isinstance(said, Decision) else "shots", said)

    def _counted(self, settled: list[Settled]) -> None:
        records = self._counter.drain()
        if not records and not settled:
            return
        self._journal += records
        if self._dying == "bins":
            self._restart_bins()
            return
        self.told += settled
        self.promises.counted(settled, self._counter.balance)

    def _valves_take(self, shot: Shot) -> None:
        for end in self._queue.take(shot, self._motion()):
            self._tell(end)
        if not shot.fire:
            self.promises.calling_off_taken(shot.item_id)

    def _enable(self, enabled: bool) -> None:
        self._queue.enabled = self._enabled = enabled

    def _motion(self) -> Motion:
        belt = self._belt
        return Motion(belt.stamp(belt.t), belt.epoch, belt.counted, belt.rate)

    def _drive_valves(self) -> None:
        belt, opening = self._belt, self._opening
        began, counted = self._before
        for done in self._queue.step(self._motion()):
            if isinstance(done, ShotEnd):
                self._tell(done)
                continue
            shot, travel = done.shot, belt.counted - counted
            self.promises.valve_energised(done, belt.epoch, self._enabled)
            moved, since = self._moved
            heard = belt.travel > since + _HEARD and not self.faults & _UNHEARD
            if heard and shot.item_id in moved:
                self.promises.found(Promise.MOVED, f"{shot}")
            share = (done.motion.count - counted) / travel if travel else 1.0
            at = began + min(1.0, max(0.0, share)) * (belt.t - began)
            belt.energise(self._valves[shot.valve], at, shot.pulse_s)
            opening.append((at + shot.lead_s, shot))
            self._tell(done.fired())
        for at, shot in opening:
            if at <= belt.t and belt.torn < began - _UNSETTLED_S:
                share = (at - began) / (belt.t - began)
                self.promises.jet_opened(shot, counted + share * (belt.counted - counted))
        self._opening = [(at, shot) for at, shot in opening if at > belt.t]

    def _tell(self, end: ShotEnd) -> None:
        self.told.append(end)
        self.promises.shot_ended(end)
        self._post("ends", end)

    def _encode(self) -> None:
        belt = self._belt
        if belt.t < self._silent_until:
            return
        count, previous = belt.count, self._tracker.latest
        if self._jump:
            count += self._jump.pop()
        self.events += 1
        try:
            reading = self._tracker.add(belt.stamp(belt.t), belt.epoch, count)
        except BeltError as error:
            self._watch.refused(str(error))
            return
        self._watch.reading(belt.t, reading, previous)
        self._post("readings", reading)

    def _edge(self, edge: Edge) -> None:
        if self._chance(Fault.EDGE_LOST, 0.1):
            return
        for _ in range(2 if self._chance(Fault.EDGE_DOUBLED, 0.2) else 1):
            self.events += 1
            epoch = self._belt.epoch
            self._watch.edge(epoch, edge.count, edge.blocked)
            item = self._detector.on_edge(edge.stamp, epoch, edge.count, edge.blocked)
            if item is not None:
                self.items[item.id] = item
                self._imaging.append(item)
                self._post("items", item)

    def _image(self) -> None:
        belt, at = self._belt, self._cell.counts(self._cell.camera.distance)
        for item in [
            i for i in self._imaging if i.epoch != belt.epoch or belt.count >= i.count + at
        ]:
            self._imaging.remove(item)
            seen = belt.seen_by_camera(item.count) if item.epoch == belt.epoch else None
            if seen is None or self._chance(Fault.VERDICT_LOST, 0.2):
                continue
            self._judge(item, *seen)

    def _judge(self, item: Item, body: Body, off: float) -> None:
        rng = self._rng
        wrong = self._chance(Fault.WRONG_TYPE, 0.2)
        type = rng.choice(list(self._cell.recipe.types)) if wrong else body.type
        confidence = rng.uniform(0.3, 0.85) if self._chance(Fault.UNSURE, 0.3) else 0.97
        scores = {name: 0.0 for name in self._cell.recipe.types} | {type: confidence}
        stamp = self._belt.stamp(self._belt.t)
        clear = self._belt.clearance(body)
        verdict = Verdict(item.id, type, confidence, 0.4, stamp, scores, off, clear)
        delay = rng.uniform(0.05, 0.15)
        if self._chance(Fault.VERDICT_LATE, 0.4):
            delay += rng.uniform(0.2, 4.0)
        self._history["verdicts"].append(verdict)
        self._read(verdict, body, delay)
        for _ in range(2 if self._chance(Fault.VERDICT_DOUBLED, 0.3) else 1):
            self._push(self._belt.t + delay, "verdicts>ejector", verdict)
            delay += rng.uniform(0.0, 0.3)

    def _read(self, verdict: Verdict, body: Body, delay: float) -> None:
        """Print tells what a body truly is, or nothing, or is misread; in time, or too late."""
        rng, recipe = self._print_rng, self._recipe
        if recipe.print is None or not recipe.print.veto or not recipe.wants_print(verdict):
            return
        if rng.random() < 0.2:
            return
        chemistry = (recipe.chemistries or {}).get(body.type) if rng.random() < 0.7 else None
        if rng.random() < 0.1:
            chemistry = rng.choice(list(Chemistry))
        confidence = rng.choice((0.5, 0.9, 0.97))
        brands = (recipe.brands or {}).get(body.type, ("",)) if rng.random() < 0.5 else ("",)
        reading = PrintReading(
            verdict.item_id,
            verdict.image_stamp,
            chemistry,
            confidence,
            brand=rng.choice(brands),
            brand_confidence=rng.choice((0.5, 0.95, 1.0)),
        )
        self._history["prints"].append(reading)
        delay += rng.choice((0.0, 0.3, 1.0, 3.0)) + rng.uniform(-0.1, 0.1)
        self._push(self._belt.t + max(0.0, delay), "prints>ejector", reading)

    # Supervisor and operator --------------------------------------------------------------------

    def _supervise(self) -> None:
        belt, supervision = self._belt, self._supervision
        t = belt.t
        troubles = {
            "belt": self._watch.trouble(t),
            "ejector": self._sorter.trouble,
            "bins": self._counter.trouble,
        }
        for name, trouble in troubles.items():
            self._troubled |= trouble is not None
            supervision.heartbeat(t, name, "", trouble)
        supervision.estop(t, t < self._pressed_until, "button")
        supervision.step(t)
        state = supervision.packml.state
        self._operate(t, state)
        state = supervision.packml.state
        run = belt_enabled(state)
        if run and belt.told == 0.0 and supervision.moved:
            self._moved = frozenset(self.items), belt.travel
        belt.told = self._speed if run else 0.0
        belt.braking = state in (State.ABORTING, State.ABORTED)
        self._watch.command(run, self._speed, supervision.moved)
        self._enable(valves_enabled(state) and t >= self._pressed_until)
        supervision.belt(belt.velocity > 0.001)
        if belt.braking:
            self._sorter_takes("abort", self._sorter.cancel_all)
        if looked_at(state):
            if self._sorter.trouble is not None:
                self._sorter_takes("acknowledge", self._sorter.acknowledge)
            self._counter.acknowledge()

    def _operate(self, t: float, state: State) -> None:
        """Somebody who starts the cell again and again, and changes full bags."""
        if (trouble := self._counter.trouble) is not None and trouble.outside:
            for bin in self._counter.balance.bins:
                if bin.full:
                    self._change_bag(bin.name)
        wanted = {
            State.HELD: Command.UNHOLD,
            State.ABORTED: Command.CLEAR,
            State.STOPPED: Command.RESET,
            State.IDLE: Command.START,
        }.get(state)
        if wanted is None:
            self._operator_at = t + self._rng.uniform(0.1, 0.8)
        elif t >= self._operator_at:
            try:
                self._supervision.command(wanted, "")
            except IllegalTransition:
                self._operator_at = t + 0.2

    def _change_bag(self, bin: str) -> None:
        self._counter.new_bag(bin)
        self._counted([])

    # Faults -------------------------------------------------------------------------------------

    def _happen(self, fault: Fault) -> None:
        rng, belt = self._rng, self._belt
        match fault:
            case Fault.STOPS | Fault.HOLD | Fault.BACKWARDS:
                if self._supervision.packml.state is State.EXECUTE:
                    self._supervision.command(Command.HOLD, "held")
                if fault is Fault.BACKWARDS:
                    belt.velocity, belt.torn = -0.2, belt.t
            case Fault.SPEEDS:
                self._speed = rng.uniform(0.2, 1.3)
            case Fault.JAM:
                belt.jammed_until = belt.t + rng.uniform(0.2, 1.5)
            case Fault.JUMP:
                if rng.random() < 0.3:
                    belt.lose_counts(rng.choice((-5000, 900, 20000)))
                else:
                    self._jump = [rng.choice((-5000, 900, 20000))] * rng.choice((1, 2, 3, 6))
            case Fault.MISSED:
                belt.lose_counts(-rng.randrange(20, 800))
            case Fault.RESET:
                belt.reset(rng.choice((0, belt.count, belt.count + 300)))
            case Fault.SILENCE:
                self._silent_until = belt.t + rng.uniform(0.1, 1.0)
            case Fault.FROZEN:
                belt.frozen_until = belt.t + rng.uniform(0.1, 1.5)
                belt.torn = belt.frozen_until
            case Fault.CLOCK_FORWARD | Fault.CLOCK_BACK:
                back = fault is Fault.CLOCK_BACK
                belt.clock += -rng.uniform(0.05, 3.0) if back else rng.uniform(0.05, 8.0)
            case Fault.BELT_RESTART:
                self._begin_belt()
            case Fault.SORTER_RESTART:
                self._kill("ejector", self._restart_sorter)
            case Fault.BINS_RESTART:
                self._kill("bins", self._restart_bins)
            case Fault.VALVES_RESTART:
                self.promises.valves_restarted()
                self._queue = ShotQueue(list(self._valves))
                self._enable(self._enabled)
            case Fault.ESTOP:
                self._pressed_until = belt.t + rng.uniform(0.2, 1.5)
                self._enable(False)
            case Fault.NEW_BAG:
                self._change_bag(rng.choice(self._cell.bins).name)
            case Fault.RECIPE:
                self._recipe = replace(self._recipe, threshold=rng.uniform(0.5, 0.99))
                self._sorter.recipe = self.promises.recipe = self._recipe
            case Fault.MOVED | Fault.VANISHING:
                lying = [b for b in belt.bodies if not b.gone and b.x + 0.05 < belt.travel]
                if lying:
                    body = rng.choice(lying)
                    body.gone = fault is Fault.VANISHING
                    body.x += rng.uniform(-0.03, 0.03)

    def _kill(self, name: str, restart: Callable[[], None]) -> None:
        """Now, or between the journal and the topics when it next has something to say."""
        if self._rng.random() < 0.5:
            restart()
        else:
            self._dying = name

    def _restart_sorter(self) -> None:
        """Its process was killed: it has its journal, and what late joiners are given."""
        self._posts = [post for post in self._posts if not post[2].endswith(">ejector")]
        self._posts.sort()
        self._dying = ""
        self._sorter = Sorter(self._cell)
        self._sorter.recipe = self._recipe
        self._sorter.restore([Decision.from_record(r) for r in _through_json(self._decided)])
        self.promises.sorter_restarted()
        for topic in [*self._rng.sample(["items", "verdicts", "ends", "arrivals"], 4), "prints"]:
            for message in self._history[topic][-_KEPT:]:
                self._push(self._belt.t + self._rng.random() * 0.2, f"{topic}>ejector", message)
        for decision in self._history["decisions"][-_KEPT:]:
            self._push(self._belt.t, "decisions>bins", decision)

    def _restart_bins(self) -> None:
        self._posts = [post for post in self._posts if not post[2].endswith(">bins")]
        self._posts.sort()
        self._dying = ""
        before = self._counter.balance
        counter = BinCounter(self._cell)
        known = counter.restore(_through_json(self._journal))
        if counter.balance != before:
            self.promises.found(Promise.RESTORED, f"{before} became {counter.balance}")
        told = self.promises.settled
        untold = [one for one in known if one.item_id not in told]
        if any(told[one.item_id] != one for one in known if one not in untold):
            self.promises.found(Promise.RESTORED, "outcomes changed")
        self.told += untold
        self.promises.counted(untold, counter.balance)
        if self._rng.random() < 0.5:
            self._journal = counter.snapshot()
            short = BinCounter(self._cell)
            short.restore(_through_json(self._journal))
            if short.balance != before:
                self.promises.found(Promise.RESTORED, f"{before} shortened to {short.balance}")
        self._counter = counter
        for topic in ("items", "decisions", "ends", "arrivals"):
            for message in self._history[topic][-_KEPT:]:
                self._push(self._belt.t, f"{topic}>bins", message)

    # The end ------------------------------------------------------------------------------------

    def _judge_end(self) -> None:
        promises, balance = self.promises, self._counter.balance
        if balance.on_belt or balance.items_in != len(self._heard_by_bins):
            promises.found(Promise.SETTLED, f"{len(self._heard_by_bins)} heard of; {balance}")
        undecided = self._heard_by_sorter - set(promises.decisions)
        if undecided:
            promises.found(Promise.DECIDED, f"{sorted(undecided)}")
        if self.faults or self._troubled:
            return
        for decision in promises.decisions.values():
            outcome = promises.settled[decision.item_id].outcome
            sorted_out = outcome is Outcome.SORTED_CONFIRMED
            if sorted_out != (decision.reason is Reason.SORT):
                promises.found(
                    Promise.SORTED,
                    f"{decision} ended as {outcome}; {promises.settled[decision.item_id]}",
                )
            if decision.reason in (Reason.LATE, Reason.NO_VERDICT, Reason.TRACKING_LOST):
                promises.found(Promise.SORTED, f"{decision}")


_LINKS = {
    "items": ("items>ejector", "items>bins"),
    "decisions": ("decisions>bins",),
    "readings": ("readings>ejector", "readings>bins"),
    "shots": ("shots>valves",),
    "ends": ("ends>ejector", "ends>bins"),
    "arrivals": ("arrivals>ejector", "arrivals>bins"),
}


def _through_json(records: Iterable[Any]) -> list[Any]:
    """As a file keeps them."""
    return [json.loads(json.dumps(record)) for record in records]
