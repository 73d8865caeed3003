"""Standard cells by their size."""

from dataclasses import dataclass


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
