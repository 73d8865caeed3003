"""The network as it ships: views, backbone and head in one LiteRT graph.

What the last three depthwise convolutions of EfficientNet-Lite0 see, averaged over the image and
over two views of it, tells batteries apart better than the pooled output made to name ImageNet's
classes. The square root evens strong and weak channels (power normalisation: Perronnin et al. 2010,
"Improving the Fisher Kernel").
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from batsort_perception.preprocess import Image
from batsort_training.efficientnet_lite import lite, load_weights
from batsort_training.examples import SIDE
from batsort_training.head import AHEAD, LOOKS, Head
from batsort_training.joining import with_head
from batsort_training.weights import lite_state_dict

BACKBONE = "EfficientNet-Lite0, ImageNet, frozen, its last three depthwise convolutions"
VIEWS = ("as it is", "turned by 180 degrees")
BLOCKS = (15, 14, 13)
"""Whose depthwise convolutions are pooled; the first names the type."""
INT8, FLOAT16, FLOAT32 = KINDS = ("int8", "float16", "float32")
KEPT_FLOAT = ["REVERSE_V2", "CONCATENATION", "MEAN", "RESHAPE", "SQRT"]
"""What follows the convolutions, and the turning of the image: int8 would cost accuracy there."""

Graph = Callable[[tf.Tensor], dict[str, tf.Tensor]]


def features_graph() -> Graph:
    """From uint8[1, 224, 224, 3] to `features` float32[1, 3 * 1152], before any conversion."""
    backbone = lite(0, SIDE, SIDE)
    load_weights(backbone, lite_state_dict(0))
    backbone.trainable = False
    seen = [backbone.get_layer(f"blocks.{block}.bn1.relu6").output for block in BLOCKS]
    trunk = keras.Model(backbone.input, seen)

    def graph(image: tf.Tensor) -> dict[str, tf.Tensor]:
        upright = tf.cast(image, tf.float32)
        # LiteRT reverses one axis at a time.
        turned = tf.reverse(tf.reverse(upright, [1]), [2])
        maps = trunk(tf.concat([upright, turned], axis=0), training=False)
        pooled = [tf.reduce_mean(tf.reduce_mean(part, axis=(1, 2)), axis=0) for part in maps]
        return {"features": tf.sqrt(tf.reshape(tf.concat(pooled, axis=0), (1, -1)))}

    return graph


def features_network(kind: str = FLOAT16, samples: Sequence[Image] = ()) -> bytes:
    """LiteRT network from uint8[1, 224, 224, 3] to float32[1, 3 * 1152]."""
    return export(features_graph(), kind, samples)


def verdict_network(trunk: bytes, head: Head) -> bytes:
    """The network of a bundle: the features of `trunk`, which may have a head already, and `head`.

    Adds `verdict` float32[1, n + 1]: a logit per type, then familiarity, as `head` has them.
    """
    features = tf.TensorSpec((1, len(head.depths) * len(head.depths[0].weights)), tf.float32)
    concrete = tf.function(_head_graph(head)).get_concrete_function(features)
    with _quiet():
        made = tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert()
    return with_head(trunk, bytes(made))


def _head_graph(head: Head) -> Callable[[tf.Tensor], tf.Tensor]:
    """`Head.__call__` for one row."""
    weights = [tf.constant(depth.weights, tf.float32) for depth in head.depths]
    biases = [tf.constant(depth.bias, tf.float32) for depth in head.depths]
    sizes = [head.types] * LOOKS + [weights[0].shape[1] - LOOKS * head.types]

    def graph(features: tf.Tensor) -> tf.Tensor:
        parts = tf.split(features, len(weights), axis=1)
        scores = [
            tf.split(part @ w + b, sizes, axis=1)
            for part, w, b in zip(parts, weights, biases, strict=True)
        ]
        photographed, drawn, _ = scores[0]
        if head.telling is None:
            logits, ahead, fire = tf.maximum(photographed, drawn), 0.0, None
        else:
            told = features @ tf.constant(head.telling.weights, tf.float32)
            told += tf.constant(head.telling.bias, tf.float32)
            logits, strangers, fire = tf.split(
                told, [head.types, 1, len(head.telling.bias) - head.types - 1], axis=1
            )
            ahead = AHEAD * (_most(logits) - _most(tf.concat([strangers, fire], axis=1)))
        named = tf.one_hot(tf.argmax(logits, axis=1), head.types)
        leads = []
        for *looks, strange in scores:
            part = tf.maximum(*looks)
            mean = tf.reduce_mean(tf.concat([part, strange], axis=1), axis=1, keepdims=True)
            leads.append(tf.reduce_sum(named * part, axis=1, keepdims=True) - mean)
        lead = tf.reduce_sum(tf.concat(leads, axis=1), axis=1, keepdims=True)
        lead = tf.sqrt(tf.maximum(lead, 0.0)) + ahead
        if fire is not None and fire.shape[1]:
            lead = tf.where(fire > _most(logits), tf.minimum(lead, 0.0), lead)
        surplus = tf.where(_most(drawn) > _most(photographed), head.surplus, 0.0)
        return tf.concat([logits, lead - surplus], axis=1)

    return graph


def export(graph: Graph, kind: str, samples: Sequence[Image] = ()) -> bytes:
    """LiteRT network of `graph`; int8 takes its ranges from `samples`, uint8[224, 224, 3] each."""
    signature = tf.TensorSpec((1, SIDE, SIDE, 3), tf.uint8, name="image")
    concrete = tf.function(graph).get_concrete_function(signature)
    with _quiet():
        return _convert(tf.lite.TFLiteConverter.from_concrete_functions([concrete]), kind, samples)


def _convert(converter: tf.lite.TFLiteConverter, kind: str, samples: Sequence[Image]) -> bytes:
    if kind == FLOAT32:
        return bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == FLOAT16:
        # Half the file, the same speed: LiteRT unpacks the weights when it loads them.
        converter.target_spec.supported_types = [tf.float16]
        return bytes(converter.convert())

    def shown() -> Iterator[list[NDArray[np.uint8]]]:
        for sample in samples:
            yield [sample[None]]

    converter.representative_dataset = shown
    choices = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=KEPT_FLOAT)
    debugger = tf.lite.experimental.QuantizationDebugger(
        converter=converter, debug_dataset=shown, debug_options=choices
    )
    return bytes(debugger.get_nondebug_quantized_model())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the converter says of its inner life off the terminal; errors are raised."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            os.dup2(nowhere.fileno(), 2)
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _most(values: tf.Tensor) -> tf.Tensor:
    return tf.reduce_max(values, axis=1, keepdims=True)


class Runner:
    """Runs a network of this module, one image at a time, as the cell does."""

    def __init__(self, network: bytes, output: str = "features", threads: int = 2) -> None:
        self._interpreter = Interpreter(model_content=network, num_threads=threads)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = self._interpreter.get_output_details()
        longest = output == "features"
        chosen = sorted(outputs, key=lambda tensor: tensor["shape"][1])[-1 if longest else 0]
        self._output = chosen["index"]

    def __call__(self, image: Image) -> NDArray[np.float32]:
        """Return the output, one dimension, for uint8[224, 224, 3]."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return np.array(self._interpreter.get_tensor(self._output)[0])
