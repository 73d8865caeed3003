"""The bin counter by hand: what becomes of an item, whatever is heard of it, and in which order."""

from dataclasses import replace
from typing import Any

import pytest
from counter_bench import END, MS, PATIENCE, STATION, Bench, decision, item, outcomes, with_one_item

from batsort_core.balance import Settled
from batsort_core.bins import BinCounter
from batsort_core.cell import CellDescription, CellError
from batsort_core.items import EjectResult, Outcome, Reason
from batsort_files.schema import FieldError


@pytest.fixture
def bench(cell: CellDescription) -> Bench:
    return with_one_item(cell)


def test_a_shot_that_is_confirmed_in_time_is_sorted(bench: Bench) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    bench.eject(1, EjectResult.FIRED)
    bench.run(200)
    assert bench.arrive("klarus") == [
        Settled(1, Outcome.SORTED_CONFIRMED, "klarus", "klarus", decision(1).verdict, bench.stamp)
    ]
    assert bench.tally("klarus") == (1, 1, 0, 0)
    assert bench.counter.balance.on_belt == 0


@pytest.mark.parametrize("order", ["dea", "dae", "eda", "ead", "ade", "aed"])
def test_decision_event_and_arrival_may_come_in_any_order(bench: Bench, order: str) -> None:
    bench.run_to(STATION)
    shot, arrival = (bench.stamp, bench.count), (bench.stamp + 200 * MS, bench.count + 2000)
    settled = []
    for what in order:
        if what == "d":
            settled += bench.counter.on_decision(decision(1))
        elif what == "e":
            settled += bench.counter.on_eject_event(1, EjectResult.FIRED, *shot)
        else:
            settled += bench.counter.on_arrival("klarus", arrival[0], 1, arrival[1])
        settled += bench.run(400)
    assert outcomes(settled) == [(1, "sorted_confirmed", "klarus")]
    assert bench.counter.balance.unexpected == 0


def test_an_item_may_be_heard_of_last(cell: CellDescription) -> None:
    bench = Bench(cell)
    bench.counter.on_decision(decision(1))
    bench.eject(1, EjectResult.FIRED)
    bench.run(100)
    assert bench.arrive("klarus") == []
    assert bench.counter.balance.items_in == 0
    assert outcomes(bench.counter.on_item(item(1, 0))) == [(1, "sorted_confirmed", "klarus")]


def test_a_shot_never_confirmed_is_missing_by_time_also_on_a_belt_that_stands(
    bench: Bench,
) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    bench.eject(1, EjectResult.FIRED)
    assert bench.run(PATIENCE, speed=0) == []
    assert outcomes(bench.run(20, speed=0)) == [(1, "missing", "")]
    assert bench.tally("klarus") == (1, 0, 1, 0)


def test_an_arrival_too_late_for_its_shot_is_unexpected(bench: Bench) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    bench.eject(1, EjectResult.FIRED)
    bench.run(1020)
    bench.arrive("klarus")
    settled = bench.run(PATIENCE + 20)
    assert outcomes(settled) == [(1, "missing", "")]
    assert bench.tally("klarus") == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (EjectResult.LATE, "others_late"),
        (EjectResult.CANCELLED, "cancelled"),
        (EjectResult.FAULT, "fault"),
        (None, "fault"),
    ],
)
@pytest.mark.parametrize("seen", [True, False])
def test_what_was_not_blown_settles_at_the_belts_end_seen_or_not(
    bench: Bench, result: EjectResult | None, outcome: str, seen: bool
) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    if result is not None:
        bench.eject(1, result)
    settled = bench.run_to(END + 1000)
    settled += bench.arrive("others") if seen else []
    settled += bench.run(PATIENCE + 100)
    assert outcomes(settled) == [(1, outcome, "others" if seen else "")]
    assert bench.tally("klarus") == (1, 0, int(not seen), 0)
    assert bench.tally("others")[3] == 0


