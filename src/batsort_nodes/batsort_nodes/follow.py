"""Following the belt from its published states, as every node behind the belt node does."""

from __future__ import annotations

from collections import Counter

from rclpy.node import Node

from batsort_core.belt import BeltError, BeltReading, BeltTracker
from batsort_core.cell import CellDescription
from batsort_interfaces.msg import BeltState

from .convert import reading_of


class BeltFollower:
    """The belt's history as `belt/state` tells it; states that can't be are counted and logged."""

    def __init__(self, node: Node, cell: CellDescription, counts: Counter[str]) -> None:
        self.tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self._node = node
        self._counts = counts

    def take(self, message: BeltState) -> BeltReading | None:
        """Take one state; nothing comes back where it was refused."""
        reading = reading_of(message)
        try:
            self.tracker.add(reading.stamp, reading.epoch, reading.count)
        except BeltError as error:
            self._counts["belt states refused"] += 1
            self._node.get_logger().warning(f"belt/state: {error}", throttle_duration_sec=1.0)
            return None
        return reading
