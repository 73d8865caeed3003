"""Pixels of image messages, as they are and compressed."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from batsort_bags.compression import COMPRESSIONS, compressed
from batsort_bags.types import typestore
from batsort_graph.images import LOSSLESS, ImageError, decompressed, to_rgb

CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "rgba8": 4, "bgra8": 4}


def image(encoding: str, padding: int = 0) -> Any:
    """A picture of noise; each row ends with `padding` bytes that are none of it."""
    types = typestore().types
    step = 31 * CHANNELS[encoding] + padding
    time = types["builtin_interfaces/msg/Time"](sec=3, nanosec=4)
    return types["sensor_msgs/msg/Image"](
        header=types["std_msgs/msg/Header"](stamp=time, frame_id="camera"),
        height=17,
        width=31,
        encoding=encoding,
        is_bigendian=0,
        step=step,
        data=np.random.default_rng(1).integers(0, 256, 17 * step, np.uint8),
    )


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize("encoding", CHANNELS)
def test_a_png_keeps_every_pixel(encoding: str, padding: int) -> None:
    original = image(encoding, padding)
    message = compressed(original, "png")
    assert LOSSLESS in message.format
    np.testing.assert_array_equal(decompressed(message), to_rgb(original))


@pytest.mark.parametrize("encoding", CHANNELS)
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_compressed_image_is_what_image_transport_makes(encoding: str, compression: str) -> None:
    message = compressed(image(encoding), compression)
    target = {("mono8", "png"): "", ("mono8", "jpeg"): "mono8"}.get((encoding, compression), "bgr8")
    assert message.format == f"{encoding}; {compression} compressed {target}"
    assert message.header == image(encoding).header
    stored = cv2.imdecode(np.asarray(message.data), cv2.IMREAD_UNCHANGED)
    assert stored.shape == ((17, 31) if encoding == "mono8" else (17, 31, 3))
    kind = "sensor_msgs/msg/CompressedImage"
    cdr = typestore().serialize_cdr(message, kind)
    assert typestore().deserialize_cdr(cdr, kind).format == message.format


def test_a_jpeg_is_near_the_original() -> None:
    original = image("rgb8")
    original.data = np.repeat(np.arange(17, dtype=np.uint8) * 15, 31 * 3)
    difference = decompressed(compressed(original, "jpeg")).astype(int) - to_rgb(original)
    assert np.abs(difference).max() < 8


@pytest.mark.parametrize(
    ("field", "value"), [("encoding", "yuv422"), ("width", 0), ("step", 3), ("data", b"short")]
)
def test_an_image_that_cannot_be_is_refused_by_field(field: str, value: Any) -> None:
    message = image("rgb8")
    setattr(message, field, value)
    for read in (to_rgb, lambda message: compressed(message, "png")):
        with pytest.raises(ImageError, match=rf"{field}.*allowed"):
            read(message)


def test_bytes_that_are_no_picture_are_refused() -> None:
    message = compressed(image("rgb8"), "png")
    message.data = np.arange(100, dtype=np.uint8)
    with pytest.raises(ImageError, match=r"data: 100 bytes.*allowed"):
        decompressed(message)
