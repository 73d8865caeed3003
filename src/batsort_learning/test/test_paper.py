from importlib.util import find_spec

import numpy as np
import pytest

from batsort_learning import paper
from batsort_learning.paper import Stage
from batsort_training.data import LabelledPhoto

LABELS = np.repeat(np.arange(3), 50)


def with_tensorflow(test):
    """Skipped where TensorFlow is not installed; networks take their time to build."""
    missing = find_spec("tensorflow") is None
    test = pytest.mark.skipif(missing, reason="TensorFlow is not installed")(test)
    return pytest.mark.timeout(400)(test)


def test_a_fifth_of_every_type_is_tested_and_a_tenth_of_the_rest_validates():
    division = paper.divide(LABELS, np.zeros(150, np.int64), 0, False)
    for label in range(3):
        counts = [int(np.sum(part & (label == LABELS))) for part in division]
        assert counts == pytest.approx([36, 4, 10], abs=1)


def test_a_picture_is_the_whole_photo_squeezed():
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 150:] = 255
    (picture,) = paper.pictures([LabelledPhoto("a.png", "T/a.png", "T", "", image, 0)])
    assert picture.shape == (244, 244, 3)
    assert np.all(picture[:, :122] == 0)
    assert np.all(picture[:, 122:] == 255)


def build(name, opened):
    """The opened part of a random network; network and part as classifiers, with their inputs."""
    import keras

    from batsort_learning import transfer

    keras.utils.set_random_seed(0)
    network = transfer.backbone(name, "random", None, 64)
    images = np.random.default_rng(0).integers(0, 256, (6, 64, 64, 3), np.uint8)
    transfer.settle(network, images)
    tensors, part = transfer.cut(network, opened)
    top = transfer.top(3)
    below = keras.Model(network.input, tensors)
    seen = below(images.astype(np.float32), training=False)
    whole, tail = transfer.Classifier(network, top), transfer.Classifier(part, top)
    return part, (whole, images.astype(np.float32)), (tail, seen)


@with_tensorflow
@pytest.mark.parametrize(
    ("name", "opened"), [("efficientnet-lite0", 0), ("efficientnet-lite0", 6), ("resnet50v2", 6)]
)
def test_the_part_above_the_cut_learns_as_the_whole_network_would(name, opened):
    import tensorflow as tf

    part, *both = build(name, opened)
    results = []
    for classifier, inputs in both:
        with tf.GradientTape() as tape:
            logits = classifier(inputs, training=False)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits([0, 1, 2] * 2, logits)
            loss = tf.reduce_mean(losses)
        variables = [v.value for layer in part.layers for v in layer.trainable_variables]
        results.append((float(loss), tape.gradient(loss, variables)))
    (whole, gradients), (tail, tail_gradients) = results
    assert tail == pytest.approx(whole, abs=1e-5)
    for gradient, other in zip(gradients, tail_gradients, strict=True):
        scale = float(tf.reduce_max(tf.abs(gradient))) or 1.0
        assert np.asarray(other) == pytest.approx(np.asarray(gradient), abs=1e-4 * scale)


@with_tensorflow
def test_only_the_opened_layers_lie_above_the_cut():
    part, *_ = build("resnet50v2", 6)
    names = {layer.name for layer in part.layers if layer.weights}
    block = "conv5_block3"
    assert names == {
        "post_bn",
        *(f"{block}_{x}" for x in ("3_conv", "2_bn", "2_conv", "1_bn", "1_conv")),
    }


@with_tensorflow
def test_stored_statistics_stay_while_scale_and_offset_learn():
    import keras

    part, _, (tail, seen) = build("efficientnet-lite0", 1)
    (layer,) = (layer for layer in part.layers if layer.weights)
    before = [np.array(value) for value in layer.get_weights()]
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    tail.compile(keras.optimizers.Adam(0.01), loss, jit_compile=False)
    tail.fit(seen, np.array([0, 1, 2] * 2), verbose=0)
    scale, offset, mean, variance = (
        np.array_equal(old, new) for old, new in zip(before, layer.get_weights(), strict=True)
    )
    assert (scale, offset, mean, variance) == (False, False, True, True)


@with_tensorflow
def test_a_run_learns_and_the_same_seed_repeats_it(tmp_path):
    from batsort_learning.transfer import Learner, deterministic

    deterministic()
    labels = np.repeat(np.arange(3), 20)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 60, (60, 64, 64, 3)).astype(np.uint8)
    images[np.arange(60), :, :, labels] += 180
    learner = Learner("efficientnet-lite0", "imagenet", 1, images, labels)
    division = paper.divide(labels, np.arange(60), 0, False)
    stages = (Stage(0.005, 4), Stage(0.00005, 2))
    first = learner.run(division, stages, 5, tmp_path)
    assert first.right >= 0.8 * division.test.sum()
    assert [len(course["val_loss"]) for course in first.history] == [4, 2]
    assert learner.run(division, stages, 5) == first
    assert len([*tmp_path.glob("stage[12]/train/events*")]) == 2
