"""What is learnt on top of the backbone's features: two linear classifiers and their calibration.

Shrinkage LDA names the type best; what a logistic regression of that type against all else says of
it, with LDA's lead, tells best whether it is of any known type at all. All is deterministic.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Linear:
    """Logits are `x @ weights + bias`: float64[d, n] and float64[n]."""

    weights: Floats
    bias: Floats

    def __call__(self, features: Floats) -> Floats:
        """Return float64[m, n] of float64[m, d]."""
        return features @ self.weights + self.bias


def fit_lda(features: Floats, labels: Ints, weights: Floats, shrinkage: float = 0.1) -> Linear:
    """Linear discriminant analysis with equal priors and a covariance shrunk towards a sphere.

    `features` float64[m, d], `labels` int[m] with every type from 0 up, `weights` float64[m] of the
    examples. `shrinkage` is fixed: estimators of it take views of one photo for independent ones.
    """
    kinds = range(int(labels.max()) + 1)
    means = np.stack(
        [np.average(features[labels == c], axis=0, weights=weights[labels == c]) for c in kinds]
    )
    apart = (features - means[labels]) * np.sqrt(weights / weights.sum())[:, None]
    covariance = (1 - shrinkage) * (apart.T @ apart)
    size = features.shape[1]
    covariance[np.diag_indices(size)] += shrinkage / (1 - shrinkage) * np.trace(covariance) / size
    solved = np.linalg.solve(covariance, means.T)
    return Linear(solved, -0.5 * np.sum(means.T * solved, axis=0))


def fit_logistic(
    features: Floats, targets: Floats, weights: Floats, decay: float = 0.1, steps: int = 150
) -> Linear:
    """One logistic regression per type against all else, by Nesterov's accelerated gradient.

    `targets` float64[m, n] is 1 where an example is of the type; a row of zeros is of no type.
    `weights` float64[m]. `features` are scaled by one number, the mean of their standard
    deviations, so that the weight `decay` means the same for every backbone.
    """
    share = (weights / weights.sum())[:, None]
    centre = np.sum(share * features, axis=0)
    scale = float(features.std(axis=0).mean()) + 1e-12
    inputs = (features - centre) / scale
    # The loss curves no more than a quarter of the largest eigenvalue of the second moment.
    probe = np.ones(inputs.shape[1])
    for _ in range(30):
        probe = inputs.T @ (share[:, 0] * (inputs @ (probe / np.linalg.norm(probe))))
    step = 1.0 / (0.25 * float(np.linalg.norm(probe)) + 0.25 + decay)
    kinds = targets.shape[1]
    matrix, bias = np.zeros((inputs.shape[1], kinds)), np.zeros(kinds)
    ahead, ahead_bias, pace = matrix, bias, 1.0
    for _ in range(steps):
        error = share * (1 / (1 + np.exp(-(inputs @ ahead + ahead_bias))) - targets)
        following = ahead - step * (inputs.T @ error + decay * ahead)
        following_bias = ahead_bias - step * error.sum(axis=0)
        quicker = (1 + math.sqrt(1 + 4 * pace**2)) / 2
        gain = (pace - 1) / quicker
        ahead = following + gain * (following - matrix)
        ahead_bias = following_bias + gain * (following_bias - bias)
        matrix, bias, pace = following, following_bias, quicker
    matrix = matrix / scale
    return Linear(matrix, bias - centre @ matrix)


def softmax(logits: Floats) -> Floats:
    """Return float64[m, n] whose rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def lead(logits: Floats) -> Floats:
    """float64[m]: how far LDA's winner stands above the mean of all types, as a distance."""
    return np.asarray(np.sqrt(logits.max(axis=1) - logits.mean(axis=1)))


def familiarity(lda: Floats, logistic: Floats, blend: float) -> Floats:
    """float64[m]: the logit that `logistic` gives to the type that `lda` names, plus its lead."""
    return logistic[np.arange(len(lda)), lda.argmax(axis=1)] + blend * lead(lda)


def fit_temperature(logits: Floats, labels: Ints, weights: Floats) -> float:
    """The temperature at which softmax(logits / temperature) is most likely; golden section."""

    def loss(log_temperature: float) -> float:
        scores = softmax(logits / math.exp(log_temperature))
        picked = np.maximum(scores[np.arange(len(labels)), labels], 1e-12)
        return -float(np.average(np.log(picked), weights=weights))

    low, high, ratio = math.log(0.02), math.log(500.0), (math.sqrt(5) - 1) / 2
    for _ in range(60):
        left, right = high - ratio * (high - low), low + ratio * (high - low)
        if loss(left) < loss(right):
            high = right
        else:
            low = left
    return math.exp((low + high) / 2)


def weighted_quantile(values: Floats, weights: Floats, share: float) -> float:
    """The least value that `share` of the weight lies at or below."""
    order = np.argsort(values)
    reached = np.cumsum(weights[order]) >= share * weights.sum()
    return float(values[order][int(reached.argmax())])
