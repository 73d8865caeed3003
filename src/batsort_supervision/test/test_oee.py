import pytest

from batsort_core.cell import CellDescription
from batsort_supervision.oee import Oee, possible_rate
from batsort_supervision.packml import State


def test_figures_are_zero_before_there_is_anything_to_count() -> None:
    figures = Oee(8.0).figures()
    assert (figures.availability, figures.performance, figures.quality, figures.oee) == (0,) * 4


def test_figures_follow_the_time_in_states_and_the_outcomes() -> None:
    oee = Oee(possible_rate=4.0)
    oee.count({"sorted_confirmed": 100})  # from before a restart
    for state, t in [
        (State.STOPPED, 0.0),
        (State.EXECUTE, 100.0),
        (State.HELD, 110.0),
        (State.EXECUTE, 115.0),
        (State.ABORTED, 125.0),
        (State.STOPPED, 140.0),
        (State.STOPPED, 500.0),
    ]:
        oee.state(state, t)
    oee.count({"sorted_confirmed": 130, "others_unknown_type": 2, "missing": 8})
    figures = oee.figures()
    assert figures.availability == pytest.approx(20 / 40)
    assert figures.performance == pytest.approx(40 / 80)
    assert figures.quality == pytest.approx(32 / 40)
    assert figures.oee == pytest.approx(0.2)


def test_what_is_out_stays_so_where_the_counts_begin_anew() -> None:
    oee = Oee(possible_rate=10.0)
    oee.count({"sorted_confirmed": 100})
    oee.count({"sorted_confirmed": 130, "missing": 10})
    oee.count({})
    assert (oee.figures().out, oee.figures().good) == (40, 30)
    oee.count({"sorted_confirmed": 1, "missing": 1})
    assert (oee.figures().out, oee.figures().good) == (42, 31)


def test_the_possible_rate_is_that_of_items_as_close_as_the_gap_rule_allows(
    cell: CellDescription,
) -> None:
    assert possible_rate(cell, cell.belt.velocity) == pytest.approx(0.5 / (0.050 + 0.01175))
