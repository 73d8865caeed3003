"""Sizes of cells against the length at the light barrier."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.sizes import MEASURES, MOST_YAW, Measured, Size, edges_error

ERROR = edges_error(0.0005)
"""Of the default cell [m]."""


@given(st.sampled_from(Size), st.floats(0, 1), st.floats(0, 1), st.floats(-MOST_YAW, MOST_YAW))
def test_a_cell_of_a_size_fits_it_however_askew_it_lies(
    size: Size, long: float, thick: float, yaw: float
) -> None:
    of = MEASURES[size]
    length = of.shortest + long * (of.longest - of.shortest)
    diameter = of.thinnest + thick * (of.thickest - of.thinnest)
    along = length * math.cos(yaw) + diameter * abs(math.sin(yaw))
    assert Measured(along, 1e-9).fits(size)
    for off in (-ERROR, ERROR):
        assert Measured(along + off, ERROR + 1e-9).fits(size)


@given(st.sampled_from(Size), st.floats(-MOST_YAW, MOST_YAW))
def test_the_bounds_are_reached(size: Size, yaw: float) -> None:
    least, most = MEASURES[size].along()
    of = MEASURES[size]
    assert least <= of.shortest <= of.longest <= most
    assert not Measured(least - 0.0001).fits(size) and not Measured(most + 0.0001).fits(size)
    assert Measured(least).fits(size) and Measured(most).fits(size)


@pytest.mark.parametrize(
    ("length", "size", "fits"),
    [
        (0.0445, Size.AAA, True),
        (0.0445, Size.D, False),
        (0.0615, Size.AAA, False),
        (0.065, Size.AA, False),
        (0.065, Size.LI_18650, True),
        (0.0505, Size.LI_18650, False),
        (0.0505, Size.LI_14500, True),
        (0.0345, Size.AA, False),
        (0.0345, Size.CR123A, True),
        (math.nan, Size.AA, False),
    ],
)
def test_a_length_by_the_default_barrier(length: float, size: Size, fits: bool) -> None:
    assert Measured(length, ERROR, slip=0.03).fits(size) is fits


def test_every_size_has_its_measures() -> None:
    assert set(MEASURES) == set(Size)
    for of in MEASURES.values():
        assert 0 < of.thinnest <= of.thickest < of.shortest <= of.longest
