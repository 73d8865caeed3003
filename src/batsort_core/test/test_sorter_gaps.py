"""Neighbours: what lies too close is not blown, and shots are called off where it turns out so."""

import json
from dataclasses import replace

import pytest
from sorter_bench import MS, Bench, cancelled, fired, item, reasons, verdict

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.ejection import last_command_count


@pytest.fixture
def bench(cell: CellDescription) -> Bench:
    return Bench(cell)


def test_items_that_touch_are_a_gap_and_no_size(sized_cell: CellDescription) -> None:
    bench = Bench(sized_cell)
    bench.belt(3000)
    bench.sorter.on_item(item(1, 1000, length=0.1))
    assert reasons(bench.sorter.on_verdict(verdict(1))) == [(1, "gap")]


@pytest.mark.parametrize("first_type", ["Klarus", "Paper"])
def test_both_of_a_close_pair_go_to_others_whatever_the_neighbour_is(
    bench: Bench, first_type: str
) -> None:
    gap = 618  # counts from centre to centre at which 50 mm items are just far enough apart
    bench.belt(3000)
    for near, expected in ((gap, {"sort"}), (gap - 1, {"gap"})):
        base = 2000 * gap * near
        bench.belt(base + 3000)
        for id, count in ((base + 1, base), (base + 2, base + near)):
            bench.sorter.on_item(item(id, count))
        out = bench.sorter.on_verdict(verdict(base + 1, first_type))
        out += bench.sorter.on_verdict(verdict(base + 2))
        out_reasons = [reason for _, reason in reasons(out)]
        assert {r for r in out_reasons if r != "unknown_type"} == expected


@pytest.mark.parametrize(
    ("velocity", "lengths", "enough"),
    [
        (0.0, (0.05, 0.05), 118),  # a stand counts as the set speed of 0.5 m/s
        (1.0, (0.05, 0.05), 125),
        (1.0, (0.05, 0.01), 145),  # the neighbour's own pulse is longer than the neighbour
    ],
)
def test_the_gap_is_that_of_the_faster_speed_and_of_the_more_demanding_item(
    bench: Bench, velocity: float, lengths: tuple[float, float], enough: int
) -> None:
    between = bench.cell.counts(sum(lengths)) // 2
    for near, expected in ((enough, "sort"), (enough - 1, "gap")):
        bench = Bench(bench.cell)
        bench.belt(3000, velocity)
        bench.sorter.on_item(item(1, 1000, lengths[0]))
        bench.sorter.on_item(item(2, 1000 + between + near, lengths[1]))
        for id in (1, 2):
            assert reasons(bench.sorter.on_verdict(verdict(id))) == [(id, expected)]


def test_an_item_too_long_to_be_one_is_never_blown(bench: Bench) -> None:
    bench.belt(3000)
    bench.sorter.on_item(item(1, 1000, length=0.0751))
    assert reasons(bench.sorter.on_verdict(verdict(1))) == [(1, "gap")]


def test_a_shot_is_called_off_when_a_follower_turns_out_too_close(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    assert fired(bench.sorter.on_verdict(verdict(1))) == [1]
    out = bench.sorter.on_item(item(2, 1550))
    assert cancelled(out) == [1] and reasons(out) == []
    assert reasons(bench.sorter.on_verdict(verdict(2))) == [(2, "gap")]
    assert bench.sorter.cancel_all() == []


def test_a_shot_that_cannot_be_reached_any_more_is_left_alone(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    bench.sorter.on_verdict(verdict(1))
    last = last_command_count(bench.cell, bench.cell.bin("klarus"), item(1, 1000), 0.5)
    bench.belt(last + 1)
    assert bench.sorter.on_item(item(2, 1550)) == []
    bench.belt(last)
    assert cancelled(bench.sorter.on_item(item(3, 1560))) == [1]


def test_an_item_right_behind_a_lost_one_is_not_blown(bench: Bench) -> None:
    bench.belt(1000)
    bench.sorter.on_item(item(1, 1000, stamp=bench.stamp))
    bench.stamp += 20 * MS
    stalled = bench.stamp + 1
    jam = BeltReading(stalled + MS, 1, 1300, 0.13, 0.0, False, trusted_since=stalled)
    assert reasons(bench.sorter.on_belt(jam)) == [(1, "tracking_lost")]
    behind = stalled // 1000 + 1
    bench.sorter.on_item(item(behind, 1550, stamp=stalled + MS))
    assert reasons(bench.sorter.on_verdict(verdict(behind))) == [(behind, "gap")]


def test_a_restart_decides_nothing_twice_and_still_protects_neighbours(bench: Bench) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    out = bench.sorter.on_verdict(verdict(1))
    records = [json.dumps(d.to_record()) for d in out if isinstance(d, Decision)]

    again = Bench(bench.cell)
    again.stamp = bench.stamp
    decisions = [Decision.from_record(json.loads(record)) for record in records]
    assert decisions == [d for d in out if isinstance(d, Decision)]
    again.sorter.restore(decisions)
    assert again.sorter.on_item(item(1, 1000)) == []
    assert again.sorter.on_verdict(verdict(1, "GP_Alk")) == []
    assert again.sorter.on_item(item(2, 1550)) == []
    assert cancelled(again.belt(3100)) == [1]


@pytest.mark.parametrize(("clearance", "reason"), [(0.0118, "sort"), (0.0117, "gap"), (0.0, "gap")])
def test_what_is_seen_close_beside_an_item_counts_as_a_neighbour(
    bench: Bench, clearance: float, reason: str
) -> None:
    bench.sorter.on_item(item(1, 1000))
    bench.belt(3000)
    assert reasons(bench.sorter.on_verdict(replace(verdict(1), clearance=clearance))) == [
        (1, reason)
    ]
