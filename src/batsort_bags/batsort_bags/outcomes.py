"""What became of each item in two runs of the cell on the same recorded sensors."""

from __future__ import annotations

import math
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.ejection import last_command_count
from batsort_core.item_life import ItemLife, ItemLives
from batsort_core.items import Item, Reason
from batsort_graph.from_messages import recipe_of, stamp_of
from batsort_graph.of_items import OF_ITEMS

NEAR_MS = 20.0
"""A verdict so near to its deadline may come in time in one run and late in the other."""
SHOWN = 20
"""Differences that are printed."""

TOPICS = {
    "belt/items": "batsort_interfaces/msg/BeltItem",
    "belt/state": "batsort_interfaces/msg/BeltState",
    "classifications": "batsort_interfaces/msg/BatteryClassification",
    "readings": "batsort_interfaces/msg/PrintReading",
    "items/decisions": "batsort_interfaces/msg/SortDecision",
    "items/outcomes": "batsort_interfaces/msg/ItemOutcome",
    "cell/info": "batsort_interfaces/msg/CellInfo",
    "classifier/bundle": "batsort_interfaces/msg/ModelBundle",
    "ejector/recipe": "batsort_interfaces/msg/Recipe",
}
"""What tells of a run, with types."""
_SETTINGS: dict[str, Callable[[Any], object]] = {
    "cell/info": lambda message: message.description,
    "classifier/bundle": lambda message: (message.network_sha256, message.description_sha256),
    "ejector/recipe": recipe_of,
}


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one item; empty where it is not known, or not asked for."""

    outcome: str = ""
    bin: str = ""
    """Where it was confirmed."""
    decided_bin: str = ""
    reason: str = ""
    """Of the decision."""
    margin_ms: float | None = None
    """Between the decision and the last moment for its shot, below 0: too late; None: no shot."""

    @property
    def near(self) -> bool:
        """Whether the decision was taken within NEAR_MS of its deadline."""
        return self.margin_ms is not None and abs(self.margin_ms) <= NEAR_MS

    def same(self, other: Fate) -> bool:
        """Whether all but the margin is the same."""
        return _without_margin(self) == _without_margin(other)

    def __str__(self) -> str:
        margin = "" if self.margin_ms is None else f", {self.margin_ms:.0f} ms to its deadline"
        decided = f"{self.reason} to {self.decided_bin}{margin}" if self.reason else "not decided"
        return f"{self.outcome} in {self.bin or 'no bin'} ({decided})" if self.outcome else decided


class Run:
    """Hears one run, live or from a bag, and tells the fate of each item; the first word counts."""

    def __init__(self, cell: CellDescription) -> None:
        self.lives = ItemLives()
        self.settings: dict[str, object] = {}
        """What the run was told, as last heard, by topic."""
        self._cell = cell
        self._bins = {bin.name: bin for bin in cell.bins}
        self._velocities: list[tuple[int, float]] = []  # by stamp

    def take(self, topic: str, message: Any) -> None:
        """Hear a message of one of TOPICS. Raises ValueError for one that can't be."""
        if topic == "belt/state":
            insort(self._velocities, (stamp_of(message.header.stamp), message.velocity))
        elif topic in OF_ITEMS:
            self.lives.take(OF_ITEMS[topic](message))
        else:
            self.settings[topic] = _SETTINGS[topic](message)

    def fate(self, item_id: int, decisions_only: bool = False) -> Fate:
        """What has become of an item so far."""
        life = self.lives.get(item_id) or ItemLife(item_id)
        settled = None if decisions_only else life.settled
        outcome, bin = (settled.outcome.value, settled.bin) if settled else ("", "")
        decision = life.decision
        if decision is None:
            return Fate(outcome, bin)
        margin_ms = self._margin_ms(decision, life.item)
        return Fate(outcome, bin, decision.bin, decision.reason.value, margin_ms)

    def _margin_ms(self, decision: Decision, item: Item | None) -> float | None:
        """Belt travel that was left to the last count for the shot, at the speed of the decision.

        A belt that stands has no deadline.
        """
        name = decision.bin
        if decision.reason is Reason.LATE and decision.verdict is not None:
            name = self._cell.recipe.types.get(decision.verdict.type, "")
        bin = self._bins.get(name)
        known = bisect_right(self._velocities, (decision.stamp, math.inf))
        velocity = self._velocities[known - 1][1] if known else 0.0
        if bin is None or bin.valve is None or item is None or velocity <= 0.0:
            return None
        last = last_command_count(self._cell, bin, item, velocity)
        return (last - decision.decided_count) * self._cell.belt.metres_per_count / velocity * 1e3


