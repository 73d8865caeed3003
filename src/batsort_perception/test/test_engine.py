import numpy as np
import pytest

from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine, measure


@pytest.fixture
def engine(write_bundle):
    return Engine(Bundle.load(write_bundle()), threads=1)


def picture(colour, shape=(40, 90)):
    image = np.full((*shape, 3), 255, np.uint8)
    image[10:-10, 10:-10] = colour
    return image


@pytest.mark.parametrize(
    ("colour", "expected"),
    [((220, 20, 20), "Red"), ((20, 220, 20), "Green"), ((20, 20, 220), "Blue")],
)
def test_the_type_is_the_one_with_the_largest_score(engine, colour, expected):
    measured = engine.classify(picture(colour))
    assert measured.type == expected
    assert measured.confidence == pytest.approx(measured.scores.max())
    assert measured.scores.sum() == pytest.approx(1.0, abs=1e-5)
    assert measured.scores.dtype == np.float32


@pytest.mark.parametrize("shape", [(1, 1), (24, 300), (700, 500), (64, 64)])
def test_an_image_of_any_size_is_measured(engine, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    measured = engine.classify(image)
    assert 0.0 < measured.confidence <= 1.0
    assert np.isfinite(measured.novelty)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((5, 5), np.uint8),
        np.zeros((5, 5, 4), np.uint8),
        np.zeros((5, 5, 3), np.float32),
        np.zeros((0, 5, 3), np.uint8),
    ],
)
def test_an_array_that_is_no_rgb_image_is_refused_by_its_shape(engine, image):
    with pytest.raises(ValueError, match=r"uint8\[h, w, 3\]"):
        engine.classify(image)


def test_novelty_is_one_at_the_limit_and_falls_with_familiarity(engine):
    limit = engine.bundle.novelty.limit
    novelties = [
        measure(engine.bundle, np.array([1.0, 0.0, 0.0, limit + d], np.float32)).novelty
        for d in (-1e9, -4.0, 0.0, 4.0, 1e9)
    ]
    assert novelties[2] == pytest.approx(1.0)
    assert novelties == sorted(novelties, reverse=True)
    assert np.isfinite(novelties).all()


def test_the_same_image_gives_the_same_verdict(engine):
    first, second = (engine.classify(picture((200, 120, 90))) for _ in range(2))
    assert (first.type, first.confidence, first.novelty) == (
        second.type,
        second.confidence,
        second.novelty,
    )
