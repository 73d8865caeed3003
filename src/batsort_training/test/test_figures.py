import math

import numpy as np
import pytest

from batsort_training.figures import (
    auroc,
    coverage_at,
    expected_calibration_error,
    mean_sd,
    reliability,
    risk_coverage,
    wilson,
)

CONFIDENCE = np.array([0.9, 0.8, 0.7, 0.6])
RIGHT = np.array([True, True, False, True])


def test_wilson_s_interval_is_that_of_the_literature():
    assert wilson(9, 10) == pytest.approx((0.9, 0.5958, 0.9821), abs=1e-3)
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
    assert wilson(10, 10)[2] == pytest.approx(1.0)


def test_auroc_is_the_chance_of_the_right_order():
    assert auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auroc(np.array([1.0]), np.array([1.0])) == 0.5
    assert auroc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5


def test_bins_hold_as_many_verdicts_each():
    curve = reliability(CONFIDENCE, RIGHT, bins=2)
    assert curve.confidence == pytest.approx([0.65, 0.85])
    assert curve.accuracy == pytest.approx([0.5, 1.0])
    assert curve.number.tolist() == [2, 2]


def test_calibration_error_is_the_mean_distance_of_confidence_and_accuracy():
    assert expected_calibration_error(CONFIDENCE, RIGHT, bins=2) == pytest.approx(0.15)
    assert expected_calibration_error(np.full(4, 0.75), RIGHT) == pytest.approx(0.0)
    assert expected_calibration_error(np.ones(4), np.zeros(4, bool)) == 1.0
    assert math.isnan(expected_calibration_error(np.array([]), np.array([], bool)))


def test_the_order_of_equal_confidences_does_not_count():
    confidence, right = np.full(10, 0.8), np.arange(10) < 5
    errors = [expected_calibration_error(confidence, part, 3) for part in (right, right[::-1])]
    assert errors == pytest.approx([0.3, 0.3])


def test_risk_falls_as_fewer_are_accepted():
    curve = risk_coverage(CONFIDENCE, RIGHT)
    assert curve.threshold.tolist() == [0.9, 0.8, 0.7, 0.6]
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve.risk == pytest.approx([0, 0, 1 / 3, 1 / 4])


def test_verdicts_of_one_confidence_are_accepted_together():
    curve = risk_coverage(np.array([0.9, 0.5, 0.5]), np.array([True, False, True]))
    assert curve.coverage == pytest.approx([1 / 3, 1.0])
    assert curve.risk == pytest.approx([0.0, 1 / 3])


def test_the_coverage_of_a_purity_is_the_largest_that_gives_it():
    assert coverage_at(CONFIDENCE, RIGHT, 0.75) == (1.0, 0.6)
    assert coverage_at(CONFIDENCE, RIGHT, 0.9) == (0.5, 0.8)
    assert coverage_at(CONFIDENCE, ~RIGHT, 0.9) == (0.0, math.inf)
    assert coverage_at(np.array([]), np.array([], bool), 0.9) == (0.0, math.inf)


def test_repeats_are_summed_up_with_the_sample_s_deviation():
    assert mean_sd(np.array([1.0, 3.0])) == pytest.approx((2.0, math.sqrt(2)))
    assert math.isnan(mean_sd(np.array([1.0]))[1])
