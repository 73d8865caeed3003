"""What is heard of a cell becomes a run: from the running cell and from a bag alike."""

from __future__ import annotations

from typing import Any

from batsort_graph.of_items import OF_ITEMS
from batsort_interfaces.msg import BeltState, CellState, EjectEvent
from batsort_reports.report import Run, seconds
from batsort_reports.scenario_report import Happened, Observed

TOPICS = (
    "belt/state",
    "belt/items",
    "classifications",
    "readings",
    "items/decisions",
    "ejector/events",
    "items/outcomes",
    "bins/state",
    "cell/state",
    "twin/truth",
    "twin/faults",
)


class RunLog:
    """Fills a `Run`, and what was observed beside its items, from messages in any order."""

    def __init__(self, run: Run, metres_per_count: float) -> None:
        self.run = run
        self.observed = Observed()
        self.belt: Any = BeltState()
        self.cell_state: Any = CellState()
        self._metres_per_count = metres_per_count
        self._belt_heard_s: float | None = None

    def moment(self, heard_s: float) -> float:
        """When something was heard, by the stamps of belt readings, also where these are silent.

        Zero before the first one [s].
        """
        if self._belt_heard_s is None:
            return 0.0
        return seconds(self.belt.header.stamp) + heard_s - self._belt_heard_s

    def hear(self, topic: str, message: Any, heard_s: float) -> None:
        """Take a message of one of TOPICS, and when it was heard by any steady clock [s].

        Raises ValueError for a message that can't be.
        """
        run, observed = self.run, self.observed
        match topic:
            case "belt/state":
                self.belt, self._belt_heard_s = message, heard_s
                moment = seconds(message.header.stamp)
                observed.belt.append((moment, message.position, message.moving))
            case "belt/items" | "items/decisions" | "items/outcomes":
                run.lives.take(OF_ITEMS[topic](message))
            case "classifications":
                judged = seconds(message.verdict_stamp)
                run.latencies_s.append(judged - seconds(message.header.stamp))
            case "readings":
                run.readings.setdefault(message.item_id, message)
            case "ejector/events":
                run.lives.take(OF_ITEMS[topic](message))
                if message.result == EjectEvent.FIRED:
                    counts = message.actual_count - message.planned_count
                    run.fire_errors.append(counts * self._metres_per_count)
            case "bins/state":
                run.bins = message
            case "cell/state":
                if message.state != self.cell_state.state:
                    observed.states.append((self.moment(heard_s), message))
                self.cell_state = message
            case "twin/truth":
                run.truths.append(message)
            case "twin/faults":
                # Its own stamp may be of a clock that was just set.
                moment = self.moment(heard_s)
                observed.happened.append(Happened(message.kind, message.active, moment))
