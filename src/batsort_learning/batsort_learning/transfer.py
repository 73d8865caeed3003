"""Transfer learning as the paper does it, fast: what does not learn is computed once.

The frozen part of the backbone sees every photo always alike (no augmentation, dropout only above
it, batch normalisation with stored statistics), so its outputs at the cut are kept and only the
part above the cut is trained on them. Gradients are those of training the whole network.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm.keras import TqdmCallback

from batsort_learning import paper
from batsort_learning.paper import Stage
from batsort_training.efficientnet_lite import lite, load_weights
from batsort_training.resnet import resnet50v2
from batsort_training.splits import HoldOut
from batsort_training.weights import lite_state_dict

Features = list[NDArray[np.float32]]
"""What the tensors at a cut hold for m photos, each float32[m, ...]."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run, finished."""

    right: int
    """Test photos told right."""
    history: list[dict[str, list[float]]]
    """Per stage: accuracy, loss, val_accuracy and val_loss by epoch."""


class Classifier(keras.Model):
    """A backbone, or what lies above a cut of it, under the new top: to logits float32[n, types].

    The backbone runs in inference mode even while it learns; only dropout knows that it is trained.
    """

    def __init__(self, backbone: keras.Model, top: keras.Model) -> None:
        super().__init__()
        self.backbone, self.top = backbone, top

    def call(self, inputs: Any, training: bool = False) -> Any:
        return self.top(self.backbone(inputs, training=False), training=training)


def backbone(name: str, initial: str, weights: Path | None, side: int = paper.SIDE) -> keras.Model:
    """Images float32[n, side, side, 3] RGB, 0 to 255, to pooled features; names as in `reproduce`.

    `initial` is `imagenet` or `random`. Raises WeightsError.
    """
    if name == "resnet50v2":
        return resnet50v2(side, initial, weights)
    number = int(name[-1])
    network = lite(number, side, side)
    if initial == "imagenet":
        load_weights(network, lite_state_dict(number))
    return network


def top(types: int) -> keras.Model:
    """Dropout and the dense layer: pooled features to logits float32[n, types]."""
    return keras.Sequential([keras.layers.Dropout(paper.DROPOUT), keras.layers.Dense(types)])


def deterministic() -> None:
    """From here on the same seed gives the same weights; training takes no longer by it."""
    tf.config.experimental.enable_op_determinism()


def settle(network: keras.Model, images: NDArray[np.uint8]) -> None:
    """Give batch normalisation the statistics of `images`, uint8[n, h, w, 3]."""
    layers = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    network(images.astype(np.float32), training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def cut(network: keras.Model, opened: int) -> tuple[list[Any], keras.Model]:
    """Cut below the last `opened` layers with weights: the tensors cut, and the part above them.

    The part above shares its layers with `network`; all its weights are those of opened layers.
    """
    weighted = [layer for layer in network.layers if layer.weights]
    learning = weighted[len(weighted) - opened :]
    above: set[int] = set()
    tensors: dict[int, Any] = {}
    for layer in network.layers:
        inputs = keras.tree.flatten(layer.input)
        if layer in learning or any(id(tensor) in above for tensor in inputs):
            above.update(id(tensor) for tensor in keras.tree.flatten(layer.output))
            tensors.update({id(tensor): tensor for tensor in inputs if id(tensor) not in above})
    if not tensors:
        features = keras.Input(network.output.shape[1:])
        return [network.output], keras.Model([features], keras.layers.Identity()(features))
    return [*tensors.values()], keras.Model([*tensors.values()], network.output)


def write_events(course: dict[str, list[float]], folder: Path) -> None:
    """Write a stage's course for TensorBoard, which Keras' callback would want to be installed."""
    kind = tf.compat.v1.SummaryMetadata()
    kind.plugin_data.plugin_name = "scalars"
    for part, prefix in (("train", ""), ("validation", "val_")):
        with tf.summary.create_file_writer(str(folder / part)).as_default():
            for name in ("accuracy", "loss"):
                for epoch, value in enumerate(course[prefix + name]):
                    tf.summary.write(f"epoch_{name}", value, epoch, kind)


class Learner:
    """Runs one case of the study: a backbone, its initial weights, a number of opened layers.

    `images` are uint8[m, 244, 244, 3], `labels` int[m] below `types`. What is frozen is computed
    once for all runs where they begin with the same weights. Raises WeightsError.
    """

    def __init__(
        self,
        name: str,
        initial: str,
        opened: int,
        images: NDArray[np.uint8],
        labels: NDArray[np.int64],
        weights: Path | None = None,
    ) -> None:
        self._source = (name, initial, weights)
        self._opened = (opened, opened + paper.OPENED_LATER)
        self._images, self._labels = images, labels
        self._features: list[Features] | None = None

    def run(
        self,
        division: HoldOut,
        stages: tuple[Stage, ...],
        seed: int,
        tensorboard: Path | None = None,
    ) -> Outcome:
        """Teach a new network in stages and test it. The same seed gives the same outcome."""
        keras.backend.clear_session()
        keras.utils.set_random_seed(seed)
        name, initial, weights = self._source
        network = backbone(name, initial, weights, self._images.shape[1])
        if initial == "random":
            photos = self._images[division.train]
            settle(network, photos[:: math.ceil(len(photos) / paper.BATCH)])
        cuts = [cut(network, opened) for opened in self._opened]
        features = self._features
        if features is None:
            below = keras.Model(network.input, [tensors for tensors, _ in cuts])
            features = below.predict(self._images, batch_size=paper.BATCH, verbose=0)
            if initial == "imagenet":
                self._features = features
        new_top = top(int(self._labels.max()) + 1)
        history = []
        for i, (stage, (_, part), seen) in enumerate(zip(stages, cuts, features, strict=True), 1):
            network.trainable = False
            # A model cut out of another does not hand its own switch down.
            for layer in part.layers:
                layer.trainable = True
            classifier = Classifier(part, new_top)
            history.append(self._teach(classifier, seen, division, stage))
            if tensorboard:
                write_events(history[-1], tensorboard / f"stage{i}")
        logits = np.asarray(classifier([tensor[division.test] for tensor in seen]))
        right = np.sum(logits.argmax(axis=1) == self._labels[division.test])
        return Outcome(int(right), history)

    def _teach(
        self,
        classifier: Classifier,
        features: Features,
        division: HoldOut,
        stage: Stage,
    ) -> dict[str, list[float]]:
        """One stage; returns the course of accuracy and loss."""
        classifier.compile(
            keras.optimizers.Adam(stage.rate),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            metrics=[keras.metrics.SparseCategoricalAccuracy("accuracy")],
            jit_compile=False,
        )
        callbacks = [
            keras.callbacks.EarlyStopping(
                "val_accuracy", patience=paper.PATIENCE, mode="max", restore_best_weights=True
            ),
            TqdmCallback(verbose=0, leave=False, desc=f"rate {stage.rate:g}"),
        ]
        chosen, stop = division.train, division.validation
        course = classifier.fit(
            [tensor[chosen] for tensor in features],
            self._labels[chosen],
            batch_size=paper.BATCH,
            epochs=stage.epochs,
            validation_data=([tensor[stop] for tensor in features], self._labels[stop]),
            callbacks=callbacks,
            verbose=0,
        ).history
        return {name: [round(float(value), 6) for value in course[name]] for name in course}
