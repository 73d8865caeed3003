"""Following the belt from its published states, as every node behind the belt node does."""

from __future__ import annotations

import time
from collections import Counter

from rclpy.node import Node

from batsort_core.belt import BeltError, BeltReading, BeltTracker
from batsort_core.cell import CellDescription
from batsort_core.trouble import Trouble
from batsort_graph.from_messages import reading_of
from batsort_interfaces.msg import BeltState

SILENCE_S = 2.5
"""Longer than the supervisor's patience, so that it is the silent belt node that gets the blame."""


class BeltFollower:
    """The belt's history as `belt/state` tells it; states that can't be are counted and logged."""

    def __init__(self, node: Node, cell: CellDescription, counts: Counter[str]) -> None:
        self.tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self._node = node
        self._counts = counts
        self._heard: float | None = None

    @property
    def fault(self) -> Trouble | None:
        """What is wrong with belt/state."""
        if self._heard is not None and time.monotonic() - self._heard < SILENCE_S:
            return None
        return Trouble("belt/state is not heard", "see the belt node")

    def take(self, message: BeltState) -> BeltReading | None:
        """Take one state; nothing comes back where it was refused."""
        reading = reading_of(message)
        try:
            self.tracker.follow(reading)
        except BeltError as error:
            self._counts["belt states refused"] += 1
            self._node.get_logger().warning(f"belt/state: {error}", throttle_duration_sec=1.0)
            return None
        self._heard = time.monotonic()
        return reading
