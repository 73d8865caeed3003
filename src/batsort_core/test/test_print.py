"""The veto by print: items that wait for their readings, on a simulated belt."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.chemistry import Chemistry
from batsort_core.decisions import Decision, Shot
from batsort_core.ejection import last_command_count
from batsort_core.items import Item, PrintReading, Reason, Verdict
from batsort_core.print_queue import WAITING, PrintQueue
from batsort_core.print_tally import Reading
from batsort_core.recipe import Recipe
from batsort_core.sorter import Sorter

MS = 1_000_000
ITEM = Item(1, 1, 1000, 0.05, 0)
DOUBTFUL = Verdict(1, "Klarus", 0.95, 0.1, 7, {"Klarus": 0.95})
"""Of a type that is dangerous."""
PLAIN = Verdict(1, "GP_Alk", 0.99, 0.1, 7, {"GP_Alk": 0.99, "Klarus": 0.0})


def says(
    chemistry: Chemistry | None, confidence: float = 0.9, item_id: int = 1, brand: str = ""
) -> PrintReading:
    return PrintReading(item_id, 7, chemistry, confidence, brand=brand, brand_confidence=confidence)


class Bench:
    """A sorter and the belt under it; every decision it takes is kept."""

    def __init__(self, cell: CellDescription) -> None:
        self.cell, self.sorter = cell, Sorter(cell)
        self.stamp, self.count, self.velocity = 0, 0, 0.5
        self.decisions: list[Decision] = []
        self.shots: list[Shot] = []

    def took(self, out: list[Decision | Shot]) -> list[Decision]:
        decided = [one for one in out if isinstance(one, Decision)]
        self.decisions += decided
        self.shots += [one for one in out if isinstance(one, Shot)]
        return decided

    def belt(self, count: int, epoch: int = 1) -> list[Decision]:
        self.stamp += 20 * MS
        self.count = count
        moving = self.velocity != 0.0
        reading = BeltReading(self.stamp, epoch, count, count * 1e-4, self.velocity, moving)
        return self.took(self.sorter.on_belt(reading))


@pytest.fixture
def bench(veto_cell: CellDescription) -> Bench:
    bench = Bench(veto_cell)
    bench.belt(3000)
    bench.sorter.on_item(ITEM)
    return bench


def last(cell: CellDescription, type: str = "Klarus") -> int:
    """The first count at which the item does not wait any more."""
    rule = cell.recipe.print
    assert rule is not None
    bin = cell.bin(cell.recipe.types[type])
    return last_command_count(cell, bin, ITEM, cell.belt.velocity) - cell.counts(rule.margin)


def test_an_item_waits_and_a_reading_that_agrees_sorts_it_at_once(bench: Bench) -> None:
    assert bench.took(bench.sorter.on_verdict(DOUBTFUL)) == []
    assert bench.belt(6000) == [] and bench.sorter.undecided == 1
    (decision,) = bench.took(bench.sorter.on_print(says(Chemistry.LI_ION)))
    assert (decision.bin, decision.reason) == ("klarus", Reason.SORT)
    assert decision.decided_count == 6000 and bench.shots[0].fire
    assert bench.sorter.print_tally.readings == {Reading.AGREES: 1}


def test_a_reading_that_contradicts_sends_it_to_others(bench: Bench) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    (decision,) = bench.took(bench.sorter.on_print(says(Chemistry.ALKALINE)))
    assert (decision.bin, decision.reason) == ("others", Reason.BY_PRINT)
    assert bench.shots == [] and bench.sorter.print_tally.readings == {Reading.CONTRADICTS: 1}


def test_a_brand_that_contradicts_sends_it_to_others_and_its_own_agrees(
    veto_cell: CellDescription,
) -> None:
    for brand, reason, counted in (
        ("Eveready", Reason.BY_PRINT, Reading.CONTRADICTS),
        ("Klarus", Reason.SORT, Reading.AGREES),
    ):
        bench = Bench(veto_cell)
        bench.belt(3000)
        bench.sorter.on_item(ITEM)
        bench.took(bench.sorter.on_verdict(DOUBTFUL))
        (decision,) = bench.took(bench.sorter.on_print(says(None, 0.95, brand=brand)))
        assert decision.reason is reason and bench.sorter.print_tally.readings == {counted: 1}


def test_a_reading_may_come_before_the_verdict_and_the_item(veto_cell: CellDescription) -> None:
    bench = Bench(veto_cell)
    bench.belt(3000)
    bench.sorter.on_print(says(Chemistry.ALKALINE))
    bench.sorter.on_verdict(DOUBTFUL)
    (decision,) = bench.took(bench.sorter.on_item(ITEM))
    assert decision.reason is Reason.BY_PRINT


@pytest.mark.parametrize("reading", [says(None), says(Chemistry.ALKALINE, 0.5)])
def test_nothing_read_sorts_it_by_its_verdict(bench: Bench, reading: PrintReading) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    (decision,) = bench.took(bench.sorter.on_print(reading))
    assert decision.reason is Reason.SORT and bench.sorter.print_tally.readings == {
        Reading.NOTHING: 1
    }


def test_what_is_not_read_in_time_is_sorted_by_its_verdict_with_time_left_for_its_shot(
    bench: Bench,
) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    assert bench.belt(last(bench.cell) - 1) == []
    (decision,) = bench.belt(last(bench.cell))
    assert decision.reason is Reason.SORT and len(bench.shots) == 1
    assert (
        bench.sorter.print_tally.readings == {Reading.UNREAD: 1}
        and bench.sorter.print_tally.late == 0
    )
    assert bench.took(bench.sorter.on_print(says(Chemistry.ALKALINE))) == []
    assert bench.took(bench.sorter.on_print(says(Chemistry.ALKALINE))) == []
    assert bench.sorter.print_tally.late == 1 and len(bench.decisions) == 1


def test_an_item_that_print_can_not_change_waits_for_nothing(bench: Bench) -> None:
    (decision,) = bench.took(bench.sorter.on_verdict(PLAIN))
    assert decision.reason is Reason.SORT
    bench.sorter.on_print(says(Chemistry.LI_ION))
    assert not bench.sorter.print_tally.readings and bench.sorter.print_tally.late == 0


def test_on_a_belt_that_stands_it_waits_no_further_than_the_start_of_the_belt_allows(
    bench: Bench,
) -> None:
    bench.velocity = 0.0
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    for _ in range(50):
        assert bench.belt(last(bench.cell) - 1) == []
    bench.velocity = 0.5
    (decision,) = bench.belt(last(bench.cell) + 10)
    assert decision.reason is Reason.SORT


def test_tracking_that_is_lost_while_it_waits_fires_nothing(bench: Bench) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    (decision,) = bench.belt(0, epoch=2)
    assert decision.reason is Reason.TRACKING_LOST and bench.shots == []
    assert bench.took(bench.sorter.on_print(says(Chemistry.LI_ION))) == []


def test_a_neighbour_that_comes_while_it_waits_is_a_gap(bench: Bench) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    bench.sorter.on_item(Item(2, 1, 1510, 0.05, 0))
    assert [one.reason for one in bench.belt(3100)] == [Reason.GAP]


def test_cancelling_all_leaves_it_waiting(bench: Bench) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    assert bench.sorter.cancel_all() == [] and bench.sorter.undecided == 1


def test_a_change_of_the_recipe_counts_for_what_waits(bench: Bench) -> None:
    bench.took(bench.sorter.on_verdict(DOUBTFUL))
    bench.sorter.recipe = replace(bench.sorter.recipe, print=None)
    assert [one.reason for one in bench.belt(3100)] == [Reason.SORT]


def test_readings_that_never_come_are_warned_of(veto_cell: CellDescription) -> None:
    bench = Bench(veto_cell)
    for number in range(1, 7):
        bench.belt(30000 * number)
        bench.sorter.on_item(replace(ITEM, id=number, count=30000 * number))
        bench.sorter.on_verdict(replace(DOUBTFUL, item_id=number))
        bench.belt(30000 * number + 17500)
    assert bench.sorter.print_tally.readings == {Reading.UNREAD: 6}
    assert "6 items in a row was not read in time" in bench.sorter.warnings[0]
    bench.sorter.on_print(says(None, item_id=7))
    bench.sorter.on_item(replace(ITEM, id=7, count=210000))
    bench.belt(210000)
    bench.sorter.on_verdict(replace(DOUBTFUL, item_id=7))
    assert bench.sorter.warnings == []


TYPES = ("Klarus", "GP_Alk", "Energizer_Li", "Paper")
CHEMISTRIES = (None, *Chemistry)
BRANDS = ("", "Klarus", "GP", "ENERGIZER", "Panasonic")
events = st.lists(
    st.tuples(st.just("item"), st.integers(1, 4))
    | st.tuples(
        st.just("verdict"), st.integers(1, 4), st.sampled_from(TYPES), st.sampled_from((0.1, 0.9))
    )
    | st.tuples(
        st.just("print"),
        st.integers(1, 4),
        st.sampled_from(CHEMISTRIES),
        st.sampled_from((0.5, 0.95)),
        st.sampled_from(BRANDS),
        st.sampled_from((0.5, 0.95)),
    )
    | st.tuples(st.just("belt"), st.integers(1, 4000))
    | st.tuples(st.just("cancel")),
    max_size=60,
)


def printed(id: int, *said: object) -> PrintReading:
    chemistry, confidence, brand, brand_confidence = said
    assert chemistry is None or isinstance(chemistry, Chemistry)
    assert isinstance(confidence, float) and isinstance(brand_confidence, float)
    assert isinstance(brand, str)
    reading = PrintReading(id, id, chemistry, confidence)
    return replace(reading, brand=brand, brand_confidence=brand_confidence)


def play(cell: CellDescription, what: list[tuple[object, ...]], prints: bool = True) -> Bench:
    """The events, and then the belt until everything has left it; judges each decision."""
    bench = Bench(cell)
    read: dict[int, PrintReading] = {}
    for event in (*what, *(("belt", 200) for _ in range(200))):
        match event:
            case ("item", int(id)):
                out = bench.sorter.on_item(Item(id, 1, 3000 * id, 0.05, 0))
            case ("verdict", int(id), str(type), float(novelty)):
                scores = {"Klarus": 0.0, type: 0.95}
                out = bench.sorter.on_verdict(Verdict(id, type, 0.95, novelty, id, scores))
            case ("print", int(id), *rest):
                if not prints:
                    continue
                reading = printed(id, *rest)
                read.setdefault(id, reading)
                out = bench.sorter.on_print(reading)
            case ("belt", int(by)):
                bench.belt(bench.count + by)
                continue
            case _:
                out = bench.sorter.cancel_all()
        for decision in bench.took(out):
            contradicted(cell, decision, read)
    return bench


def contradicted(cell: CellDescription, decision: Decision, read: dict[int, PrintReading]) -> None:
    """What was read before an item was sorted does not contradict its type: chemistry or brand."""
    if decision.reason is not Reason.SORT or decision.item_id not in read:
        return
    assert decision.verdict is not None and cell.recipe.chemistries is not None
    reading = read[decision.item_id]
    stated = cell.recipe.chemistries[decision.verdict.type]
    assert reading.chemistry in (None, stated) or reading.confidence < 0.8
    own = decision.verdict.type.split("_")[0].lower()
    assert reading.brand.lower() in ("", own) or reading.brand_confidence < 0.9


@settings(max_examples=300, deadline=None)
@given(events)
def test_each_item_is_decided_once_and_never_sorted_against_what_was_read_before(
    veto_cell: CellDescription, what: list[tuple[object, ...]]
) -> None:
    bench = play(veto_cell, what)
    known = {event[1] for event in what if event[0] == "item"}
    assert sorted(one.item_id for one in bench.decisions) == sorted(known)
    wanted = [
        one
        for one in bench.decisions
        if one.reason in (Reason.SORT, Reason.BY_PRINT)
        if one.verdict is not None and veto_cell.recipe.wants_print(one.verdict)
    ]
    assert sum(bench.sorter.print_tally.readings.values()) == len(wanted)
    assert bench.sorter.print_tally.late <= bench.sorter.print_tally.readings[Reading.UNREAD]
    by_print = sum(one.reason is Reason.BY_PRINT for one in bench.decisions)
    assert by_print <= len([event for event in what if event[0] == "print"])


@settings(max_examples=200, deadline=None)
@given(events)
def test_without_a_veto_readings_change_nothing(
    cell: CellDescription, what: list[tuple[object, ...]]
) -> None:
    off, none = play_off(cell, what), play_off(replace(cell, recipe=no_rule(cell)), what, False)
    assert off.decisions == none.decisions and off.shots == none.shots
    assert not off.sorter.print_tally.readings and off.sorter.print_tally.late == 0


def play_off(cell: CellDescription, what: list[tuple[object, ...]], prints: bool = True) -> Bench:
    bench = Bench(cell)
    for event in what:
        match event:
            case ("item", int(id)):
                bench.took(bench.sorter.on_item(Item(id, 1, 3000 * id, 0.05, 0)))
            case ("verdict", int(id), str(type), float(novelty)):
                verdict = Verdict(id, type, 0.95, novelty, id, {"Klarus": 0.0, type: 0.95})
                bench.took(bench.sorter.on_verdict(verdict))
            case ("print", int(id), *rest) if prints:
                bench.took(bench.sorter.on_print(printed(id, *rest)))
            case ("belt", int(by)):
                bench.belt(bench.count + by)
            case ("cancel",):
                bench.took(bench.sorter.cancel_all())
    return bench


def no_rule(cell: CellDescription) -> Recipe:
    return replace(cell.recipe, print=None)


# The queue of whoever reads.


def queued(cell: CellDescription, *counts: int, type: str = "Klarus") -> PrintQueue[str]:
    queue: PrintQueue[str] = PrintQueue(cell)
    for count in counts:
        verdict = replace(DOUBTFUL, item_id=count, type=type, scores={type: 0.95})
        assert queue.add(cell.recipe, replace(ITEM, id=count, count=count), verdict, "")
    return queue


def at(count: int, velocity: float = 0.5, epoch: int = 1) -> BeltReading:
    return BeltReading(count, epoch, count, count * 1e-4, velocity, velocity != 0.0)


def test_the_first_to_run_out_of_time_is_read_first(cell: CellDescription) -> None:
    queue = queued(cell, 5000, 3000, 4000)
    taken = [queue.next(at(6000), 0.1) for _ in range(4)]
    assert [one and one.item.count for one in taken] == [3000, 4000, 5000, None]
    assert queue.left_out == 0 and len(queue) == 0


def test_what_would_not_be_read_in_time_is_left_out_and_counted(cell: CellDescription) -> None:
    queue = queued(cell, 1000, 3000)
    until = last(cell)
    wanted = queue.next(at(until - 999), 0.2)  # 0.2 s are 1000 counts
    assert wanted is not None and wanted.item.count == 3000 and queue.left_out == 1
    assert queued(cell, 1000).next(at(until - 999, velocity=0.0), 0.2) is not None
    assert queued(cell, 1000).next(at(3000, epoch=2), 0.2) is None


def test_what_the_recipe_does_not_want_is_not_taken(cell: CellDescription) -> None:
    queue: PrintQueue[str] = PrintQueue(cell)
    assert not queue.add(cell.recipe, ITEM, PLAIN, "")
    assert not queue.add(replace(cell.recipe, print=None), ITEM, DOUBTFUL, "")
    assert len(queue) == 0


def test_a_queue_that_is_full_leaves_out_the_most_urgent(cell: CellDescription) -> None:
    queue = queued(cell, *(1000 + 100 * i for i in range(WAITING + 3)))
    assert len(queue) == WAITING and queue.left_out == 3
