"""What came of a bag that was replayed, then and now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.items import Verdict
from batsort_core.replay import Missing
from batsort_perception.engine import Engine


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be other than it was."""

    cell: CellDescription | None = None
    threshold: float | None = None
    """Least confidence, in the place of every recorded one."""
    engine: Engine | None = None
    """Judges the images anew."""
    same_bundle: bool = True
    """The engine's bundle is the recorded one: its verdicts must be the recorded ones, too."""

    @property
    def any(self) -> bool:
        """Whether other decisions are to be expected."""
        return self.cell is not None or self.threshold is not None or not self.same_bundle


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as it was recorded."""

    item_id: int
    """0: of no item."""
    event: str
    then: object
    now: object


@dataclass(slots=True)
class Replayed:
    """Then and now."""

    cell: CellDescription
    then: dict[int, Decision] = field(default_factory=dict)
    now: dict[int, Decision] = field(default_factory=dict)
    """By item id, in the order of decision."""
    shots_then: dict[int, list[Shot]] = field(default_factory=dict)
    shots_now: dict[int, list[Shot]] = field(default_factory=dict)
    truths: dict[int, str] = field(default_factory=dict)
    """True type by item id; empty: none of the recipe's."""
    judged: dict[int, Verdict] = field(default_factory=dict)
    """Verdicts made again, by item id."""
    bundle_id: str = ""
    differences: list[Difference] = field(default_factory=list)
    """In the order of the belt, verdicts, decisions and shots; none expected without changes."""
    missing: list[Missing] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What a reader of the figures should know."""
    first: int = 0
    last: int = 0
    """Stamps of the first and last belt reading [ns]."""

    @property
    def same(self) -> bool:
        """Whether all was done again, bit for bit."""
        return not self.differences and not self.missing

    def is_changed(self, item_id: int) -> bool:
        """Whether an item goes to another bin, or for another reason."""
        then, now = self.then.get(item_id), self.now.get(item_id)
        if then is None or now is None:
            return then is not now
        return (then.bin, then.reason) != (now.bin, now.reason)

    @property
    def changed(self) -> list[int]:
        """Ids of the items that go to another bin, or for another reason."""
        return [item_id for item_id in {**self.then, **self.now} if self.is_changed(item_id)]

    def differs(self, item_id: int, event: str, then: object, now: object) -> None:
        """Note what is not as it was."""
        self.differences.append(Difference(item_id, event, then, now))

    def compare(self, item_ids: Sequence[int], shots_then: dict[int, list[Shot]]) -> None:
        """Leave the decisions and shots of these items, and note which are not as they were."""
        self.then = {i: self.then[i] for i in item_ids if i in self.then}
        self.now = {i: self.now[i] for i in item_ids if i in self.now}
        self.shots_now = {i: self.shots_now[i] for i in item_ids if i in self.shots_now}
        self.shots_then = shots_then
        for item_id in item_ids:
            then, now = self.then.get(item_id), self.now.get(item_id)
            if then != _as_sent(now):
                self.differs(item_id, "decision", then, _as_sent(now))
            shots = self.shots_then.get(item_id, []), self.shots_now.get(item_id, [])
            if shots[0] != shots[1]:
                self.differs(item_id, "shots", *shots)


def _as_sent(decision: Decision | None) -> Decision | None:
    """A decision as its message has it: the verdict without scores."""
    if decision is None or decision.verdict is None:
        return decision
    verdict = replace(decision.verdict, scores=None, offset=None, clearance=None)
    return replace(decision, verdict=verdict)
