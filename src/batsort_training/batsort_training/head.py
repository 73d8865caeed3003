"""What is learnt on top of the backbone's features: two linear classifiers, calibration.

Logistic regression over all depths names the type; it has learnt from strangers, too, and says how
far the type is ahead of them. How far that type leads all others and what is strange in a shrinkage
LDA per depth says how typical of it the image is. Both together are familiarity: what only
resembles a type has less of it. Both are convex: no luck, the same numbers from the same photos.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Features = NDArray[np.floating[Any]]
"""Of either precision; what follows from them is float64."""
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

DEPTHS = 3
"""Of the backbone whose features stand side by side."""
LOOKS = 2
"""Classes per type: as photographed, and as drawn."""
SHRINKAGE = 0.3
STRENGTH = 0.05
"""Inverse of the regularisation of logistic regression, on features whose classes scatter by 1."""
SOLVER = {"maxiter": 100, "maxcor": 10, "gtol": 1e-4, "ftol": 1e-9}
"""Of logistic regression; it ends where another step would change nothing that counts."""
AHEAD = 0.6
"""Weight in familiarity of how far ahead of strangers the type is, beside its lead in LDA."""
NEVER = -1e9
"""Logit of a class without examples."""


@dataclass(frozen=True, slots=True)
class Linear:
    """Logits are `x @ weights + bias`: float64[d, n] and float64[n]."""

    weights: Floats
    bias: Floats

    def __call__(self, features: Features) -> Floats:
        """Return float64[m, n] of float64[m, d]."""
        return np.asarray(features @ self.weights + self.bias, np.float64)


@dataclass(frozen=True, slots=True)
class Moments:
    """Weighted sums of features, all that LDA needs; those of a fold can be taken off again.

    The first `taught` classes are to be told apart. The others are strange: only their means are
    compared with, so that they change nothing in how the taught ones are told apart.
    """

    weight: Floats
    """float64[k] per class."""
    sums: Floats
    """float64[k, d] per class."""
    squares: Singles
    """float32[d, d]: the sum of x times x transposed over the taught classes."""
    taught: int

    @classmethod
    def of(
        cls,
        features: Singles,
        labels: Ints,
        weights: Floats,
        kinds: int,
        taught: int | None = None,
    ) -> Self:
        """Of `features` float32[m, d] of classes `labels` int[m] below `kinds`, float64[m] each.

        All classes are taught where it isn't said how many.
        """
        taught = kinds if taught is None else taught
        shares = np.zeros((kinds, len(labels)), np.float32)
        shares[labels, np.arange(len(labels))] = weights
        spread = labels < taught
        rooted = features[spread] * np.sqrt(weights[spread])[:, None].astype(np.float32)
        sums = (shares @ features).astype(np.float64)
        weight = np.asarray(np.bincount(labels, weights, kinds), np.float64)
        return cls(weight, sums, rooted.T @ rooted, taught)

    def __add__(self, other: Self) -> Self:
        return replace(
            self,
            weight=self.weight + other.weight,
            sums=self.sums + other.sums,
            squares=self.squares + other.squares,
        )

    def __sub__(self, other: Self) -> Self:
        return replace(
            self,
            weight=self.weight - other.weight,
            sums=self.sums - other.sums,
            squares=self.squares - other.squares,
        )

    def of_classes(self, kept: Bools) -> Self:
        """Without the classes where `kept` bool[k] is false, none of which has an example left."""
        return replace(
            self,
            weight=self.weight[kept],
            sums=self.sums[kept],
            taught=int(kept[: self.taught].sum()),
        )

    def lda(self) -> Linear:
        """Linear discriminant analysis with equal priors and a shrunk covariance.

        A taught class without examples never wins, a strange one is left out.
        """
        means = self._means()
        solved = np.asarray(np.linalg.solve(self._covariance(), means.T), np.float64)
        present = self._present()
        bias = np.where(present, -0.5 * np.sum(means.T * solved, axis=0), NEVER)
        kept = present | (np.arange(len(self.weight)) < self.taught)
        return Linear(solved[:, kept], bias[kept])

    def scatter(self) -> Singles:
        """float32[d, d], lower triangular: times its transpose, the covariance within classes."""
        return np.linalg.cholesky(self._covariance())

    def _present(self) -> Bools:
        return np.asarray(self.weight > 1e-9 * self.weight.sum())

    def _means(self) -> Floats:
        """float64[k, d]; 0 for classes without examples."""
        present = self._present()
        means = np.zeros_like(self.sums)
        means[present] = self.sums[present] / self.weight[present, None]
        return means

    def _covariance(self) -> Singles:
        """float32[d, d] within the taught classes, shrunk towards a sphere.

        The shrinkage is fixed: estimators of it take views of one photo for independent ones.
        Source: Friedman 1989, "Regularized Discriminant Analysis".
        """
        learnt = self._present() & (np.arange(len(self.weight)) < self.taught)
        within = self.squares - (self.sums[learnt].T @ self._means()[learnt]).astype(np.float32)
        covariance = within * ((1 - SHRINKAGE) / self.weight[learnt].sum())
        size = len(covariance)
        covariance[np.diag_indices(size)] += (
            SHRINKAGE / (1 - SHRINKAGE) * (np.trace(covariance) / size)
        )
        return np.asarray(covariance, np.float32)


def logistic(
    features: Singles,
    labels: Ints,
    weights: Floats,
    scatters: Sequence[Singles],
) -> Linear:
    """Multinomial logistic regression of float32[m, d] to classes int[m] from 0 up, all present.

    `scatters` float32[d_i, d_i] are of the depths that stand side by side, see `Moments.scatter`:
    with them regularisation takes all directions for alike, as LDA does. Weights float64[m] count
    by their ratios.
    """
    # Photos can be checked, by LDA, where SciPy is not installed.
    from scipy.linalg import solve_triangular
    from scipy.optimize import minimize

    count, kinds = len(labels), int(labels.max()) + 1
    weights = weights / weights.sum()
    middle = (weights @ features).astype(np.float32)
    centred = features - middle
    true = np.zeros((count, kinds), np.float32)
    true[np.arange(count), labels] = 1.0
    share = weights[:, None].astype(np.float32)
    ends = np.cumsum([len(part) for part in scatters])[:-1]

    def solved(white: Singles, transposed: bool) -> Singles:
        """float32[d, n]: weights of features from those of white ones, and slopes back."""
        parts = zip(scatters, np.split(white, ends), strict=True)
        return np.vstack(
            [
                solve_triangular(s, part, trans=transposed, lower=True, check_finite=False)
                for s, part in parts
            ]
        )

    def loss(flat: Floats) -> tuple[float, Floats]:
        white, bias = np.split(flat.reshape(-1, kinds).astype(np.float32), [-1])
        scores = centred @ solved(white, transposed=True) + bias
        scores -= scores.max(axis=1, keepdims=True)
        powers = np.exp(scores)
        totals = powers.sum(axis=1, keepdims=True)
        unlikely = np.log(totals) - np.sum(scores * true, axis=1, keepdims=True)
        apart = (powers / totals - true) * share
        held = 1.0 / (STRENGTH * count)
        slope = solved(centred.T @ apart, transposed=False) + held * white
        value = float(np.sum(unlikely * share)) + 0.5 * held * float(np.sum(white * white))
        return value, np.vstack([slope, apart.sum(axis=0)]).ravel().astype(np.float64)

    start = np.zeros((features.shape[1] + 1) * kinds)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options=SOLVER)
    white, bias = np.split(found.x.reshape(-1, kinds), [-1])
    slopes = solved(white.astype(np.float32), transposed=True).astype(np.float64)
    return Linear(slopes, bias[0] - middle @ slopes)


def softmax(logits: Floats) -> Floats:
    """Return float64[m, n] whose rows sum to 1."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True, slots=True)
