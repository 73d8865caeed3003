"""Node `replay`: a bag in order with its stamps, only while the cell runs, and never a valve."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from messages import belt_state, edge, encoder, item, stamp_at
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CompressedImage

from batsort_bags.types import typestore
from batsort_files.documents import ConfigurationError
from batsort_graph.from_messages import stamp_of
from batsort_graph.image_bridge import to_message
from batsort_graph.images import to_rgb
from batsort_graph.to_messages import time_of
from batsort_interfaces import msg as batsort
from batsort_nodes import replay
from batsort_nodes.replay import Replay

PIXELS = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
COUNTS = [50 * number for number in range(100)]
ITEM = item(500)


def photo() -> Any:
    message = to_message(PIXELS)
    message.header.stamp = time_of(stamp_at(2500))
    return message


def fired() -> batsort.EjectEvent:
    message = batsort.EjectEvent(item_id=ITEM.id, epoch=ITEM.epoch, valve=1, result="fired")
    message.header.stamp = time_of(stamp_at(4000))
    return message


def arrived() -> batsort.BinArrival:
    message = batsort.BinArrival(epoch=ITEM.epoch, bin="klarus", count=4500)
    message.header.stamp = time_of(stamp_at(4500))
    return message


def decision() -> batsort.SortDecision:
    message = batsort.SortDecision(
        item_id=ITEM.id, epoch=ITEM.epoch, bin="klarus", reason="sort", decided_count=3000
    )
    message.header.stamp = time_of(stamp_at(3000))
    return message


def outcome(name: str = "sorted_confirmed") -> batsort.ItemOutcome:
    message = batsort.ItemOutcome(item_id=ITEM.id, outcome=name, bin="klarus")
    message.header.stamp = time_of(stamp_at(4500))
    return message


RECORD: dict[str, list[Any]] = {
    "belt/encoder": [encoder(count) for count in COUNTS],
    "belt/barrier": [edge(250, True), edge(750, False)],
    "camera/image_raw": [photo()],
    "ejector/events": [fired()],
    "bins/arrivals": [arrived()],
    "belt/items": [ITEM],
    "belt/state": [belt_state(3000)],
    "classifications": [],
    "readings": [],
    "items/decisions": [decision()],
    "items/outcomes": [outcome()],
}


def record(path: Path, prefixes: tuple[str, ...] = ("/",), **changed: list[Any]) -> Path:
    """A bag of the record, received as stamped; `changed` by the last part of a topic's name."""
    received = []
    for topic, messages in RECORD.items():
        messages = changed.get(topic.split("/")[-1], messages)
        received += [(stamp_of(m.header.stamp), topic, m) for m in messages]
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        connections = {}
        for stamp, topic, message in sorted(received, key=lambda one: one[0]):
            for prefix in prefixes:
                kind = type(message)
                name = f"{kind.__module__.split('.')[0]}/msg/{kind.__name__}"
                topic_name = f"{topic}/compressed" if kind is CompressedImage else topic
                key = prefix + topic_name
                if key not in connections:
                    connections[key] = writer.add_connection(key, name, typestore=typestore())
                writer.write(connections[key], stamp, serialize_message(message))
    return path


def say(bench: Any, runs: bool) -> None:
    """Be the supervisor."""
    bench.send("cell/state", batsort.CellState(state="execute", belt_enabled=runs))
    bench.send("belt/command", batsort.BeltCommand(run=runs, velocity=0.5))


