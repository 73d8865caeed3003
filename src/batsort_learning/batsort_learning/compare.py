"""Other ways to learn from the same photos, judged as the bundle's own way is.

All are judged in the same folds on the seeds that chose nothing; each adds one idea to the one
before. The first is the paper's head: a softmax on the pooled features of photos as they are.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from tqdm import tqdm

from batsort_perception.preprocess import BACKGROUND, Image
from batsort_training import network
from batsort_training.calibration import COVERAGE
from batsort_training.conditions import CONDITIONS
from batsort_training.data import read_photos
from batsort_training.examples import SIDE
from batsort_training.exports import median_ms
from batsort_training.figures import auroc, mean_sd, wilson
from batsort_training.head import DEPTHS
from batsort_training.label_list import AUTO
from batsort_training.lessons import (
    PLAIN,
    SHARES,
    STEP,
    UNTAUGHT,
    VARIED,
    Lessons,
    gather,
    types_of,
)
from batsort_training.validation import FOLDS, REPORTING, Judged, cross_validate, folds_of

POOLED = 1280
DEEP = 1152
LOUDER = 8.0
"""Factor on features that are small beside STEP."""
BINS = 4
"""Of the colour histogram, per channel."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """How one way does; shares of photos as they are, but for the worst condition."""

    name: str
    accuracy: float
    sd: float
    low: float
    high: float
    random_splits: float
    worst_condition: str
    worst_accuracy: float
    unknown_accepted_at_90: float
    accuracy_at_90: float
    auroc_unknown: float
    verdict_ms: float
    """Float network, two threads, all views."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way: which features, and from which lessons."""

    name: str
    features: Callable[[dict[str, Floats]], list[Floats]]
    """One array per depth."""
    cost: tuple[str, ...]
    """Networks that run for a verdict."""
    sources: tuple[str, ...] | None = None
    """Of the lessons; None: all."""


def _mean(parts: dict[str, Floats], *names: str) -> Floats:
    return np.asarray(np.mean([parts[name] for name in names], axis=0), np.float32)


def _deep(parts: dict[str, Floats]) -> list[Floats]:
    return [_mean(parts, f"deep.{i}.up", f"deep.{i}.turned") for i in range(DEPTHS)]


WAYS = (
    Way("paper's head, one view", lambda p: [p["pooled.up"]], ("lite0",), (PLAIN,)),
    Way("LDA, one view", lambda p: [p["pooled.up"]], ("lite0",), (PLAIN,)),
    Way(
        "LDA, two views",
        lambda p: [_mean(p, "pooled.up", "pooled.turned")],
        ("lite0",) * 2,
        (PLAIN,),
    ),
    Way(
        "... with varied photos",
        lambda p: [_mean(p, "pooled.up", "pooled.turned")],
        ("lite0",) * 2,
        (PLAIN, VARIED),
    ),
    Way(
        "... with a colour histogram",
        lambda p: [np.hstack([_mean(p, "pooled.up", "pooled.turned"), p["colour"]])],
        ("lite0",) * 2,
        (PLAIN, VARIED),
    ),
    Way(
        "... with Lite1 instead",
        lambda p: [
            np.hstack(
                [_mean(p, "pooled.up", "pooled.turned"), _mean(p, "lite1.up", "lite1.turned")]
            )
        ],
        ("lite0", "lite0", "lite1", "lite1"),
        (PLAIN, VARIED),
    ),
    Way("last depthwise, root, one view", lambda p: [p["deep.0.up"]], ("lite0",), (PLAIN, VARIED)),
    Way(
        "last depthwise, root, two views",
        lambda p: [_mean(p, "deep.0.up", "deep.0.turned")],
        ("lite0",) * 2,
        (PLAIN, VARIED),
    ),
    Way("... lead at three depths", _deep, ("lite0",) * 2, (PLAIN, VARIED)),
    Way("... with belt and drawn", _deep, ("lite0",) * 2, tuple(SHARES)),
    Way("... against the strange", _deep, ("lite0",) * 2),
    Way("... told by what has learnt from strangers: ours", _deep, ("lite0",) * 2),
)


