"""The order in which the sorter took its inputs, noted so that a replay can follow it."""

from dataclasses import dataclass
from enum import IntEnum

_BATCH = 250_000_000  # [ns] of belt readings between two batches of the order


class Input(IntEnum):
    """Kinds of inputs, and what tells one from the others: the constants of InputOrder."""

    RECIPE = 0
    """Stamp [ns]."""
    ITEM = 1
    """Id."""
    VERDICT = 2
    """Stamp of the image [ns]."""
    BELT = 3
    """Stamp [ns]."""
    EVENT = 4
    """Id of the item."""
    CANCEL_ALL = 5
    """Stamp [ns]."""
    ARRIVAL = 6
    """Stamp [ns]."""
    ACKNOWLEDGE = 7
    """Stamp [ns]."""
    PRINT = 8
    """Stamp of the image [ns]."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A piece of the order."""

    first: int
    """Number of the first input; 0 where a sorter begins anew."""
    inputs: tuple[tuple[Input, int], ...]
    """Kind and key of each."""


class InputLog:
    """Notes the order, for whoever wants to do it all again."""

    def __init__(self) -> None:
        self._first = 0
        self._inputs: list[tuple[Input, int]] = []
        self._sent: int | None = None

    def note(self, kind: Input, key: int) -> Batch | None:
        """The sorter takes this input now; a batch, where one is due."""
        self._inputs.append((kind, key))
        if kind is not Input.BELT:
            return None
        if self._sent is None:
            self._sent = key
        if abs(key - self._sent) < _BATCH:
            return None
        self._sent = key
        return self.take()

    def take(self) -> Batch:
        """What has been noted since the last batch."""
        batch = Batch(self._first, tuple(self._inputs))
        self._first += len(self._inputs)
        self._inputs.clear()
        return batch
