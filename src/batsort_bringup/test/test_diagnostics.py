"""The aggregator's patterns are held against the names under which nodes tell their health."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import SingleThreadedExecutor

from batsort_bringup import nodes_page
from batsort_nodes.belt import Belt
from batsort_nodes.bins import Bins
from batsort_nodes.camera import Camera
from batsort_nodes.classifier import Classifier
from batsort_nodes.ejector import Ejector
from batsort_nodes.supervisor import Supervisor
from batsort_twin.node import TwinNode

FILE = Path(__file__).parents[3] / "config" / "diagnostics.yaml"
DEADLINE_S = 20.0
GROUPS = {
    "belt": "Belt",
    "bins": "Bins",
    "board": "Backend",
    "camera": "Camera",
    "classifier": "Classifier",
    "ejector": "Ejector",
    "hardware": "Backend",
    "panel": "Watching",
    "reader": "Reader",
    "recorder": "Watching",
    "replay": "Backend",
    "supervisor": "Supervisor",
    "twin": "Backend",
    "viewer": "Watching",
}
SILENT = {"board_contract"}
"""A command rather than a node of a cell: it tells no health."""


def groups(status: str) -> list[str]:
    """Where the aggregator puts it: all that match the whole name."""
    parameters = yaml.safe_load(FILE.read_text(encoding="utf-8"))["/**"]["ros__parameters"]
    analyzers = [value for value in parameters.values() if isinstance(value, dict)]
    assert {a["type"] for a in analyzers} == {"diagnostic_aggregator/GenericAnalyzer"}
    return [a["path"] for a in analyzers for one in a["regex"] if re.fullmatch(one, status)]


@pytest.mark.parametrize("namespace", ["", "/plant", "/hall_2/left"])
def test_every_node_of_any_namespace_is_in_its_one_group(namespace: str) -> None:
    named = {node.name for node in nodes_page.nodes()} - SILENT
    assert named <= set(GROUPS)
    for name, group in GROUPS.items():
        assert groups(f"{namespace}/{name}: {name}") == [group]
    assert groups(f"{namespace}/other/camera_driver: camera") == []


def test_the_names_that_nodes_publish_are_those_of_the_patterns(ros: str) -> None:
    nodes = [make() for make in (Belt, Bins, Camera, Classifier, Ejector, Supervisor, TwinNode)]
    expected = {f"{ros}/{node.get_name()}: {node.get_name()}" for node in nodes}
    watcher = rclpy.create_node("watcher")
    found: dict[str, dict[str, str]] = {}

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            found[status.name] = {pair.key: pair.value for pair in status.values}

    watcher.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 50)
    executor = SingleThreadedExecutor()
    for node in (*nodes, watcher):
        executor.add_node(node)
    deadline = time.monotonic() + DEADLINE_S
    while len(found) < len(nodes) and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    for node in (*nodes, watcher):
        node.destroy_node()
    executor.shutdown()
    assert set(found) == expected
    assert all(len(groups(name)) == 1 for name in found)
    assert "items [1/s]" in found[f"{ros}/belt: belt"]
    assert "verdicts [1/s]" in found[f"{ros}/classifier: classifier"]
