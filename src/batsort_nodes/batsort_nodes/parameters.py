"""The parameters of every node of a namespace, in ROS' own form: ParameterEvent messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import Parameter, ParameterEvent
from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.task import Future

from batsort_graph.topics import QUIET, Topic

EVENTS = Topic("/parameter_events", ParameterEvent, 1000, "all", ())
PERIOD_S = 0.5


class ParameterWatch:
    """Calls back with all parameters of each node when it appears, and with each later change."""

    def __init__(self, node: Node, callback: Callable[[ParameterEvent], None]) -> None:
        self._node = node
        self._callback = callback
        self._present: Counter[str] = Counter()
        self._questions: dict[str, _Question] = {}
        self._subscription = node.create_subscription(
            EVENTS.type,
            EVENTS.name,
            self._on_event,
            EVENTS.qos,
            event_callbacks=SubscriptionEventCallbacks(**QUIET),
        )
        self._timer = node.create_timer(
            PERIOD_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def close(self) -> None:
        """Watch no more."""
        self._timer.cancel()
        self._node.destroy_subscription(self._subscription)
        while self._questions:
            self._questions.popitem()[1].drop()

    def _on_event(self, event: ParameterEvent) -> None:
        if event.node.rpartition("/")[0] == self._node.get_namespace().rstrip("/"):
            self._callback(event)

    def _look(self) -> None:
        """See who is there; a name that is there once more than before is a node that is new."""
        namespace = self._node.get_namespace()
        found = self._node.get_node_names_and_namespaces()
        present = Counter(name for name, where in found if where == namespace)
        for name in present - self._present:
            if name in self._questions:
                self._questions.pop(name).drop()
            self._questions[name] = _Question(self._node, name, self._callback)
        self._present = present
        for name, question in list(self._questions.items()):
            if question.answered or name not in present:
                self._questions.pop(name).drop()
            else:
                question.ask()


class _Question:
    """Asks a node for all its parameters as soon as it offers to tell them, if it ever does."""

    def __init__(self, node: Node, name: str, callback: Callable[[ParameterEvent], None]) -> None:
        self.answered = False
        self._node = node
        self._name = node.resolve_topic_name(name)
        self._callback = callback
        self._asked = False
        self._list = node.create_client(ListParameters, f"{name}/list_parameters")
        self._get = node.create_client(GetParameters, f"{name}/get_parameters")

    def ask(self) -> None:
        """Once, and without waiting."""
        if not self._asked and self._list.service_is_ready() and self._get.service_is_ready():
            self._asked = True
            self._list.call_async(ListParameters.Request()).add_done_callback(self._on_names)

    def drop(self) -> None:
        """Never mind the answer."""
        self._node.destroy_client(self._list)
        self._node.destroy_client(self._get)

    def _on_names(self, future: Future) -> None:
        names = future.result().result.names
        request = GetParameters.Request(names=names)
        self._get.call_async(request).add_done_callback(
            lambda future: self._on_values(names, future.result().values)
        )

    def _on_values(self, names: list[str], values: list[Any]) -> None:
        self.answered = True
        parameters = [Parameter(name=n, value=v) for n, v in zip(names, values, strict=True)]
        stamp = self._node.get_clock().now().to_msg()
        self._callback(ParameterEvent(stamp=stamp, node=self._name, new_parameters=parameters))
