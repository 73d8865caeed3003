"""Node `recorder`: one bag with every topic and parameter, also with what came before it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
import yaml
from diagnostic_msgs.msg import DiagnosticArray
from messages import T0, belt_state, item
from rclpy.parameter import Parameter
from rosbags.interfaces import QosDurability
from rosbags.rosbag2 import Reader

from batsort_bags.reader import Bag, BagError
from batsort_files.documents import ConfigurationError
from batsort_graph.image_bridge import to_message
from batsort_graph.images import decompressed, to_rgb
from batsort_graph.to_messages import time_of
from batsort_graph.topics import DIAGNOSTICS, READER, TOPICS
from batsort_nodes.parameters import EVENTS
from batsort_nodes.recorder import DEPTH, IMAGE_DEPTH, IMAGES, RECORDED, TRUTH, Recorder

ROOT = Path(__file__).parents[3]


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    return tmp_path / "bag"


@pytest.fixture
def record(bench, bag: Path):
    """Start a recorder that writes to `bag`."""

    def start(**parameters: Any) -> tuple[Any, Recorder]:
        started = bench(path=bag, **parameters)
        return started, started.add(Recorder())

    return start


def content(path: Path) -> dict[str, list[Any]]:
    """The messages of a bag by topic, also of one that is still written."""
    found: dict[str, list[Any]] = {}
    try:
        with Bag(path) as bag:
            for message in bag.messages(bag.topics):
                found.setdefault(message.topic, []).append(bag.decode(message))
    except BagError:
        return {}
    return found


def end(bench, node: Recorder) -> None:
    """As a signal does."""
    bench.executor.remove_node(node)
    node.destroy_node()


def picture(encoding: str = "rgb8") -> Any:
    message = to_message(np.random.default_rng(3).integers(0, 256, (48, 64, 3), np.uint8))
    message.encoding = encoding
    message.header.stamp = time_of(T0)
    return message


def test_latched_messages_from_before_it_are_in_the_bag(bench, bag: Path) -> None:
    bench = bench(path=bag)
    topic = TOPICS["belt/items"]
    publisher = bench.peer.create_publisher(topic.type, topic.name, topic.qos)
    items = [item(1000 * number) for number in range(1, 41)]
    for message in items:
        publisher.publish(message)
    bench.add(Recorder())
    bench.wait(lambda: len(content(bag).get("belt/items", ())) == 40)
    assert [message.id for message in content(bag)["belt/items"]] == [one.id for one in items]


def test_messages_are_in_the_bag_while_it_is_written_and_the_end_gives_it_an_index(
    record, bag: Path
) -> None:
    bench, node = record()
    for count in (500, 600):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: len(content(bag).get("belt/state", ())) == 2)
    assert not (bag / "metadata.yaml").exists()
    end(bench, node)
    assert [message.count for message in content(bag)["belt/state"]] == [500, 600]
    with Reader(bag) as reader:
        latched = {
            c.topic: c.ext.offered_qos_profiles[0].durability is QosDurability.TRANSIENT_LOCAL
            for c in reader.connections
        }
    assert latched == {f"/{topic.name.lstrip('/')}": topic.latched for topic in (*RECORDED, EVENTS)}


@pytest.mark.parametrize("images", ["raw", "png", "jpeg"])
def test_images_are_recorded_as_chosen(record, bag: Path, images: str) -> None:
    bench, _ = record(images=images)
    sent = picture()
    bench.send("camera/image_raw", sent)
    name = "camera/image_raw" if images == "raw" else "camera/image_raw/compressed"
    bench.wait(lambda: name in content(bag))
    (message,) = content(bag)[name]
    assert message.header.stamp.sec == sent.header.stamp.sec
    if images == "raw":
        assert bytes(message.data) == bytes(sent.data)
    else:
        assert f"{images} compressed bgr8" in message.format
        assert np.array_equal(decompressed(message), to_rgb(sent)) == (images == "png")


def test_without_images_the_bag_has_no_topic_for_them(record, bag: Path) -> None:
    bench, node = record(images="'off'")
    end(bench, node)
    with Bag(bag) as found:
        assert not any(name.startswith("camera/image_raw") for name in found.topics)
    assert bench.peer.get_subscriptions_info_by_topic("/camera/image_raw") == []


def test_an_image_that_cannot_be_compressed_is_told_and_nothing_else_is_lost(
    record, bag: Path
) -> None:
    bench, node = record(images="png")
    bench.send("camera/image_raw", picture("yuv422"))
    bench.send("belt/state", belt_state(500))
    bench.wait(lambda: "belt/state" in content(bag))
    assert "camera/image_raw: not recorded: encoding: 'yuv422'" in node._health().warning


def test_the_parameters_of_each_node_of_the_cell_are_recorded_and_how_they_change(
    record, bag: Path
) -> None:
    bench, _ = record()
    mute = rclpy.create_node("mute", start_parameter_services=False)
    stranger = rclpy.create_node("stranger", namespace="/elsewhere")
    other = rclpy.create_node("other")
    for node in map(bench.add, (mute, stranger, other)):
        node.declare_parameter("colour", "red")

    def colours(name: str) -> list[str]:
        events = content(bag).get("parameter_events", ())
        return [
            parameter.value.string_value
            for event in events
            if event.node == name
            for parameter in (*event.new_parameters, *event.changed_parameters)
            if parameter.name == "colour"
        ]

    bench.wait(lambda: colours("/other"))
    other.set_parameters([Parameter("colour", value="blue")])
    bench.wait(lambda: colours("/other")[-1] == "blue")
    assert colours("/other")[0] == "red"
    assert not colours("/elsewhere/stranger")
    whole = [
        {parameter.name for parameter in event.new_parameters}
        for event in content(bag)["parameter_events"]
        if event.node == "/recorder"
    ]
    assert any({"path", "images", "use_sim_time"} <= names for names in whole)


def test_messages_that_are_lost_are_counted_by_topic(record) -> None:
    bench, node = record()
    topic = TOPICS["belt/barrier"]
    publisher = bench.peer.create_publisher(topic.type, topic.name, topic.qos)
    bench.wait(lambda: publisher.get_subscription_count() > 0)
    publisher.publish(topic.type())
    bench.wait(lambda: node._messages.count > 0)
    for _ in range(DEPTH + 7):
        publisher.publish(topic.type())
    bench.wait(lambda: "7 lost of belt/barrier" in node._health().warning)


def test_a_full_disk_ends_the_recording_with_an_error_and_not_the_node(record, bag: Path) -> None:
    bench, node = record()
    bench.send("belt/state", belt_state(500))
    bench.wait(lambda: "belt/state" in content(bag))
    node._bag._least_free = 10**18
    levels: list[bytes] = []
    bench.peer.create_subscription(
        DiagnosticArray,
        DIAGNOSTICS.name,
        lambda array: levels.extend(one.level for one in array.status),
        DIAGNOSTICS.qos,
    )
    bench.wait(lambda: bool(node._health().fault))
    assert re.search(
        r"bag: recording ended \(.* must stay free; .* MB are free on its disk\); "
        r"what was received after 20.* is not in it",
        str(node._health().fault),
    )
    bench.wait(lambda: b"\2" in levels)
    assert (bag / "metadata.yaml").is_file()
    assert len(content(bag)["belt/state"]) == 1


def test_a_folder_that_exists_is_refused_in_one_line(bench, tmp_path: Path) -> None:
    bench(path=tmp_path)
    with pytest.raises(ConfigurationError, match=f"path: {tmp_path} .*exists.*; allowed: a new"):
        Recorder()


def test_ros2_bag_record_is_told_of_every_topic_with_its_durability_and_depth() -> None:
    overrides = yaml.safe_load((ROOT / "config" / "record_qos.yaml").read_text(encoding="utf-8"))
    expected = {
        f"/{topic.name.lstrip('/')}": {
            "history": "keep_last",
            "depth": IMAGE_DEPTH if topic is IMAGES else DEPTH,
            "reliability": "reliable",
            "durability": "transient_local" if topic.latched else "volatile",
        }
        for topic in (*(TOPICS | READER).values(), TRUTH, DIAGNOSTICS, EVENTS)
        if topic.name != "camera/source"
    }
    assert overrides == expected


def test_the_ros2_bag_record_of_the_docs_names_each_topic_once() -> None:
    page = (ROOT / "docs" / "replay.md").read_text(encoding="utf-8")
    (pattern,) = re.findall(r"--topics \$\(grep -o '(.*)' \$qos\)", page)
    lines = (ROOT / "config" / "record_qos.yaml").read_text(encoding="utf-8").splitlines()
    found = [match[0] for line in lines if (match := re.match(pattern, line))]
    assert sorted(found) == sorted(yaml.safe_load("\n".join(lines)))
