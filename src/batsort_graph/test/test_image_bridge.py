"""Image messages to pixels and back."""

import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sensor_msgs.msg import Image

from batsort_graph import image_bridge as images
from batsort_graph.images import ImageError, to_rgb

PIXELS = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3)),
    elements=st.integers(0, 255),
)


@settings(deadline=None)
@given(PIXELS)
def test_pixels_survive_the_round_trip(pixels: np.ndarray) -> None:
    assert np.array_equal(images.to_rgb(images.to_message(pixels)), pixels)


@settings(deadline=None)
@given(PIXELS, st.integers(0, 5))
def test_padding_at_the_end_of_a_row_is_honoured(pixels: np.ndarray, padding: int) -> None:
    height, width, _ = pixels.shape
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, padding)))
    message = images.to_message(pixels)
    message.step = 3 * width + padding
    message.data = array.array("B", rows.tobytes())
    assert np.array_equal(images.to_rgb(message), pixels)


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("rgb8", [10, 20, 30], [10, 20, 30]),
        ("bgr8", [30, 20, 10], [10, 20, 30]),
        ("rgba8", [10, 20, 30, 99], [10, 20, 30]),
        ("bgra8", [30, 20, 10, 99], [10, 20, 30]),
        ("mono8", [7], [7, 7, 7]),
    ],
)
def test_every_encoding_gives_the_same_colours(
    encoding: str, data: list[int], expected: list[int]
) -> None:
    message = Image(height=1, width=1, encoding=encoding, step=len(data), data=data)
    assert images.to_rgb(message).tolist() == [[expected]]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"encoding": "bayer_rggb8"}, "encoding: 'bayer_rggb8'"),
        ({"width": 0}, "width, height: 0 x 2"),
        ({"step": 5}, "step: 5"),
        ({"data": array.array("B", b"12")}, "data: 2 bytes"),
    ],
)
def test_a_broken_image_is_refused_by_field_and_value(change: dict, named: str) -> None:
    message = images.to_message(np.zeros((2, 2, 3), np.uint8))
    for field, value in change.items():
        setattr(message, field, value)
    with pytest.raises(ImageError, match=named.replace("(", r"\(")) as error:
        images.to_rgb(message)
    assert "allowed" in str(error.value)


@pytest.mark.skipif(images._bridge is None, reason="cv_bridge is not installed")
@settings(deadline=None)
@given(PIXELS)
def test_cv_bridge_and_numpy_give_the_same_pixels(pixels: np.ndarray) -> None:
    message = images.to_message(pixels)
    assert np.array_equal(images.to_rgb(message), to_rgb(message))


def test_rows_that_are_no_whole_pixels_are_not_left_to_cv_bridge(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(images, "_bridge", object())
    message = images.to_message(np.zeros((2, 2, 3), np.uint8))
    message.step, message.data = 8, array.array("B", range(16))
    assert images.to_rgb(message).ravel().tolist() == [*range(6), *range(8, 14)]
