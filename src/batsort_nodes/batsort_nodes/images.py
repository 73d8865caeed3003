"""RGB pixels to sensor_msgs/Image; `batsort_bags.images` reads them back.

Both by NumPy alone: cv_bridge gets rows wrong whose padding is no multiple of the channels, and
what a cell sees would hang on what else is installed.
"""

from __future__ import annotations

import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import Image


def to_message(pixels: NDArray[np.uint8]) -> Image:
    """An rgb8 message of uint8[height, width, 3] RGB pixels; the header is left to the caller."""
    height, width, _ = pixels.shape
    # array.array is taken as it is; bytes or lists would be converted byte by byte.
    data = array.array("B", np.ascontiguousarray(pixels).tobytes())
    return Image(
        height=height, width=width, encoding="rgb8", is_bigendian=0, step=3 * width, data=data
    )
