"""Node `ejector`: items and verdicts in, one decision per item and the shots of the valves out."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace

from batsort_core.items import EjectResult
from batsort_core.recipe import RecipeError, assign
from batsort_core.sorter import Decision, Shot, Sorter
from batsort_interfaces.msg import (
    BatteryClassification,
    BeltItem,
    BeltState,
    CellState,
    EjectEvent,
)
from batsort_interfaces.srv import AssignTypes
from rcl_interfaces.msg import SetParametersResult
from rclpy.parameter import Parameter as RosParameter

from .configuration import CELL_FILE, Parameter, declare, load_cell
from .convert import decision_message, item_of, reading_of, shot_message, verdict_of
from .heartbeat import Health, Heartbeat
from .journal import JOURNAL_DIR, Journal
from .managed import ManagedNode
from .run import run
from .topics import publisher

ABORTING = ("aborting", "aborted")


class Ejector(ManagedNode):
    """Feeds the core's sorter and hands on what it decides."""

    def __init__(self) -> None:
        super().__init__("ejector")
        declare(self, (CELL_FILE, JOURNAL_DIR))
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._recipe = self._cell.recipe
        declare(self, recipe_parameters(self._recipe.threshold, self._recipe.novelty_limit))
        self._adopt("threshold", self.get_parameter("threshold").value)
        self._adopt("novelty_limit", self.get_parameter("novelty_limit").value)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._counts: Counter[str] = Counter()
        self._decisions = publisher(self, "items/decisions")
        self._commands = publisher(self, "ejector/commands")
        self._journal: Journal | None = None
        self._sorter: Sorter | None = None
        self._known_types: tuple[str, ...] = tuple(self._recipe.types)
        self.create_service(AssignTypes, "ejector/assign_types", self._assign_types)
        self._heartbeat = Heartbeat(self, self._health)

    def configure(self) -> None:
        self._journal = Journal(self)

    def activate(self) -> None:
        self._sorter = Sorter(self._cell)
        self._sorter.recipe = self._recipe
        decided = [Decision.from_record(record) for record in self._journal]
        self._sorter.restore(decided)
        for decision in decided[-self._decisions_kept :]:
            # Whoever did not get it before a restart gets it now; known ones are ignored there.
            self._decisions.publish(decision_message(decision))
        self.listen("belt/items", lambda m: self._act(self._sorter.on_item(item_of(m))))
        self.listen("belt/state", self._on_belt)
        self.listen("classifications", self._on_verdict)
        self.listen("ejector/events", self._on_event)
        self.listen("cell/state", self._on_cell)

    def cleanup(self) -> None:
        self._journal.close()
        self._journal = self._sorter = None
