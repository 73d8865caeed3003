"""What is learnt from: photos as they are and as the cell sees them, and drawn batteries.

Each function yields prepared images, uint8[224, 224, 3], made by the code that runs in the cell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np

from batsort_perception.crop import crop_item
from batsort_perception.preprocess import Image, prepare
from batsort_training.conditions import covered, on_black, relit, smeared, turned
from batsort_training.on_belt import BELT_WIDTH, CAMERA, MOST_PAST, MOST_YAW, room, view_of
from batsort_training.strangers import debris_decal, invented_wrap
from batsort_twin.bodies import Decal, Wrap, lying
from batsort_twin.camera import Renderer
from batsort_twin.photos import WIDEST, cut, fitting_size
from batsort_twin.sizes import SIZES
from batsort_twin.wraps import skin_for

SIDE = 224
"""Of the network's image [px]."""
RENDERERS = 8
"""Belts to choose from."""


class Studio:
    """Makes examples; the same seed and the same calls in the same order give the same pixels."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 0xBA77])
        self._renderers = [Renderer(CAMERA, BELT_WIDTH, 1000 + i) for i in range(RENDERERS)]

    @staticmethod
    def plain(image: Image) -> Image:
        """The photo as it is."""
        return prepare(image, SIDE, SIDE)

    def varied(self, image: Image) -> Image:
        """The photo under conditions at random: light, background, rotation, blur, cover."""
        rng = self._rng
        if rng.random() < 0.5:
            image = on_black(image)
        if rng.random() < 0.5:
            image = turned(image, rng.uniform(0, 360))
        if rng.random() < 0.4:
            image = smeared(image, rng.uniform(0.01, 0.05), rng.normal(0, 15))
        if rng.random() < 0.4:
            image = covered(image, rng.uniform(), rng.uniform(0.1, 0.25))
        image = self._other_light(image, exposure=0.3, warmth=0.35, gamma=0.12)
        return prepare(image, SIDE, SIDE)

    def on_belt(self, image: Image, count: int) -> Iterator[Image]:
        """The photo cut out, laid on the belt in real size, cropped from the camera's image."""
        cutout = cut(image)
        height, width = cutout.shape[:2]
        size = fitting_size(width / height)
        length = min(size.length, WIDEST * width / height)
        decal = Decal(cutout, length, length * height / width)
        for _ in range(count):
            yield self._seen(decal)

    def drawn(self, label: str) -> Image:
        """A drawn individual of the label, AA or AAA, in any roll, cropped from the camera's image.

        Raises KeyError for a label that the twin can't draw.
        """
        size = SIZES["AAA" if self._rng.random() < 0.5 else "AA"]
        return self._seen(skin_for(label, size, self._rng))

    def recoloured(self, image: Image) -> Image:
        """A prepared image with its hues turned by 90 to 270 degrees: no type looks so."""
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        turned = hsv[..., 0].astype(np.int16) + int(self._rng.integers(45, 136))
        hsv[..., 0] = (turned % 180).astype(np.uint8)
        return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)

    @staticmethod
    def colourless(image: Image) -> Image:
        """A prepared image in grey: shapes alone are not a type."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)

    def invented(self) -> Image:
        """A battery of a brand made up at random, cropped from the camera's image."""
        size = SIZES["AAA" if self._rng.random() < 0.5 else "AA"]
        return self._seen(invented_wrap(size, self._rng))

    def debris(self) -> Image:
        """Something at random that is no battery, cropped from the camera's image."""
        return self._seen(debris_decal(self._rng))

    def _seen(self, skin: Wrap | Decal) -> Image:
        """The skin somewhere near the camera line, either end first."""
        rng = self._rng
        free = room(skin)
        past = rng.uniform(-MOST_PAST, MOST_PAST)
        yaw = rng.uniform(-MOST_YAW, MOST_YAW)
        body = lying(
            skin,
            x=CAMERA.distance + past,
            y=rng.uniform(-free, free),
            yaw=yaw + math.pi * int(rng.integers(2)),
            roll=rng.uniform(0, 2 * math.pi),
        )
        renderer = self._renderers[int(rng.integers(RENDERERS))]
        frame = renderer.render([body], rng.uniform(0, 1))
        frame = self._other_light(frame, exposure=0.1, warmth=0.05, gamma=0.06)
        u = CAMERA.image_width / 2 + past / CAMERA.metres_per_pixel + rng.normal(0, 1.5)
        view = view_of(skin, yaw, u, CAMERA)
        return prepare(crop_item(frame, view).pixels, SIDE, SIDE)

    def _other_light(self, image: Image, exposure: float, warmth: float, gamma: float) -> Image:
        """The image in light of another strength and colour; the parameters are spreads."""
        rng = self._rng
        warm, green = rng.normal(0, warmth), rng.normal(0, warmth / 4)
        gains = np.exp(rng.normal(0, exposure) + np.array([warm, green, -warm]))
        return relit(image, gains, math.exp(rng.normal(0, gamma)))
