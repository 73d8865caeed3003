"""Images of a bag made smaller, as image_transport does it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from batsort_bags.types import typestore
from batsort_graph.images import pixels_of

TO_BGR = {
    "rgb8": cv2.COLOR_RGB2BGR,
    "rgba8": cv2.COLOR_RGBA2BGR,
    "bgra8": cv2.COLOR_BGRA2BGR,
}
GREY_TARGET = {"png": "", "jpeg": "mono8"}
"""What image_transport says of grey pictures, by compression."""
COMPRESSIONS: dict[str, tuple[str, tuple[int, ...]]] = {
    # Without options OpenCV's PNG is faster and smaller than with level 1.
    "png": (".png", ()),
    "jpeg": (".jpg", (cv2.IMWRITE_JPEG_QUALITY, 90)),
}
"""What OpenCV is told, by name: png keeps every pixel, but no alpha; jpeg does not."""


def compressed(message: Any, compression: str) -> Any:
    """A sensor_msgs/CompressedImage of the typestore, as image_transport makes it.

    `compression` is one of COMPRESSIONS. Raises ImageError, as `to_rgb`.
    """
    pixels = pixels_of(message)
    if message.encoding in TO_BGR:
        pixels = np.asarray(cv2.cvtColor(pixels, TO_BGR[message.encoding]), np.uint8)
    extension, options = COMPRESSIONS[compression]
    _, data = cv2.imencode(extension, pixels, options)
    target = "bgr8" if pixels.shape[2] == 3 else GREY_TARGET[compression]
    kind = typestore().types["sensor_msgs/msg/CompressedImage"]
    form = f"{message.encoding}; {compression} compressed {target}"
    return kind(header=message.header, format=form, data=data)
