import numpy as np
import pytest

from batsort_learning.figures import auroc, wilson


def test_wilson_s_interval_is_that_of_the_literature():
    assert wilson(9, 10) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-3)
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert wilson(10, 10)[2] == pytest.approx(1.0)


def test_auroc_is_the_chance_of_the_right_order():
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
