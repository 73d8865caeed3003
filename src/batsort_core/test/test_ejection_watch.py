"""Valves and eyes judged by what becomes of items."""

import pytest

from batsort_core.cell import CellDescription
from batsort_core.ejection_watch import EjectionWatch
from batsort_core.items import Outcome

BLOWN = Outcome.SORTED_CONFIRMED


@pytest.fixture
def watch(cell: CellDescription) -> EjectionWatch:
    return EjectionWatch(cell)


def cause(watch: EjectionWatch) -> str:
    return watch.trouble.cause if watch.trouble else ""


def test_items_that_arrive_are_no_trouble(watch: EjectionWatch) -> None:
    for _ in range(50):
        watch.settled(BLOWN, "klarus", "klarus")
        watch.settled(Outcome.OTHERS_GAP, "others", "others")
    assert cause(watch) == ""


def test_a_valve_that_misses_two_in_a_row_does_not_blow(watch: EjectionWatch) -> None:
    for blown in (True, False, True, False):
        bin = "klarus" if blown else "others"
        watch.settled(BLOWN if blown else Outcome.FAULT, "klarus", bin)
    assert cause(watch) == ""
    watch.settled(Outcome.FAULT, "klarus", "others")
    assert cause(watch) == "valve 9 does not blow: the last 2 for klarus rode on"


def test_three_valves_that_miss_one_after_another_lack_air(watch: EjectionWatch) -> None:
    for bin in ("klarus", "gp_alk", "ikea_alk"):
        assert cause(watch) == ""
        watch.settled(Outcome.FAULT, bin, "others")
    assert cause(watch) == "the valves do not blow"


def test_an_eye_that_does_not_see_three_in_a_row_is_named(watch: EjectionWatch) -> None:
    for seen in (False, False, True, False, False):
        for other in ("gp_alk", "ikea_alk"):
            watch.settled(BLOWN, other, other)
        if seen:
            watch.settled(BLOWN, "klarus", "klarus")
        else:
            watch.unconfirmed("klarus")
            watch.settled(Outcome.MISSING, "klarus", "")
    assert cause(watch) == ""
    watch.unconfirmed("klarus")
    assert cause(watch) == "the eye of klarus has not seen the last 3 that went there"
    assert watch.trouble is not None and "valve 9" in watch.trouble.cure


def test_the_eye_at_the_belts_end_is_named_without_a_valve(watch: EjectionWatch) -> None:
    for _ in range(3):
        assert cause(watch) == ""
        watch.settled(Outcome.MISSING, "others", "")
    assert cause(watch) == "the eye of others has not seen the last 3 that went there"
    assert watch.trouble is not None and "valve" not in watch.trouble.cure


def test_three_of_six_that_were_blown_at_and_never_arrived_are_a_jam(
    watch: EjectionWatch,
) -> None:
    watch.unconfirmed("klarus")
    for bin in ("gp_alk", "ikea_alk", "klarus", "gp_alk"):
        watch.settled(BLOWN, bin, bin)
    watch.unconfirmed("ikea_alk")
    watch.settled(BLOWN, "exell_green", "exell_green")
    watch.settled(Outcome.FAULT, "ikea_alk", "others")
    watch.unconfirmed("gp_alk")
    assert cause(watch) == ""
    watch.unconfirmed("klarus")
    assert cause(watch) == "3 of the last 6 items that were blown at never arrived"


def test_something_in_a_bin_while_another_item_passed_is_a_stuck_valve(
    watch: EjectionWatch,
) -> None:
    watch.strange("klarus", passed=True)
    assert "valve 9 may be stuck open" in cause(watch)


def test_three_strange_arrivals_without_one_that_belongs_are_a_blinking_eye(
    watch: EjectionWatch,
) -> None:
    watch.strange("klarus", passed=False)
    watch.strange("klarus", passed=False)
    watch.settled(BLOWN, "klarus", "klarus")
    watch.strange("klarus", passed=False)
    watch.strange("klarus", passed=False)
    assert cause(watch) == ""
    watch.strange("klarus", passed=False)
    assert cause(watch) == "the eye of klarus sees what can't be there"


def test_three_of_twenty_at_the_belts_end_that_no_item_explains_are_trouble(
    watch: EjectionWatch,
) -> None:
    for _ in range(6):
        watch.unexplained("others")
        for _ in range(10):
            watch.settled(Outcome.OTHERS_GAP, "others", "others")
    assert cause(watch) == ""
    for _ in range(2):
        watch.unexplained("others")
    assert "the light barrier has not seen" in cause(watch)


def test_arrivals_in_other_bins_that_nothing_explains_are_judged_when_they_come(
    watch: EjectionWatch,
) -> None:
    for _ in range(10):
        watch.unexplained("klarus")
    assert cause(watch) == ""


def test_the_first_cause_stays_until_somebody_has_looked(watch: EjectionWatch) -> None:
    watch.strange("klarus", passed=True)
    for _ in range(5):
        watch.unconfirmed("gp_alk")
    assert "klarus" in cause(watch)
    assert watch.trouble is not None and watch.trouble.lasting
    watch.acknowledge()
    assert cause(watch) == ""
    watch.unconfirmed("gp_alk")
    assert cause(watch) == ""
