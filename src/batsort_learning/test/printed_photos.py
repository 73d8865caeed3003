"""Photos with print on them, and a reader that was told what is printed."""

import cv2
import numpy as np

from batsort_learning import print_cache
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line
from batsort_twin.photos import read_photo

BOX = np.array([[20, 40], [120, 40], [120, 60], [20, 60]], np.float32)
NIMH, LI_ION, ALKALINE = "Ni-MH AA 1.2V 2000mAh", "INR18650 3.7V", "ALKALINE BATTERY 1.5V"


class Reads:
    """Reads what it was told is printed on photos; counts."""

    def __init__(self, folder, texts):
        self.known = {
            read_photo(folder / f"{name}.png", print_cache.EDGE).tobytes(): said
            for name, said in texts.items()
        }
        self.calls = 0

    def read(self, image):
        self.calls += 1
        said = self.known.get(image.tobytes(), ())
        return interpret([Line(text, 0.99, BOX) for text in ([said] if said else [])])


def save(path, seed):
    rng = np.random.default_rng(seed)
    image = np.full((120, 300, 3), 255, np.uint8)
    image[35:85, 20:280] = rng.integers(0, 255, (50, 260, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def many(label, text, count=4):
    return {f"{label}/{label}{i}": text for i in range(count)}


def names(result, kind):
    return [photo.path.stem for finding in result.of(kind) for photo in finding.photos]
