"""The sorter by hand: what decides where an item goes, and when."""

import pytest
from sorter_bench import MS, Bench, cancelled, fired, item, reasons, verdict

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.ejection import last_command_count, pulse_s
from batsort_core.items import EjectResult, Reason


@pytest.fixture
def bench(cell: CellDescription) -> Bench:
    return Bench(cell)


def test_a_verdict_in_time_is_decided_and_commanded_at_once(bench: Bench) -> None:
    assert bench.sorter.on_item(item(1, 1000)) == []
    assert bench.belt(3000) == []
    decision, shot = bench.sorter.on_verdict(verdict(1))
    assert decision == Decision(1, 1, "klarus", Reason.SORT, 20 * MS, 3000, verdict(1))
    assert shot == Shot(1, 1, 9, True, 19000, 0.010, pulse_s(bench.cell.ejection, 0.05))


def test_an_item_of_a_length_its_type_can_not_have_is_not_blown(
    sized_cell: CellDescription,
) -> None:
    bench = Bench(sized_cell)
    bench.belt(3000)
    bench.sorter.on_item(item(1, 1000, length=0.065))
    bench.sorter.on_item(item(2, 3000, length=0.065))
    assert reasons(bench.sorter.on_verdict(verdict(1, "GP_Alk"))) == [(1, "sort")]
    assert reasons(bench.sorter.on_verdict(verdict(2, "Exell_Green"))) == [(2, "wrong_size")]


@pytest.mark.parametrize("order", ["ivb", "ibv", "vib", "vbi", "biv", "bvi"])
def test_item_verdict_and_belt_may_come_in_any_order(bench: Bench, order: str) -> None:
    out: list[Decision | Shot] = []
    for what in order:
        if what == "i":
            out += bench.sorter.on_item(item(1, 1000))
        elif what == "v":
            out += bench.sorter.on_verdict(verdict(1))
        else:
            out += bench.belt(3000)
    assert reasons(out) == [(1, "sort")] and fired(out) == [1]