@dataclass(frozen=True, slots=True)
class Difference:
    """One item that fared otherwise."""

    item_id: int
    then: Fate
    now: Fate

    @property
    def near(self) -> bool:
        """Whether a few milliseconds may have made the difference."""
        return self.then.near or self.now.near

    def __str__(self) -> str:
        mark = f"; within {NEAR_MS:g} ms of its deadline" if self.near else ""
        return f"item {self.item_id}: then {self.then}; now {self.now}{mark}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs held against each other."""

    same: int
    """Items with the same outcome, bin and decision."""
    differences: tuple[Difference, ...]
    on_belt: tuple[int, ...]
    """Items that were still on the belt when the record ended."""
    decisions_only: bool
    counts: dict[str, tuple[int, int]]
    """How often each outcome (or reason) came, then and now, among the items compared."""
    least_margin_ms: tuple[float | None, float | None]
    lost_items: tuple[int, ...]
    """Seen then, not seen now."""
    lost_verdicts: tuple[int, ...]
    """Items with a verdict then and none now."""
    changed: tuple[str, ...]
    """Topics whose settings are not those of then."""

    @property
    def good(self) -> bool:
        """Whether something was compared, and only what was near its deadline differs."""
        compared = self.same + len(self.differences)
        return compared > 0 and all(difference.near for difference in self.differences)

    def report(self) -> dict[str, Any]:
        """For JSON."""
        columns = ("then", "now")
        return {
            "good": self.good,
            "compared": "decisions" if self.decisions_only else "outcomes",
            "same": self.same,
            "differences": [
                {**asdict(difference), "near_deadline": difference.near}
                for difference in self.differences
            ],
            "on_belt_at_the_end": list(self.on_belt),
            "counts": {
                name: dict(zip(columns, counts, strict=True))
                for name, counts in self.counts.items()
            },
            "least_margin_ms": dict(zip(columns, self.least_margin_ms, strict=True)),
            "lost_items": list(self.lost_items),
            "lost_verdicts": list(self.lost_verdicts),
            "changed_settings": list(self.changed),
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        near = sum(difference.near for difference in self.differences)
        lines = [
            f"{self.same} items as in the bag, {len(self.differences)} otherwise "
            f"({near} of them within {NEAR_MS:g} ms of their deadline), "
            f"{len(self.on_belt)} on the belt at the end"
        ]
        width = max(map(len, self.counts), default=0)
        lines += [
            f"  {name.ljust(width)}  then {then:4d}  now {now:4d}"
            for name, (then, now) in self.counts.items()
        ]
        if not self.same and not self.differences:
            lines.append("nothing to compare: no item both begins and ends in the bag")
        lines += [f"  {difference}" for difference in self.differences[:SHOWN]]
        if len(self.differences) > SHOWN:
            lines.append(f"  and {len(self.differences) - SHOWN} more")
        if self.on_belt:
            lines.append(f"on the belt at the end: {_some(self.on_belt)}")
        lost = [
            f"{len(ids)} {what} ({_some(ids)})"
            for ids, what in ((self.lost_items, "items"), (self.lost_verdicts, "verdicts"))
            if ids
        ]
        lines.append(f"lost: {', '.join(lost) or 'no item, no verdict'}")
        then, now = ("none" if ms is None else f"{ms:.0f} ms" for ms in self.least_margin_ms)
        lines.append(f"least time from a decision to its deadline: then {then}, now {now}")
        if self.changed:
            lines.append(f"not as it was then: {', '.join(self.changed)}")
        return lines


def compare(then: Run, now: Run, since: int, decisions_only: bool = False) -> Comparison:
    """Hold two runs against each other, item by item.

    Args:
        then: the recorded run.
        now: the run on its sensors.
        since: first edge of the light barrier that both had [ns]: older items are left out.
        decisions_only: outcomes can't be the same, since what makes them was not recorded.
    """

    def ids(run: Run, is_told: Callable[[ItemLife], object]) -> set[int]:
        return {life.id for life in run.lives if is_told(life)}

    over_then, over_now = (
        ids(run, lambda life: life.decision if decisions_only else life.settled)
        for run in (then, now)
    )
    items_then, items_now = (ids(run, lambda life: life.item) for run in (then, now))
    judged_then, judged_now = (ids(run, lambda life: life.verdict) for run in (then, now))
    known = sorted(i for i in items_then | items_now if i >= since // 1000)
    over = [i for i in known if i in over_then or (i not in items_then and i in over_now)]
    settled = set(over)
    pairs = [(i, then.fate(i, decisions_only), now.fate(i, decisions_only)) for i in over]

    def count(fates: Iterable[Fate]) -> Counter[str]:
        return Counter((f.reason if decisions_only else f.outcome) or "none" for f in fates)

    def least(fates: Iterable[Fate]) -> float | None:
        return min((f.margin_ms for f in fates if f.margin_ms is not None), default=None)

    fates_then, fates_now = [old for _, old, _ in pairs], [new for *_, new in pairs]
    count_then, count_now = count(fates_then), count(fates_now)
    return Comparison(
        same=sum(old.same(new) for _, old, new in pairs),
        differences=tuple(Difference(*pair) for pair in pairs if not pair[1].same(pair[2])),
        on_belt=tuple(i for i in known if i not in settled),
        decisions_only=decisions_only,
        counts={
            name: (count_then[name], count_now[name]) for name in sorted({*count_then, *count_now})
        },
        least_margin_ms=(least(fates_then), least(fates_now)),
        lost_items=tuple(i for i in known if i in items_then and i not in items_now),
        lost_verdicts=tuple(i for i in over if i in judged_then and i not in judged_now),
        changed=tuple(
            topic
            for topic, told in then.settings.items()
            if topic in now.settings and now.settings[topic] != told
        ),
    )


def _without_margin(fate: Fate) -> tuple[str, ...]:
    return fate.outcome, fate.bin, fate.decided_bin, fate.reason


def _some(ids: tuple[int, ...], most: int = 5) -> str:
    more = f" and {len(ids) - most} more" if len(ids) > most else ""
    return ", ".join(map(str, ids[:most])) + more
