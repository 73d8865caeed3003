"""Items whose tracking was lost: they still arrive somewhere, and excuse what no item explains."""

from dataclasses import dataclass

from batsort_core.belt_clock import BeltClock
from batsort_core.bin_journal import Arrived, Lost
from batsort_core.cell import CellDescription


@dataclass(slots=True)
class _Ghost:
    """A lost item, until the belt has run its whole length."""

    lost: Lost
    ran: int = 0
    """Counts that the belt has run since."""
    past_end: int | None = None


class LostItems:
    """Each excuses one arrival, at the belt's end or at the bin it was meant for."""

    def __init__(self, cell: CellDescription) -> None:
        self._others = cell.others.name
        self._passing = cell.counts(cell.others.distance) + cell.counts(cell.confirm.window)
        self._ghosts: list[_Ghost] = []

    @property
    def all(self) -> tuple[Lost, ...]:
        """Those that may yet arrive, oldest first."""
        return tuple(ghost.lost for ghost in self._ghosts)

    def add(self, lost: Lost) -> None:
        """An item was lost just now."""
        self._ghosts.append(_Ghost(lost))

    def excuse(self, arrival: Arrived) -> int | None:
        """The id of the first in line that may be what arrived."""
        at_end = arrival.bin == self._others
        may_be = [lost for lost in self.all if at_end or lost.decided_bin == arrival.bin]
        return may_be[0].item_id if may_be else None

    def found(self, item_id: int | None) -> None:
        """An arrival was put down to it."""
        self._ghosts = [ghost for ghost in self._ghosts if ghost.lost.item_id != item_id]

    def run_on(self, counts: int) -> None:
        """The belt has run so far since the last call."""
        for ghost in self._ghosts:
            ghost.ran += counts

    def forget(self, clock: BeltClock) -> None:
        """Those that must have left the belt by now excuse nothing any more."""
        for ghost in self._ghosts:
            if ghost.past_end is None and ghost.ran > self._passing and clock.reading is not None:
                ghost.past_end = clock.reading.stamp
        self._ghosts = [ghost for ghost in self._ghosts if not clock.overdue(ghost.past_end)]