def compare(
    folder: Path, drawn: int, seed: int, repeats: int, out: Path, labels: str | Path = AUTO
) -> str:
    """Judge all ways on the photos below `folder`; write JSON to `out`, return a Markdown table.

    `labels` is as for `read_photos`.
    """
    photos = read_photos(folder, labels)
    types = types_of(photos)
    extractor = Extractor()
    lessons = gather(photos, types, drawn, seed, extractor)
    parts = extractor.parts(lessons.features)
    rows = []
    for way in tqdm(WAYS, "ways", unit="way"):
        rows.append(_judge(way, lessons, parts, repeats, extractor.verdict_ms(way.cost)))
        out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return markdown(rows, repeats)


def markdown(rows: list[Row], repeats: int) -> str:
    """The rows as a table."""
    lines = [
        f"Mean of {repeats} grouped ten-fold cross-validations.",
        "",
        "| way | accuracy, SD, interval | random splits | worst condition "
        "| unknown accepted at 90 % coverage | right there | AUROC | ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row.name} | {100 * row.accuracy:.1f} ± {100 * row.sd:.1f} "
            f"({100 * row.low:.1f} to {100 * row.high:.1f}) | {100 * row.random_splits:.1f} "
            f"| {row.worst_condition} {100 * row.worst_accuracy:.1f} "
            f"| {100 * row.unknown_accepted_at_90:.1f} | {100 * row.accuracy_at_90:.1f} "
            f"| {row.auroc_unknown:.3f} | {row.verdict_ms:.1f} |"
        )
    return "\n".join(lines)


class Extractor:
    """Features of every way at once, for `gather`."""

    def __init__(self) -> None:
        self._lite0 = network.Runner(network.export(_views(0), network.FLOAT16))
        self._lite1 = network.Runner(network.export(_views(1), network.FLOAT16))
        self._slices: dict[str, slice] = {}

    def __call__(self, image: Image) -> Floats:
        """One row for uint8[224, 224, 3]."""
        named: dict[str, Floats] = {}
        for view, shown in (("up", image), ("turned", image[::-1, ::-1])):
            first = self._lite0(np.ascontiguousarray(shown))
            second = self._lite1(np.ascontiguousarray(shown))
            named[f"pooled.{view}"] = LOUDER * first[:POOLED]
            named[f"lite1.{view}"] = LOUDER * second[:POOLED]
            for i in range(DEPTHS):
                deep = first[POOLED + i * DEEP : POOLED + (i + 1) * DEEP]
                named[f"deep.{i}.{view}"] = np.sqrt(deep)
        named["colour"] = 4 * LOUDER * colour_histogram(image)
        if not self._slices:
            ends = np.cumsum([len(part) for part in named.values()])
            starts = ends - [len(part) for part in named.values()]
            self._slices = {
                name: slice(int(a), int(b)) for name, a, b in zip(named, starts, ends, strict=True)
            }
        return np.concatenate(list(named.values()))

    def parts(self, features: Floats) -> dict[str, Floats]:
        """The columns of a way's ingredients by name."""
        return {name: features[:, columns] for name, columns in self._slices.items()}

    def verdict_ms(self, cost: tuple[str, ...]) -> float:
        """Time of the networks of one verdict [ms]."""
        image = np.zeros((SIDE, SIDE, 3), np.uint8)
        runners = {"lite0": self._lite0, "lite1": self._lite1}
        return sum(median_ms(functools.partial(runners[name], image)) for name in cost)


def colour_histogram(image: Image) -> Floats:
    """float32[BINS ** 3]: shares of colours among what is not background, uint8[h, w, 3]."""
    mask = np.where((image == BACKGROUND).all(axis=2), 0, 255).astype(np.uint8)
    found = cv2.calcHist([image], [0, 1, 2], mask, [BINS] * 3, [0, 256] * 3)
    counts = np.asarray(found, np.float32).ravel()
    shares: Floats = counts / max(1.0, counts.sum())
    return np.sqrt(shares).astype(np.float32)