def test_a_bag_is_played_in_order_with_its_stamps_and_only_while_the_cell_runs(
    bench, tmp_path: Path
) -> None:
    bench = bench(bag=record(tmp_path / "bag"))
    heard = {topic: bench.heard(topic) for topic in RECORD if topic.split("/")[0] != "items"}
    images = bench.heard("camera/source")
    bench.add(Replay())
    counts = heard["belt/encoder"]
    bench.wait(lambda: len(counts) >= 2)
    assert {message.count for message in counts} == {COUNTS[0]}
    assert all(stamp_of(message.header.stamp) < stamp_at(COUNTS[0]) for message in counts)
    assert not heard["belt/barrier"]
    say(bench, True)
    bench.wait(lambda: counts[-1].count > COUNTS[30])
    say(bench, False)
    bench.wait(lambda: len({m.count for m in counts[-3:]}) == 1)
    standing = counts[-1]
    assert standing.count < COUNTS[-1]
    say(bench, True)
    bench.wait(lambda: counts[-1].count == COUNTS[-1] and heard["bins/arrivals"])
    stamps = [stamp_of(message.header.stamp) for message in counts]
    assert stamps == sorted(set(stamps))
    recorded = [m for m in counts if stamp_of(m.header.stamp) == stamp_at(m.count)]
    assert [message.count for message in recorded] == COUNTS
    assert heard["belt/barrier"] == RECORD["belt/barrier"]
    assert heard["ejector/events"] == RECORD["ejector/events"]
    assert heard["bins/arrivals"] == RECORD["bins/arrivals"]
    assert images == RECORD["camera/image_raw"]


def test_the_clock_goes_on_with_the_bag_and_never_back(bench, tmp_path: Path) -> None:
    bench = bench(bag=record(tmp_path / "bag"), rate=4.0)
    clocks: list[int] = []
    bench.peer.create_subscription(
        Clock,
        "/clock",
        lambda message: clocks.append(stamp_of(message.clock)),
        QoSProfile(depth=10, reliability=ReliabilityPolicy.BEST_EFFORT),
    )
    bench.add(Replay())
    bench.wait(lambda: len(clocks) > 2)
    assert set(clocks) == {stamp_at(COUNTS[0])}
    say(bench, True)
    bench.wait(lambda: clocks[-1] == stamp_at(COUNTS[-1]))
    assert clocks == sorted(clocks)
    assert len(set(clocks)) >= 10


def test_what_the_ejector_commands_is_not_done(bench, tmp_path: Path) -> None:
    bench = bench(bag=record(tmp_path / "bag", events=[]), rate=4.0)
    events, arrivals = bench.heard("ejector/events"), bench.heard("bins/arrivals")
    node = bench.add(Replay())
    bench.send("ejector/commands", batsort.EjectCommand(item_id=ITEM.id, valve=1))
    bench.wait(lambda: node._heard["ejector/commands"] == 1)
    say(bench, True)
    bench.wait(lambda: arrivals)
    assert events == []


def test_losslessly_compressed_images_are_played_with_their_pixels(bench, tmp_path: Path) -> None:
    data = cv2.imencode(".png", cv2.cvtColor(PIXELS, cv2.COLOR_RGB2BGR))[1].tobytes()
    message = CompressedImage(header=photo().header, format="rgb8; png compressed", data=data)
    bench = bench(bag=record(tmp_path / "bag", image_raw=[message]), rate=4.0)
    images = bench.heard("camera/source")
    bench.add(Replay())
    say(bench, True)
    bench.wait(lambda: images)
    assert images[0].header == message.header
    assert (to_rgb(images[0]) == PIXELS).all()


def judged() -> batsort.BatteryClassification:
    return batsort.BatteryClassification(header=photo().header, item_id=ITEM.id)


def test_recorded_time_stands_until_a_verdict_is_there_that_was_there_then(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "PATIENCE_S", 60.0)
    bench = bench(bag=record(tmp_path / "bag", classifications=[judged()]))
    counts = bench.heard("belt/encoder")
    node = bench.add(Replay())
    say(bench, True)
    bench.wait(lambda: node._waited_s > 0)
    reached = node._playback.clock
    bench.wait(lambda: len(counts) > 2 and counts[-1].count == counts[-2].count)
    assert node._playback.clock == reached < stamp_at(COUNTS[-1])
    bench.send("classifications", judged())
    bench.wait(lambda: counts[-1].count == COUNTS[-1])


