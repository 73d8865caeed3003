"""Figures of merit, each with its source; `confidence` float[m], `right` bool[m] of m verdicts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

Z95 = 1.959964
BINS = 15


def wilson(hits: float, n: int) -> tuple[float, float, float]:
    """A share and its 95 % interval. Source: Wilson 1927. (0, 0, 1) for n = 0."""
    if n == 0:
        return 0.0, 0.0, 1.0
    share, z2 = float(hits) / n, Z95**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return share, max(0.0, middle - half), min(1.0, middle + half)


def auroc(positive: Floats, negative: Floats) -> float:
    """The chance that a positive's value is above a negative's, ties counting half."""
    ordered = np.sort(negative)
    below = np.searchsorted(ordered, positive, "left")
    upto = np.searchsorted(ordered, positive, "right")
    return float((below + upto).mean() / (2 * len(negative)))


class Reliability(NamedTuple):
    """One entry per bin, from the least confident up; each float64[b]."""

    confidence: Floats
    """Mean of the bin."""
    accuracy: Floats
    number: Floats
    """Of verdicts in the bin."""


def reliability(confidence: Floats, right: Bools, bins: int = BINS) -> Reliability:
    """Confidence beside accuracy in up to `bins` bins of equal mass.

    Confidences crowd near 1, where bins of equal width would leave most of them empty. Source of
    equal mass: Nguyen and O'Connor 2015. Verdicts of one confidence share their mean of `right`,
    so that their order doesn't count.
    """
    values, which, counts = np.unique(confidence, return_inverse=True, return_counts=True)
    share = np.bincount(which, right)[which] / counts[which]
    order = np.argsort(which, kind="stable")
    sizes = np.diff(np.linspace(0, len(order), min(bins, len(order)) + 1).round().astype(int))
    bin_of = np.repeat(np.arange(len(sizes)), sizes)
    return Reliability(
        np.bincount(bin_of, values[which[order]]) / sizes,
        np.bincount(bin_of, share[order]) / sizes,
        sizes.astype(np.float64),
    )


def expected_calibration_error(confidence: Floats, right: Bools, bins: int = BINS) -> float:
    """ECE: the mean distance of confidence and accuracy over the bins of `reliability`.

    Source: Naeini, Cooper and Hauskrecht 2015. NaN for no verdicts.
    """
    if not len(confidence):
        return math.nan
    curve = reliability(confidence, right, bins)
    return float(np.average(np.abs(curve.confidence - curve.accuracy), weights=curve.number))


class RiskCoverage(NamedTuple):
    """One entry per threshold that tells verdicts apart, from the highest down; each float64[k]."""

    threshold: Floats
    """Verdicts of this confidence and above are accepted."""
    coverage: Floats
    """Share of all verdicts accepted."""
    risk: Floats
    """Share of the accepted that are wrong."""


def risk_coverage(confidence: Floats, right: Bools) -> RiskCoverage:
    """What accepting fewer verdicts gains. Source: El-Yaniv and Wiener 2010."""
    order = np.argsort(-confidence, kind="stable")
    ranked = confidence[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)[: len(ranked)])
    accepted = last + 1.0
    wrong = np.cumsum(~right[order])[last]
    return RiskCoverage(ranked[last], accepted / max(1, len(ranked)), wrong / accepted)


def coverage_at(confidence: Floats, right: Bools, purity: float) -> tuple[float, float]:
    """The largest coverage at which a share `purity` of the accepted is right, and its threshold.

    (0, inf) where no threshold gives that.
    """
    curve = risk_coverage(confidence, right)
    pure = np.flatnonzero(1 - curve.risk >= purity)
    if not pure.size:
        return 0.0, math.inf
    return float(curve.coverage[pure[-1]]), float(curve.threshold[pure[-1]])


def mean_sd(values: Floats) -> tuple[float, float]:
    """Mean and standard deviation (n - 1) of repeats; NaN for fewer than two of them."""
    repeats = np.asarray(values, np.float64)
    return float(repeats.mean()), float(repeats.std(ddof=1)) if len(repeats) > 1 else math.nan