@pytest.mark.parametrize("reason", [r for r in Reason if r is not Reason.SORT])
def test_what_was_meant_for_others_settles_with_its_reason_when_seen(
    bench: Bench, reason: Reason
) -> None:
    bench.counter.on_decision(decision(1, reason))
    bench.run_to(END - 1400)
    (settled,) = bench.arrive("others")
    named = reason in (Reason.NO_VERDICT, Reason.TRACKING_LOST)
    assert settled.outcome == (reason.value if named else f"others_{reason.value}")
    assert bench.tally("others") == (1, 1, 0, 0)


def test_nothing_is_missing_while_the_belt_stands_before_its_end(bench: Bench) -> None:
    bench.counter.on_decision(decision(1, Reason.GAP))
    bench.run_to(END + 1500)
    assert bench.run(100_000, speed=0) == []
    assert outcomes(bench.run(20) + bench.run(PATIENCE, speed=0)) == []
    assert outcomes(bench.run(20, speed=0)) == [(1, "missing", "")]


@pytest.mark.parametrize("seen", [True, False])
def test_an_item_nobody_decides_settles_without_a_verdict_or_missing(
    bench: Bench, seen: bool
) -> None:
    bench.run_to(END)
    settled = bench.arrive("others") if seen else []
    assert settled == []
    settled = bench.run(PATIENCE + 400)
    assert outcomes(settled) == [(1, "no_verdict", "others") if seen else (1, "missing", "")]
    assert settled[0].decided_bin == ""
    assert bench.counter.balance.unexpected == 0


def test_an_arrival_waits_for_the_decision_of_its_item_while_the_belt_stands(
    bench: Bench,
) -> None:
    bench.run_to(END)
    bench.arrive("others")
    assert bench.run(60_000, speed=0) == []
    settled = bench.counter.on_decision(decision(1, Reason.LATE))
    assert outcomes(settled) == [(1, "others_late", "others")]


def test_an_arrival_belongs_to_the_nearest_item(bench: Bench) -> None:
    bench.counter.on_item(item(2, 600))
    for id in (1, 2):
        bench.counter.on_decision(decision(id, Reason.GAP))
    bench.run_to(END + 400)
    assert outcomes(bench.arrive("others")) == [(2, "others_gap", "others")]
    assert outcomes(bench.arrive("others")) == [(1, "others_gap", "others")]


def test_an_arrival_that_no_item_explains_is_unexpected_after_a_while(bench: Bench) -> None:
    bench.arrive("klarus")
    bench.arrive("others")
    bench.run(PATIENCE)
    assert bench.counter.balance.unexpected == 0
    bench.run(20)
    assert bench.counter.balance.unexpected == 2
    assert bench.tally("klarus") == (0, 0, 0, 1)
    with pytest.raises(CellError, match=r"^bin: 'paper' is refused; allowed: duracell_alk"):
        bench.arrive("paper")


def test_lost_items_settle_so_and_excuse_their_arrivals(bench: Bench) -> None:
    bench.counter.on_decision(decision(1))
    bench.counter.on_item(item(2, 1000))
    bench.run_to(10000)
    bench.epoch, bench.count = 2, 0
    assert bench.run(PATIENCE) == []
    assert outcomes(bench.run(40)) == [(1, "tracking_lost", ""), (2, "tracking_lost", "")]
    for bin in ("klarus", "gp_alk", "others", "others"):
        bench.arrive(bin)
        bench.run(PATIENCE + 20, speed=1)
    balance = bench.counter.balance
    assert balance.outcomes[Outcome.TRACKING_LOST] == 2
    # One each: klarus was where item 1 was meant to go, others excuses one more.
    assert [(b.name, b.unexpected) for b in balance.bins if b.unexpected] == [
        ("gp_alk", 1),
        ("others", 1),
    ]


