"""Recorded inputs given again to the objects that took them: same inputs, same decisions."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from batsort_core.belt import BeltError, BeltReading, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.inputs import Batch, Input
from batsort_core.items import EjectResult, Item, PrintReading, Verdict
from batsort_core.recent import Recent
from batsort_core.recipe import Recipe
from batsort_core.sorter import Sorter

_KEPT = 4096  # items and verdicts that may be taken again, after a restart
_PATIENCE = 1024  # turns that wait behind an input before it is missing
_READINGS = 512  # belt readings that may wait for their turn
_OVERTAKING = 1_000_000_000  # [ns] that a message may come behind those of other topics
_SETTLED = 100_000_000  # [ns] after which a reading has forgotten what was before the record


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
        self.since = -1
        """Stamp of the last belt reading before what is replayed [ns]."""
        self._fixed = recipe
        self._sorter = Sorter(cell)
        self._earlier: list[Decision] = []
        self._decided: dict[int, Decision] = {}
        self._recipes: dict[int, Recipe] = {}
        self._items: Recent[Item] = Recent(_KEPT)
        self._verdicts: Recent[Verdict] = Recent(_KEPT)
        self._prints: Recent[PrintReading] = Recent(_KEPT)
        self._readings: dict[int, BeltReading] = {}
        self._events: defaultdict[int, deque[tuple[EjectResult, int]]] = defaultdict(deque)
        self._arrivals: defaultdict[int, deque[tuple[str, int, int]]] = defaultdict(deque)
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

    def print(self, reading: PrintReading) -> None:
        """A reading of print was announced."""
        self._prints.add(reading.image_stamp, reading)

    def belt(self, reading: BeltReading) -> None:
        """A belt reading was announced."""
        self._readings[reading.stamp] = reading
        if len(self._readings) > _READINGS and not self._turns:
            del self._readings[next(iter(self._readings))]

    def event(self, item_id: int, result: EjectResult, stamp: int) -> None:
        """A shot was over."""
        self._events[item_id].append((result, stamp))

    def arrival(self, bin: str, stamp: int, epoch: int, count: int) -> None:
        """A confirm eye was crossed."""
        self._arrivals[stamp].append((bin, epoch, count))

    def decided(self, decision: Decision) -> None:
        """This was decided, maybe before the record begins."""
        if self._next is None:
            self._earlier.append(decision)

    def order(self, batch: Batch) -> Iterator[Decision | Shot | Missing]:
        """The next piece of the order; what comes of all that can be taken by now."""
        if self._next is None:
            self._first_piece(batch)
            if batch.first:
                return
        elif batch.first == 0:
            yield from self.finish()
            self._begin()
        elif batch.first != self._next:
            yield from self.finish()
            yield Missing(None, batch.first - self._next)
        self._next = batch.first + len(batch.inputs)
        self._turns.extend(batch.inputs)
        while self._turns:
            if self._is_there(*self._turns[0]):
                yield from self._take(*self._turns.popleft())
            elif len(self._turns) > _PATIENCE:
                yield Missing(*self._turns.popleft())
            else:
                return

    def _first_piece(self, batch: Batch) -> None:
        """Begin with what is known of the time before the record.

        Where that is amid a run, the first piece of the order may name what was sent before the
        record, so the replay begins behind it.
        """
        readings = [key for kind, key in batch.inputs if kind is Input.BELT]
        if batch.first:
            self.since = max(readings, default=0)
        elif readings:
            self.since = readings[0] - 1
        self._decided = {d.item_id: d for d in self._earlier if d.stamp <= self.since}
        self._earlier.clear()
        self._begin()
        self._next = batch.first + len(batch.inputs)
        if batch.first:
            for _, item in self._items.items():
                if item.stamp <= self.since:
                    self._sorter.on_item(item)
            if self.since in self._readings:
                self._sorter.on_belt(self._readings.pop(self.since))

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
        elif self._recipes:
            self._sorter.recipe = self._recipes[max(self._recipes)]
        self._sorter.restore(self._decided.values())

    def _is_there(self, kind: Input, key: int) -> bool:
        match kind:
            case Input.RECIPE:
                return key in self._recipes
            case Input.ITEM:
                return key in self._items
            case Input.VERDICT:
                return key in self._verdicts
            case Input.PRINT:
                return key in self._prints
            case Input.BELT:
                return key in self._readings
            case Input.EVENT:
                return bool(self._events[key])
            case Input.ARRIVAL:
                return bool(self._arrivals[key])
            case Input.CANCEL_ALL | Input.ACKNOWLEDGE:
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
            case Input.PRINT:
                printed = self._prints.get(key)
                assert printed is not None
                out = sorter.on_print(printed)
            case Input.BELT:
                out = sorter.on_belt(self._readings.pop(key))
            case Input.EVENT:
                events = self._events[key]
                out = sorter.on_eject_event(key, *events.popleft())
                if not events:
                    del self._events[key]
            case Input.CANCEL_ALL:
                out = sorter.cancel_all()
            case Input.ARRIVAL:
                arrivals = self._arrivals[key]
                bin, epoch, count = arrivals.popleft()
                out = sorter.on_arrival(bin, key, epoch, count)
                if not arrivals:
                    del self._arrivals[key]
            case Input.ACKNOWLEDGE:
                out = sorter.acknowledge()
        for result in out:
            if isinstance(result, Decision):
                self._decided[result.item_id] = result
        return out


class BeltReplay:
    """Makes belt readings and items again from encoder counts and edges of the barrier.

    What was recorded of either is told beside it, in any order, and comes back with what is made
    again: to be held against each other.
    """

    def __init__(self, cell: CellDescription) -> None:
        scale = cell.belt.metres_per_count
        self._tracker = BeltTracker(scale, cell.belt.max_velocity)
        self._detector = ItemDetector(cell.items, scale)
        self._first: int | None = None
        self._first_edge: int | None = None
        self._readings: dict[int, BeltReading] = {}
        self._recorded_readings: dict[int, BeltReading] = {}
        self._items: dict[int, Item] = {}
        self._recorded_items: dict[int, Item] = {}

    def encoder(
        self, stamp: int, epoch: int, count: int
    ) -> Iterator[tuple[BeltReading | None, BeltReading | None]]:
        """A count of the encoder: recorded readings, and what is made again.

        A recorded one that nothing explains any more comes with None; so does one that is made
        again before anything was recorded of it.
        """
        if self._first is None:
            self._first = stamp
        recorded = self._recorded_readings
        while recorded and (oldest := next(iter(recorded))) < stamp - _OVERTAKING:
            yield recorded.pop(oldest), None
        try:
            reading = self._tracker.add(stamp, epoch, count)
        except BeltError:
            return
        if stamp in recorded:
            yield recorded.pop(stamp), reading
            return
        yield None, reading
        self._readings[stamp] = reading
        if len(self._readings) > _READINGS:
            del self._readings[next(iter(self._readings))]

    def reading(self, recorded: BeltReading) -> Iterator[tuple[BeltReading, BeltReading | None]]:
        """A recorded reading; it comes back once its count is there."""
        reading = self._readings.pop(recorded.stamp, None)
        if reading is not None or self._first is None or recorded.stamp < self._first:
            yield recorded, reading
        else:
            self._recorded_readings[recorded.stamp] = recorded

    def edge(self, stamp: int, epoch: int, count: int, blocked: bool) -> tuple[Item, Item] | None:
        """An edge of the barrier; the recorded item that it explains, and what is made again."""
        if self._first_edge is None:
            self._first_edge = stamp
        item = self._detector.on_edge(stamp, epoch, count, blocked)
        if item is None:
            return None
        recorded = self._recorded_items.pop(item.id, None)
        if recorded is not None:
            return recorded, item
        self._items[item.id] = item
        return None

    def item(self, recorded: Item) -> tuple[Item, Item] | None:
        """A recorded item; it comes back once its edges are there."""
        item = self._items.pop(recorded.id, None)
        if item is not None:
            return recorded, item
        self._recorded_items[recorded.id] = recorded
        return None

    def differs(self, recorded: BeltReading, made: BeltReading | None) -> bool:
        """Whether a reading is another one than the record says.

        Not told of the first moments: the record may begin while the belt runs.
        """
        if self._first is None or recorded.stamp - self._first < _SETTLED:
            return False
        return recorded != made

    def finish(self) -> tuple[list[BeltReading], list[Item], list[Item]]:
        """Recorded readings and items that nothing explains, and items that were not recorded."""
        begin = self._first_edge
        items = [
            item
            for item in self._recorded_items.values()
            # One that was at the barrier when the record began has left no leading edge in it.
            if begin is not None and item.id >= begin // 1000
        ]
        return list(self._recorded_readings.values()), items, list(self._items.values())
