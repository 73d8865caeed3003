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


class LastTrouble:
    """Remembers what was the trouble last, and when it was last there; `t` is in seconds."""

    def __init__(self) -> None:
        self._last: tuple[Trouble, float] | None = None

    def see(self, trouble: Trouble | None, t: float) -> None:
        """What the trouble is now, if any."""
        if trouble is not None:
            self._last = (trouble, t)

    def figures(self, t: float) -> dict[str, str]:
        """The last one, its cure and how long ago it was; nothing where there was none."""
        if self._last is None:
            return {}
        trouble, seen = self._last
        return {
            "last fault": trouble.cause,
            "last cure": trouble.cure,
            "last fault [s ago]": f"{t - seen:.0f}",
        }
