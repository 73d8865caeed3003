"""One run: some items, some faults, and then everything drains."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from batsort_core.cell import CellDescription
from batsort_core.items import Item, Outcome, Reason
from batsort_trials.core_soak.belt import Belt, Edge, Seen
from batsort_trials.core_soak.belt_part import BeltPart
from batsort_trials.core_soak.bins_part import BinsPart
from batsort_trials.core_soak.control import Control
from batsort_trials.core_soak.faults import MOMENTARY, ODD_SEEN, Fault
from batsort_trials.core_soak.feed import random_bodies
from batsort_trials.core_soak.judging import Judging
from batsort_trials.core_soak.mishaps import Mishaps
from batsort_trials.core_soak.post import Post
from batsort_trials.core_soak.promises import Promise, Promises
from batsort_trials.core_soak.scene import Scene
from batsort_trials.core_soak.sorter_part import SorterPart
from batsort_trials.core_soak.valve_part import ValvePart

_TICK_S = 0.02
_DRAIN_TICK_S = 0.1
_LONGEST_S = 120.0
_LOOK_TICKS = 5


class SoakRun:
    """A cell of core parts on its belt, run tick by tick."""

    def __init__(
        self, cell: CellDescription, seed: int, faults: Iterable[Fault] | None = None
    ) -> None:
        """`faults`: those at work; drawn at random where not given."""
        rng = random.Random(seed)
        drawn = rng.sample(list(Fault), rng.choice((0, 1, 1, 2, 3, 5, 8)))
        self.faults = frozenset(drawn if faults is None else faults)
        # Of its own: what is drawn for all else does not hang on whether print is read.
        print_rng = random.Random(f"print {seed}")
        rule = cell.recipe.print
        if rule is not None and print_rng.random() < 0.5:
            veto = replace(rule, veto=True)
            cell = replace(cell, recipe=replace(cell.recipe, print=veto))
        if Fault.FULL_BAGS in self.faults:
            cell = replace(cell, bins=tuple(replace(bin, capacity=2) for bin in cell.bins))
        self.promises = Promises(cell, seed, not self.faults & ODD_SEEN, recipe=cell.recipe)
        belt = Belt(cell, rng, self.faults)
        belt.lay(random_bodies(cell, rng, self.faults))
        last_x = belt.bodies[-1].x
        self._feeding_s = 1.0 + last_x / cell.belt.velocity
        self._far = last_x + 1.1 * (cell.others.distance + cell.confirm.window)
        """Travel after which the last body must have left the belt [m]."""
        self._moments = sorted(
            (rng.uniform(0.3, self._feeding_s + 2.0), fault)
            for fault in MOMENTARY
            if fault in self.faults
            for _ in range(rng.choice((1, 1, 2)))
        )
        scene = self._scene = Scene(cell, rng, self.faults, belt, self.promises, cell.recipe)
        post = self._post = Post(scene)
        self._belt_part = BeltPart(scene, post)
        self._judging = Judging(scene, post, self._belt_part, print_rng)
        self._sorter_part = SorterPart(scene, post)
        self._bins_part = BinsPart(scene, post)
        self._valve_part = ValvePart(scene, post)
        parts = (self._belt_part, self._sorter_part, self._bins_part, self._valve_part)
        self._control = Control(scene, *parts)
        self._mishaps = Mishaps(scene, *parts, self._control)
        self._mishaps.begin(last_x)

    @property
    def events(self) -> int:
        """Inputs taken by the parts."""
        return self._scene.events

    @property
    def items(self) -> dict[int, Item]:
        """Those that have passed the barrier, by id."""
        return self._belt_part.items

    @property
    def told(self) -> list[object]:
        """Decisions, outcomes and ends of shots, in order."""
        return self._scene.told

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

    def _over(self) -> bool:
        belt = self._scene.belt
        if belt.t > _LONGEST_S:
            return True
        if not self._scene.draining or belt.travel <= self._far:
            return False
        return not self._post.busy and self._bins_part.counter.balance.on_belt == 0

    def _tick(self, tick: int) -> None:
        scene, belt, post = self._scene, self._scene.belt, self._post
        far = belt.travel > self._far
        began, counted = belt.t, belt.counted
        sights = list(belt.step(_DRAIN_TICK_S if far else _TICK_S))
        if not scene.draining and belt.t > self._feeding_s + 4.0:
            scene.draining = True
            belt.stuck_open, belt.dead_eye = "", ""
        while self._moments and self._moments[0][0] <= belt.t:
            self._mishaps.happen(self._moments.pop(0)[1])
        post.deliver()
        for sight in sights:
            if isinstance(sight, Edge):
                self._belt_part.edge(sight)
            else:
                post.send("arrivals", (sight, belt.epoch))
        if scene.chance(Fault.BLINKING_EYE, 0.01):
            bin = scene.rng.choice(scene.cell.bins).name
            post.send("arrivals", (Seen(bin, belt.stamp(belt.t), belt.count), belt.epoch))
        self._belt_part.encode()
        self._judging.step()
        self._valve_part.step(began, counted)
        post.deliver()
        if far or tick % _LOOK_TICKS == 0:
            self._control.step()

    def _judge_end(self) -> None:
        promises, balance = self.promises, self._bins_part.counter.balance
        heard = len(self._bins_part.heard)
        if balance.on_belt or balance.items_in != heard:
            promises.found(Promise.SETTLED, f"{heard} heard of; {balance}")
        undecided = self._sorter_part.heard - set(promises.decisions)
        if undecided:
            promises.found(Promise.DECIDED, f"{sorted(undecided)}")
        if self.faults or self._control.troubled:
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
