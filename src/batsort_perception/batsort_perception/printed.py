"""What is printed on a battery: lines of text as they were read, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FLOOR = 0.75
"""Confidence of a line below which it is noise."""
SHORT_FLOOR = 0.88
"""Of a line that is to say something in a few letters, such as LR6 or AA."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of recognised text."""

    text: str
    confidence: float
    """0 to 1."""
    box: NDArray[np.float32]
    """float32[4, 2]: corners (u, v) in the image [px], clockwise from where the text begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a line says."""

    value: str
    """A Chemistry's value, a voltage such as `1.5` [V], a brand or a size as it is written."""
    confidence: float
    """0 to 1: how surely the line was read, times how plainly it says so."""
    text: str
    """The line that says so."""
    box: NDArray[np.float32]
    """float32[4, 2]: of that line."""


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What is printed on a battery. None: not read."""

    lines: tuple[Line, ...] = ()
    chemistry: Finding | None = None
    """None, too, where the print contradicts itself."""
    voltage: Finding | None = None
    brand: Finding | None = None
    """Of those of one maker, the one that says more: PROCELL by Duracell."""
    size: Finding | None = None
    chemistries: tuple[Finding, ...] = ()
    """All that the print may mean, one of each, the strongest first: two labels in one picture,
    or `lithium` alone, which is a primary cell or Li-ion."""

    @property
    def text(self) -> str:
        """All lines in one."""
        return " / ".join(line.text for line in self.lines)

    @property
    def said(self) -> tuple[tuple[str, ...], float, str]:
        """The chemistry, or those that it is one of; how surely, and the line that tells it.

        What one line says of several adds up; lines don't. Without a chemistry: (), 0.0, "".
        """
        if self.chemistry is not None:
            return (self.chemistry.value,), self.chemistry.confidence, self.chemistry.text
        sums: dict[str, float] = {}
        for finding in self.chemistries:
            sums[finding.text] = sums.get(finding.text, 0.0) + finding.confidence
        text = max(sums, key=lambda line: sums[line], default="")
        values = tuple(finding.value for finding in self.chemistries)
        return values, min(1.0, sums.get(text, 0.0)), text


class Text(NamedTuple):
    """A line that was read surely enough."""

    line: Line
    folded: str
    before: str
    """The line before it, folded."""

    def says(self, value: str, strength: float) -> Finding:
        """That it says so, how plainly from 0 to 1."""
        line = self.line
        return Finding(value, float(strength * min(line.confidence, 1.0)), line.text, line.box)
