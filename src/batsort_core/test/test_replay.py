"""What was taken once is taken again, in the same order, with the same decisions."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.belt import BeltReading, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.inputs import Batch, Input, InputLog
from batsort_core.items import EjectResult, Item, Verdict
from batsort_core.recipe import Recipe
from batsort_core.replay import BeltReplay, Missing, SorterReplay
from batsort_core.sorter import Sorter

MS = 1_000_000
TYPES = ("Duracell_Alk", "Klarus", "GP_Alk", "Paper")
Result = Decision | Shot


Event = tuple[int, EjectResult, int]
Arrival = tuple[str, int, int, int]
Given = Recipe | Item | Verdict | BeltReading | Event | Arrival


@dataclass
class Record:
    """Random inputs of a sorter, and what it made of them."""

    cell: CellDescription
    seed: int
    inputs: list[Recipe | Item | Verdict | BeltReading | tuple[int, EjectResult, int] | Arrival] = (
        field(default_factory=list)
    )
    batches: list[Batch] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng, sorter, log = random.Random(self.seed), Sorter(self.cell), InputLog()
        stamp = count = 0
        items: list[Item] = []
        unjudged: list[Item] = []
        for number in range(400):
            choice = rng.random()
            if number == 0 or choice < 0.02:
                recipe = replace(self.cell.recipe, threshold=rng.choice([0.5, 0.8, 0.95]))
                self.inputs.append(recipe)
                self._note(log, Input.RECIPE, number)
                sorter.recipe = recipe
            elif choice < 0.12:
                item = Item(number, 1, count - rng.randint(0, 300), 0.05, stamp)
                items.append(item)
                unjudged.append(item)
                self.inputs.append(item)
                self._note(log, Input.ITEM, item.id)
                self.results += sorter.on_item(item)
            elif choice < 0.2 and unjudged:
                item = unjudged.pop(rng.randrange(len(unjudged)))
                kind, sure = rng.choice(TYPES), rng.choice([0.4, 0.85, 0.99])
                offset = rng.choice([None, 0.0, 0.003, 0.005, 0.005, 0.02])
                scores = {"Klarus": 0.0, kind: sure}
                verdict = Verdict(item.id, kind, sure, 0.5, number, scores, offset)
                self.inputs.append(verdict)
                self._note(log, Input.VERDICT, number)
                self.results += sorter.on_verdict(verdict)
            elif choice < 0.24 and items:
                event = rng.choice(items).id, rng.choice(list(EjectResult)), stamp
                self.inputs.append(event)
                self._note(log, Input.EVENT, event[0])
                self.results += sorter.on_eject_event(*event)
            elif choice < 0.28 and items:
                bin, item = rng.choice(self.cell.bins), rng.choice(items)
                seen = number // 50  # a PLC sees several in one cycle
                arrived = bin.name, seen, 1, item.count + self.cell.counts(1.01 * bin.distance)
                self.inputs.append(arrived)
                self._note(log, Input.ARRIVAL, seen)
                self.results += sorter.on_arrival(*arrived)
            elif choice < 0.285:
                self._note(log, Input.ACKNOWLEDGE, number)
                self.results += sorter.acknowledge()
            elif choice < 0.29:
                self._note(log, Input.CANCEL_ALL, number)
                self.results += sorter.cancel_all()
            else:
                stamp, count = stamp + 20 * MS, count + rng.choice([0, 100, 100, 150])
                reading = BeltReading(stamp, 1, count, count * 1e-4, 0.5, True)
                self.inputs.append(reading)
                self._note(log, Input.BELT, stamp)
                self.results += sorter.on_belt(reading)
        self.batches.append(log.take())

    def _note(self, log: InputLog, kind: Input, key: int) -> None:
        batch = log.note(kind, key)
        if batch is not None:
            self.batches.append(batch)

    def tell(self, replay: SorterReplay, recipes: Iterable[int]) -> None:
        """All inputs; `recipes` are their keys, in order."""
        keys = iter(recipes)
        for one in self.inputs:
            if isinstance(one, Recipe):
                replay.recipe(next(keys), one)
            elif isinstance(one, Item):
                replay.item(one)
            elif isinstance(one, Verdict):
                replay.verdict(one)
            elif isinstance(one, BeltReading):
                replay.belt(one)
            elif isinstance(one[0], str):
                replay.arrival(*one)
            else:
                replay.event(*one)

    @property
    def recipes(self) -> list[int]:
        return [key for b in self.batches for kind, key in b.inputs if kind is Input.RECIPE]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_same_inputs_in_the_noted_order_give_the_same_decisions_and_shots(
    cell: CellDescription, seed: int
) -> None:
    record = Record(cell, seed)
    replay = SorterReplay(cell)
    record.tell(replay, record.recipes)
    again = [result for batch in record.batches for result in replay.order(batch)]
    assert again + list(replay.finish()) == record.results


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_inputs_may_come_after_the_order_that_names_them(cell: CellDescription, seed: int) -> None:
    record = Record(cell, seed)
    replay = SorterReplay(cell)
    early = [result for batch in record.batches for result in replay.order(batch)]
    record.tell(replay, record.recipes)
    assert early == []
    assert list(replay.finish()) == record.results


def test_batches_number_their_inputs_on_and_come_with_a_belt_reading() -> None:
    log = InputLog()
    batches = []
    for number in range(40):
        log.note(Input.ITEM, number)
        batch = log.note(Input.BELT, number * 20 * MS)
        if batch is not None:
            batches.append(batch)
    assert [batch.first for batch in batches] == [0, 28, 54]
    assert all(batch.inputs[-1][0] is Input.BELT for batch in batches)
    assert log.take().first == 54 + 26


def one_item(cell: CellDescription) -> tuple[SorterReplay, Batch]:
    replay = SorterReplay(cell)
    replay.item(Item(5, 1, 0, 0.05, 0))
    replay.belt(BeltReading(20 * MS, 1, 100, 0.01, 0.5, True))
    inputs = ((Input.BELT, 20 * MS), (Input.ITEM, 5), (Input.VERDICT, 9))
    return replay, Batch(0, inputs)


def test_an_input_that_never_comes_is_missing_by_name(cell: CellDescription) -> None:
    replay, batch = one_item(cell)
    assert [*replay.order(batch), *replay.finish()] == [Missing(Input.VERDICT, 9)]


def test_an_input_that_is_long_in_coming_holds_nothing_up_for_ever(cell: CellDescription) -> None:
    replay, batch = one_item(cell)
    out = list(replay.order(batch))
    for number in range(2000):
        stamp = (number + 2) * 20 * MS
        replay.belt(BeltReading(stamp, 1, 100, 0.01, 0.0, False))
        out += replay.order(Batch(3 + number, ((Input.BELT, stamp),)))
    assert out == [Missing(Input.VERDICT, 9)]


def test_a_lost_piece_of_the_order_is_missing(cell: CellDescription) -> None:
    replay, batch = one_item(cell)
    list(replay.order(batch))
    stamp = 40 * MS
    replay.belt(BeltReading(stamp, 1, 200, 0.02, 0.5, True))
    again = Batch(10, ((Input.BELT, stamp),))
    assert list(replay.order(again)) == [Missing(Input.VERDICT, 9), Missing(None, 7)]


def test_a_sorter_that_begins_anew_decides_nothing_twice(cell: CellDescription) -> None:
    replay, batch = one_item(cell)
    verdict = Verdict(5, "Klarus", 0.99, 0.5, 9, {"Klarus": 0.99})
    replay.verdict(verdict)
    first = list(replay.order(batch))
    assert [type(result) for result in first] == [Decision, Shot]
    replay.belt(BeltReading(40 * MS, 1, 200, 0.02, 0.5, True))
    anew = ((Input.BELT, 40 * MS), (Input.ITEM, 5), (Input.VERDICT, 9))
    assert list(replay.order(Batch(0, anew))) == []


def test_what_was_decided_before_the_record_is_not_decided_again(cell: CellDescription) -> None:
    replay, batch = one_item(cell)
    replay.verdict(Verdict(5, "Klarus", 0.99, 0.5, 9, {"Klarus": 0.99}))
    (decision, _) = one_decided(cell)
    replay.decided(replace(decision, stamp=10 * MS))
    assert list(replay.order(batch)) == []


def one_decided(cell: CellDescription) -> list[Result]:
    replay, batch = one_item(cell)
    replay.verdict(Verdict(5, "Klarus", 0.99, 0.5, 9, {"Klarus": 0.99}))
    return [result for result in replay.order(batch) if not isinstance(result, Missing)]


def test_a_record_that_begins_while_the_cell_runs_is_replayed_behind_its_first_piece(
    cell: CellDescription,
) -> None:
    """An item of before lies too close to the first one after it, and is not decided again."""
    replay = SorterReplay(cell)
    replay.item(Item(4, 1, -520, 0.05, 0))
    before = ((Input.VERDICT, 1), (Input.BELT, 10 * MS))
    assert list(replay.order(Batch(75, before))) == []
    assert replay.since == 10 * MS
    _, batch = one_item(cell)
    replay.item(Item(5, 1, 0, 0.05, 15 * MS))
    replay.belt(BeltReading(20 * MS, 1, 100, 0.01, 0.5, True))
    replay.verdict(Verdict(5, "Klarus", 0.99, 0.5, 9, {"Klarus": 0.99}))
    (decision,) = replay.order(replace(batch, first=77))
    assert isinstance(decision, Decision)
    assert (decision.item_id, decision.reason.value) == (5, "gap")


def test_another_recipe_takes_the_place_of_every_recorded_one(cell: CellDescription) -> None:
    recipe = replace(cell.recipe, threshold=1.0)
    replay = SorterReplay(cell, recipe)
    record = Record(cell, 3)
    record.tell(replay, record.recipes)
    results = [result for batch in record.batches for result in replay.order(batch)]
    reasons = {result.reason.value for result in results if isinstance(result, Decision)}
    assert "sort" not in reasons


@pytest.fixture
def counts() -> list[tuple[int, int, int]]:
    """A belt that starts, and stands again."""
    steps = [0] * 20 + [50] * 200 + [0] * 20
    return [(i * 10 * MS, 1, sum(steps[: i + 1])) for i in range(len(steps))]


def test_belt_readings_are_made_again_bit_for_bit_in_any_order(
    cell: CellDescription, counts: list[tuple[int, int, int]]
) -> None:
    tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
    recorded = [tracker.add(*count) for count in counts][::2]
    replay = BeltReplay(cell)
    pairs = []
    told = iter(recorded)
    for number, count in enumerate(counts):
        # Readings are heard some counts late, at first even before their counts.
        pairs += [pair for pair in replay.encoder(*count) if pair[0] is not None]
        if number % 2:
            pairs += replay.reading(next(told))
    assert [pair[0] for pair in pairs] == recorded
    assert not any(replay.differs(a, b) for a, b in pairs if a is not None)
    assert replay.finish()[0] == []


def test_a_reading_that_no_count_explains_comes_back_alone(
    cell: CellDescription, counts: list[tuple[int, int, int]]
) -> None:
    replay = BeltReplay(cell)
    strange = BeltReading(505 * MS, 1, 7, 0.0, 0.0, False)
    found = []
    for number, count in enumerate(counts):
        found += [pair for pair in replay.encoder(*count) if pair[0] is not None]
        if number == 45:
            found += replay.reading(strange)
    assert found == [(strange, None)]
    assert replay.differs(strange, None)


def test_items_are_made_again_from_the_edges(cell: CellDescription) -> None:
    detector = ItemDetector(cell.items, cell.belt.metres_per_count)
    replay = BeltReplay(cell)
    edges = [(1000 * MS, 1, 100, True), (1100 * MS, 1, 600, False)]
    assert detector.on_edge(*edges[0]) is None
    item = detector.on_edge(*edges[1])
    assert item is not None
    assert replay.edge(*edges[0]) is None
    assert replay.item(item) is None
    assert replay.edge(*edges[1]) == (item, item)
    other = replace(item, id=item.id + 1)
    at_the_barrier_before = replace(item, id=1)
    assert replay.item(other) is replay.item(at_the_barrier_before) is None
    assert replay.finish() == ([], [other], [])
