"""EfficientNet-Lite0 as a Keras model, to be filled with its published ImageNet weights.

Source: Tan and Le 2019, "EfficientNet", and its Lite variant: no squeeze-and-excitation, ReLU6.
"""

from __future__ import annotations

from typing import Any

import keras

from batsort_learning.weights import StateDict

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


def lite0(size: int = 224, top: bool = False) -> keras.Model:
    """Return Lite0 over RGB images, values 0 to 255: float32[n, size, size, 3].

    The output is the pooled feature vector float32[n, 1280], or with `top` ImageNet's 1000 logits.
    """
    image = keras.Input((size, size, 3), name="image")
    x = keras.layers.Rescaling(1 / 128, -127 / 128, name="scale")(image)
    x = _conv(x, 32, 3, 2, "conv_stem", "bn0")
    index, width = 0, 32
    for repeats, kernel, first_stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            stride, block, y = first_stride if repeat == 0 else 1, f"blocks.{index}", x
            if expansion > 1:
                y = _conv(y, width * expansion, 1, 1, f"{block}.expand_conv", f"{block}.bn0")
            y = _depthwise(y, kernel, stride, f"{block}.depthwise_conv", f"{block}.bn1")
            y = _conv(y, filters, 1, 1, f"{block}.project_conv", f"{block}.bn2", relu=False)
            residual = stride == 1 and width == filters
            x = keras.layers.Add(name=f"{block}.add")([x, y]) if residual else y
            index, width = index + 1, filters
    x = _conv(x, FEATURES, 1, 1, "conv_head", "bn1")
    x = keras.layers.GlobalAveragePooling2D(name="pool")(x)
    if top:
        x = keras.layers.Dense(1000, name="fc")(x)
    return keras.Model(image, x, name="efficientnet_lite0")


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
