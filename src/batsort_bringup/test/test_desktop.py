"""The rviz and rqt files refer only to topics, types and fields that a running cell has."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from sensor_msgs.msg import Image
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from batsort_description.layout import CELL
from batsort_graph.topics import TOPICS, VIEW

CONFIG = Path(__file__).parents[3] / "config"
KNOWN = TOPICS | VIEW
SHOWN = {
    "rviz_default_plugins/Image": Image,
    "rviz_default_plugins/MarkerArray": MarkerArray,
    "rviz_default_plugins/RobotModel": String,
}
WITHOUT_TOPIC = {"rviz_default_plugins/Grid", "rviz_default_plugins/TF"}
MONITORED = {"rqt_reconfigure/Param", "rqt_robot_monitor/RobotMonitor"}
"""Of rqt, with names of their own: every node's parameters, and /diagnostics_agg."""
NUMBERS = {"double", "float", "int64", "uint64", "uint8", "boolean"}


def rviz() -> dict[str, Any]:
    return yaml.safe_load((CONFIG / "batsort.rviz").read_text())["Visualization Manager"]


@pytest.mark.parametrize("display", rviz()["Displays"], ids=lambda display: display["Name"])
def test_a_display_of_rviz_shows_a_topic_of_its_type_and_quality(display: dict[str, Any]) -> None:
    kind = display["Class"]
    told = display.get("Topic") or display.get("Description Topic")
    if told is None:
        assert kind in WITHOUT_TOPIC
        return
    topic = KNOWN[told["Value"].removeprefix("/")]
    assert topic.type is SHOWN[kind]
    assert told["Reliability Policy"] == ("Reliable" if topic.reliable else "Best Effort")
    assert told["Durability Policy"] == ("Transient Local" if topic.latched else "Volatile")


def test_rviz_shows_all_that_the_viewer_draws_in_its_frame() -> None:
    shown = {kind for display in rviz()["Displays"] if (kind := SHOWN.get(display["Class"]))}
    assert shown == set(SHOWN.values())
    assert rviz()["Global Options"]["Fixed Frame"] == CELL


def plugins() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each plugin that rqt starts, with its settings."""
    document = json.loads((CONFIG / "batsort.perspective").read_text())
    manager = document["groups"]["pluginmanager"]
    running = ast.literal_eval(manager["keys"]["running-plugins"]["repr"])
    for name, numbers in running.items():
        for number in numbers:
            group = manager["groups"].pop(f"plugin__{name.replace('/', '__')}__{number}")
            keys = group["groups"]["plugin"]["keys"]
            yield name, {key: ast.literal_eval(value["repr"]) for key, value in keys.items()}
    assert not manager["groups"], "settings of plugins that are not started"


def is_number(path: str) -> bool:
    """Whether /topic/field names a number of a topic."""
    name, _, field = path.removeprefix("/").rpartition("/")
    return KNOWN[name].type.get_fields_and_field_types()[field] in NUMBERS


def test_rqt_shows_images_plots_diagnostics_and_parameters_of_the_cell() -> None:
    found = list(plugins())
    for name, settings in found:
        if name == "rqt_image_view/ImageView":
            assert KNOWN[settings["topic"].removeprefix("/")].type is Image
        elif name == "rqt_plot/Plot":
            assert settings["topics"] and all(map(is_number, settings["topics"]))
        else:
            assert name in MONITORED and not settings
    assert {name for name, _ in found} == {"rqt_image_view/ImageView", "rqt_plot/Plot", *MONITORED}