def test_lost_items_excuse_nothing_once_the_belt_has_run_its_length(bench: Bench) -> None:
    bench.run_to(10000)
    bench.epoch, bench.count = 2, 0
    bench.run(PATIENCE + 40)
    bench.run(100_000, speed=0)
    bench.run((END + 1500) // 10 + 40)
    bench.run(PATIENCE + 40)
    bench.arrive("others")
    bench.run(PATIENCE + 40)
    assert bench.counter.balance.unexpected == 1


def test_what_had_left_the_belt_when_the_count_was_lost_is_missing_not_lost(bench: Bench) -> None:
    bench.counter.on_decision(decision(1, Reason.GAP))
    bench.run_to(END + 1600)
    bench.epoch, bench.count = 2, 0
    assert outcomes(bench.run(2 * PATIENCE)) == [(1, "missing", "")]


def test_an_arrival_outside_the_window_of_every_item_is_unexpected(bench: Bench) -> None:
    bench.counter.on_decision(decision(1, Reason.GAP))
    bench.count = END - 1501
    bench.arrive("others")
    assert outcomes(bench.run(PATIENCE + 40, speed=0)) == []
    assert bench.counter.balance.unexpected == 1


def test_what_flies_when_the_count_is_lost_is_still_confirmed(bench: Bench) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    bench.eject(1, EjectResult.FIRED)
    bench.epoch, bench.count = 2, 0
    bench.run(200)
    assert outcomes(bench.arrive("klarus")) == [(1, "sorted_confirmed", "klarus")]


def test_a_bag_counts_every_arrival_and_is_full_at_its_capacity(document: dict[str, Any]) -> None:
    from batsort_core.cell import parse_cell

    document["bins"][8]["capacity"] = 2
    bench = Bench(parse_cell(document))

    def klarus() -> tuple[int, bool]:
        bin = bench.counter.balance.bins[8]
        return bin.in_bag, bin.full

    bench.arrive("klarus")
    assert klarus() == (1, False)
    bench.run(20)
    bench.arrive("klarus")
    assert klarus() == (2, True)
    assert bench.counter.new_bag("klarus") == 2
    assert klarus() == (0, False)
    restored = BinCounter(bench.cell)
    restored.restore(bench.counter.snapshot())
    assert restored.balance == bench.counter.balance
    with pytest.raises(CellError, match=r"^bin: 'paper' is refused"):
        bench.counter.new_bag("paper")


def test_an_item_blown_at_and_seen_at_the_belts_end_is_a_fault_there(bench: Bench) -> None:
    bench.counter.on_decision(decision(1))
    bench.run_to(STATION)
    bench.eject(1, EjectResult.FIRED)
    for id in (2, 3):
        bench.counter.on_item(item(id, 2000 * id))
    bench.run_to(END)
    assert outcomes(bench.arrive("others")) == [(1, "fault", "others")]
    assert bench.tally("klarus") == (1, 0, 0, 0) and bench.counter.trouble is None


def test_a_journal_that_does_not_fit_is_refused_by_name(
    cell: CellDescription, document: dict[str, Any]
) -> None:
    for record, line in [
        ({"kind": "rumour"}, "kind: 'rumour' is refused; allowed: entered, decided, "),
        ({}, "kind: '' is refused; allowed: entered, "),
        ({"kind": "new_bag"}, "new_bag.bin: missing; allowed: a text"),
        ({"kind": "new_bag", "bin": "klarus", "x": 1}, "new_bag.x: unknown field; allowed: bin"),
    ]:
        with pytest.raises(FieldError) as error:
            BinCounter(cell).restore([record])
        assert str(error.value).startswith(line)
    with pytest.raises(CellError, match=r"^bin: 'paper' is refused"):
        BinCounter(cell).restore([{"kind": "new_bag", "bin": "paper"}])


def test_a_decision_for_a_bin_that_the_cell_does_not_have_is_refused_and_not_kept(
    bench: Bench,
) -> None:
    bench.counter.on_item(item(1, 0))
    bench.counter.drain()
    with pytest.raises(CellError, match="bin: 'gone' is refused"):
        bench.counter.on_decision(replace(decision(1), bin="gone"))
    assert bench.counter.drain() == []
    assert bench.run(100) == []


def test_memory_is_bounded_on_a_long_day(cell: CellDescription) -> None:
    bench = Bench(cell)
    for id in range(1, 5001):
        bench.counter.on_item(item(id, bench.count))
        bench.counter.on_decision(decision(-id))
        bench.run(100)
        bench.counter.drain()
    assert bench.counter.balance.on_belt < 50
    assert len(bench.counter.snapshot()) < 400
    assert len(bench.counter._ledger.settled.items()) == 4096
