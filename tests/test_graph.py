"""The README's graph is the running cell's graph: nodes, topics, types, quality of service."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from launched_cell import LaunchedCell
from rclpy.qos import DurabilityPolicy, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

from batsort_graph.topics import READER, TOPICS, VIEW, Topic
from batsort_supervision.links import Links

README = Path(__file__).parents[1] / "README.md"
NODES = {"belt", "bins", "camera", "classifier", "ejector", "supervisor", "twin"}
ROW = re.compile(
    r"^\| `(?P<name>[a-z_/]+)` \| (?P<type>\w+/\w+) \| (?P<publisher>\w+) "
    r"\| (?P<subscribers>[\w, -]+) \| (?P<qos>[^|]+) \|$"
)


def row(topic: Topic) -> dict[str, str]:
    """The README's row of a topic."""
    package = topic.type.__module__.split(".")[0]
    return {
        "name": topic.name,
        "type": f"{package}/{topic.type.__name__}",
        "publisher": topic.publisher,
        "subscribers": ", ".join(topic.subscribers) or "-",
        "qos": topic.quality,
    }


def readme_rows() -> list[dict[str, str]]:
    return [
        {key: text.strip() for key, text in match.groupdict().items()}
        for match in map(ROW.match, README.read_text(encoding="utf-8").splitlines())
        if match
    ]


def test_the_readme_lists_every_topic_with_type_nodes_and_qos() -> None:
    assert readme_rows() == [row(topic) for topic in (TOPICS | VIEW | READER).values()]


@pytest.fixture(scope="module")
def cell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LaunchedCell]:
    """With a viewer that nobody looks at, and that so hears nothing."""
    one = LaunchedCell(tmp_path_factory.mktemp("cell"), "plant", viewer=True)
    yield one
    one.stop()


def names(infos: Iterable[TopicEndpointInfo]) -> set[str]:
    return {info.node_name for info in infos} - {"watcher"}


def as_node(name: str) -> str:
    return "twin" if name == "backend" else name


def check(cell: LaunchedCell, topic: Topic) -> None:
    """One topic of the running cell is as the table says."""
    name = f"/plant/{topic.name}"

    def publishers() -> list[TopicEndpointInfo]:
        return cell.watcher.get_publishers_info_by_topic(name)

    def subscribers() -> set[str]:
        return names(cell.watcher.get_subscriptions_info_by_topic(name))

    cell.wait(lambda: names(publishers()) == {as_node(topic.publisher)}, f"{name} is published")
    cell.wait(
        lambda: subscribers() == {as_node(node) for node in topic.subscribers},
        f"{name} is heard by {topic.subscribers} only",
    )
    (endpoint,) = publishers()
    assert endpoint.topic_type == row(topic)["type"].replace("/", "/msg/")
    assert endpoint.qos_profile.reliability is ReliabilityPolicy.RELIABLE
    latched = endpoint.qos_profile.durability is DurabilityPolicy.TRANSIENT_LOCAL
    assert latched == topic.latched


def test_the_running_graph_is_the_readme_s(cell: LaunchedCell) -> None:
    cell.wait_state("execute")
    watcher = cell.watcher
    cell.wait(
        lambda: set(watcher.get_node_names()) - {"watcher"} == {*NODES, "viewer"},
        f"these nodes and a viewer run: {NODES}",
    )
    for topic in (*TOPICS.values(), *VIEW.values()):
        check(cell, topic)
    strangers = {
        name for name, _ in watcher.get_topic_names_and_types() if name.startswith("/plant/")
    } - {f"/plant/{name}" for name in (*TOPICS, *VIEW, *READER)}
    assert all(
        name.endswith("/transition_event") or name.startswith("/plant/twin/") for name in strangers
    )
    for name in READER:
        # There is no reader, and nobody waits for one.
        assert names(watcher.get_publishers_info_by_topic(f"/plant/{name}")) == set()
        assert names(watcher.get_subscriptions_info_by_topic(f"/plant/{name}")) == set()


def test_every_publisher_tells_who_hears_it(cell: LaunchedCell) -> None:
    links: dict[str, Links] = {}

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            links[status.name.partition(": ")[2]] = Links.told(values)

    cell.watcher.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)
    cell.wait_state("execute")
    cell.wait(lambda: set(links) - {"viewer"} == NODES, "every node has told its links")
    for topic in TOPICS.values():
        listeners = {links[as_node(name)].identity for name in topic.subscribers}
        assert listeners <= links[as_node(topic.publisher)].heard[topic.name], topic.name
        assert all(topic.name in links[as_node(name)].listens for name in topic.subscribers)


def test_no_sorting_node_hears_the_truth(cell: LaunchedCell) -> None:
    cell.wait_state("execute")
    assert names(cell.watcher.get_subscriptions_info_by_topic("/plant/twin/truth")) == set()
