"""Drawn batteries and other things: own artwork in the colours and words of each type.

    size = SIZES["AA"]
    skin = skin_for("Duracell_Alk", size, rng)      # one of KNOWN, UNKNOWN or THINGS

Every call draws one individual: colours, wear and scratches vary with `rng`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_twin.camera import Decal, Image, Wrap
from batsort_twin.lettering import draw_text, text_width

Colour = tuple[int, int, int]

_DRAWN = 6.0
"""Resolution, twice that of the default camera [px/mm]."""


@dataclass(frozen=True, slots=True)
class Size:
    """A standard cell: IEC 60086 dimensions [m], usual mass [kg]."""

    name: str
    length: float
    diameter: float
    mass: float
    terminal_diameter: float


SIZES = {
    size.name: size
    for size in (
        Size("AAA", 0.0445, 0.0105, 0.0115, 0.0038),
        Size("AA", 0.0505, 0.0145, 0.0230, 0.0055),
        Size("C", 0.0500, 0.0262, 0.0660, 0.0075),
        Size("CR123A", 0.0345, 0.0170, 0.0170, 0.0065),
    )
}


class _Sleeve:
    """A sleeve being drawn: x along the axis, the positive end on the right; y around it."""

    def __init__(self, size: Size, base: Colour, rng: np.random.Generator) -> None:
        self.length = size.length * 1000
        self.around = math.pi * size.diameter * 1000
        # Print scales with the diameter, AA being 1.
        self.scale = size.diameter / 0.0145
        self.rng = rng
        shape = (round(self.around * _DRAWN), round(self.length * _DRAWN), 3)
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
            y = face * height + at * self.scale * _DRAWN
            rise, t = 1.6 * self.scale * _DRAWN, thick * self.scale * _DRAWN
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
        size = height * self.scale * _DRAWN
        stretch = min(1.0, most * columns / max(1.0, text_width(text, size)))
        turned = bool(style.pop("turned", False))
        for face in faces:
            y = face * rows + (-at if turned else at) * self.scale * _DRAWN
            draw_text(
                self.image, text, (centre * columns, y), size, self.vary(colour),
                stretch=stretch, turned=turned, **style,
            )  # fmt: skip

    def plate(self, centre: float, wide: float, high: float, colour: Colour, round_: bool) -> None:
        """A filled plate on both faces, `wide` and `high` in mm of an AA."""
        rows, columns = self.image.shape[:2]
        half = (round(wide / 2 * self.scale * _DRAWN), round(high / 2 * self.scale * _DRAWN))
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


_BLACK, _WHITE, _SILVER = (26, 26, 28), (238, 238, 234), (186, 188, 190)
_COPPER, _GOLD = (190, 116, 66), (202, 160, 70)


def _duracell(s: _Sleeve) -> None:
    s.band(0.70, 1.0, _COPPER)
    s.band(0.69, 0.70, (224, 170, 120))
    s.text("DURACELL", 0.355, 5.2, _WHITE, weight=1.35, turned=True, most=0.58)
    s.text("+", 0.86, 4.0, (60, 32, 18), weight=0.8)
    s.small_print(_COPPER, ("ALKALINE LR6 1.5V", "MN1500"))


def _energizer(s: _Sleeve, swoosh: Colour, edge: Colour, line: str, of: Colour) -> None:
    s.band(0.0, 0.03, _BLACK)
    s.swoosh(edge, 0.05, 0.74, 1.3, 4.4)
    s.swoosh(swoosh, 0.05, 0.74, 1.6, 2.6)
    s.text("Energizer", 0.40, 5.2, _BLACK, at=-1.9, weight=1.35, slant=0.25, most=0.62)
    s.text(line, 0.42, 2.1, of, at=3.4, weight=1.1, slant=0.2, most=0.5)


def _energizer_alk(s: _Sleeve) -> None:
    s.band(0.77, 1.0, _BLACK)
    s.band(0.755, 0.77, (200, 30, 36))
    _energizer(s, (206, 30, 38), (236, 180, 40), "MAX", _WHITE)
    s.text("+ AA", 0.88, 3.0, _WHITE, weight=1.1, most=0.18)
    s.small_print(_BLACK, ("ALKALINE 1.5V", "LR6 MAX"))


def _energizer_ind(s: _Sleeve) -> None:
    s.band(0.77, 1.0, _BLACK)
    s.band(0.735, 0.77, (240, 206, 40))
    _energizer(s, (242, 208, 36), (60, 60, 62), "INDUSTRIAL", (30, 30, 30))
    s.text("+ AA", 0.88, 3.0, (242, 208, 36), weight=1.1, most=0.18)
    s.small_print(_BLACK, ("INDUSTRIAL EN91", "ALKALINE 1.5V"))


def _energizer_li(s: _Sleeve) -> None:
    s.fade(0.77, 1.0, (60, 140, 205), (150, 190, 215))
    s.band(0.755, 0.77, (20, 70, 140))
    _energizer(s, (36, 128, 208), (150, 205, 235), "LITHIUM", _WHITE)
    s.text("+ AA", 0.88, 3.0, _WHITE, weight=1.1, most=0.18)
    s.small_print((20, 84, 160), ("ULTIMATE LITHIUM", "L91 1.5V"))


def _exell(s: _Sleeve, chemistry: str) -> None:
    ink = (34, 36, 30)
    s.text("EXELL", 0.26, 3.2, ink, at=-2.6, weight=0.95)
    s.text(chemistry, 0.5, 2.8, ink, at=1.8, weight=0.95, most=0.84)
    s.text("+", 0.93, 2.6, ink)
    s.text("-", 0.06, 2.6, ink)
    s.small_print(ink, ("RECHARGEABLE", "1.2V"))


def _exell_green(s: _Sleeve) -> None:
    _exell(s, f"Ni-MH AA{s.rng.choice([1300, 1800, 2000])}mAh 1.2V")


def _exell_yellow(s: _Sleeve) -> None:
    _exell(s, f"Ni-Cd AA{s.rng.choice([700, 800, 1000])}mAh 1.2V")


def _gp(s: _Sleeve) -> None:
    s.band(0.0, 0.06, _GOLD)
    s.band(0.30, 0.74, (226, 224, 214))
    s.fade(0.74, 1.0, (214, 140, 44), (196, 146, 60))
    s.text("GP", 0.17, 6.6, _BLACK, weight=1.7, most=0.22)
    s.text("ULTRA", 0.52, 4.0, (206, 104, 24), at=-1.7, weight=1.3, slant=0.2, most=0.4)
    s.text("ALKALINE", 0.52, 2.3, _BLACK, at=3.0, weight=1.0, most=0.4)
    s.text("+", 0.88, 4.0, _BLACK, weight=0.8)
    s.small_print(_BLACK, ("GP15AU LR6 1.5V", "ALKALINE"))


def _ikea(s: _Sleeve) -> None:
    s.band(0.60, 1.0, (206, 208, 210))
    s.text("ALKALINE", 0.29, 3.6, (250, 248, 226), at=-2.4, weight=1.3, most=0.5)
    s.text("1.5V LR6", 0.27, 2.4, (70, 62, 20), at=2.6, weight=1.0, most=0.42)
    s.plate(0.77, 13.0, 7.4, _BLACK, round_=False)
    s.plate(0.77, 12.0, 6.2, (240, 238, 226), round_=True)
    s.text("IKEA", 0.77, 3.4, _BLACK, weight=1.7, most=0.19)
    s.text("+", 0.95, 3.0, (70, 62, 20))
    s.small_print((70, 62, 20), ("ALKALISK", "LR6 1.5V"))


def _klarus(s: _Sleeve) -> None:
    s.band(0.0, 0.13, _BLACK)
    s.band(0.86, 1.0, _BLACK)
    s.text("KLARUS", 0.47, 4.6, _WHITE, at=-1.9, weight=1.4, most=0.58)
    s.text(f"{s.rng.choice([750, 800, 1200])}mAh 3.7V", 0.48, 2.7, _BLACK, at=3.2, most=0.56)
    s.text("+", 0.93, 3.0, (220, 40, 40), weight=0.8)
    s.small_print(_WHITE, ("LI-ION RECHARGEABLE", "PROTECTED"))


def _voltara(s: _Sleeve) -> None:
    s.band(0.62, 0.70, (240, 120, 30))
    s.text("VOLTARA", 0.34, 4.8, _WHITE, weight=1.4, most=0.5)
    s.text("+", 0.86, 4.0, _WHITE, weight=0.8)


def _novacel(s: _Sleeve) -> None:
    s.fade(0.0, 0.5, (70, 30, 110), (150, 70, 190))
    s.band(0.9, 1.0, _SILVER)
    s.text("NOVACEL", 0.46, 5.0, (230, 220, 250), slant=0.2, most=0.7)


def _brilux(s: _Sleeve) -> None:
    for start in (0.1, 0.24, 0.38):
        s.band(start, start + 0.05, (180, 26, 110))
    s.text("BRILUX", 0.70, 4.6, (140, 16, 84), weight=1.4, most=0.46)


def _polaris(s: _Sleeve) -> None:
    s.band(0.80, 1.0, (214, 216, 220))
    s.text("POLARIS", 0.38, 4.6, (240, 200, 70), weight=1.2, most=0.6)
    s.text("HEAVY DUTY", 0.38, 2.0, _WHITE, at=4.4, most=0.5)


def _coralis(s: _Sleeve) -> None:
    s.band(0.0, 0.35, (250, 236, 226))
    s.text("CORALIS", 0.66, 4.4, _WHITE, weight=1.4, most=0.54)


def _duramax(s: _Sleeve) -> None:
    s.band(0.0, 0.2, _GOLD)
    s.band(0.2, 0.22, (140, 30, 30))
    s.text("DYNAMAX", 0.60, 4.8, _GOLD, weight=1.3, most=0.66)


def _enerjoy(s: _Sleeve) -> None:
    s.band(0.0, 0.30, (40, 130, 70))
    s.swoosh((60, 160, 90), 0.32, 0.95, 1.6, 3.0)
    s.text("enerplus", 0.64, 4.6, (20, 70, 40), at=-1.0, most=0.6)


def _suncell(s: _Sleeve) -> None:
    s.band(0.0, 0.16, (30, 60, 130))
    s.band(0.84, 1.0, (30, 60, 130))
    s.text("SUNTEC", 0.5, 4.8, (30, 60, 130), weight=1.4, most=0.56)


@dataclass(frozen=True, slots=True)
class _Design:
    """How one brand is drawn."""

    bases: tuple[Colour, ...]
    draw: Callable[[_Sleeve], None]
    gloss: float = 0.30


_DESIGNS: dict[str, _Design] = {
    "Duracell_Alk": _Design(((28, 27, 28),), _duracell),
    "Energizer_Alk": _Design((_SILVER,), _energizer_alk, 0.42),
    "Energizer_Ind": _Design(((196, 196, 194),), _energizer_ind, 0.42),
    "Energizer_Li": _Design(((204, 210, 216),), _energizer_li, 0.42),
    "Exell_Green": _Design(((84, 158, 70), (150, 212, 104), (52, 150, 110)), _exell_green, 0.18),
    "Exell_Yellow": _Design(((222, 206, 62), (228, 196, 52)), _exell_yellow, 0.18),
    "GP_Alk": _Design(((206, 150, 62), (196, 138, 66)), _gp, 0.36),
    "IKEA_Alk": _Design(((232, 216, 30),), _ikea),
    "Klarus": _Design(((204, 30, 34),), _klarus, 0.22),
    "Voltara": _Design(((20, 128, 134),), _voltara),
    "Novacel": _Design(((150, 70, 190),), _novacel),
    "Brilux": _Design(((240, 238, 240),), _brilux),
    "Polaris": _Design(((24, 38, 96),), _polaris),
    "Coralis": _Design(((244, 120, 150),), _coralis),
    "Dynamax": _Design(((34, 30, 32),), _duramax),
    "Enerplus": _Design(((190, 194, 192),), _enerjoy, 0.4),
    "Suntec": _Design(((234, 200, 50),), _suncell, 0.2),
}

KNOWN = tuple(list(_DESIGNS)[:9])
"""The types of the paper."""
UNKNOWN = tuple(list(_DESIGNS)[9:])
"""Invented brands; the last three come near to known ones."""
THINGS = ("wire", "package")
"""What is no battery."""


def skin_for(label: str, size: Size, rng: np.random.Generator) -> Wrap | Decal:
    """One individual of a label of KNOWN, UNKNOWN or THINGS. Raises KeyError for others.

    Things choose their own measures; see `length` and `width` of what is returned.
    """
    if label == "wire":
        return _wire(rng)
    if label == "package":
        return _package(rng)
    return texture_for(label, size, rng)


def texture_for(label: str, size: Size, rng: np.random.Generator) -> Wrap:
    """One individual battery of a label of KNOWN or UNKNOWN. Raises KeyError for others."""
    design = _DESIGNS[label]
    sleeve = _Sleeve(size, design.bases[int(rng.integers(len(design.bases)))], rng)
    design.draw(sleeve)
    edge = max(1, round(0.7 * _DRAWN))
    for end in (slice(0, edge), slice(-edge, None)):
        sleeve.image[:, end] = sleeve.vary((190, 190, 188))
    return Wrap(
        _worn(sleeve.image, rng),
        size.length,
        size.diameter,
        terminal_diameter=size.terminal_diameter,
        gloss=float(design.gloss * rng.uniform(0.7, 1.2)),
    )


def _worn(image: Image, rng: np.random.Generator) -> Image:
    """Scratches, dirt and an uneven print; more on some individuals than on others."""
    height, width = image.shape[:2]
    age = float(rng.beta(1.3, 3.0))
    marks = np.zeros((height, width), np.float32)
    for _ in range(int(rng.poisson(2 + 14 * age))):
        x, y = float(rng.uniform(0, width)), float(rng.uniform(0, height))
        angle, reach = float(rng.normal(0.0, 0.5)), float(rng.uniform(4, 45))
        end = (round(x + reach * math.cos(angle)), round(y + reach * math.sin(angle)))
        strength = float(rng.choice([-1.0, 1.0]) * rng.uniform(15, 60))
        cv2.line(marks, (round(x), round(y)), end, strength, 1, cv2.LINE_AA)
    coarse = rng.normal(0.0, 1.0, (6, 8)).astype(np.float32)
    marks += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC) * (2 + 8 * age)
    light = float(rng.normal(1.0, 0.03))
    return np.asarray(np.clip(image * light + marks[..., None], 0, 255), np.uint8)


_INSULATION = (
    (190, 40, 36),
    (40, 80, 190),
    (226, 190, 40),
    (40, 140, 66),
    (232, 232, 228),
    (24, 24, 26),
)


def _wire(rng: np.random.Generator) -> Decal:
    """A piece of cable from above: a bent round sleeve with bare copper at its ends."""
    length, width = float(rng.uniform(0.045, 0.068)), float(rng.uniform(0.012, 0.020))
    height, columns = round(width * 1000 * _DRAWN), round(length * 1000 * _DRAWN)
    colour = np.array(_INSULATION[int(rng.integers(len(_INSULATION)))])
    thick = int(rng.integers(9, 17))
    x = np.linspace(thick, columns - thick, 60)
    phase, waves = rng.uniform(0, 2 * math.pi), rng.uniform(0.5, 1.6)
    swing = (height / 2 - thick / 2 - 2) * np.sin(phase + x / columns * waves * 2 * math.pi)
    line = np.column_stack([x, height / 2 + swing])
    rgba = np.zeros((height, columns, 4), np.uint8)
    # From the dark rim to the lit crest, each stroke narrower than the one before.
    for share, shade in ((1.0, 0.55), (0.75, 0.85), (0.45, 1.05), (0.15, 1.3)):
        stroke = max(1, round(thick * share))
        lit = tuple(int(c) for c in np.clip(colour * shade + 14 * shade, 0, 255))
        points = [np.rint(line * 16).astype(np.int32)]
        cv2.polylines(rgba, points, False, (*lit, 255), stroke, cv2.LINE_AA, 4)
        for end in (line[:5], line[-5:]):
            copper = tuple(int(c) for c in np.clip(np.array(_COPPER) * shade, 0, 255))
            points = [np.rint(end * 16).astype(np.int32)]
            cv2.polylines(
                rgba, points, False, (*copper, 255), max(1, stroke * 2 // 3), cv2.LINE_AA, 4
            )
    return Decal(rgba, length, width)


def _package(rng: np.random.Generator) -> Decal:
    """A flat blister package from above: a printed card with a clear bubble."""
    length, width = float(rng.uniform(0.050, 0.068)), float(rng.uniform(0.034, 0.046))
    rows, columns = round(width * 1000 * _DRAWN), round(length * 1000 * _DRAWN)
    base = np.array(rng.integers(50, 245, 3))
    card = np.full((rows, columns, 3), 0, np.uint8)
    card[:] = base
    ink = (20, 20, 20) if float(base.mean()) > 110 else (235, 235, 235)
    band = round(rows * 0.3)
    card[:band] = rng.integers(20, 235, 3)
    word = str(rng.choice(["POWER PACK", "LUMEN", "BUTTON CELL", "ADAPTER", "VALUE"]))
    high = min(0.16 * rows, 0.8 * columns / text_width(word, 1.0))
    draw_text(card, word, (columns / 2, band / 2), high, _WHITE, 1.2)
    box = (round(columns * 0.14), band + 8, round(columns * 0.86), rows - 8)
    bubble = card[box[1] : box[3], box[0] : box[2]]
    bubble[:] = (bubble * 0.45 + np.array([210, 214, 218]) * 0.5).astype(np.uint8)
    for i in range(3):
        x = round(box[0] + (box[2] - box[0]) * (i + 0.5) / 3)
        y = (box[1] + box[3]) // 2
        cv2.circle(card, (x, y), round(rows * 0.15), (176, 178, 180), -1, cv2.LINE_AA)
        cv2.circle(card, (x, y), round(rows * 0.11), (150, 152, 156), 2, cv2.LINE_AA)
    gleam = ((box[0] + 6, box[3] - 8), (box[2] - 20, box[1] + 6))
    cv2.line(card, *gleam, (240, 242, 245), 2, cv2.LINE_AA)
    cv2.rectangle(card, (box[0], box[1]), (box[2], box[3]), ink, 1, cv2.LINE_AA)
    alpha: NDArray[np.uint8] = np.full((rows, columns, 1), 255, np.uint8)
    cv2.circle(alpha, (columns // 2, 8), 5, 0, -1)
    return Decal(np.concatenate([card, alpha], axis=2), length, width)
