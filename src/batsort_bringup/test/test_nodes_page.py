"""docs/nodes.md is what the code has, and the code's nodes are what the page says."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from rclpy.node import Node

from batsort_bringup import driver_choices, nodes_page
from batsort_graph.topics import DIAGNOSTICS, READER, TOPICS, Topic
from batsort_hardware.drivers import DRIVERS
from batsort_nodes.belt import Belt
from batsort_nodes.bins import Bins
from batsort_nodes.camera import Camera
from batsort_nodes.classifier import Classifier
from batsort_nodes.ejector import Ejector
from batsort_nodes.reader import Reader
from batsort_nodes.recorder import Recorder
from batsort_nodes.supervisor import Supervisor
from batsort_nodes.viewer import Viewer
from batsort_panel.panel import BELT, CAMERA, Panel
from batsort_twin.node import TwinNode

NODES = {node.name: node for node in nodes_page.nodes()}
LISTEN_LATER = dict.fromkeys(
    ("camera", "classifier", "ejector", "reader", "viewer"), (*TOPICS, *READER)
)
"""While they are active, or looked at; tests/test_graph.py sees the first three then."""
LISTEN_LATER["panel"] = (BELT, CAMERA)
TELL_LATER = {"recorder": ()}
"""It tells its health only when it has heard that all of the cell is there."""
ROS = ("lifecycle_msgs", "rcl_interfaces", "type_description_interfaces")
"""Topics and services of these types every node or every lifecycle node has from ROS."""


COMMAND = "./cell exec python -m batsort_bringup.nodes_page --write"


def test_the_page_is_as_the_code_has_it() -> None:
    assert nodes_page.PAGE.read_text(encoding="utf-8") == nodes_page.page(), f"renew by: {COMMAND}"


def test_the_launch_file_offers_the_drivers_of_the_table() -> None:
    launch_file = driver_choices.LAUNCH_FILE.read_text(encoding="utf-8")
    assert launch_file == driver_choices.offered(), f"renew by: {COMMAND}"
    assert all(f'<choice value="{name}"/>' in launch_file for name in DRIVERS)


@pytest.mark.parametrize("name", NODES)
def test_each_parameter_tells_what_it_is_and_each_number_its_range(name: str) -> None:
    for told in NODES[name].parameters:
        descriptor = told.descriptor()
        assert descriptor.description.endswith("."), told.name
        if isinstance(told.default, int | float) and not isinstance(told.default, bool):
            ranges = descriptor.integer_range or descriptor.floating_point_range
            assert ranges or descriptor.additional_constraints, told.name


def by_name(node: Node, topics: Iterable[Topic]) -> dict[str, type]:
    return {node.resolve_topic_name(topic.name): topic.type for topic in topics}


@pytest.mark.parametrize(
    "make",
    [
        *(Belt, Bins, Camera, Classifier, Ejector, Panel, Reader, Recorder, Supervisor),
        *(TwinNode, Viewer),
    ],
)
def test_a_node_has_the_parameters_topics_and_services_of_its_page(
    ros: str, make: Callable[[], Node]
) -> None:
    node = make()
    try:
        page = NODES[node.get_name()]
        given = {"use_sim_time", "start_type_description_service"}
        assert {*node.get_parameters_by_prefix("")} - given == {t.name for t in page.parameters}
        said = {publisher.topic_name: publisher.msg_type for publisher in node.publishers}
        said = {name: kind for name, kind in said.items() if not kind.__module__.startswith(ROS)}
        heard = {one.topic_name: one.msg_type for one in node.subscriptions}
        assert said == by_name(node, (*page.publishes, *TELL_LATER.get(page.name, (DIAGNOSTICS,))))
        later = LISTEN_LATER.get(page.name, ())
        assert heard == by_name(node, [topic for topic in page.hears if topic.name not in later])
        served = {service.srv_name: service.srv_type for service in node.services}
        own = {name: kind for name, kind in served.items() if not kind.__module__.startswith(ROS)}
        assert own == {service.name: service.type for service in page.services}
    finally:
        node.destroy_node()
