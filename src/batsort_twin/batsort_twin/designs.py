"""How each brand is drawn: own artwork in the colours and words of its type."""

from collections.abc import Callable
from dataclasses import dataclass

from batsort_twin.sleeve import Colour, Sleeve

BLACK, WHITE, SILVER = (26, 26, 28), (238, 238, 234), (186, 188, 190)
COPPER, GOLD = (190, 116, 66), (202, 160, 70)


def _duracell(s: Sleeve) -> None:
    s.band(0.70, 1.0, COPPER)
    s.band(0.69, 0.70, (224, 170, 120))
    s.text("DURACELL", 0.355, 5.2, WHITE, weight=1.35, turned=True, most=0.58)
    s.text("+", 0.86, 4.0, (60, 32, 18), weight=0.8)
    s.small_print(COPPER, ("ALKALINE LR6 1.5V", "MN1500"))


def _energizer(s: Sleeve, swoosh: Colour, edge: Colour, line: str, of: Colour) -> None:
    s.band(0.0, 0.03, BLACK)
    s.swoosh(edge, 0.05, 0.74, 1.3, 4.4)
    s.swoosh(swoosh, 0.05, 0.74, 1.6, 2.6)
    s.text("Energizer", 0.40, 5.2, BLACK, at=-1.9, weight=1.35, slant=0.25, most=0.62)
    s.text(line, 0.42, 2.1, of, at=3.4, weight=1.1, slant=0.2, most=0.5)


def _energizer_alk(s: Sleeve) -> None:
    s.band(0.77, 1.0, BLACK)
    s.band(0.755, 0.77, (200, 30, 36))
    _energizer(s, (206, 30, 38), (236, 180, 40), "MAX", WHITE)
    s.text("+ AA", 0.88, 3.0, WHITE, weight=1.1, most=0.18)
    s.small_print(BLACK, ("ALKALINE 1.5V", "LR6 MAX"))


def _energizer_ind(s: Sleeve) -> None:
    s.band(0.77, 1.0, BLACK)
    s.band(0.735, 0.77, (240, 206, 40))
    _energizer(s, (242, 208, 36), (60, 60, 62), "INDUSTRIAL", (30, 30, 30))
    s.text("+ AA", 0.88, 3.0, (242, 208, 36), weight=1.1, most=0.18)
    s.small_print(BLACK, ("INDUSTRIAL EN91", "ALKALINE 1.5V"))


def _energizer_li(s: Sleeve) -> None:
    s.fade(0.77, 1.0, (60, 140, 205), (150, 190, 215))
    s.band(0.755, 0.77, (20, 70, 140))
    _energizer(s, (36, 128, 208), (150, 205, 235), "LITHIUM", WHITE)
    s.text("+ AA", 0.88, 3.0, WHITE, weight=1.1, most=0.18)
    s.small_print((20, 84, 160), ("ULTIMATE LITHIUM", "L91 1.5V"))


def _exell(s: Sleeve, chemistry: str) -> None:
    ink = (34, 36, 30)
    s.text("EXELL", 0.26, 3.2, ink, at=-2.6, weight=0.95)
    s.text(chemistry, 0.5, 2.8, ink, at=1.8, weight=0.95, most=0.84)
    s.text("+", 0.93, 2.6, ink)
    s.text("-", 0.06, 2.6, ink)
    s.small_print(ink, ("RECHARGEABLE", "1.2V"))


def _exell_green(s: Sleeve) -> None:
    _exell(s, f"Ni-MH AA{s.rng.choice([1300, 1800, 2000])}mAh 1.2V")


def _exell_yellow(s: Sleeve) -> None:
    _exell(s, f"Ni-Cd AA{s.rng.choice([700, 800, 1000])}mAh 1.2V")


def _gp(s: Sleeve) -> None:
    s.band(0.0, 0.06, GOLD)
    s.band(0.30, 0.74, (226, 224, 214))
    s.fade(0.74, 1.0, (214, 140, 44), (196, 146, 60))
    s.text("GP", 0.17, 6.6, BLACK, weight=1.7, most=0.22)
    s.text("ULTRA", 0.52, 4.0, (206, 104, 24), at=-1.7, weight=1.3, slant=0.2, most=0.4)
    s.text("ALKALINE", 0.52, 2.3, BLACK, at=3.0, weight=1.0, most=0.4)
    s.text("+", 0.88, 4.0, BLACK, weight=0.8)
    s.small_print(BLACK, ("GP15AU LR6 1.5V", "ALKALINE"))


def _ikea(s: Sleeve) -> None:
    s.band(0.60, 1.0, (206, 208, 210))
    s.text("ALKALINE", 0.29, 3.6, (250, 248, 226), at=-2.4, weight=1.3, most=0.5)
    s.text("1.5V LR6", 0.27, 2.4, (70, 62, 20), at=2.6, weight=1.0, most=0.42)
    s.plate(0.77, 13.0, 7.4, BLACK, round_=False)
    s.plate(0.77, 12.0, 6.2, (240, 238, 226), round_=True)
    s.text("IKEA", 0.77, 3.4, BLACK, weight=1.7, most=0.19)
    s.text("+", 0.95, 3.0, (70, 62, 20))
    s.small_print((70, 62, 20), ("ALKALISK", "LR6 1.5V"))


