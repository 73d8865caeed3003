"""When faults begin and end, and what is wrong meanwhile."""

from collections.abc import Iterable
from dataclasses import dataclass

from batsort_twin.conditions import Conditions
from batsort_twin.fault import Fault, Stroke

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Active:
    """A fault that has begun."""

    fault: Fault
    began: int
    """[ns]"""
    fed: int
    """Items, when it began."""

    def over(self, now: int, fed: int) -> bool:
        """Whether it has ended by itself."""
        fault = self.fault
        return (
            isinstance(fault, Stroke)
            or (fault.for_s is not None and now >= self.began + round(fault.for_s * _NS))
            or (fault.for_items is not None and fed >= self.fed + fault.for_items)
        )


class Schedule:
    """Which faults are active. `start` is the stamp that `at_s` counts from [ns]."""

    def __init__(self, faults: Iterable[Fault], start: int) -> None:
        self.active: list[Active] = []
        self.conditions = Conditions()
        self._to_come = list(faults)
        self._start = start

    def update(self, now: int, fed: int) -> list[tuple[Fault, bool]]:
        """The faults that have begun (True) or ended (False) by now [ns], in this order."""
        if not self._to_come and not self.active:
            return []
        begun = [fault for fault in self._to_come if self._begins(fault, now, fed)]
        for fault in begun:
            self._to_come.remove(fault)
            self.active.append(Active(fault, now, fed))
        over = [active for active in self.active if active.over(now, fed)]
        changes = [(fault, True) for fault in begun]
        if begun and not over:
            self._see()
        return changes + self.end(over)

    def end(self, over: Iterable[Active]) -> list[tuple[Fault, bool]]:
        """End these; with False each."""
        ended = list(over)
        if ended:
            self.active = [active for active in self.active if active not in ended]
            self._see()
        return [(active.fault, False) for active in ended]

    def _begins(self, fault: Fault, now: int, fed: int) -> bool:
        if fault.at_item is not None:
            return fed >= fault.at_item
        return fault.at_s is not None and now >= self._start + round(fault.at_s * _NS)

    def _see(self) -> None:
        self.conditions = Conditions()
        for active in self.active:
            active.fault.impair(self.conditions, active.began)
