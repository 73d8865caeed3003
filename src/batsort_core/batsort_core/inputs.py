"""The order in which the sorter took its inputs: noted as the cell runs, followed in a replay."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.items import EjectResult, Item, Verdict
from batsort_core.recent import Recent
from batsort_core.recipe import Recipe
from batsort_core.sorter import Decision, Shot, Sorter

_BATCH = 250_000_000  # [ns] of belt readings between two batches of the order
_KEPT = 4096  # items and verdicts that may be taken again, after a restart
_READINGS = 512  # belt readings that may wait for the order


class Input(IntEnum):
    """Kinds of inputs, and what tells one from the others: the constants of InputOrder."""

    RECIPE = 0
    """Stamp [ns]."""
    ITEM = 1
    """Id."""
    VERDICT = 2
    """Stamp of the image [ns]."""
    BELT = 3
    """Stamp [ns]."""
    EVENT = 4
    """Id of the item."""
    CANCEL_ALL = 5
    """Stamp [ns]."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of the order."""

    first: int
    """Number of the first input; 0 where a sorter begins anew."""
    inputs: tuple[tuple[Input, int], ...]
    """Kind and key of each."""


class InputLog:
    """Notes the order, for whoever wants to do it all again."""

    def __init__(self) -> None:
        self._first = 0
        self._inputs: list[tuple[Input, int]] = []
        self._sent: int | None = None

    def note(self, kind: Input, key: int) -> Batch | None:
        """The sorter takes this input now; a batch, where one is due."""
        self._inputs.append((kind, key))
        if kind is not Input.BELT:
            return None
        if self._sent is None:
            self._sent = key
        if abs(key - self._sent) < _BATCH:
            return None
        self._sent = key
        return self.take()

    def take(self) -> Batch:
        """What has been noted since the last batch."""
        batch = Batch(self._first, tuple(self._inputs))
        self._first += len(self._inputs)
        self._inputs.clear()
        return batch


@dataclass(frozen=True, slots=True)
class Missing:
    """Inputs that the sorter took and that are not there to be taken again."""

    kind: Input | None
    """None: a piece of the order itself."""
    key: int
    """As `Input` has it, or how many inputs the piece had."""


class SorterReplay:
    """Gives a sorter the recorded inputs again, in the order in which they were taken.

    Inputs and pieces of the order may come in any order among each other: an input waits for its
    turn, and a turn for its input. What has not come at `finish` is missing and left out.
    A sorter that began anew knows what was decided before it.
    """

    def __init__(self, cell: CellDescription, recipe: Recipe | None = None) -> None:
        """`recipe` is used in the place of all recorded ones."""
        self._cell = cell
        self._fixed = recipe
        self._sorter = Sorter(cell)
        self._decided: dict[int, Decision] = {}
        self._recipes: dict[int, Recipe] = {}
        self._items: Recent[Item] = Recent(_KEPT)
        self._verdicts: Recent[Verdict] = Recent(_KEPT)
        self._readings: dict[int, BeltReading] = {}
        self._events: defaultdict[int, deque[EjectResult]] = defaultdict(deque)
        self._turns: deque[tuple[Input, int]] = deque()
        self._next: int | None = None

    def recipe(self, stamp: int, recipe: Recipe) -> None:
        """A recipe came into force."""
        self._recipes[stamp] = recipe

    def item(self, item: Item) -> None:
        """An item was announced."""
        self._items.add(item.id, item)

    def verdict(self, verdict: Verdict) -> None:
        """A verdict was announced."""
        self._verdicts.add(verdict.image_stamp, verdict)

    def belt(self, reading: BeltReading) -> None:
        """A belt reading was announced."""
        self._readings[reading.stamp] = reading
        if len(self._readings) > _READINGS and not self._turns:
            del self._readings[next(iter(self._readings))]

    def event(self, item_id: int, result: EjectResult) -> None:
        """A shot was over."""
        self._events[item_id].append(result)

    def decided(self, decision: Decision) -> None:
        """This was decided before the record begins; nothing after."""
        if self._next is None:
            self._decided[decision.item_id] = decision

    def order(self, batch: Batch) -> Iterator[Decision | Shot | Missing]:
        """The next piece of the order; what comes of all that can be taken by now."""
        if self._next is None and batch.first:
            self._begin()
            # Neighbours of what is decided from here on.
            for _, item in self._items.items():
                yield from self._sorter.on_item(item)
        elif batch.first == 0:
            yield from self.finish()
            self._begin()
        elif self._next is not None and batch.first != self._next:
            yield from self.finish()
            yield Missing(None, batch.first - self._next)
        self._next = batch.first + len(batch.inputs)
        self._turns.extend(batch.inputs)
        while self._turns and self._is_there(*self._turns[0]):
            yield from self._take(*self._turns.popleft())

    def finish(self) -> Iterator[Decision | Shot | Missing]:
        """No more inputs come."""
        while self._turns:
            turn = self._turns.popleft()
            if self._is_there(*turn):
                yield from self._take(*turn)
            else:
                yield Missing(*turn)

    def _begin(self) -> None:
        self._sorter = Sorter(self._cell)
        if self._fixed is not None:
            self._sorter.recipe = self._fixed
        self._sorter.restore(self._decided.values())

    def _is_there(self, kind: Input, key: int) -> bool:
        match kind:
            case Input.RECIPE:
                return key in self._recipes
            case Input.ITEM:
                return key in self._items
            case Input.VERDICT:
                return key in self._verdicts
            case Input.BELT:
                return key in self._readings
            case Input.EVENT:
                return bool(self._events[key])
            case Input.CANCEL_ALL:
                return True

    def _take(self, kind: Input, key: int) -> list[Decision | Shot]:
        sorter, out = self._sorter, []
        match kind:
            case Input.RECIPE if self._fixed is None:
                sorter.recipe = self._recipes[key]
            case Input.ITEM:
                item = self._items.get(key)
                assert item is not None
                out = sorter.on_item(item)
            case Input.VERDICT:
                verdict = self._verdicts.get(key)
                assert verdict is not None
                out = sorter.on_verdict(verdict)
            case Input.BELT:
                out = sorter.on_belt(self._readings.pop(key))
            case Input.EVENT:
                events = self._events[key]
                out = sorter.on_eject_event(key, events.popleft())
                if not events:
                    del self._events[key]
            case Input.CANCEL_ALL:
                out = sorter.cancel_all()
        for result in out:
            if isinstance(result, Decision):
                self._decided[result.item_id] = result
        return out
