"""A node's sign of life and health on /diagnostics (REP-107), twice a second on a steady clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from batsort_core.flow import Flow
from batsort_core.trouble import LastTrouble, Trouble
from batsort_graph.topics import DIAGNOSTICS, links

PERIOD_S = 0.5


@dataclass(frozen=True)
class Health:
    """What a node says of itself: no `fault` and no `warning` mean well."""

    values: Mapping[str, object] = field(default_factory=dict)
    warning: str = ""
    fault: Trouble | None = None
    flows: Sequence[Flow] = ()
    """What passes the node."""


class Heartbeat:
    """Publishes `<namespace>/<node>: <node>` with the node's health, and its lifecycle stage."""

    def __init__(
        self,
        node: Node,
        health: Callable[[], Health],
        stage: Callable[[], str] | None = None,
    ) -> None:
        self._node = node
        self._health = health
        self._stage = stage
        self._fault: Trouble | None = None
        self._last = LastTrouble()
        self._publisher = node.create_publisher(DIAGNOSTICS.type, DIAGNOSTICS.name, DIAGNOSTICS.qos)
        self._timer = node.create_timer(
            PERIOD_S, self.beat, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self.beat()

    def tell(self, fault: Trouble | None) -> None:
        """Publish at once where this is news: the cell has to stand before the next beat."""
        if fault != self._fault:
            self.beat()

    def beat(self) -> None:
        """Publish now: at once after a change, so that nobody has to wait for the period."""
        health, now = self._health(), time.monotonic()
        values = dict(health.values)
        for flow in health.flows:
            values |= flow.figures(now)
        self._last.see(health.fault, now)
        values |= self._last.figures(now)
        if self._stage is not None:
            values["lifecycle"] = self._stage()
        level, message = DiagnosticStatus.OK, "ok"
        if health.warning:
            level, message = DiagnosticStatus.WARN, health.warning
        self._fault = health.fault
        if health.fault:
            level, message = DiagnosticStatus.ERROR, str(health.fault)
            values |= asdict(health.fault)
        values |= links(self._node).tell()
        status = DiagnosticStatus(
            level=level,
            name=f"{self._node.get_fully_qualified_name()}: {self._node.get_name()}",
            message=message,
            hardware_id=self._node.get_namespace(),
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)


def trouble_of(status: DiagnosticStatus) -> Trouble | None:
    """What troubles a node, from its heartbeat or from the status of one that is not ours."""
    if status.level < DiagnosticStatus.ERROR:
        return None
    told = {pair.key: pair.value for pair in status.values}
    if "cause" not in told:
        return Trouble(status.message, "mend the cause, then start the cell")
    return Trouble(
        told["cause"],
        told.get("cure", ""),
        outside=told.get("outside") == "True",
        lasting=told.get("lasting") == "True",
    )
