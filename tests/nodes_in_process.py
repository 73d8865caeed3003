"""Nodes in process: a domain of their own, a peer that talks to them, waiting with a deadline."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rclpy
from domain_coordinator import domain_id
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from batsort_graph.topics import READER, TOPICS

CELL_FILE = Path(__file__).parents[1] / "config" / "cell.yaml"
DEADLINE_S = 20.0


class Bench:
    """A node under test and a peer on one executor."""

    def __init__(self) -> None:
        self.executor = SingleThreadedExecutor()
        self.peer = rclpy.create_node("peer")
        self.executor.add_node(self.peer)
        self._publishers: dict[str, Any] = {}

    def add(self, node: Node) -> Node:
        self.executor.add_node(node)
        return node

    def close(self) -> None:
        """End every node now: one that is left to the garbage collector can deadlock Fast DDS."""
        for node in self.executor.get_nodes():
            node.destroy_node()
        self.executor.shutdown()

    def heard(self, topic: str) -> list[Any]:
        """Everything that comes on a topic from now on."""
        messages: list[Any] = []
        row = (TOPICS | READER)[topic]
        self.peer.create_subscription(row.type, row.name, messages.append, row.qos)
        return messages

    def send(self, topic: str, message: Any) -> None:
        """Publish once somebody listens."""
        row = (TOPICS | READER)[topic]
        if topic not in self._publishers:
            self._publishers[topic] = self.peer.create_publisher(row.type, row.name, row.qos)
        publisher = self._publishers[topic]
        self.wait(lambda: publisher.get_subscription_count() > 0)
        publisher.publish(message)

    def call(self, kind: type, name: str, request: Any) -> Any:
        client = self.peer.create_client(kind, name)
        self.wait(client.service_is_ready)
        future = client.call_async(request)
        self.wait(future.done)
        return future.result()

    def wait(self, reached: Callable[[], bool]) -> None:
        """Spin until it is so; fail when it is not within the deadline."""
        deadline = time.monotonic() + DEADLINE_S
        while not reached():
            assert time.monotonic() < deadline, "did not happen in time"
            self.executor.spin_once(timeout_sec=0.05)


@pytest.fixture(scope="session", autouse=True)
def own_domain() -> Iterator[None]:
    """Tests that run side by side must not hear each other."""
    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        yield


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Start ROS with parameters for the node under test; two of them are given."""

    started: list[Bench] = []

    def start(**parameters: Any) -> Bench:
        values = {"cell_file": CELL_FILE, "journal_dir": tmp_path / "journal"} | parameters
        arguments = ["--ros-args"]
        for name, value in values.items():
            arguments += ["-p", f"{name}:={value}"]
        rclpy.init(args=arguments)
        started.append(Bench())
        return started[-1]

    yield start
    for one in started:
        one.close()
    rclpy.try_shutdown()
