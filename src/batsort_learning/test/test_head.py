import numpy as np
import pytest

from batsort_learning.figures import auroc
from batsort_learning.head import (
    familiarity,
    fit_lda,
    fit_logistic,
    fit_temperature,
    softmax,
    weighted_quantile,
)


@pytest.fixture
def clouds():
    """Three clouds in eight dimensions: features, labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 40)
    return rng.normal(0, 1, (120, 8)) + 4 * np.eye(3, 8)[labels], labels


def test_lda_and_logistic_regression_tell_clouds_apart(clouds):
    features, labels = clouds
    weights = np.ones(len(labels))
    lda = fit_lda(features, labels, weights)
    logistic = fit_logistic(features, np.eye(3)[labels], weights)
    for linear in (lda, logistic):
        assert (linear(features).argmax(axis=1) == labels).mean() > 0.95


def test_a_heavier_example_counts_like_its_copies(clouds):
    features, labels = clouds
    weights = np.ones(len(labels))
    weights[:10] = 3.0
    copied = np.concatenate([features, features[:10], features[:10]])
    copied_labels = np.concatenate([labels, labels[:10], labels[:10]])
    once = fit_lda(features, labels, weights)
    copies = fit_lda(copied, copied_labels, np.ones(len(copied_labels)))
    assert once.weights == pytest.approx(copies.weights)
    assert once.bias == pytest.approx(copies.bias)


def test_what_is_far_from_every_type_is_less_familiar(clouds):
    features, labels = clouds
    strange = -3 * np.eye(8)[3:8].repeat(10, axis=0)
    targets = np.concatenate([np.eye(3)[labels], np.zeros((50, 3))])
    everything = np.concatenate([features, strange])
    logistic = fit_logistic(everything, targets, np.ones(len(everything)))
    lda = fit_lda(features, labels, np.ones(len(labels)))
    known, unknown = (familiarity(lda(part), logistic(part), 0.5) for part in (features, strange))
    assert auroc(known, unknown) > 0.98


def test_the_temperature_of_scores_that_are_too_sure_is_found():
    rng = np.random.default_rng(1)
    honest = rng.normal(0, 2, (4000, 5))
    scores = softmax(honest)
    labels = np.array([rng.choice(5, p=row) for row in scores])
    assert fit_temperature(honest * 7.0, labels, np.ones(4000)) == pytest.approx(7.0, rel=0.1)


def test_the_weighted_quantile_counts_weight():
    values, weights = np.array([3.0, 1.0, 2.0]), np.array([1.0, 8.0, 1.0])
    assert weighted_quantile(values, weights, 0.5) == 1.0
    assert weighted_quantile(values, weights, 0.85) == 2.0
