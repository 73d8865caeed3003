"""Leads learnt valve against valve, from when items reach their eyes."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.cell import CellDescription
from batsort_core.valve_timing import ValveTiming

LEAD = 0.010
FLIGHT = 0.15
SPEED = 0.5


def shoot(timing: ValveTiming, rounds: int, late: dict[int, float], length: float = 0.05) -> None:
    """`rounds` shots of each of four valves; an item is later at its eye as its valve blows later.

    A longer lead lets the jet open earlier, so the eye sees the item that much earlier, too.
    """
    for _ in range(rounds):
        for valve in (1, 2, 3, 4):
            lead = timing.lead_s(valve)
            delay = FLIGHT + late.get(valve, 0.0) - (lead - LEAD)
            timing.confirmed(valve, length, SPEED, lead, delay)


def test_valves_that_blow_alike_keep_the_lead(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 30, {})
    assert timing.late == {} and timing.lead_s(1) == pytest.approx(LEAD)


def test_a_late_valve_gets_its_lag_as_lead_and_is_warned_of(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 10, {2: 0.012})
    assert timing.late == {2: pytest.approx(0.012)}
    assert timing.lead_s(2) == pytest.approx(LEAD + 0.012)
    assert timing.lead_s(1) == pytest.approx(LEAD)


def test_a_corrected_lag_is_still_known_and_forgotten_when_it_ends(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 30, {2: 0.012})
    assert timing.late == {2: pytest.approx(0.012)}
    shoot(timing, 10, {})
    assert timing.late == {} and timing.lead_s(2) == pytest.approx(LEAD)


def test_the_lead_stays_within_its_bounds(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 20, {2: 0.2, 3: -0.2})
    assert timing.lead_s(2) == pytest.approx(LEAD + cell.tracking.lead_most_s)
    assert timing.lead_s(3) == pytest.approx(0.0)


def test_what_delays_all_valves_alike_moves_nothing(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 20, dict.fromkeys((1, 2, 3, 4), 0.05))
    assert timing.late == {} and timing.lead_s(1) == pytest.approx(LEAD)


def test_four_shots_of_a_valve_tell_nothing(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    shoot(timing, 4, {2: 0.012})
    assert timing.late == {}


def test_only_items_of_one_length_are_compared(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    for _ in range(20):
        for valve, length, delay in ((1, 0.05, 0.15), (2, 0.065, 0.17), (3, 0.05, 0.15)):
            timing.confirmed(valve, length, SPEED, LEAD, delay)
    assert timing.late == {}


def test_only_items_of_one_speed_are_compared(cell: CellDescription) -> None:
    timing = ValveTiming(cell)
    for _ in range(20):
        for valve, speed, delay in ((1, 0.5, 0.15), (2, 1.5, 0.18), (3, 0.55, 0.15)):
            timing.confirmed(valve, 0.05, speed, LEAD, delay)
    assert timing.late == {}
    for _ in range(20):
        timing.confirmed(3, 0.05, 1.4, LEAD, 0.15)
        timing.confirmed(1, 0.05, 1.5, LEAD, 0.15)
        timing.confirmed(2, 0.05, 1.5, LEAD, 0.18)
    assert timing.late == {2: pytest.approx(0.03)}


@given(st.integers(0, 2**32))
def test_chance_moves_no_lead_beyond_its_bounds(cell: CellDescription, seed: int) -> None:
    rng, timing = random.Random(seed), ValveTiming(cell)
    for _ in range(60):
        valve = rng.choice((1, 2, 3))
        timing.confirmed(valve, 0.05, SPEED, timing.lead_s(valve), rng.uniform(0.0, 1.0))
        assert 0.0 <= timing.lead_s(valve) <= LEAD + cell.tracking.lead_most_s