def _klarus(s: Sleeve) -> None:
    s.band(0.0, 0.13, BLACK)
    s.band(0.86, 1.0, BLACK)
    s.text("KLARUS", 0.47, 4.6, WHITE, at=-1.9, weight=1.4, most=0.58)
    s.text(f"{s.rng.choice([750, 800, 1200])}mAh 3.7V", 0.48, 2.7, BLACK, at=3.2, most=0.56)
    s.text("+", 0.93, 3.0, (220, 40, 40), weight=0.8)
    s.small_print(WHITE, ("LI-ION RECHARGEABLE", "PROTECTED"))


def _voltara(s: Sleeve) -> None:
    s.band(0.62, 0.70, (240, 120, 30))
    s.text("VOLTARA", 0.34, 4.8, WHITE, weight=1.4, most=0.5)
    s.text("+", 0.86, 4.0, WHITE, weight=0.8)


def _novacel(s: Sleeve) -> None:
    s.fade(0.0, 0.5, (70, 30, 110), (150, 70, 190))
    s.band(0.9, 1.0, SILVER)
    s.text("NOVACEL", 0.46, 5.0, (230, 220, 250), slant=0.2, most=0.7)


def _brilux(s: Sleeve) -> None:
    for start in (0.1, 0.24, 0.38):
        s.band(start, start + 0.05, (180, 26, 110))
    s.text("BRILUX", 0.70, 4.6, (140, 16, 84), weight=1.4, most=0.46)


def _polaris(s: Sleeve) -> None:
    s.band(0.80, 1.0, (214, 216, 220))
    s.text("POLARIS", 0.38, 4.6, (240, 200, 70), weight=1.2, most=0.6)
    s.text("HEAVY DUTY", 0.38, 2.0, WHITE, at=4.4, most=0.5)


def _coralis(s: Sleeve) -> None:
    s.band(0.0, 0.35, (250, 236, 226))
    s.text("CORALIS", 0.66, 4.4, WHITE, weight=1.4, most=0.54)


def _duramax(s: Sleeve) -> None:
    s.band(0.0, 0.2, GOLD)
    s.band(0.2, 0.22, (140, 30, 30))
    s.text("DYNAMAX", 0.60, 4.8, GOLD, weight=1.3, most=0.66)


def _enerjoy(s: Sleeve) -> None:
    s.band(0.0, 0.30, (40, 130, 70))
    s.swoosh((60, 160, 90), 0.32, 0.95, 1.6, 3.0)
    s.text("enerplus", 0.64, 4.6, (20, 70, 40), at=-1.0, most=0.6)


def _suncell(s: Sleeve) -> None:
    s.band(0.0, 0.16, (30, 60, 130))
    s.band(0.84, 1.0, (30, 60, 130))
    s.text("SUNTEC", 0.5, 4.8, (30, 60, 130), weight=1.4, most=0.56)


@dataclass(frozen=True, slots=True)
class Design:
    """How one brand is drawn."""

    bases: tuple[Colour, ...]
    draw: Callable[[Sleeve], None]
    gloss: float = 0.30


DESIGNS: dict[str, Design] = {
    "Duracell_Alk": Design(((28, 27, 28),), _duracell),
    "Energizer_Alk": Design((SILVER,), _energizer_alk, 0.42),
    "Energizer_Ind": Design(((196, 196, 194),), _energizer_ind, 0.42),
    "Energizer_Li": Design(((204, 210, 216),), _energizer_li, 0.42),
    "Exell_Green": Design(((84, 158, 70), (150, 212, 104), (52, 150, 110)), _exell_green, 0.18),
    "Exell_Yellow": Design(((222, 206, 62), (228, 196, 52)), _exell_yellow, 0.18),
    "GP_Alk": Design(((206, 150, 62), (196, 138, 66)), _gp, 0.36),
    "IKEA_Alk": Design(((232, 216, 30),), _ikea),
    "Klarus": Design(((204, 30, 34),), _klarus, 0.22),
    "Voltara": Design(((20, 128, 134),), _voltara),
    "Novacel": Design(((150, 70, 190),), _novacel),
    "Brilux": Design(((240, 238, 240),), _brilux),
    "Polaris": Design(((24, 38, 96),), _polaris),
    "Coralis": Design(((244, 120, 150),), _coralis),
    "Dynamax": Design(((34, 30, 32),), _duramax),
    "Enerplus": Design(((190, 194, 192),), _enerjoy, 0.4),
    "Suntec": Design(((234, 200, 50),), _suncell, 0.2),
}

KNOWN = tuple(list(DESIGNS)[:9])
"""The types of the paper."""
UNKNOWN = tuple(list(DESIGNS)[9:])
"""Invented brands; the last three come near to known ones."""
