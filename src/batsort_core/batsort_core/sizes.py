"""Standard sizes of round cells, and which of them a length at the light barrier can be.

Primary cells as IEC 60086-2 has them (the names of Ni-MH and Ni-Cd cells of IEC 61951 are the
same), down to what flat-topped industrial cells measure; Li-ion cells as IEC 61960-3 names them,
from bare ones to those with a protection circuit at their end. Blocks (9 V) lie any way round, so
that their length tells nothing: they have no name here.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

MOST_YAW = math.radians(12.0)
"""How far askew a cell lies between the guides, at most [rad]."""
_SIGMAS = 3.0


class Size(StrEnum):
    """Names of sizes, as they are printed on cells."""

    AAAA = "AAAA"
    AAA = "AAA"
    AA = "AA"
    C = "C"
    D = "D"
    N = "N"
    A23 = "A23"
    """12 V: LR932 stacks eight button cells."""
    CR2 = "CR2"
    CR123A = "CR123A"
    LI_10440 = "10440"
    LI_14500 = "14500"
    LI_16340 = "16340"
    LI_18350 = "18350"
    LI_18500 = "18500"
    LI_18650 = "18650"
    LI_20700 = "20700"
    LI_21700 = "21700"
    LI_26650 = "26650"
    LI_32700 = "32700"


@dataclass(frozen=True, slots=True)
class Measures:
    """What a cell of a size may measure [m]."""

    shortest: float
    longest: float
    thinnest: float
    thickest: float

    def along(self) -> tuple[float, float]:
        """Least and greatest length along the belt [m], the cell lying askew or not.

        A cylinder of length L and diameter d that is turned by an angle a reaches over

            L cos(a) + d sin(a)

        of the belt: L where it lies straight, and most, sqrt(L^2 + d^2), at tan(a) = d / L. In
        between it only grows, behind that it only shrinks; so over all angles up to MOST_YAW it is
        least at one of the ends, and greatest at d / L or at MOST_YAW, whichever comes first.
        """
        least = min(self.shortest, _along(self.shortest, self.thinnest, MOST_YAW))
        widest = min(MOST_YAW, math.atan2(self.thickest, self.longest))
        return least, _along(self.longest, self.thickest, widest)


def _along(length: float, diameter: float, angle: float) -> float:
    return length * math.cos(angle) + diameter * math.sin(angle)


def _mm(shortest: float, longest: float, thinnest: float, thickest: float) -> Measures:
    return Measures(shortest / 1e3, longest / 1e3, thinnest / 1e3, thickest / 1e3)


MEASURES = {
    Size.AAAA: _mm(41.0, 42.5, 7.7, 8.3),
    Size.AAA: _mm(42.5, 44.5, 9.5, 10.5),
    Size.AA: _mm(48.0, 50.5, 13.5, 14.5),
    Size.C: _mm(47.5, 50.0, 24.9, 26.2),
    Size.D: _mm(58.0, 61.5, 32.3, 34.2),
    Size.N: _mm(28.5, 30.2, 10.9, 12.0),
    Size.A23: _mm(27.5, 28.9, 9.3, 10.5),
    Size.CR2: _mm(26.0, 27.0, 15.0, 15.6),
    Size.CR123A: _mm(33.3, 34.5, 16.0, 17.0),
    Size.LI_10440: _mm(43.0, 46.5, 9.8, 10.5),
    Size.LI_14500: _mm(48.5, 53.0, 13.8, 14.8),
    Size.LI_16340: _mm(33.0, 37.0, 16.0, 17.0),
    Size.LI_18350: _mm(34.0, 39.0, 17.8, 18.8),
    Size.LI_18500: _mm(49.0, 54.0, 17.8, 18.8),
    Size.LI_18650: _mm(64.5, 70.5, 17.8, 19.0),
    Size.LI_20700: _mm(69.5, 75.0, 19.8, 21.0),
    Size.LI_21700: _mm(69.5, 76.5, 20.8, 22.0),
    Size.LI_26650: _mm(64.5, 71.0, 25.8, 27.0),
    Size.LI_32700: _mm(69.5, 73.0, 31.8, 33.0),
}
"""[m]; how much longer a protected Li-ion cell is than a bare one is its maker's choice."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A length along the belt with what the barrier and the encoder leave open [m]."""

    length: float
    error: float = 0.0
    """More or less."""
    slip: float = 0.0
    """Part of the length that the encoder may have missed or invented."""

    def fits(self, size: Size) -> bool:
        """Whether it can be a cell of that size, straight or askew. NaN fits none."""
        least, most = MEASURES[size].along()
        spread = self.error + self.slip * self.length
        return least - spread <= self.length <= most + spread


def edges_error(position_error: float) -> float:
    """Of a length between two edges that are each off by `position_error` [m], 1 sigma.

    `3 sqrt(2) position_error`: 3 sigma of the difference of two edges.
    """
    return _SIGMAS * math.sqrt(2.0) * position_error
