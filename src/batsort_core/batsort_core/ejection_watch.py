"""Valves and confirm eyes that don't do their work, told from what becomes of items."""

from collections import Counter, deque

from batsort_core.cell import CellDescription
from batsort_core.items import Outcome
from batsort_core.trouble import Trouble

_MISSED = 2  # items in a row that a valve did not blow
_VALVES = 3  # different valves in a row that did not blow one
_UNSEEN = 3  # items in a row that an eye did not see
_LOST, _OF_SHOTS = 3, 6  # items blown at that no eye saw in time
_STRANGE = 3  # arrivals in a row that can't be
_UNKNOWN, _OF_LAST = 3, 20  # arrivals at the belt's end that no item explains


class EjectionWatch:
    """Counts what goes wrong in a row; what is found stays until somebody has looked."""

    def __init__(self, cell: CellDescription) -> None:
        self._others = cell.others.name
        self._valves = {bin.name: bin.valve for bin in cell.ejectors}
        self.trouble: Trouble | None = None
        self.acknowledge()

    def acknowledge(self) -> None:
        """Somebody has looked: judge anew from what comes now."""
        self.trouble = None
        self._missed: Counter[str] = Counter()
        self._missed_by: list[str] = []
        self._unseen: Counter[str] = Counter()
        self._lost: deque[bool] = deque(maxlen=_OF_SHOTS)
        self._strange: Counter[str] = Counter()
        self._at_end: deque[bool] = deque(maxlen=_OF_LAST)

    def unconfirmed(self, bin: str) -> None:
        """An item was blown into that bin, and its eye has not seen it in time."""
        self._lost.append(True)
        self._not_seen(bin)
        if sum(self._lost) >= _LOST:
            self._found(
                f"{_LOST} of the last {_OF_SHOTS} items that were blown at never arrived",
                "look for a jam on the belt, check the air, then start the cell",
            )

    def settled(self, outcome: Outcome, decided_bin: str, bin: str) -> None:
        """What became of an item: it was meant for `decided_bin`, and seen in `bin` if anywhere."""
        if outcome is Outcome.MISSING and decided_bin == self._others:
            self._not_seen(decided_bin)
        if not bin:
            return
        if bin == self._others:
            self._at_end.append(False)
        if outcome is Outcome.SORTED_CONFIRMED:
            self._lost.append(False)
        if bin == decided_bin:
            self._unseen[bin] = self._missed[bin] = self._strange[bin] = 0
            self._missed_by = [name for name in self._missed_by if name != bin]
        elif bin == self._others and outcome is Outcome.FAULT and decided_bin in self._valves:
            self._not_blown(decided_bin)

    def strange(self, bin: str, passed: bool) -> None:
        """Something arrived at once in a bin that nothing was blown into.

        `passed`: an item for another bin had just been before its nozzle.
        """
        if passed:
            self._found(
                f"something arrived in {bin} that was not for it: valve {self._valves[bin]} may "
                "be stuck open, or the eye there sees what is not",
                "shut the air, look at valve and eye, take off what the jet has moved, then start "
                "the cell",
            )
            return
        self._strange[bin] += 1
        if self._strange[bin] >= _STRANGE:
            self._found(
                f"the eye of {bin} sees what can't be there", "clean the eye, then start the cell"
            )

    def unexplained(self, bin: str) -> None:
        """An arrival was given up: no item explains it."""
        if bin != self._others:
            return
        self._at_end.append(True)
        if sum(self._at_end) >= _UNKNOWN:
            self._found(
                "batteries arrive at the belt's end that the light barrier has not seen",
                "clean the barrier, or see what falls onto the belt, then start the cell",
            )

    def _not_seen(self, bin: str) -> None:
        self._unseen[bin] += 1
        if self._unseen[bin] < _UNSEEN:
            return
        valve = self._valves.get(bin)
        look = f"look at valve {valve} and its air, " if valve is not None else ""
        self._found(
            f"the eye of {bin} has not seen the last {_UNSEEN} that went there",
            f"clean the eye, {look}look beside the bin and for a jam, then start the cell",
        )

    def _not_blown(self, decided_bin: str) -> None:
        valve = self._valves[decided_bin]
        self._missed[decided_bin] += 1
        self._missed_by = [*(n for n in self._missed_by if n != decided_bin), decided_bin]
        if len(self._missed_by) >= _VALVES:
            self._found("the valves do not blow", "check the air, then start the cell")
        elif self._missed[decided_bin] >= _MISSED:
            self._found(
                f"valve {valve} does not blow: the last {_MISSED} for {decided_bin} rode on",
                "check the valve and its air, then start the cell",
            )

    def _found(self, cause: str, cure: str) -> None:
        if self.trouble is None:
            self.trouble = Trouble(cause, cure, lasting=True)
