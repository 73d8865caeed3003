"""From lines of recognised text to what they say of a battery: chemistry, voltage, brand, size.

Nothing is guessed: a finding needs words that say so, in a line that was read surely.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    """0 to 1."""
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
    size: Finding | None = None
    chemistries: tuple[Finding, ...] = ()
    """All that were found, the strongest first: two where two labels are in one picture."""

    @property
    def text(self) -> str:
        """All lines in one."""
        return " / ".join(line.text for line in self.lines)


def interpret(lines: Sequence[Line]) -> Print:
    """What `lines` say, however they are ordered."""
    return Print(lines=tuple(lines))
