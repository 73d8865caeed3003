"""The network as it ships: views, backbone and head in one LiteRT graph."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from batsort_learning.efficientnet_lite import FEATURES, lite, load_weights
from batsort_learning.examples import SIDE
from batsort_learning.head import Linear
from batsort_learning.weights import lite_state_dict

BACKBONE = "EfficientNet-Lite0, ImageNet, frozen"
VIEWS = ("as it is", "turned by 180 degrees")


def features_network() -> bytes:
    """LiteRT network from uint8[1, 224, 224, 3] to float32[1, 1280], the mean over the views."""
    return _convert(_features())


def verdict_network(lda: Linear, logistic: Linear, blend: float) -> bytes:
    """LiteRT network uint8[1, 224, 224, 3] -> float32[1, n + 1]: LDA's logits, then familiarity.

    The parameters are those of `head.familiarity`.
    """
    features = _features()
    weights = [tf.constant(part.weights, tf.float32) for part in (lda, logistic)]
    biases = [tf.constant(part.bias, tf.float32) for part in (lda, logistic)]

    def verdict(image: tf.Tensor) -> tf.Tensor:
        seen = features(image)
        logits, known = (seen @ w + b for w, b in zip(weights, biases, strict=True))
        best = tf.reduce_max(logits, axis=1, keepdims=True)
        others = tf.cast(logits < best, tf.float32) * -1e6
        lead = tf.sqrt(best - tf.reduce_mean(logits, axis=1, keepdims=True))
        familiarity = tf.reduce_max(known + others, axis=1, keepdims=True) + blend * lead
        return tf.concat([logits, familiarity], axis=1)

    return _convert(verdict)


class Runner:
    """Runs a network of this module, one image at a time, as the cell does."""

    def __init__(self, network: bytes, threads: int = 2) -> None:
        self._interpreter = Interpreter(model_content=network, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        self._output = self._interpreter.get_output_details()[0]["index"]

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the outputs, one dimension, for uint8[224, 224, 3]."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output)[0])


def _features() -> Callable[[tf.Tensor], tf.Tensor]:
    """From uint8[1, 224, 224, 3] to float32[1, 1280]."""
    backbone = lite(0, SIDE, SIDE)
    load_weights(backbone, lite_state_dict(0))
    backbone.trainable = False

    def features(image: tf.Tensor) -> tf.Tensor:
        upright = tf.cast(image, tf.float32)
        # LiteRT reverses one axis at a time.
        turned = tf.reverse(tf.reverse(upright, [1]), [2])
        views = backbone(tf.concat([upright, turned], axis=0), training=False)
        return tf.reshape(tf.reduce_mean(views, axis=0), (1, FEATURES))

    return features


def _convert(function: Callable[[tf.Tensor], tf.Tensor]) -> bytes:
    signature = tf.TensorSpec((1, SIDE, SIDE, 3), tf.uint8, name="image")
    concrete = tf.function(function).get_concrete_function(signature)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    # Half the file, the same speed: LiteRT unpacks the weights when it loads them.
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    return bytes(converter.convert())
