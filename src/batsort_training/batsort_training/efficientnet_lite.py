"""EfficientNet-Lite0 to 2 as Keras models, to be filled with their published ImageNet weights.

Source: Tan and Le 2019, "EfficientNet", and its Lite variants: no squeeze-and-excitation, ReLU6,
stem and head of one width, first and last stage of one block in all of them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import keras

from batsort_training.weights import StateDict

FEATURES = 1280
# Repeats, kernel, stride of the first block, expansion, filters (Tan and Le 2019, table 1).
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


class Variant(NamedTuple):
    """How a network of the family differs from Lite0."""

    width: float
    """Of Lite0's filters."""
    depth: float
    """Of Lite0's repeats."""
    side: int
    """Of the images it was trained on [px]."""


VARIANTS = {0: Variant(1.0, 1.0, 224), 1: Variant(1.0, 1.1, 240), 2: Variant(1.1, 1.2, 260)}


def lite(number: int, height: int, width: int, top: bool = False) -> keras.Model:
    """Return EfficientNet-Lite `number` over RGB images, 0 to 255: float32[n, height, width, 3].

    The output is the pooled feature vector float32[n, 1280], or with `top` ImageNet's 1000 logits.
    """
    variant = VARIANTS[number]
    image = keras.Input((height, width, 3), name="image")
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="scale")(image)
    x = _conv(x, 32, 3, 2, "conv_stem", "bn0")
    index, channels = 0, 32
    for i, (repeats, kernel, first_stride, expansion, base) in enumerate(STAGES):
        filters = _rounded(base * variant.width)
        scaled = 0 < i < len(STAGES) - 1
        for repeat in range(math.ceil(repeats * variant.depth) if scaled else repeats):
            stride, block, y = first_stride if repeat == 0 else 1, f"blocks.{index}", x
            if expansion > 1:
                y = _conv(y, channels * expansion, 1, 1, f"{block}.expand_conv", f"{block}.bn0")
            y = _depthwise(y, kernel, stride, f"{block}.depthwise_conv", f"{block}.bn1")
            y = _conv(y, filters, 1, 1, f"{block}.project_conv", f"{block}.bn2", relu=False)
            residual = stride == 1 and channels == filters
            x = keras.layers.Add(name=f"{block}.add")([x, y]) if residual else y
            index, channels = index + 1, filters
    x = _conv(x, FEATURES, 1, 1, "conv_head", "bn1")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if top:
        x = keras.layers.Dense(1000, name="fc")(x)
    return keras.Model(image, x, name=f"efficientnet_lite{number}")


def load_weights(model: keras.Model, state: StateDict) -> None:
    """Put the arrays of `state` into the layers of `model` that bear their names."""
    for layer in model.layers:
        if not layer.weights:
            continue
        # Keras takes no layer name that begins with an underscore, the state dict's all do.
        name = layer.name.replace("blocks.", "_blocks.")
        head, _, tail = name.rpartition(".")
        prefix = f"{head}._{tail}" if head else f"_{tail}"
        arrays = [
            state[f"{prefix}.{part}"]
            for part in ("weight", "bias", "running_mean", "running_var")
            if f"{prefix}.{part}" in state
        ]
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            arrays = [arrays[0].transpose(2, 3, 0, 1)]
        elif isinstance(layer, keras.layers.Conv2D):
            arrays = [arrays[0].transpose(2, 3, 1, 0)]
        elif isinstance(layer, keras.layers.Dense):
            arrays[0] = arrays[0].T
        layer.set_weights(arrays)


def _rounded(filters: float) -> int:
    """The nearest multiple of 8 that is not below 90 % of `filters`."""
    result = max(8, int(filters + 4) // 8 * 8)
    return result + 8 if result < 0.9 * filters else result


def _conv(
    x: Any, filters: int, kernel: int, stride: int, name: str, bn: str, relu: bool = True
) -> Any:
    conv = keras.layers.Conv2D(filters, kernel, stride, "same", use_bias=False, name=name)
    return _normalised(conv(x), bn, relu)


def _depthwise(x: Any, kernel: int, stride: int, name: str, bn: str) -> Any:
    conv = keras.layers.DepthwiseConv2D(kernel, stride, "same", use_bias=False, name=name)
    return _normalised(conv(x), bn, True)


def _normalised(x: Any, bn: str, relu: bool) -> Any:
    x = keras.layers.BatchNormalization(epsilon=1e-3, name=bn)(x)
    return keras.layers.ReLU(6.0, name=f"{bn}.relu6")(x) if relu else x
