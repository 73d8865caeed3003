"""What the cell has to say, until simulated time has come to it."""

import heapq
from collections.abc import Iterable
from dataclasses import replace

from batsort_core.firing import ShotEnd
from batsort_twin.clock import Clock
from batsort_twin.events import Event


class Outbox:
    """Delivers events by the moment at which they are due, then in the order of their adding."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._waiting: list[tuple[int, int, Event]] = []
        self._added = 0

    def add(self, event: Event, delay_s: float = 0.0) -> None:
        """Say it when simulated time has reached its stamp, or so much later."""
        due = event.stamp + round(delay_s * 1e9)
        if self.clock.shift:
            event = replace(event, stamp=event.stamp + self.clock.shift)
        heapq.heappush(self._waiting, (due, self._added, event))
        self._added += 1

    def report(self, ends: Iterable[ShotEnd]) -> None:
        """Say what became of shots."""
        for end in ends:
            self.add(end)

    def delivered(self) -> list[Event]:
        """What is due by now; each once."""
        delivered = []
        while self._waiting and self._waiting[0][0] <= self.clock.now:
            delivered.append(heapq.heappop(self._waiting)[2])
        return delivered
