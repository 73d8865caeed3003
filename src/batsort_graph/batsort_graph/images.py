"""Pixels of image messages, read by their fields: sensor_msgs/Image and CompressedImage."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
"""Encodings that are read, with their channels of one byte."""
LOSSLESS = "png"
"""Named in the format of a CompressedImage whose pixels are those of the original."""


class ImageError(ValueError):
    """An image message that can't be read: one line with field, value and what is allowed."""


def check(message: Any) -> int:
    """The channels of a sensor_msgs/Image. Raises ImageError."""
    channels = CHANNELS.get(message.encoding)
    if channels is None:
        raise ImageError(
            f"encoding: {message.encoding!r} is not read; allowed: {', '.join(CHANNELS)}"
        )
    if message.width < 1 or message.height < 1:
        raise ImageError(
            f"width, height: {message.width} x {message.height} is empty; allowed: 1 or more"
        )
    if message.step < message.width * channels:
        raise ImageError(
            f"step: {message.step} is too short; allowed: {message.width * channels} or more"
        )
    if len(message.data) < message.step * message.height:
        raise ImageError(
            f"data: {len(message.data)} bytes are too few; "
            f"allowed: step x height = {message.step * message.height}"
        )
    return channels


def to_rgb(message: Any) -> Pixels:
    """Pixels of a sensor_msgs/Image as uint8[height, width, 3] RGB, not to be written to.

    Raises ImageError: an encoding that is not read, or fewer bytes than the sizes say.
    """
    pixels = pixels_of(message)
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    # A slice, not a list of channels: rgb8 is then taken as it lies there, without a copy.
    rgb = slice(2, None, -1) if message.encoding.startswith("bgr") else slice(3)
    return np.ascontiguousarray(pixels[:, :, rgb])


def pixels_of(message: Any) -> Pixels:
    """As they lie in the message: uint8[height, width, channels]. Raises ImageError."""
    channels = check(message)
    rows = np.frombuffer(message.data, np.uint8)[: message.step * message.height]
    pixels = rows.reshape(message.height, message.step)[:, : message.width * channels]
    return pixels.reshape(message.height, message.width, channels)


def decompressed(message: Any) -> Pixels:
    """Pixels of a sensor_msgs/CompressedImage as uint8[height, width, 3] RGB. Raises ImageError."""
    data = np.frombuffer(message.data, np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if pixels is None:
        raise ImageError(
            f"data: {len(message.data)} bytes are no picture; allowed: what {message.format!r} says"
        )
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def is_lossy(message: Any) -> bool:
    """Whether an Image or CompressedImage may have other pixels than the camera gave."""
    return LOSSLESS not in getattr(message, "format", LOSSLESS)
