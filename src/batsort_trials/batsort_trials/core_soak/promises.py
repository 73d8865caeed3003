"""What the core promises whatever happens, judged by formulas of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from batsort_core.balance import Balance, Settled
from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.firing import Energise, ShotEnd
from batsort_core.items import Item, PrintReading, Reason
from batsort_core.recipe import Recipe
from batsort_core.sizes import MEASURES, MOST_YAW, Measures

_ROUNDING = 3  # [counts]


class Promise(StrEnum):
    """Each is kept under every fault."""

    NO_ERROR = "nothing raises"
    DECIDED_ONCE = "an item is decided once"
    DECIDED = "an item is decided in the end"
    BY_RECIPE = "only what the recipe names is sorted, into its bin"
    BY_PRINT = "nothing is sorted against what was read of it before"
    OWN_VALVE = "a shot is for the valve of its item's bin"
    KNOWN_PLACE = "no shot at an item whose tracking is lost"
    GAP = "no shot at an item too close to a known neighbour"
    IN_TIME = "no shot is decided too late"
    AIM = "a shot is aimed at its item"
    WINDOW = "the jet opens where it is aimed"
    OWN_EPOCH = "a shot fires by the counts of its own epoch"
    FIRED_ONCE = "an item is fired at once at most"
    ENDED_ONCE = "a shot ends once"
    CALLED_OFF = "what was called off never fires"
    ENABLED = "disabled valves never fire"
    MOVED = "what hands may have moved is not blown"
    SETTLED_ONCE = "an item has one outcome"
    SETTLED = "an item has an outcome in the end"
    IDENTITY = "items in = sum of outcomes + on the belt"
    RISING = "counts never fall"
    RESTORED = "a journal restores the same counts"
    SAME_AGAIN = "the same run gives the same decisions"
    SORTED = "where nothing is wrong, what can be sorted is"


@dataclass(frozen=True, slots=True)
class Broken:
    """One promise that was not kept."""

    seed: int
    promise: Promise
    detail: str

    def __str__(self) -> str:
        return f"seed {self.seed}: {self.promise}: {self.detail}"


@dataclass(slots=True)
class Promises:
    """Listens to what the parts of one cell hear and say."""

    cell: CellDescription
    seed: int
    exact: bool
    """Nothing in this run makes the camera or the belt's end see items off their places."""
    broken: list[Broken] = field(default_factory=list)
    decisions: dict[int, Decision] = field(default_factory=dict)
    settled: dict[int, Settled] = field(default_factory=dict)
    fired: set[int] = field(default_factory=set)
    recipe: Recipe | None = None
    _reading: BeltReading | None = None
    _known: dict[int, Item] = field(default_factory=dict)
    _read: dict[int, PrintReading] = field(default_factory=dict)
    _all: dict[int, Item] = field(default_factory=dict)
    _commanded: dict[int, Shot] = field(default_factory=dict)
    _ended: set[int] = field(default_factory=set)
    _called_off: set[int] = field(default_factory=set)
    _balance: Balance | None = None

    def found(self, promise: Promise, detail: str) -> None:
        """A promise was not kept."""
        self.broken.append(Broken(self.seed, promise, detail))

    def sorter_restarted(self) -> None:
        """A new process knows nothing yet."""
        self._known.clear()
        self._commanded.clear()
        self._read.clear()
        self._reading = None

    def sorter_heard(self, what: object) -> None:
        """Before the sorter takes an item, a reading of print or a belt reading."""
        if isinstance(what, Item):
            self._known[what.id] = self._all[what.id] = what
        elif isinstance(what, PrintReading):
            self._read.setdefault(what.item_id, what)
        elif isinstance(what, BeltReading) and (
            self._reading is None or what.stamp > self._reading.stamp
        ):
            self._reading = what

    def sorter_said(self, what: object, out: Iterable[Decision | Shot]) -> None:
        """What the sorter made of it."""
        shots = [said for said in out if isinstance(said, Shot)]
        decided = [said for said in out if isinstance(said, Decision)]
        for decision in decided:
            self._judge_decision(decision)
        for shot in shots:
            if shot.fire:
                self._judge_shot(shot)
                self._commanded[shot.item_id] = shot
        called_off = {shot.item_id for shot in shots if not shot.fire}
        for item_id in called_off:
            self._commanded.pop(item_id, None)
        for item_id, shot in list(self._commanded.items()):
            item = self._known[item_id]
            if self._left(item):
                del self._commanded[item_id]
            elif isinstance(what, BeltReading) and self._lost(item):
                self.found(Promise.KNOWN_PLACE, f"the shot at {item_id} is not called off")
                del self._commanded[item_id]
            elif isinstance(what, Item) and self._too_close(item, what) and self._reachable(shot):
                self.found(Promise.GAP, f"{what.id} is near; the shot at {item_id} stands")
                del self._commanded[item_id]

    def sorter_heard_end(self, item_id: int) -> None:
        """The sorter was told that a shot is over."""
        self._commanded.pop(item_id, None)

    def _judge_decision(self, decision: Decision) -> None:
        item_id, reading = decision.item_id, self._reading
        if item_id in self.decisions:
            self.found(Promise.DECIDED_ONCE, f"{item_id} again")
        self.decisions[item_id] = decision
        verdict, recipe = decision.verdict, self.recipe
        if decision.reason is not Reason.SORT:
            if decision.bin != self.cell.others.name:
                self.found(Promise.BY_RECIPE, f"{decision}")
            return
        if verdict is None or recipe is None or reading is None:
            self.found(Promise.BY_RECIPE, f"{decision}")
            return
        sure = verdict.confidence >= recipe.threshold and verdict.novelty <= recipe.novelty_limit
        if not sure or recipe.types.get(verdict.type) != decision.bin:
            self.found(Promise.BY_RECIPE, f"{decision}")
        read, rule = self._read.get(item_id), recipe.print
        if read is not None and rule is not None and rule.veto:
            stated = (recipe.chemistries or {}).get(verdict.type, read.chemistry)
            if read.chemistry not in (None, stated) and read.confidence >= rule.confidence:
                self.found(Promise.BY_PRINT, f"{decision} is {read.chemistry} by its print")
            brands = (recipe.brands or {}).get(verdict.type, (read.brand,))
            least = 2.0 if rule.brand_confidence is None else rule.brand_confidence
            if read.brand and read.brand not in brands and read.brand_confidence >= least:
                self.found(Promise.BY_PRINT, f"{decision} is of {read.brand} by its print")
        sizes = (recipe.sizes or {}).get(verdict.type)
        if sizes and not any(self._can_be(self._known[item_id], MEASURES[one]) for one in sizes):
            self.found(Promise.BY_RECIPE, f"{decision} is {self._known[item_id].length:.4f} m long")
        if verdict.clearance is not None and verdict.clearance < self.cell.ejection.nozzle_width:
            self.found(Promise.GAP, f"{item_id} has {verdict.clearance:.4f} m")

    def _can_be(self, item: Item, of: Measures) -> bool:
        """By the widest that the size rule can be: a rectangle on its diagonal."""
        most = math.hypot(of.longest, of.thickest)
        error = 6 * self.cell.barrier.position_error + self.cell.tracking.slip_most * item.length
        return of.shortest * math.cos(MOST_YAW) - error <= item.length <= most + error

    def _judge_shot(self, shot: Shot) -> None:
        decision, item = self.decisions.get(shot.item_id), self._known.get(shot.item_id)
        if decision is None or item is None or decision.reason is not Reason.SORT:
            self.found(Promise.OWN_VALVE, f"{shot} without a decision for it")
            return
        if self.cell.bin(decision.bin).valve != shot.valve:
            self.found(Promise.OWN_VALVE, f"{shot} for {decision.bin}")
        if self._lost(item) or self._reading is None:
            self.found(Promise.KNOWN_PLACE, f"{shot}")
            return
        if item.length > self.cell.items.max_length:
            self.found(Promise.GAP, f"{item.id} is {item.length:.3f} m long")
        close = [o.id for o in self._known.values() if self._too_close(item, o)]
        if close:
            self.found(Promise.GAP, f"{item.id} is close to {close[0]}")
        if not self._reachable(shot):
            self.found(Promise.IN_TIME, f"{shot} at {self._reading.count}")

    def _lost(self, item: Item) -> bool:
        reading = self._reading
        if reading is None:
            return False
        other = item.epoch != reading.epoch and item.stamp < reading.stamp
        return other or item.id * 1000 < reading.trusted_since

    def _left(self, item: Item) -> bool:
        """Whether the item must have left the belt."""
        reading, cell = self._reading, self.cell
        if reading is None or reading.epoch != item.epoch:
            return False
        return cell.metres(reading.count - item.count) > cell.others.distance + cell.confirm.window

    def _too_close(self, item: Item, other: Item) -> bool:
        """By the least the gap rule can ask for: at the set speed."""
        if item.id == other.id or item.epoch != other.epoch:
            return False
        ejection, speed = self.cell.ejection, self.cell.belt.velocity
        spread = speed * (2 * ejection.jitter_s + ejection.opening_scatter_s)
        needed = ejection.nozzle_width + spread + 2 * self.cell.barrier.position_error
        apart = abs(item.count - other.count) * self.cell.belt.metres_per_count
        free = apart - (item.length + other.length) / 2
        return free < needed - _ROUNDING * self.cell.belt.metres_per_count

    def _reachable(self, shot: Shot) -> bool:
        """Whether a command can still reach the driver in time, its own lead counted."""
        reading = self._reading
        if reading is None or reading.epoch != shot.epoch:
            return False
        ahead_s = shot.lead_s + self.cell.ejection.command_margin_s
        ahead = max(0.0, reading.velocity) * ahead_s / self.cell.belt.metres_per_count
        return reading.count <= shot.target_count - ahead + _ROUNDING

    def valve_energised(self, due: Energise, epoch: int, enabled: bool) -> None:
        """The driver gives a valve its current."""
        shot = due.shot
        decision = self.decisions.get(shot.item_id)
        if shot.item_id in self.fired:
            self.found(Promise.FIRED_ONCE, f"{shot}")
        self.fired.add(shot.item_id)
        if shot.item_id in self._called_off:
            self.found(Promise.CALLED_OFF, f"{shot}")
        if not enabled:
            self.found(Promise.ENABLED, f"{shot}")
        if shot.epoch != epoch:
            self.found(Promise.OWN_EPOCH, f"{shot} in epoch {epoch}")
        if decision is None or self.cell.bin(decision.bin).valve != shot.valve:
            self.found(Promise.OWN_VALVE, f"{shot}")
        self._judge_aim(shot)

    def _judge_aim(self, shot: Shot) -> None:
        """Within half a nozzle where nothing moves aims; else as far as slip may be corrected."""
        item, decision = self._all.get(shot.item_id), self.decisions.get(shot.item_id)
        if item is None or decision is None:
            return
        cell = self.cell
        distance = cell.bin(decision.bin).distance
        off = cell.metres(shot.target_count - item.count) - distance
        most = cell.ejection.nozzle_width / 2
        if not self.exact:
            most += 1.05 * cell.tracking.slip_most * distance + cell.tracking.most_offset
        if abs(off) > most:
            self.found(Promise.AIM, f"{shot} is {1e3 * off:+.1f} mm off")

    def jet_opened(self, shot: Shot, count: float) -> None:
        """The belt was there when the jet should open, by the counts of the device."""
        off = self.cell.metres(count - shot.target_count)
        if abs(off) > self.cell.ejection.nozzle_width / 2:
            self.found(Promise.WINDOW, f"{shot} opened {1e3 * off:+.1f} mm off")

    def shot_ended(self, end: ShotEnd) -> None:
        """The driver tells an end."""
        if end.shot.item_id in self._ended:
            self.found(Promise.ENDED_ONCE, f"{end}")
        self._ended.add(end.shot.item_id)

    def valves_restarted(self) -> None:
        """A new driver does not know what the one before has ended."""
        self._ended.clear()
        self._called_off.clear()

    def calling_off_taken(self, item_id: int) -> None:
        """The driver has heard that a shot is called off."""
        self._called_off.add(item_id)

    def counted(self, settled: Iterable[Settled], balance: Balance) -> None:
        """What the counter made of what it heard."""
        for one in settled:
            if one.item_id in self.settled:
                self.found(Promise.SETTLED_ONCE, f"{one} after {self.settled[one.item_id]}")
            self.settled[one.item_id] = one
        total = sum(balance.outcomes.values())
        if balance.items_in != total + balance.on_belt or total != len(self.settled):
            self.found(Promise.IDENTITY, f"{balance}, {len(self.settled)} outcomes told")
        for bin in balance.bins:
            if bin.confirmed + bin.missing > bin.count or bin.in_bag < 0:
                self.found(Promise.IDENTITY, f"{bin}")
        if (last := self._balance) is not None:
            fell = balance.items_in < last.items_in or balance.unexpected < last.unexpected
            fell |= any(balance.outcomes[o] < n for o, n in last.outcomes.items())
            fell |= any(
                (new.count, new.confirmed, new.missing)
                != tuple(map(max, (new.count, new.confirmed, new.missing), old))
                for new, old in zip(
                    balance.bins,
                    ((b.count, b.confirmed, b.missing) for b in last.bins),
                    strict=True,
                )
            )
            if fell:
                self.found(Promise.RISING, f"{last} then {balance}")
        self._balance = balance