def test_verdicts_that_repeat_or_come_after_the_decision_change_nothing(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.sorter.on_verdict(verdict(1))
    bench.sorter.on_verdict(verdict(1, "GP_Alk"))
    assert [d.bin for d in bench.belt(3000) if isinstance(d, Decision)] == ["klarus"]
    assert bench.sorter.on_verdict(verdict(1, "GP_Alk")) == []
    assert bench.sorter.on_item(item(1, 1000)) == []


def test_the_recipe_comes_before_gap_and_late(bench: Bench) -> None:
    bench.belt(30000)
    for v in (verdict(1, "Paper"), verdict(2, confidence=0.5), verdict(3)):
        bench.sorter.on_verdict(v)
    out = bench.sorter.on_item(item(1, 20000)) + bench.sorter.on_item(item(2, 20100))
    out += bench.sorter.on_item(item(3, 20200))
    assert reasons(out) == [(1, "unknown_type"), (2, "low_confidence"), (3, "gap")]


def test_a_verdict_after_the_deadline_is_late_and_before_it_is_not(bench: Bench) -> None:
    last = last_command_count(bench.cell, bench.cell.bin("klarus"), item(1, 1000), 0.5)
    for id, count, reason in [(1, last, "sort"), (2, last + 1, "late")]:
        bench = Bench(bench.cell)
        bench.sorter.on_item(item(id, 1000))
        bench.belt(count)
        assert reasons(bench.sorter.on_verdict(verdict(id))) == [(id, reason)]


def test_past_the_last_ejector_without_a_verdict_there_is_none(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    assert bench.belt(19000) == []
    assert reasons(bench.belt(19001)) == [(1, "no_verdict")]
    assert bench.sorter.on_verdict(verdict(1)) == []


def test_on_a_belt_that_stands_nothing_becomes_late(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    for _ in range(1000):
        assert bench.belt(18990, velocity=0.0) == []
    assert fired(bench.sorter.on_verdict(verdict(1))) == [1]


def test_a_shot_that_has_happened_is_not_called_off(bench: Bench) -> None:
    for id in (1, 2):
        bench.sorter.on_item(item(id, 1000 * id))
    bench.belt(3000)
    for id in (1, 2):
        bench.sorter.on_verdict(verdict(id))
    bench.sorter.on_eject_event(1, EjectResult.FIRED, 0)
    assert cancelled(bench.sorter.cancel_all()) == [2]
    assert bench.sorter.cancel_all() == []


def test_undecided_items_go_on_after_everything_was_called_off(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    assert bench.sorter.cancel_all() == []
    assert reasons(bench.belt(19001)) == [(1, "no_verdict")]


def test_when_the_epoch_changes_open_items_are_lost_and_their_shots_called_off(
    bench: Bench,
) -> None:
    for id in (1, 2):
        bench.sorter.on_item(item(id, 1000 * id))
    bench.belt(3000)
    bench.sorter.on_verdict(verdict(1))
    out = bench.belt(10, epoch=2)
    assert cancelled(out) == [1] and reasons(out) == [(2, "tracking_lost")]
    assert bench.sorter.on_verdict(verdict(2)) == []
    late = bench.sorter.on_item(item(3, 2900, stamp=1))
    assert reasons(late) == [(3, "tracking_lost")]


def test_an_item_that_lay_in_the_barrier_when_the_count_was_lost_is_not_blown(bench: Bench) -> None:
    bench.belt(1000)
    began, stalled = bench.stamp, bench.stamp + MS
    jam = BeltReading(stalled + MS, 1, 1300, 0.13, 0.0, False, trusted_since=stalled)
    bench.sorter.on_belt(jam)
    half_through = item(began // 1000, 1250, stamp=stalled + 2 * MS)
    assert reasons(bench.sorter.on_item(half_through)) == [(half_through.id, "tracking_lost")]


def test_the_first_item_of_an_epoch_may_come_before_its_first_reading(bench: Bench) -> None:
    bench.belt(3000)
    early = item(1, 10, epoch=2, stamp=bench.stamp + MS)
    assert bench.sorter.on_item(early) == []
    assert bench.sorter.on_verdict(verdict(1)) == []
    assert fired(bench.belt(100, epoch=2)) == [1]


def test_older_belt_readings_are_ignored(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    assert bench.sorter.on_belt(BeltReading(5, 1, 90000, 9.0, 0.5, True)) == []


def test_items_in_a_row_without_a_verdict_in_time_are_trouble_until_somebody_looked(
    bench: Bench,
) -> None:
    for id in range(1, 6):
        assert bench.sorter.trouble is None
        bench.belt(2500 * id)
        bench.sorter.on_item(item(id, 2500 * id, stamp=bench.stamp))
        bench.belt(2500 * id + 18001)
    assert bench.sorter.trouble is not None and bench.sorter.trouble.lasting
    assert bench.sorter.trouble.cause == "5 items in a row were not judged in time"
    bench.sorter.acknowledge()
    assert bench.sorter.trouble is None


def test_items_in_a_row_without_a_verdict_in_time_are_trouble_but_not_those_of_a_restart(
    bench: Bench,
) -> None:
    for id in range(1, 8):
        bench.sorter.on_item(item(id, 1000 * id, stamp=1))
    bench.belt(40_000)
    assert bench.sorter.trouble is None
    for id in range(11, 16):
        assert bench.sorter.trouble is None
        bench.sorter.on_item(item(id, 41_000 + 1000 * (id - 11), stamp=bench.stamp + 1))
        bench.belt(65_000 + id)
    assert bench.sorter.trouble is not None
    assert bench.sorter.trouble.cause == "5 items in a row were not judged in time"
    bench.sorter.acknowledge()
    assert bench.sorter.trouble is None
