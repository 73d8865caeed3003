"""Reads what is printed on a battery, with RapidOCR where that is installed (`./cell setup print`).

    if not available():
        found = PrintReader().read(image)
        print(found.text, found.chemistry)

The battery is levelled, its lines of text are found once and read both ways up. Importing this
module costs nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_perception.preprocess import Image, Rectangle, check_image, content, level
from batsort_perception.print_text import interpret
from batsort_perception.printed import FLOOR, Line, Print

INSTALL = "./cell setup print"
"""What makes print readable."""
SIDE = 960
"""Longer side of the levelled battery that lines are read from [px]."""
FINDING_SIDE = 960
"""Longer side of what lines are found in [px]."""
MOST_ENLARGED = 4.0
"""Beyond that nothing is gained."""
MARGIN = 0.03
"""White kept around, as a part of the longer side."""
KEPT = 0.3
"""Confidence below which a line isn't even reported."""
SURE, SURE_LETTERS = 0.97, 6
"""A line of so many letters, read that surely, is the right way up."""
MIRRORED = 1.05
"""A line that says so many times as much in a mirror is mirrored; AA is the same."""
TALL = 1.5
"""A box that much higher than wide holds a line that runs downwards."""


class PrintError(Exception):
    """Print can't be read here; one sentence."""


def available() -> str:
    """Empty where print can be read, else the sentence that says why not. Loads nothing."""
    missing = [name for name in ("rapidocr", "onnxruntime") if find_spec(name) is None]
    if not missing:
        return ""
    return f"print can't be read without {' and '.join(missing)}; install with: {INSTALL}"


class PrintReader:
    """Networks that find and read text. Not to be shared between threads."""

    def __init__(self, threads: int = 1) -> None:
        """Load the networks and try them; raises PrintError where they are missing or don't run."""
        sentence = available()
        if sentence:
            raise PrintError(sentence)
        engine = "EngineConfig.onnxruntime"
        try:
            rapidocr = import_module("rapidocr")
            self._ocr: Any = rapidocr.RapidOCR(
                params={
                    "Global.log_level": "critical",
                    "Global.use_cls": False,
                    "Global.use_preprocess_img": False,
                    "Global.text_score": 0.0,
                    "Det.limit_type": "max",
                    "Det.limit_side_len": FINDING_SIDE,
                    f"{engine}.intra_op_num_threads": threads,
                    f"{engine}.inter_op_num_threads": 1,
                }
            )
            logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)
            # Only with an image it shows whether everything is there.
            self._recognized([np.full((48, 96, 3), 255, np.uint8)])
            self._found(np.full((64, 96, 3), 255, np.uint8))
        except Exception as error:
            line = (str(error).splitlines() or [type(error).__name__])[0]
            raise PrintError(
                f"print can't be read, RapidOCR does not run ({line}); install with: {INSTALL}"
            ) from error

    def read(self, image: Image) -> Print:
        """What is printed in uint8[h, w, 3] RGB, boxes in its pixels.

        Raises ValueError for another array.
        """
        check_image(image)
        part = content(image)
        scale = min(SIDE / part.along, MOST_ENLARGED)
        margin = MARGIN * part.along
        width = max(1, round(scale * (part.along + 2 * margin)))
        height = max(1, round(scale * (part.across + 2 * margin)))
        canvas = level(image, part, height, width, MARGIN)
        boxes = self._found(canvas)
        if not boxes:
            return interpret(())
        strips = [_strip(canvas, box) for box in boxes]
        way = self._probed(max(strips, key=lambda strip: strip.shape[1] / strip.shape[0]))
        best = self._lines(strips, boxes, way)
        if not _certain(best):
            best = max(best, self._lines(strips, boxes, not way), key=_evidence)
        if self._mirrored(best, canvas):
            return interpret(())
        back = _back(part, height, width)
        return interpret(
            [Line(line.text, line.confidence, _mapped(back, line.box)) for line in best]
        )

    def _probed(self, strip: Image) -> bool:
        """True where `strip` reads better upside down."""
        both = [strip, np.ascontiguousarray(strip[::-1, ::-1])]
        upright, turned = (_weight(*read) for read in self._recognized(both))
        return turned > upright

    def _mirrored(self, lines: Sequence[Line], canvas: Image) -> bool:
        """True where the line that says most reads better in a mirror."""
        if not _evidence(lines):
            return False
        most = max(lines, key=lambda line: _weight(line.text, line.confidence))
        strip = _strip(canvas, most.box)
        flips = [np.ascontiguousarray(strip[:, ::-1]), np.ascontiguousarray(strip[::-1])]
        mirrored = max(_weight(*read) for read in self._recognized(flips))
        return mirrored > MIRRORED * _weight(most.text, most.confidence)

    def _lines(
        self, strips: Sequence[Image], boxes: Sequence[NDArray[np.float32]], turned: bool
    ) -> list[Line]:
        """The lines in reading order; of a battery that is upside down, if `turned`."""
        shown = [np.ascontiguousarray(s[::-1, ::-1]) for s in strips] if turned else strips
        lines = [
            Line(text, confidence, np.roll(box, 2, axis=0) if turned else box)
            for (text, confidence), box in zip(self._recognized(shown), boxes, strict=True)
            if text.strip() and confidence >= KEPT
        ]
        return lines[::-1] if turned else lines

    def _found(self, image: Image) -> list[NDArray[np.float32]]:
        """Boxes of lines, from top to bottom, corners from where the text begins."""
        found = self._ocr(image[..., ::-1], use_det=True, use_cls=False, use_rec=False)
        boxes = getattr(found, "boxes", None)
        return [] if boxes is None else [_begun(np.asarray(box, np.float32)) for box in boxes]

    def _recognized(self, strips: Sequence[Image]) -> list[tuple[str, float]]:
        """Text and confidence of each strip."""
        results = []
        for strip in strips:
            read = self._ocr(strip[..., ::-1], use_det=False, use_cls=False, use_rec=True)
            texts, scores = getattr(read, "txts", None), getattr(read, "scores", None)
            results.append((str(texts[0]), float(scores[0])) if texts and scores else ("", 0.0))
        return results