class Head:
    """What names the type, and a mixture discriminant analysis per depth of the backbone.

    A type looks one way in photos and another where it is drawn, so it has a class for each; the
    better one counts. Source: Hastie and Tibshirani 1996, "Discriminant Analysis by Gaussian
    Mixtures".
    """

    depths: tuple[Linear, ...]
    """Columns: the types as photographed, then as drawn, then what is strange."""
    types: int
    telling: Linear | None = None
    """Names the type from all depths; columns: the types, all strangers together, and where there
    are any, fire risks. None: the first depth names it."""
    surplus: float = 0.0
    """By how much more the drawn lead than the photographed; taken off their familiarity."""

    def __call__(self, features: Features) -> tuple[Floats, Floats]:
        """Logits float64[m, n] and familiarity float64[m] of float[m, d], depths side by side."""
        logits, lead, drawn = self.leads(features)
        return logits, lead - self.surplus * drawn

    def leads(self, features: Features) -> tuple[Floats, Floats, Bools]:
        """Logits float64[m, n], the lead float64[m], and whether it looks drawn, bool[m].

        The lead is that of the named type over the mean of all types and all that is strange,
        summed over the depths; LDA's logits grow with the square of a distance, so its root is a
        distance. To it comes how far the type is ahead of strangers. What is likelier a fire risk
        than the type has no lead at all.
        """
        parts = np.split(features, len(self.depths), axis=1)
        scores = [linear(part) for linear, part in zip(self.depths, parts, strict=True)]
        ends = [self.types, LOOKS * self.types]
        photographed, drawn, _ = np.split(scores[0], ends, axis=1)
        if self.telling is None:
            nothing: Floats = np.empty((len(features), 0))
            logits, strangers, fire = np.maximum(photographed, drawn), nothing, nothing
        else:
            told = [self.types, self.types + 1]
            logits, strangers, fire = np.split(self.telling(features), told, axis=1)
        named = np.arange(len(features)), logits.argmax(axis=1)
        squared = np.zeros(len(features))
        for part in scores:
            *looks, strange = np.split(part, ends, axis=1)
            all_logits = np.hstack([np.maximum(*looks), strange])
            squared += all_logits[named] - all_logits.mean(axis=1)
        lead = np.sqrt(np.maximum(squared, 0.0))
        if strangers.size:
            lead += AHEAD * (logits[named] - np.hstack([strangers, fire]).max(axis=1))
        if fire.size:
            lead = np.where(fire[:, 0] > logits[named], np.minimum(lead, 0.0), lead)
        return logits, lead, drawn.max(axis=1) > photographed.max(axis=1)


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
