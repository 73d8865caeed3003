from importlib.util import find_spec

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from batsort_training.head import Head, Linear

pytestmark = pytest.mark.skipif(
    find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)
WIDTH = 6


def converted(function, width):
    """LiteRT network of a function of float32[1, width]."""
    import tensorflow as tf

    spec = tf.TensorSpec((1, width), tf.float32)
    concrete = tf.function(function).get_concrete_function(spec)
    return bytes(tf.lite.TFLiteConverter.from_concrete_functions([concrete]).convert())


def outputs(network, given):
    """By length."""
    interpreter = Interpreter(model_content=network)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)
    interpreter.invoke()
    details = interpreter.get_output_details()
    return {d["shape"][1]: interpreter.get_tensor(d["index"]) for d in details}


@pytest.fixture(scope="module")
def trunk():
    matrix = np.random.default_rng(9).normal(size=(4, WIDTH)).astype(np.float32)
    return converted(lambda x: abs(x @ matrix) - 1.0, 4)


def head(seed, columns):
    matrix = np.random.default_rng(seed).normal(size=(WIDTH, columns)).astype(np.float32)
    return matrix, converted(lambda x: x @ matrix - 2.0, WIDTH)


def test_the_whole_is_trunk_then_head(trunk):
    from batsort_training.joining import with_head

    given = np.array([[1.0, -2.0, 0.5, 3.0]], np.float32)
    matrix, top = head(0, 3)
    features = outputs(trunk, given)[WIDTH]
    found = outputs(with_head(trunk, top), given)
    assert np.array_equal(found[WIDTH], features)
    assert found[3] == pytest.approx(features @ matrix - 2.0, rel=1e-5)


def test_another_head_takes_the_place_of_the_first_and_leaves_nothing_behind(trunk):
    from batsort_training.joining import with_head

    (_, first), (_, second) = head(0, 3), head(1, 2)
    once = with_head(trunk, second)
    assert with_head(with_head(trunk, first), second) == once
    assert sorted(outputs(once, np.ones((1, 4), np.float32))) == [2, WIDTH]


def test_a_head_for_other_features_is_refused(trunk):
    from batsort_training.joining import with_head

    with pytest.raises(ValueError, match=r"head: takes 5 features; allowed: 6"):
        with_head(trunk, converted(lambda x: x + 1.0, 5))


@pytest.mark.parametrize("strange", [0, 2])
@pytest.mark.parametrize("told", [0, 4, 5])
def test_the_network_of_a_head_says_what_the_head_says_drawn_or_not(trunk, strange, told):
    from batsort_training.network import verdict_network

    rng = np.random.default_rng(3)
    columns = 6 + strange
    depths = (Linear(rng.normal(size=(2, columns)), rng.normal(size=columns)) for _ in range(3))
    telling = Linear(rng.normal(size=(6, told)), rng.normal(size=told)) if told else None
    made = Head(tuple(depths), types=3, telling=telling, surplus=0.7)
    network = verdict_network(trunk, made)
    looks_drawn = set()
    for given in rng.normal(size=(20, 1, 4)).astype(np.float32):
        found = outputs(network, given)
        logits, familiarity = made(found[WIDTH])
        looks_drawn |= set(made.leads(found[WIDTH])[2])
        assert found[4][0, :3] == pytest.approx(logits[0], rel=1e-4, abs=1e-4)
        assert found[4][0, 3] == pytest.approx(familiarity[0], rel=1e-4, abs=1e-4)
    assert looks_drawn == {True, False}
