"""How the twin is run: what is fed, how its valves and its encoder are made, what goes wrong."""

import math
from dataclasses import dataclass, fields
from pathlib import Path

from batsort_twin.fault import Fault


class TwinError(ValueError):
    """An option is refused; one line with its name, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class TwinOptions:
    """How the twin is run. Raises TwinError for a value that is not allowed."""

    items: int = 100
    """To feed; 0: without end."""
    rate: float = 5.0
    """Items a second at the commanded belt speed."""
    seed: int = 0
    photos: Path | None = None
    """One folder of photos per type; None: drawn batteries."""
    unknown_share: float = 0.1
    """Of drawn items that are of an unknown type."""
    opening_s: float = 0.010
    """From energising a valve to the open jet [s]."""
    opening_scatter_s: float = 0.0005
    """1 sigma [s]."""
    encoder_bits: int = 32
    """Width of the encoder's counter."""
    pitch_scatter: float = 0.010
    """Most that an item's place differs from an even pitch [m]."""
    min_gap: float = 0.015
    """Least gap between items as they are fed [m]."""
    faults: tuple[Fault, ...] = ()
    """To inject."""

    def __post_init__(self) -> None:
        for option in fields(self):
            if option.name in RANGES:
                low, high = RANGES[option.name]
                value = getattr(self, option.name)
                if not (math.isfinite(value) and low <= value <= high):
                    allowed = f"from {low:g} to {high:g}"
                    raise TwinError(f"{option.name}: {value} is refused; allowed: {allowed}")
        if self.encoder_bits not in ENCODER_BITS:
            allowed = " or ".join(map(str, ENCODER_BITS))
            raise TwinError(f"encoder_bits: {self.encoder_bits} is refused; allowed: {allowed}")


ENCODER_BITS = (16, 32, 64)
RANGES: dict[str, tuple[float, float]] = {
    "items": (0, 10_000_000),
    "rate": (0.1, 50.0),
    "seed": (0, 2**31 - 1),
    "unknown_share": (0.0, 1.0),
    "opening_s": (0.0, 0.1),
    "opening_scatter_s": (0.0, 0.01),
    "pitch_scatter": (0.0, 0.05),
    "min_gap": (0.001, 1.0),
}
