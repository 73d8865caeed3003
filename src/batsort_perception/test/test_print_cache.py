"""What was read is kept by the content of the picture."""

from pathlib import Path

import numpy as np
import pytest

from batsort_perception.preprocess import Image
from batsort_perception.print_cache import PrintCache
from batsort_perception.print_reader import PrintError
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line, Print

BOX = np.array([[0, 0], [9, 0], [9, 5], [0, 5]], np.float32)


class Reads:
    def __init__(self) -> None:
        self.calls = 0

    def read(self, image: Image) -> Print:
        self.calls += 1
        return interpret([Line(f"LR6 {image.shape[0]}", 0.99, BOX)])


def test_a_picture_is_read_once_and_another_one_anew(tmp_path: Path) -> None:
    reads = Reads()
    for _ in range(2):
        cache = PrintCache(tmp_path / "cache", lambda: reads, "v1")
        for shape in ((4, 6, 3), (6, 4, 3)):  # of the same bytes
            found = cache.read_pixels(np.zeros(shape, np.uint8))
            assert found.text == f"LR6 {shape[0]}"
            assert found.lines[0].box.tolist() == BOX.tolist()
    assert reads.calls == 2


def test_a_picture_is_not_looked_at_where_it_was_read_before(tmp_path: Path) -> None:
    cache = PrintCache(tmp_path, Reads, "v1")
    cache.read("ab", lambda: np.zeros((4, 6, 3), np.uint8))

    def gone() -> Image:
        raise OSError

    assert cache.read("ab", gone).text == "LR6 4"
    with pytest.raises(OSError):
        cache.read("cd", gone)


def test_a_reader_that_does_not_run_is_not_kept_for_one_that_found_nothing(tmp_path: Path) -> None:
    def broken() -> Reads:
        raise PrintError("no network runs here")

    for _ in range(2):
        with pytest.raises(PrintError):
            PrintCache(tmp_path, broken, "v1").read_pixels(np.zeros((4, 6, 3), np.uint8))
    assert not list(tmp_path.iterdir())
