"""sensor_msgs/Image to RGB pixels and back: cv_bridge where it is installed, NumPy else."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

try:
    from cv_bridge import CvBridge
except ImportError:
    _bridge: Any = None
else:
    _bridge = CvBridge()

CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
"""Encodings that are read, with their channels of one byte."""


class ImageError(ValueError):
    """An image message that can't be read: one line with field, value and what is allowed."""


def to_rgb(message: Image) -> NDArray[np.uint8]:
    """Pixels of an image message as uint8[height, width, 3] RGB.

    Raises:
        ImageError: an encoding that is not read, or fewer bytes than the sizes say.
    """
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
    if _bridge is not None:
        return _bridge.imgmsg_to_cv2(message, "rgb8")
    return _to_rgb_numpy(message, channels)


def _to_rgb_numpy(message: Image, channels: int) -> NDArray[np.uint8]:
    rows = np.frombuffer(message.data, np.uint8)[: message.step * message.height]
    pixels = rows.reshape(message.height, message.step)[:, : message.width * channels]
    pixels = pixels.reshape(message.height, message.width, channels)
    if channels == 1:
        return np.repeat(pixels, 3, axis=2)
    order = (2, 1, 0) if message.encoding.startswith("bgr") else (0, 1, 2)
    return np.ascontiguousarray(pixels[:, :, order])


def to_message(pixels: NDArray[np.uint8]) -> Image:
    """An rgb8 message of uint8[height, width, 3] RGB pixels; the header is left to the caller."""
    height, width, _ = pixels.shape
    # array.array is taken as it is; bytes or lists would be converted byte by byte.
    data = array.array("B", np.ascontiguousarray(pixels).tobytes())
    return Image(
        height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width, data=data
    )
