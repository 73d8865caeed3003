"""ResNet-50V2 (He et al. 2016) as Keras brings it, and its ImageNet weights, in one clear line."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.request import Request, urlopen

import keras

from batsort_training.weights import WeightsError

URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/resnet/"
    "resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5"
)
TIMEOUT_S = 5.0
WAYS_OUT = "a network connection for Keras' download, or --weights FILE with the weights (.h5)"


def resnet50v2(side: int, initial: str, weights: Path | None) -> keras.Model:
    """RGB images float32[n, side, side, 3], 0 to 255, to their pooled features float32[n, 2048].

    `initial` is `imagenet` (from `weights`, else downloaded once) or `random`. The network sees
    -1 to 1. Raises WeightsError.
    """
    image = keras.Input((side, side, 3), name="image")
    scaled = keras.layers.Rescaling(1 / 127.5, -1.0, name="scale")(image)
    source: str | None = None
    if initial == "imagenet":
        source = str(weights) if weights else _published()
    try:
        network = keras.applications.ResNet50V2(
            include_top=False, weights=source, input_tensor=scaled, pooling="avg"
        )
    except (ValueError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(
            f"weights: {source!r} is refused ({reason}); allowed: {WAYS_OUT}"
        ) from None
    return keras.Model(image, network.output, name="resnet50v2")


def _published() -> str:
    """Keras' name for the published weights, once it is known that they can be had."""
    cache = Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "models"
    if not (cache / Path(URL).name).is_file():
        # Asked here first: Keras itself reports a missing network by a bare Exception.
        try:
            urlopen(Request(URL, method="HEAD"), timeout=TIMEOUT_S).close()
        except OSError as error:
            raise WeightsError(
                f"weights: ResNet-50V2 can't be downloaded ({error}); allowed: {WAYS_OUT}"
            ) from None
    return "imagenet"
