"""A plain stroke typeface of our own, drawn the same by every release of OpenCV.

A glyph is a list of polylines on a grid of 4 x 8 units: baseline at y = 2, capitals and digits up
to y = 8, small letters up to y = 6, descenders down to y = 0. A point is two digits, x and y.
"""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

CAP_HEIGHT = 6
_SPACING = 1.7
_SHIFT = 4

_GLYPHS = {
    "A": "022842 1434",
    "B": "0208 083847463505 3544433202",
    "C": "4738180703123243",
    "D": "02083847433202",
    "E": "48080242 0535",
    "F": "480802 0535",
    "G": "47381807031232434525",
    "H": "0208 4248 0545",
    "I": "0208",
    "J": "4843321203",
    "K": "0208 480542",
    "L": "080242",
    "M": "0208254842",
    "N": "02084248",
    "O": "183847433212030718",
    "P": "02083847463505",
    "Q": "183847433212030718 2442",
    "R": "02083847463505 2542",
    "S": "473818070615354443321203",
    "T": "0848 2822",
    "U": "080312324348",
    "V": "082248",
    "W": "0812263248",
    "X": "0248 0842",
    "Y": "082548 2522",
    "Z": "08480242",
    "a": "4636160503123243 4642",
    "c": "4536160503123243",
    "d": "4636160503123243 4842",
    "e": "04444536160503123243",
    "f": "38281702 0626",
    "g": "4636160503123243 46413010",
    "h": "0208 0516364542",
    "i": "0206 0808",
    "k": "0208 360442",
    "l": "0208",
    "m": "0206 05162522 25364542",
    "n": "0206 0516364542",
    "o": "163645433212030516",
    "p": "0006 0516364543321203",
    "r": "0206 051636",
    "s": "4616051434433202",
    "t": "1813223242 0636",
    "u": "0603123243 4642",
    "v": "062246",
    "x": "0246 0642",
    "y": "0622 4610",
    "z": "06460242",
    "0": "183847433212030718",
    "1": "071812",
    "2": "07183847460242",
    "3": "084825354443321203",
    "4": "32380444",
    "5": "48080535444332 1203",
    "6": "473818070312324344351504",
    "7": "084812",
    "8": "183847463515060718 153544433212030415",
    "9": "031232434738180706153546",
    "-": "1535",
    "+": "0545 2327",
    ".": "0202",
    "/": "0248",
    " ": "",
}


def _strokes(glyph: str) -> list[NDArray[np.float64]]:
    return [
        np.array([(int(s[i]), int(s[i + 1])) for i in range(0, len(s), 2)], dtype=np.float64)
        for s in glyph.split()
    ]


_STROKES = {character: _strokes(glyph) for character, glyph in _GLYPHS.items()}


@lru_cache(maxsize=256)
def _outline(text: str) -> tuple[list[NDArray[np.float64]], float]:
    """The polylines of a line of text in units, starting at x = 0, and its width."""
    lines: list[NDArray[np.float64]] = []
    x = 0.0
    for character in text:
        strokes = _STROKES[character]
        width = max((float(stroke[:, 0].max()) for stroke in strokes), default=2.0)
        lines += [stroke + np.array([x, 0.0]) for stroke in strokes]
        x += width + _SPACING
    return lines, max(x - _SPACING, 0.0)


def text_width(text: str, height: float) -> float:
    """How wide `text` is with capitals of `height`, in the unit of `height`."""
    return _outline(text)[1] * height / CAP_HEIGHT


def draw_text(
    image: NDArray[np.uint8],
    text: str,
    centre: tuple[float, float],
    height: float,
    colour: tuple[int, int, int],
    weight: float = 1.1,
    slant: float = 0.0,
    turned: bool = False,
    stretch: float = 1.0,
) -> None:
    """Draw one line of text into uint8[h, w, 3] around the pixel `centre` (x, y).

    `height` of a capital [px]; `weight` of the strokes in sixths of that; `slant` as dx per dy;
    `turned`: upside down; `stretch` of the widths. Raises KeyError for a character without a glyph.
    """
    unit = height / CAP_HEIGHT
    lines, width = _outline(text)
    sign = -1.0 if turned else 1.0
    scale = sign * unit * (1 << _SHIFT)
    shear = np.array([[stretch, 0.0], [slant, -1.0]]) * scale
    shift = np.array(centre) * (1 << _SHIFT) - np.array([width / 2, 5.0]) @ shear
    polylines = [np.rint(line @ shear + shift).astype(np.int32) for line in lines]
    thickness = max(1, round(weight * unit))
    cv2.polylines(image, polylines, False, colour, thickness, cv2.LINE_AA, _SHIFT)