def _views(number: int) -> network.Graph:
    """One view: pooled features, and for Lite0 those of its last depthwise convolutions."""
    from batsort_training.efficientnet_lite import lite, load_weights
    from batsort_training.weights import lite_state_dict

    backbone = lite(number, SIDE, SIDE)
    load_weights(backbone, lite_state_dict(number))
    backbone.trainable = False
    deep = [backbone.get_layer(f"blocks.{block}.bn1.relu6").output for block in network.BLOCKS]
    trunk = tf.keras.Model(backbone.input, [backbone.output, *(deep if number == 0 else ())])

    def graph(image: tf.Tensor) -> dict[str, tf.Tensor]:
        outputs = trunk(tf.cast(image, tf.float32), training=False)
        pooled, *maps = outputs if isinstance(outputs, list | tuple) else [outputs]
        means = [tf.reduce_mean(part, axis=(1, 2)) for part in maps]
        return {"features": tf.concat([pooled, *means], axis=1)}

    return graph


def _judge(way: Way, lessons: Lessons, parts: dict[str, Floats], repeats: int, ms: float) -> Row:
    depths = way.features(parts)
    chosen: NDArray[np.bool_] = np.ones(len(lessons.labels), bool)
    if way.sources:
        chosen = np.isin(lessons.sources, [*way.sources, *CONDITIONS])
    levels = np.asarray(np.hstack(depths)[chosen] / np.float32(STEP), np.float32)
    shown = replace(lessons.where(chosen), levels=levels)
    told = way is WAYS[-1]
    judge = _softmax if way is WAYS[0] else functools.partial(cross_validate, told=told)
    judged = [judge(shown, seed, depths=len(depths)) for seed in REPORTING[:repeats]]
    known = shown.known(PLAIN)
    unknown = (shown.labels == UNTAUGHT) & (shown.sources == PLAIN)
    right = [one.logits.argmax(axis=1) == shown.labels for one in judged]
    accuracy, sd = mean_sd(np.array([hit[known].mean() for hit in right]))
    _, low, high = wilson(accuracy * known.sum(), int(known.sum()))
    random = [judge(shown, seed, grouped=False, depths=len(depths)) for seed in REPORTING[:repeats]]
    under = {
        name: float(np.mean([hit[shown.known(name)].mean() for hit in right]))
        for name in CONDITIONS
    }
    worst = min(under, key=lambda name: under[name])
    familiar = [one.lead >= np.quantile(one.lead[known], 1 - COVERAGE) for one in judged]
    pairs = list(zip(right, familiar, strict=True))
    return Row(
        way.name,
        accuracy,
        sd,
        low,
        high,
        float(np.mean([(r.logits.argmax(axis=1) == shown.labels)[known].mean() for r in random])),
        worst,
        under[worst],
        float(np.mean([rows[unknown].mean() for rows in familiar])),
        float(np.mean([hit[known & rows].mean() for hit, rows in pairs])),
        float(np.mean([auroc(j.lead[known], j.lead[unknown]) for j in judged])),
        ms,
    )


def _softmax(lessons: Lessons, seed: int, grouped: bool = True, depths: int = 1) -> Judged:
    """The paper's head: multinomial logistic regression; its highest probability leads."""
    folds = folds_of(lessons, seed, grouped)
    features, untaught = lessons.features, folds == -1
    logits = np.zeros((len(folds), int(lessons.labels.max()) + 1))
    for fold in range(FOLDS):
        inside = folds == fold
        learnt = lessons.known() & ~inside
        head = LogisticRegression(max_iter=300).fit(features[learnt], lessons.labels[learnt])
        for rows, share in ((inside, 1.0), (untaught, 1 / FOLDS)):
            logits[rows] += share * head.decision_function(features[rows])
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return Judged(logits, 1 / powers.sum(axis=1), np.zeros(len(folds)))
