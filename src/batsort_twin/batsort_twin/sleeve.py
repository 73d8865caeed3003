"""The printed sleeve of one battery while it is being drawn."""

import math

import cv2
import numpy as np

from batsort_twin.bodies import Image
from batsort_twin.lettering import draw_text, text_width
from batsort_twin.sizes import Size

Colour = tuple[int, int, int]

DRAWN = 6.0
"""Resolution, twice that of the default camera [px/mm]."""


class Sleeve:
    """A sleeve being drawn: x along the axis, the positive end on the right; y around it."""

    def __init__(self, size: Size, base: Colour, rng: np.random.Generator) -> None:
        self.length = size.length * 1000
        self.around = math.pi * size.diameter * 1000
        # Print scales with the diameter, AA being 1.
        self.scale = size.diameter / 0.0145
        self.rng = rng
        shape = (round(self.around * DRAWN), round(self.length * DRAWN), 3)
        self.image: Image = np.empty(shape, np.uint8)
        self.image[:] = self.vary(base)

    def vary(self, colour: Colour, amount: float = 6.0) -> Colour:
        """The colour of this individual."""
        r, g, b = (
            min(255, max(0, round(c + d)))
            for c, d in zip(colour, self.rng.normal(0.0, amount, 3).tolist(), strict=True)
        )
        return r, g, b

    def band(self, start: float, end: float, colour: Colour) -> None:
        """A ring between two fractions of the length."""
        width = self.image.shape[1]
        self.image[:, round(start * width) : round(end * width)] = self.vary(colour)

    def fade(self, start: float, end: float, left: Colour, right: Colour) -> None:
        """A ring that runs from one colour into another."""
        width = self.image.shape[1]
        columns = slice(round(start * width), round(end * width))
        ramp = np.linspace(0.0, 1.0, columns.stop - columns.start)[:, None]
        mixed = (1 - ramp) * self.vary(left) + ramp * self.vary(right)
        self.image[:, columns] = mixed.astype(np.uint8)

    def swoosh(self, colour: Colour, start: float, end: float, thick: float, at: float) -> None:
        """A slanted stripe on both faces, `thick` and `at` in mm of an AA."""
        height, width = self.image.shape[:2]
        for face in (0.25, 0.75):
            y = face * height + at * self.scale * DRAWN
            rise, t = 1.6 * self.scale * DRAWN, thick * self.scale * DRAWN
            x0, x1 = start * width, end * width
            tip, tail = y - rise, y + rise
            points = [(x0, tail), (x1, tip - t), (x1, tip + t), (x0, tail + t / 2)]
            cv2.fillPoly(self.image, [np.rint(points).astype(np.int32)], self.vary(colour), 16)

    def text(
        self,
        text: str,
        centre: float,
        height: float,
        colour: Colour,
        at: float = 0.0,
        most: float = 0.9,
        faces: tuple[float, ...] = (0.25, 0.75),
        **style: float | bool,
    ) -> None:
        """A line of print on both faces.

        `centre` as a fraction of the length, capitals of `height` mm on an AA, `at` mm above (-) or
        below the middle of the face, at most `most` of the length wide.
        """
        rows, columns = self.image.shape[:2]
        size = height * self.scale * DRAWN
        stretch = min(1.0, most * columns / max(1.0, text_width(text, size)))
        turned = bool(style.pop("turned", False))
        for face in faces:
            y = face * rows + (-at if turned else at) * self.scale * DRAWN
            draw_text(
                self.image, text, (centre * columns, y), size, self.vary(colour),
                stretch=stretch, turned=turned, **style,
            )  # fmt: skip

    def plate(self, centre: float, wide: float, high: float, colour: Colour, round_: bool) -> None:
        """A filled plate on both faces, `wide` and `high` in mm of an AA."""
        rows, columns = self.image.shape[:2]
        half = (round(wide / 2 * self.scale * DRAWN), round(high / 2 * self.scale * DRAWN))
        for face in (0.25, 0.75):
            x, y = round(centre * columns), round(face * rows)
            if round_:
                cv2.ellipse(self.image, (x, y), half, 0, 0, 360, colour, -1, cv2.LINE_AA)
            else:
                corners = ((x - half[0], y - half[1]), (x + half[0], y + half[1]))
                cv2.rectangle(self.image, *corners, colour, -1)

    def small_print(self, colour: Colour, lines: tuple[str, ...]) -> None:
        """What stands between the faces."""
        for line, at in zip(lines, (-1.7, 1.7), strict=False):
            self.text(line, 0.45, 1.4, colour, at=at, most=0.7, faces=(0.5,), weight=0.8)
