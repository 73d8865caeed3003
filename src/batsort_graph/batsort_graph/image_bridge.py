"""sensor_msgs/Image to RGB pixels and back: cv_bridge where it is installed, NumPy else."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image

from batsort_graph import images

try:
    from cv_bridge import CvBridge
except ImportError:
    _bridge: Any = None
else:
    _bridge = CvBridge()


def to_rgb(message: Image) -> NDArray[np.uint8]:
    """Pixels of an image message as uint8[height, width, 3] RGB. Raises ImageError."""
    channels = images.check(message)
    # cv_bridge takes rows for whole pixels, and skews those that are padded to less.
    if _bridge is None or message.step % channels:
        return images.to_rgb(message)
    return _bridge.imgmsg_to_cv2(message, "rgb8")


def to_message(pixels: NDArray[np.uint8]) -> Image:
    """An rgb8 message of uint8[height, width, 3] RGB pixels; the header is left to the caller."""
    height, width, _ = pixels.shape
    # array.array is taken as it is; bytes or lists would be converted byte by byte.
    data = array.array("B", np.ascontiguousarray(pixels).tobytes())
    return Image(
        height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width, data=data
    )