@pytest.mark.parametrize("reads", [True, False])
def test_it_waits_for_a_reading_that_was_there_then_where_somebody_reads(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    monkeypatch.setattr(replay, "PATIENCE_S", 60.0)
    was = batsort.PrintReading(header=photo().header, item_id=ITEM.id)
    bench = bench(bag=record(tmp_path / "bag", readings=[was]))
    counts = bench.heard("belt/encoder")
    node = bench.add(Replay())
    if reads:
        bench.send("readings", batsort.PrintReading())
    say(bench, True)
    if reads:
        bench.wait(lambda: node._waited_s > 0)
        assert node._playback.clock < stamp_at(COUNTS[-1])
        bench.send("readings", was)
    bench.wait(lambda: counts and counts[-1].count == COUNTS[-1])
    assert (node._waited_s > 0) == reads


@pytest.mark.parametrize("told", [{"wait": False}, {}])
def test_a_verdict_that_does_not_come_is_not_waited_for_without_end(
    bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: dict[str, bool]
) -> None:
    monkeypatch.setattr(replay, "PATIENCE_S", 0.1)
    bench = bench(bag=record(tmp_path / "bag", classifications=[judged()]), **told)
    counts = bench.heard("belt/encoder")
    node = bench.add(Replay())
    say(bench, True)
    bench.wait(lambda: counts and counts[-1].count == COUNTS[-1])
    assert (node._waited_s > 0) == (not told)


@pytest.mark.parametrize(("now", "status"), [("sorted_confirmed", 0), ("missing", 1)])
def test_at_the_end_it_says_whether_every_item_fared_as_then(
    bench, tmp_path: Path, capfd, now: str, status: int
) -> None:
    report = tmp_path / "report.json"
    bench = bench(bag=record(tmp_path / "bag"), rate=4.0, report=report)
    node = bench.add(Replay())
    say(bench, True)
    bench.wait(lambda: node._started)
    bench.send("belt/items", ITEM)
    bench.send("items/decisions", decision())
    bench.send("items/outcomes", outcome(now))
    with pytest.raises(SystemExit) as end:
        bench.wait(lambda: False)
    assert end.value.code == status
    assert json.loads(report.read_text())["good"] == (status == 0)
    said = capfd.readouterr().out
    assert "100 belt/encoder, 2 belt/barrier, 1 camera/image_raw" in said
    assert (f"item {ITEM.id}: then sorted_confirmed" in said) == (status == 1)


def test_a_journal_of_another_run_is_refused_before_anything_is_played(
    bench, tmp_path: Path
) -> None:
    bench = bench(bag=record(tmp_path / "bag"))
    node = bench.add(Replay())
    bench.send("items/outcomes", outcome())
    bench.wait(lambda: any(life.outcomes for life in node._now.lives))
    say(bench, True)
    with pytest.raises(ConfigurationError, match="journal_dir"):
        bench.wait(lambda: node._played)


def test_a_cut_bag_is_played_to_its_damage_which_is_said(bench, tmp_path: Path) -> None:
    path = record(tmp_path / "bag")
    (file,) = path.glob("*.mcap")
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(file.read_bytes()[:-100])
    node = bench(bag=cut).add(Replay())
    health = node._health()
    assert "read from its beginning as far as it goes" in health.warning
    assert not health.fault


CASES = {
    "no bag": ({}, "bag: not given"),
    "a bag that is not there": ({"bag": "/none"}, "bag: /none: not there"),
    "a rate that is too high": (
        {"rate": 50.0},
        "rate: 50.0 is refused; allowed: a number with decimal point from",
    ),
    "a report in no folder": ({"report": "/none/report.json"}, "report: '/none/report.json'"),
    "no barrier": ({"barrier": []}, "belt/barrier not in it"),
    "no encoder": ({"encoder": []}, "belt/encoder not in it"),
    "no images": ({"image_raw": []}, "no images in it"),
    "a cell that the bag does not have": ({"bag_namespace": "attic"}, "namespace: 'attic'"),
    "one of several cells": ({"prefixes": ("/left/", "/right/")}, "allowed: left, right"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_it_cannot_play_is_refused_in_one_line(bench, tmp_path: Path, case: str) -> None:
    told, named = CASES[case]
    if case != "no bag":
        changed = {k: v for k, v in told.items() if k in ("barrier", "encoder", "image_raw")}
        path = record(tmp_path / "bag", told.get("prefixes", ("/",)), **changed)
        told = {"bag": path} | {k: v for k, v in told.items() if k not in (*changed, "prefixes")}
    bench(**told)
    with pytest.raises(ConfigurationError) as refusal:
        Replay()
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)
