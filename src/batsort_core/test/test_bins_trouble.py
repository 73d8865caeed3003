"""What keeps a cell from sorting on: full bags, valves, eyes and arrivals that can't be."""

from typing import Any

import pytest
from counter_bench import (
    ALL_HEARD,
    END,
    MS,
    PATIENCE,
    STATION,
    Bench,
    decision,
    item,
    outcomes,
    with_one_item,
)

from batsort_core.cell import CellDescription
from batsort_core.items import EjectResult, Reason


@pytest.fixture
def bench(cell: CellDescription) -> Bench:
    return with_one_item(cell)


def test_a_full_bag_is_trouble_from_outside_until_there_is_a_new_one(
    document: dict[str, Any],
) -> None:
    from batsort_core.cell import parse_cell

    document["bins"][8]["capacity"] = 1
    bench = Bench(parse_cell(document))
    assert bench.counter.trouble is None
    bench.arrive("klarus")
    assert bench.counter.trouble is not None and bench.counter.trouble.outside
    assert bench.counter.trouble.cause == "full: klarus"
    bench.counter.acknowledge()
    assert bench.counter.trouble is not None
    bench.counter.new_bag("klarus")
    assert bench.counter.trouble is None


def test_a_valve_that_misses_twice_is_trouble_until_somebody_has_looked(bench: Bench) -> None:
    bench.counter.on_item(item(2, 2000))
    for id in (1, 2):
        bench.counter.on_decision(decision(id))
    for id, at in ((1, 0), (2, 2000)):
        bench.run_to(STATION + at)
        bench.eject(id, EjectResult.FIRED)
    for at in (0, 2000):
        assert bench.counter.trouble is None
        bench.run_to(END + at)
        bench.arrive("others")
    assert bench.counter.trouble is not None and bench.counter.trouble.lasting
    assert "valve 9 does not blow" in bench.counter.trouble.cause
    bench.counter.acknowledge()
    assert bench.counter.trouble is None


def fire_three(bench: Bench) -> None:
    """At items 1 to 3, all for klarus, when every topic is heard."""
    bench.run(ALL_HEARD, speed=0)
    for id in (1, 2, 3):
        bench.counter.on_item(item(id, 400 * (id - 1)))
        bench.counter.on_decision(decision(id))
        bench.run_to(STATION + 400 * (id - 1))
        bench.eject(id, EjectResult.FIRED)


def timeout_ms(cell: CellDescription) -> int:
    return round(1000 * cell.confirm.timeout_s)


def test_shots_that_no_eye_confirms_in_time_are_trouble_before_their_outcome(bench: Bench) -> None:
    fire_three(bench)
    assert bench.run(timeout_ms(bench.cell)) == []
    assert bench.counter.trouble is None
    assert bench.run(380) == []
    assert bench.counter.trouble is not None and bench.counter.trouble.lasting
    assert "the eye of klarus has not seen the last 3" in bench.counter.trouble.cause


def test_an_arrival_that_is_heard_after_later_readings_is_no_sign_of_trouble(bench: Bench) -> None:
    fire_three(bench)
    arrived = [(bench.stamp + ms * MS, bench.count + 10 * ms) for ms in (20, 60, 100)]
    bench.run(timeout_ms(bench.cell) + 200)
    for stamp, count in arrived:
        assert bench.counter.on_arrival("klarus", stamp, 1, count)
    bench.run(PATIENCE)
    assert bench.counter.trouble is None


def test_shots_before_the_first_reading_are_not_suspected(
    bench: Bench, cell: CellDescription
) -> None:
    fire_three(bench)
    restarted = Bench(cell)
    restarted.counter.restore(bench.counter.drain())
    restarted.ms, restarted.count = bench.ms + timeout_ms(cell), bench.count
    restarted.run(1000)
    assert restarted.counter.trouble is None


def strangers(bench: Bench) -> str:
    """Three arrive at the belt's end; what is the trouble then."""
    for _ in range(3):
        bench.arrive("others")
        bench.run(100)
    bench.run(PATIENCE + 100)
    return bench.counter.trouble.cause if bench.counter.trouble else ""


def test_what_may_have_lain_on_the_belt_when_tracking_began_is_no_trouble(bench: Bench) -> None:
    assert strangers(bench) == ""
    bench.run_to(2 * END)
    assert "the light barrier has not seen" in strangers(bench)
    bench.counter.acknowledge()
    bench.trusted_since = bench.stamp
    bench.run(20)
    assert strangers(bench) == ""
    bench.epoch += 1
    bench.run(20)
    assert strangers(bench) == ""
    bench.run(2 * END // 10)
    bench.ms, bench.count = bench.ms + 1000, bench.count + 10_000  # the belt node was not there
    bench.run(20)
    assert strangers(bench) == ""
    bench.run(2 * END // 10)
    assert "the light barrier has not seen" in strangers(bench)
    assert bench.counter.balance.unexpected == 18


def test_soon_after_a_start_what_explains_an_arrival_may_not_be_heard_yet(bench: Bench) -> None:
    bench.counter.on_decision(decision(1, Reason.GAP))
    bench.run_to(15200)
    bench.arrive("gp_alk")
    assert bench.counter.trouble is None


def test_an_item_that_went_into_the_bin_of_others_is_a_fault_there(bench: Bench) -> None:
    bench.run(ALL_HEARD, speed=0)
    bench.counter.on_decision(decision(1, Reason.GAP))
    bench.run_to(15200)
    assert bench.arrive("gp_alk") == []
    assert bench.counter.trouble is not None
    assert "valve 7 may be stuck open" in bench.counter.trouble.cause
    settled = bench.run_to(END + 1600) + bench.run(PATIENCE + 100)
    assert outcomes(settled) == [(1, "fault", "gp_alk")]
    assert bench.tally("others") == (1, 0, 0, 0) and bench.tally("gp_alk")[3] == 0


def test_arrivals_from_before_the_first_reading_are_no_sign_of_a_stuck_valve(
    cell: CellDescription,
) -> None:
    late = Bench(cell)
    late.counter.on_item(item(1, 0))
    late.counter.on_arrival("klarus", 1, 1, STATION + 300)
    late.ms, late.count = 2000, STATION + 2500
    late.run(20)
    assert late.counter.trouble is None


def test_an_eye_that_sees_what_cannot_be_there_is_trouble_at_the_third_time(
    bench: Bench,
) -> None:
    bench.run(ALL_HEARD, speed=0)
    for _ in range(3):
        assert bench.counter.trouble is None
        bench.arrive("klarus")
    assert bench.counter.trouble is not None
    assert bench.counter.trouble.cause == "the eye of klarus sees what can't be there"
