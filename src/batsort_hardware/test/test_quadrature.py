"""Edges to counts: every step counts right, what was skipped is told, bounces are one change."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from batsort_hardware.quadrature import Debounced, Latch, Quadrature

STEPS = st.lists(st.sampled_from((1, -1)), max_size=200)


class Wheel:
    """An encoder's wheel, and the edges that its turning makes."""

    TURN = ((False, False), (True, False), (True, True), (False, True))

    def __init__(self) -> None:
        self.place = 0

    def step(self, by: int) -> tuple[str, bool]:
        before = self.TURN[self.place % 4]
        self.place += by
        after = self.TURN[self.place % 4]
        return ("a", after[0]) if before[0] != after[0] else ("b", after[1])


def feed(quadrature: Quadrature, edge: tuple[str, bool]) -> None:
    line, level = edge
    (quadrature.edge_a if line == "a" else quadrature.edge_b)(level)


@given(STEPS)
def test_any_sequence_of_steps_counts_right(steps: list[int]) -> None:
    wheel, quadrature = Wheel(), Quadrature(False, False)
    for step in steps:
        feed(quadrature, wheel.step(step))
        assert quadrature.count == wheel.place
    assert quadrature.missed == 0


@given(st.integers(0, 50), st.integers(8, 50), st.sampled_from((1, -1)))
def test_an_edge_that_is_skipped_is_counted_as_missed_and_costs_at_most_four_counts(
    before: int, after: int, direction: int
) -> None:
    wheel, quadrature = Wheel(), Quadrature(False, False)
    for _ in range(before):
        feed(quadrature, wheel.step(direction))
    wheel.step(direction)
    for _ in range(after):
        feed(quadrature, wheel.step(direction))
    assert quadrature.missed == 1
    assert abs(wheel.place - quadrature.count) <= 4


@given(STEPS, st.sets(st.integers(0, 199)))
def test_whatever_is_skipped_the_count_is_never_further_off_than_what_was_lost(
    steps: list[int], lost: set[int]
) -> None:
    wheel, quadrature = Wheel(), Quadrature(False, False)
    for number, step in enumerate(steps):
        edge = wheel.step(step)
        if number not in lost:
            feed(quadrature, edge)
    assert abs(wheel.place - quadrature.count) <= 4 * len(lost)


def test_the_velocity_is_that_of_the_last_counts() -> None:
    latch = Latch(epoch=7, stamp=0)
    for count in range(1, 401):
        latch.count(count * 200_000, count)
    assert latch.motion.count == 400
    assert abs(latch.motion.velocity - 5000.0) < 1.0
    for count in range(399, 200, -1):
        latch.count(latch.motion.stamp + 400_000, count)
    assert abs(latch.motion.velocity + 2500.0) < 1.0


def test_after_a_pause_the_velocity_begins_anew() -> None:
    latch = Latch(epoch=7, stamp=0)
    for count in range(1, 101):
        latch.count(count * 200_000, count)
    latch.count(10**9, 101)
    assert latch.motion.velocity == 0.0
    assert latch.motion.count == 101.0


def test_an_input_that_bounces_changes_once_at_its_first_edge() -> None:
    told: list[tuple[int, bool]] = []
    eye = Debounced(False, 0.002, lambda stamp, level: told.append((stamp, level)))
    for stamp, level in ((10, True), (300_000, False), (500_000, True)):
        eye.edge(stamp, level)
    eye.look(10**9)
    assert told == [(10, True)]


def test_an_input_that_changed_while_it_bounced_is_told_with_its_own_stamp() -> None:
    told: list[tuple[int, bool]] = []
    eye = Debounced(False, 0.002, lambda stamp, level: told.append((stamp, level)))
    eye.edge(10, True)
    eye.edge(1_500_000, False)
    assert told == [(10, True)]
    eye.look(2_000_010)
    assert told == [(10, True), (1_500_000, False)]


@given(st.lists(st.tuples(st.integers(1, 4_000_000), st.booleans()), max_size=50))
def test_changes_of_any_input_alternate_in_order(edges: list[tuple[int, bool]]) -> None:
    told: list[tuple[int, bool]] = [(0, False)]
    eye = Debounced(False, 0.002, lambda stamp, level: told.append((stamp, level)))
    now = 0
    for step, level in edges:
        now += step
        eye.edge(now, level)
    eye.look(now + 2_000_000)
    for (stamp, level), (later, other) in itertools.pairwise(told):
        assert other != level
        assert later > stamp
    assert told[-1][1] == (edges[-1][1] if edges else False)
