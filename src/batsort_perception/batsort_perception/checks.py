"""Pictures of a camera that show nothing: refused before anybody judges them."""

from __future__ import annotations

import zlib
from collections import deque
from enum import StrEnum

import numpy as np

from batsort_perception.preprocess import Image

DARK, BRIGHT = 12.0, 250.0
"""Mean of a picture without light, and of one with too much of it [grey levels]."""
BLANK = 2.0
"""Standard deviation of a picture that shows nothing [grey levels]."""
_STRIDE = 8  # pixels that are looked at for light: every so many, both ways
_KEPT = 4  # pictures that one is compared with


class Problem(StrEnum):
    """What is wrong with a picture."""

    FROZEN = "frozen"
    """Bit for bit one of the last ones: no sensor ever gives that twice."""
    DARK = "dark"
    BLINDED = "blinded"
    BLANK = "blank"


class ImageChecks:
    """Judges each picture of one camera, against those before it."""

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=_KEPT)

    def look(self, image: Image) -> Problem | None:
        """What is wrong with uint8[h, w, 3], if anything."""
        digest = zlib.crc32(np.ascontiguousarray(image).data)
        frozen = digest in self._last
        self._last.append(digest)
        if frozen:
            return Problem.FROZEN
        seen = image[::_STRIDE, ::_STRIDE]
        mean = float(seen.mean())
        if mean < DARK:
            return Problem.DARK
        if mean > BRIGHT:
            return Problem.BLINDED
        return Problem.BLANK if float(seen.std()) < BLANK else None
