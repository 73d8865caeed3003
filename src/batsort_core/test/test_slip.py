"""Slip told from places at which items are seen again."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.slip import SlipEstimator


def measured(*ratios: float) -> SlipEstimator:
    slip = SlipEstimator(corrected=0.004, most=0.03)
    for ratio in ratios:
        slip.measure(1.0, ratio)
    return slip


def test_two_measurements_tell_nothing_and_three_do() -> None:
    assert measured(1.02, 1.02).ratio == 1.0
    slip = measured(1.02, 1.02, 1.02)
    assert slip.ratio == slip.slip + 1.0 == pytest.approx(1.02)
    assert not slip.excessive


def test_slip_too_small_to_be_corrected_moves_no_aim() -> None:
    slip = measured(*[1.0039] * 20)
    assert slip.ratio == 1.0 and slip.slip == pytest.approx(0.0039)


def test_one_item_that_moved_by_itself_tells_nothing() -> None:
    assert measured(1.0, 1.0, 1.2, 1.0, 0.8, 1.0).ratio == 1.0


def test_slip_that_sets_in_after_a_long_time_without_is_followed_by_three_items() -> None:
    assert measured(*[1.0] * 15, 1.02, 1.021, 1.02).ratio == pytest.approx(1.02)


def test_slip_that_ends_is_forgotten_by_three_items() -> None:
    assert measured(*[1.02] * 15, 1.0, 1.0, 1.0).ratio == 1.0


@pytest.mark.parametrize(("ratio", "excessive"), [(1.029, False), (1.031, True), (0.969, True)])
def test_beyond_its_limit_it_is_excessive(ratio: float, excessive: bool) -> None:
    assert measured(ratio, ratio, ratio).excessive is excessive


def test_only_a_change_worth_new_commands_is_told() -> None:
    slip = measured(1.01, 1.01)
    assert slip.measure(1.0, 1.01)
    assert not slip.measure(1.0, 1.0105)
    assert slip.ratio == pytest.approx(1.01)


def test_what_is_measured_is_the_real_travel_by_the_counted_one() -> None:
    slip = SlipEstimator(corrected=0.004, most=0.03)
    for _ in range(3):
        slip.measure(counted=2.0, real=2.02)
    assert slip.ratio == pytest.approx(1.01)


@given(st.integers(0, 2**32), st.floats(-0.025, 0.025))
def test_it_is_found_within_noise_whatever_it_is(seed: int, slip: float) -> None:
    rng = random.Random(seed)
    estimate = measured(*(1.0 + slip + rng.uniform(-0.002, 0.002) for _ in range(15)))
    assert abs(estimate.slip - slip) <= 0.002 + 1e-9
    assert abs(estimate.ratio - 1.0 - slip) <= 0.004 + 0.002 + 1e-9
