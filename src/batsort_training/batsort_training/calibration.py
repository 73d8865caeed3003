"""From cross-validated predictions to a confidence, a novelty and honest figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batsort_perception.bundle import Metric, Threshold
from batsort_training.conditions import CONDITIONS
from batsort_training.figures import auroc, expected_calibration_error, wilson
from batsort_training.head import fit_temperature, softmax, weighted_quantile
from batsort_training.lessons import BELT, DRAWN, PLAIN, UNTAUGHT, Lessons
from batsort_training.validation import Judged

THRESHOLD = 0.8
"""Least confidence of the default recipe."""
NOVELTY_LIMIT = 1.0
"""Most novelty of the default recipe."""
KNOWN_KEPT, DRAWN_KEPT = 0.92, 0.99
"""Shares of known photos, and of known drawn ones, whose novelty is below 1: the drawn are as alike
as those of one print run, and the unlike are well apart from them."""
TRUE_TO_LIFE = (PLAIN, BELT)
"""Sources that are calibrated on; the conditions of the others are harder or easier than life."""
COVERAGE, COMPARED = 0.9, 0.99
"""Coverage of known types at which the rejection of unknown ones is stated, with the confidence
that gives that purity."""
PURITIES = (0.95, 0.98, 0.99, 0.995)

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Calibration:
    """How outputs of the network become confidence and novelty."""

    temperature: float
    limit: float
    """Familiarity at which novelty is 1."""
    surplus: float
    """By how much more the drawn lead; taken off their familiarity."""
    scale: float
    thresholds: tuple[Threshold, ...]

    @property
    def sure(self) -> float:
        """The least confidence that gives a purity of COMPARED; 0 where none does."""
        return next((t.confidence for t in self.thresholds if t.purity == COMPARED), 0.0)

    def confidence(self, logits: Floats) -> Floats:
        """float64[m] of float64[m, n]."""
        return np.asarray(softmax(logits / self.temperature).max(axis=1))

    def accepted(self, judged: Judged) -> Bools:
        """bool[m]: what the default recipe would blow into the bin of its type."""
        familiar = judged.familiarity(self.surplus) >= self.limit
        return np.asarray(familiar & (self.confidence(judged.logits) >= THRESHOLD))


def calibrate(lessons: Lessons, repeats: Sequence[Judged]) -> Calibration:
    """Fit temperature, novelty limits and thresholds to the predictions of all repeats together."""
    known = lessons.known() & np.isin(lessons.sources, TRUE_TO_LIFE)
    weights = np.tile(lessons.weights(known), len(repeats))
    labels = np.tile(lessons.labels[known], len(repeats))
    logits = np.concatenate([judged.logits[known] for judged in repeats])
    lead = np.concatenate([judged.lead[known] for judged in repeats])
    temperature = fit_temperature(logits, labels, weights)
    limit = weighted_quantile(lead, weights, 1 - KNOWN_KEPT)
    middle = weighted_quantile(lead, weights, 0.5)
    surplus = drawn_surplus(lessons, repeats, limit)
    confidence = softmax(logits / temperature).max(axis=1)
    familiar = np.concatenate([judged.familiarity(surplus)[known] for judged in repeats]) >= limit
    right = logits.argmax(axis=1) == labels
    thresholds = (threshold(confidence, familiar, right, weights, purity) for purity in PURITIES)
    return Calibration(
        temperature,
        limit,
        surplus,
        max(middle - limit, 1e-6),
        tuple(t for t in thresholds if t),
    )


def drawn_surplus(lessons: Lessons, repeats: Sequence[Judged], limit: float) -> float:
    """What brings DRAWN_KEPT of the drawn above `limit`, a familiarity; 0 where none were drawn."""
    drawn = lessons.known(DRAWN)
    if not drawn.any():
        return 0.0
    lead = np.concatenate([judged.lead[drawn] for judged in repeats])
    weights = np.tile(lessons.weights(drawn), len(repeats))
    return weighted_quantile(lead, weights, 1 - DRAWN_KEPT) - limit


def threshold(
    confidence: Floats, familiar: Bools, right: Bools, weights: Floats, purity: float
) -> Threshold | None:
    """The least confidence that gives a share `purity` of right verdicts among the familiar.

    Its coverage is among all. None where no confidence gives it.
    """
    order = np.argsort(-confidence[familiar], kind="stable")
    reached = np.cumsum(weights[familiar][order])
    pure = np.cumsum((weights * right)[familiar][order]) / reached
    enough = np.flatnonzero(pure >= purity)
    if not enough.size:
        return None
    last = int(enough[-1])
    # Rounded up: what is written down must not let in more.
    least = np.ceil(confidence[familiar][order][last] * 1e4 - 1e-6) / 1e4
    return Threshold(purity, float(min(least, 1.0)), round(float(reached[last] / weights.sum()), 4))


@dataclass
class Figures:
    """Shares and statistics by name, to be written into a bundle."""

    metrics: dict[str, Metric] = field(default_factory=dict)
    statistics: dict[str, float] = field(default_factory=dict)
    confusion: Floats = field(default_factory=lambda: np.zeros((0, 0)))
    """float64[n, n]: mean counts of photos as they are; rows are the true types."""

    def share(self, name: str, shares: Sequence[float], n: int) -> None:
        """Add the mean of repeated shares among n cases."""
        value = float(np.mean(shares)) if n else 0.0
        _, low, high = wilson(value * n, n)
        spread = float(np.std(shares, ddof=1)) if n and len(shares) > 1 else 0.0
        interval = round(low, 4), round(high, 4)
        self.metrics[name] = Metric(round(value, 4), *interval, n, round(spread, 4))


def measure(
    lessons: Lessons,
    repeats: Sequence[Judged],
    calibration: Calibration,
    types: Sequence[str],
    li_ion: Sequence[str],
) -> Figures:
    """What the head is worth on lessons it has not seen, as a mean over the repeats.

    `li_ion` are types: neither they nor strangers that are a fire risk may go into another bin.
    """
    figures = Figures()
    labels = lessons.labels
    right = [judged.logits.argmax(axis=1) == labels for judged in repeats]
    confidence = [calibration.confidence(judged.logits) for judged in repeats]
    familiarity = [judged.familiarity(calibration.surplus) for judged in repeats]
    accepted = [calibration.accepted(judged) for judged in repeats]

    def measured(name: str, hits: Sequence[Bools], among: Sequence[Bools]) -> None:
        # Views of one photo are not independent: photos count, not views.
        photos = np.mean([len(np.unique(lessons.photos[rows])) for rows in among])
        shares = [
            float(hit[rows].mean()) for hit, rows in zip(hits, among, strict=True) if rows.any()
        ]
        figures.share(name, shares, round(float(photos)) if shares else 0)

    for source in (PLAIN, BELT, DRAWN):
        known = lessons.known(source)
        unknown = (labels == UNTAUGHT) & (lessons.sources == source)
        if not known.any():
            continue
        every = [known] * len(repeats)
        measured(f"{source}.accuracy", right, every)
        measured(f"{source}.coverage", accepted, every)
        measured(f"{source}.accuracy_of_accepted", right, [known & rows for rows in accepted])
        for i, name in enumerate(types):
            measured(f"{source}.recall.{name}", right, [known & (labels == i)] * len(repeats))
        figures.statistics[f"{source}.calibration_error"] = _mean(
            expected_calibration_error(sure[known], hit[known])
            for sure, hit in zip(confidence, right, strict=True)
        )
        if unknown.any():
            measured(f"{source}.unknown_accepted", accepted, [unknown] * len(repeats))
            familiar = [
                _accepting(values, sure >= calibration.sure, known)
                for sure, values in zip(confidence, familiarity, strict=True)
            ]
            measured(f"{source}.unknown_accepted_at_90", familiar, [unknown] * len(repeats))
            measured(f"{source}.accuracy_at_90", right, [known & rows for rows in familiar])
            figures.statistics[f"{source}.auroc_unknown"] = _mean(
                auroc(values[known], values[unknown]) for values in familiarity
            )
    for name in CONDITIONS:
        known = lessons.known(name)
        if known.any():
            measured(f"{name}.accuracy", right, [known] * len(repeats))
    figures.confusion = np.zeros((len(types), len(types)))
    known = lessons.known(PLAIN)
    for judged in repeats:
        pairs = labels[known], judged.logits[known].argmax(axis=1)
        np.add.at(figures.confusion, pairs, 1 / len(repeats))
    chosen = np.isin(labels, [types.index(name) for name in li_ion])
    named = [np.isin(judged.logits.argmax(axis=1), np.unique(labels[chosen])) for judged in repeats]
    if (known & chosen).any():
        lost = [~rows & taken for rows, taken in zip(named, accepted, strict=True)]
        measured(
            "li_ion.taken_for_another", [~rows for rows in named], [known & chosen] * len(repeats)
        )
        measured("li_ion.accepted_as_another", lost, [known & chosen] * len(repeats))
        measured("li_ion.another_taken_for_it", named, [known & ~chosen] * len(repeats))
    for source in (PLAIN, BELT):
        strangers = lessons.risky & (lessons.sources == source)
        if strangers.any():
            lost = [~rows & taken for rows, taken in zip(named, accepted, strict=True)]
            name = f"li_ion.stranger_accepted_{'on_belt' if source == BELT else 'by_photo'}"
            measured(name, lost, [strangers] * len(repeats))
    return figures


def _accepting(familiarity: Floats, sure: Bools, known: Bools) -> Bools:
    """bool[m]: the sure ones above the familiarity that leaves COVERAGE of the known."""
    ranked = np.where(sure, familiarity, -np.inf)
    return np.asarray(sure & (ranked >= np.quantile(ranked[known], 1 - COVERAGE, method="lower")))


def _mean(values: Iterable[float]) -> float:
    return round(float(np.mean(list(values))), 4)
