"""What came of reading print, where it was wanted of an item that could be sorted."""

from collections import Counter
from enum import StrEnum

from batsort_core.items import PrintReading, Verdict
from batsort_core.recent import Recent
from batsort_core.recipe import Recipe

_REMEMBERED = 256  # unread items whose readings may come after all
_UNREAD = 5  # items in a row without a reading in time


class Reading(StrEnum):
    """What came of reading print, where it was wanted: each item counts once."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    NOTHING = "nothing"
    """No chemistry or brand was read, or not surely enough to contradict."""
    UNREAD = "unread"
    """The item was decided without a reading."""


class PrintTally:
    """Counts them as items are decided."""

    def __init__(self) -> None:
        self.readings: Counter[Reading] = Counter()
        """Of items whose print was wanted, those sorted so far, or kept from that by it."""
        self.late = 0
        """Of unread items, those whose reading came after all; it changes nothing."""
        self._unread: Recent[bool] = Recent(_REMEMBERED)
        self._unread_in_a_row = 0

    def decided(self, recipe: Recipe, verdict: Verdict, reading: PrintReading | None) -> None:
        """An item was sorted, or kept from that by its print, with that reading."""
        rule = recipe.print
        if rule is None or not rule.veto or not recipe.wants_print(verdict):
            return
        self._unread_in_a_row = 0 if reading else self._unread_in_a_row + 1
        if reading is None:
            self.readings[Reading.UNREAD] += 1
            self._unread.add(verdict.item_id, True)
        elif recipe.contradicts(verdict.type, reading):
            self.readings[Reading.CONTRADICTS] += 1
        elif recipe.agrees(verdict.type, reading):
            self.readings[Reading.AGREES] += 1
        else:
            self.readings[Reading.NOTHING] += 1

    def came_late(self, item_id: int) -> None:
        """A reading of an item that is decided."""
        self.late += self._unread.pop(item_id) is not None

    @property
    def warnings(self) -> list[str]:
        """What should be looked at."""
        if self._unread_in_a_row < _UNREAD:
            return []
        return [
            f"the print of {self._unread_in_a_row} items in a row was not read in time; "
            "see the reader, or slow the belt"
        ]
