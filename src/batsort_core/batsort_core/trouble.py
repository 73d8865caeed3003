"""What keeps a part of the cell from its work, in an operator's words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One cause, and what to do about it."""

    cause: str
    cure: str
    outside: bool = False
    """The cause is outside the cell: it is suspended, not held (ISA-TR88.00.02)."""
    lasting: bool = False
    """An operator has to start the cell again, even where the trouble goes away by itself."""

    def __str__(self) -> str:
        return f"{self.cause}; {self.cure}"