def _evidence(lines: Sequence[Line]) -> float:
    """Letters that were read surely."""
    return sum(_weight(ln.text, ln.confidence) for ln in lines if ln.confidence >= FLOOR)


def _weight(text: str, confidence: float) -> float:
    """Letters, by how surely they were read."""
    return len(text) * confidence**2


def _certain(lines: Sequence[Line]) -> bool:
    """True where the other way up can't be better."""
    return any(line.confidence >= SURE and len(line.text) >= SURE_LETTERS for line in lines)


def _sides(box: NDArray[np.float32]) -> tuple[float, float]:
    """Length along the text and height of it [px]."""
    along = max(np.linalg.norm(box[0] - box[1]), np.linalg.norm(box[2] - box[3]))
    across = max(np.linalg.norm(box[0] - box[3]), np.linalg.norm(box[1] - box[2]))
    return float(along), float(across)


def _begun(box: NDArray[np.float32]) -> NDArray[np.float32]:
    """Corners from where the text begins: upper left, or upper right where it runs downwards."""
    along, across = _sides(box)
    return np.roll(box, -1, axis=0) if across >= TALL * along else box


def _strip(image: Image, box: NDArray[np.float32]) -> Image:
    """The part of `image` in `box`, level, uint8[height, width, 3]."""
    width, height = (max(1, int(side)) for side in _sides(box))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(box, corners)
    strip = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(strip, np.uint8)


def _back(part: Rectangle, height: int, width: int) -> NDArray[np.float64]:
    """float64[2, 3]: from the pixels of a level canvas to those of the image, `level` undone."""
    scale = (1 - 2 * MARGIN) * min(width / part.along, height / part.across)
    turn = np.radians(part.degrees)
    cos, sin = np.cos(turn) / scale, np.sin(turn) / scale
    u, v = (width - 1) / 2, (height - 1) / 2
    return np.array(
        [[cos, -sin, part.u - cos * u + sin * v], [sin, cos, part.v - sin * u - cos * v]]
    )


def _mapped(matrix: NDArray[np.float64], box: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(box @ matrix[:, :2].T + matrix[:, 2], np.float32)
