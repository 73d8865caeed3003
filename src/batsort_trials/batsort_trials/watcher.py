"""A node that listens to a running cell, and notes what happens there."""

from __future__ import annotations

import math
import os
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from batsort_core.cell import CellDescription
from batsort_graph.topics import READER, TOPICS, TWIN
from batsort_interfaces.msg import BeltState, CellState, ItemOutcome
from batsort_reports import run_log
from batsort_reports.report import Run
from batsort_reports.scenario_report import Observed

QUIET_S = 1.5
"""Until nothing more is awaited of the twin."""


class Watcher(Node):
    """Listens to a running cell and fills a `Run`; a thread of its own spins it."""

    def __init__(self, run: Run, cell: CellDescription, namespace: str = "") -> None:
        self._context = rclpy.Context()
        rclpy.init(context=self._context, signal_handler_options=SignalHandlerOptions.NO)
        super().__init__(
            "watcher", context=self._context, namespace=namespace, start_parameter_services=False
        )
        self.run = run
        self.belt_length = cell.others.distance
        """From the barrier to the belt's end [m]."""
        self.log = run_log.RunLog(run, cell.belt.metres_per_count)
        self._held_since: float | None = None
        self._truth_heard = math.inf
        for name in run_log.TOPICS:
            topic = (TOPICS | READER | TWIN)[name]
            qos = topic.qos
            qos.depth = 1000
            self.create_subscription(topic.type, name, partial(self._hear, name), qos)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self)
        self._thread = threading.Thread(target=self._spin, name="watcher", daemon=True)
        self._thread.start()

    def sorted_all(self, items: int) -> bool:
        """Whether the whole stream has left the belt and every item has its outcome."""
        balance = self.run.bins
        return (
            balance.on_belt == 0
            and time.monotonic() - self._truth_heard > QUIET_S
            and balance.items_in == len(set(self.run.items)) == len(self.run.outcomes)
            and self.run.left >= items
        )

    def held_s(self) -> float:
        """How long the cell has stood with something for an operator to do [s]."""
        return 0.0 if self._held_since is None else time.monotonic() - self._held_since

    def close(self) -> None:
        """Stop listening."""
        self._context.try_shutdown()
        self._thread.join(timeout=5.0)

    def _spin(self) -> None:
        try:
            self._executor.spin()
        except ExternalShutdownException:
            return

    @property
    def belt(self) -> BeltState:
        """The newest reading."""
        return self.log.belt

    @property
    def cell_state(self) -> CellState:
        """As last heard."""
        return self.log.cell_state

    @property
    def observed(self) -> Observed:
        """What was seen beside the items."""
        return self.log.observed

    def _hear(self, topic: str, message: Any) -> None:
        self.log.hear(topic, message, time.monotonic())
        if topic == "cell/state":
            standing = message.state in ("held", "aborted", "stopped") and bool(message.cure)
            if standing and self.belt.header.stamp.sec and self._held_since is None:
                self._held_since = time.monotonic()
            elif not standing:
                self._held_since = None
        elif topic == "twin/truth":
            self._truth_heard = time.monotonic()
        elif topic == "items/outcomes" and message.outcome == ItemOutcome.SORTED_CONFIRMED:
            self.run.first_sorted_s = self.run.first_sorted_s or round(_age_s(), 2)


def _age_s() -> float:
    """How long ago this process began, with the `./cell` that became it [s]."""
    fields = Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    began = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - began
