"""The network in every kind of weights, each checked against Keras on held-out photos and timed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_perception.preprocess import Image
from batsort_training import network
from batsort_training.head import Head
from batsort_training.lessons import PLAIN, Extract, Lessons
from batsort_training.validation import REPORTING, folds_of, heads_without

TIMED = 15
"""Runs whose median is stated."""
PAPER_SIDE = 244
"""Of the paper's ResNet-50V2 (section IV) [px]."""


@dataclass(frozen=True, slots=True)
class Export:
    """One kind of weights; `keras` for the reference."""

    kind: str
    bytes: int
    accuracy: float
    """On photos that the head has not seen."""
    difference: float
    """Largest, from the reference's logits, as a part of their spread."""
    verdict_ms: float
    """Median of one image, all views."""


def check_exports(
    images: Sequence[Image], lessons: Lessons, samples: Sequence[Image]
) -> list[Export]:
    """Compare kinds on `images`, prepared; photo i of the lessons is `images[i]`."""
    folds = folds_of(lessons, REPORTING[0])
    heads = list(heads_without(lessons, folds))
    shown = np.flatnonzero(lessons.known(PLAIN))
    graph = tf.function(network.features_graph())

    def reference(image: Image) -> NDArray[np.float32]:
        return np.array(graph(tf.constant(image[None]))["features"][0])

    result: list[Export] = []
    expected = None
    for kind in tqdm(("keras", *network.KINDS), "exports", unit="export"):
        made = b"" if kind == "keras" else network.features_network(kind, samples)
        extract: Extract = network.Runner(made) if made else reference
        features = np.stack([extract(images[lessons.photos[row]]) for row in shown])
        logits = _judge(heads, folds[shown], features)
        expected = logits if expected is None else expected
        accuracy = float((logits.argmax(axis=1) == lessons.labels[shown]).mean())
        apart = float(np.abs(logits - expected).max() / expected.std())
        taken = median_ms(partial(extract, images[0]))
        result.append(Export(kind, len(made), accuracy, apart, taken))
    return result


def paper_network_ms() -> float:
    """Median time of `model(x)` of the paper's Keras network on one image; weights don't matter."""
    model = keras.applications.ResNet50V2(weights=None, input_shape=(PAPER_SIDE, PAPER_SIDE, 3))
    image = np.zeros((1, PAPER_SIDE, PAPER_SIDE, 3), np.float32)
    return median_ms(lambda: model(image))


def median_ms(call: Callable[[], object]) -> float:
    """Median time of a call, the first two left out [ms]."""
    times = []
    for _ in range(2 + TIMED):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return 1000 * float(np.median(times[2:]))


def _judge(
    heads: Sequence[Head], folds: NDArray[np.int64], features: NDArray[np.float32]
) -> NDArray[np.float64]:
    logits = np.stack([head.leads(features)[0] for head in heads])
    return np.asarray(logits[folds, np.arange(len(folds))])
