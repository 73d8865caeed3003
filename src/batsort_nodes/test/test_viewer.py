"""Node `viewer`: works only while somebody looks, and then shows what the cell tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from messages import belt_state, item, verdict
from rclpy.time import Time
from sensor_msgs.msg import RegionOfInterest

from batsort_description.cell_file import load_cell
from batsort_graph.image_bridge import to_message, to_rgb
from batsort_graph.topics import VIEW
from batsort_interfaces import msg as batsort
from batsort_nodes.viewer import HEARD, Viewer, frames

ITEM = item(5000)


def look(bench: Any, topic: str) -> tuple[list[Any], Any]:
    messages: list[Any] = []
    row = VIEW[topic]
    return messages, bench.peer.create_subscription(row.type, row.name, messages.append, row.qos)


def heard(node: Viewer) -> set[str]:
    return {one.topic_name.removeprefix("/") for one in node.subscriptions}


def decision() -> batsort.SortDecision:
    message = batsort.SortDecision(item_id=ITEM.id, epoch=ITEM.epoch, bin="klarus", reason="sort")
    message.image_stamp.sec = 1
    message.type, message.confidence = "Klarus", 0.99
    return message


def test_it_hears_nothing_until_somebody_looks_and_nothing_more_when_nobody_does(bench) -> None:
    bench = bench()
    node = bench.add(Viewer())
    assert heard(node) == set()
    _, markers = look(bench, "view/markers")
    bench.wait(lambda: "belt/state" in heard(node))
    assert "camera/image_raw" not in heard(node)
    _, images = look(bench, "view/image_annotated")
    bench.wait(lambda: heard(node) == HEARD)
    _, figures = look(bench, "view/figures")
    bench.peer.destroy_subscription(figures)
    bench.peer.destroy_subscription(markers)
    bench.peer.destroy_subscription(images)
    bench.wait(lambda: heard(node) == set())


def test_markers_show_items_in_the_frame_cell(bench) -> None:
    bench = bench()
    bench.add(Viewer())
    arrays, _ = look(bench, "view/markers")
    bench.send("belt/items", ITEM)
    bench.send("items/decisions", decision())
    bench.send("belt/state", belt_state(10000))

    def labels() -> list[str]:
        return [m.text for array in arrays for m in array.markers if m.ns == "labels"]

    bench.wait(lambda: "Klarus 99%\nklarus" in labels())
    markers = [marker for array in arrays for marker in array.markers]
    assert {marker.header.frame_id for marker in markers} == {"cell"}
    assert any(marker.ns == "cell" for marker in markers)


def test_an_image_is_shown_annotated_once_its_item_is_decided(bench) -> None:
    bench = bench()
    bench.add(Viewer())
    images, _ = look(bench, "view/image_annotated")
    judged = verdict(ITEM.id, "Klarus")
    judged.roi = RegionOfInterest(x_offset=20, y_offset=30, width=80, height=40)
    raw = to_message(np.full((240, 320, 3), 90, np.uint8))
    raw.header = judged.header
    bench.send("camera/image_raw", raw)
    bench.send("classifications", judged)
    bench.send("items/decisions", decision())
    bench.wait(lambda: bool(images))
    assert images[0].header == raw.header
    assert not np.array_equal(to_rgb(images[0])[30, 60], [90, 90, 90])


def test_an_image_that_nothing_is_said_of_is_shown_all_the_same(bench) -> None:
    bench = bench()
    bench.add(Viewer())
    images, _ = look(bench, "view/image_annotated")
    bench.send("camera/image_raw", to_message(np.full((240, 320, 3), 90, np.uint8)))
    bench.wait(lambda: bool(images))


def test_the_frames_of_the_cell_hang_together_and_stand_still() -> None:
    cell = load_cell(str(Path(__file__).parents[3] / "config" / "cell.yaml"))
    found = {frame.child_frame_id: frame for frame in frames(cell, Time(seconds=5))}
    parents = {name: frame.header.frame_id for name, frame in found.items()}
    assert parents["camera_optical_frame"] == "camera_link"
    assert parents["camera_link"] == parents["nozzle_9"] == "belt_link"
    assert parents["belt_link"] == "cell"
    assert found["nozzle_9"].transform.translation.x == cell.ejectors[-1].distance
    turn = found["nozzle_9"].transform.rotation
    assert (turn.z, turn.w) == pytest.approx((0.5**0.5, 0.5**0.5)), "its x is across the belt"


def test_the_robot_description_reaches_who_comes_late(bench) -> None:
    bench = bench()
    bench.add(Viewer())
    texts, _ = look(bench, "robot_description")
    bench.wait(lambda: bool(texts))
    assert '<link name="nozzle_9"' in texts[0].data


def test_figures_are_told_to_who_plots_them(bench) -> None:
    bench = bench()
    bench.add(Viewer())
    figures, _ = look(bench, "view/figures")
    judged = verdict(ITEM.id, "Klarus")
    judged.verdict_stamp.sec = judged.header.stamp.sec
    judged.verdict_stamp.nanosec = judged.header.stamp.nanosec + 40_000_000
    bench.send("classifications", judged)
    bench.wait(lambda: any(abs(one.latency_p50 - 0.04) < 1e-6 for one in figures))
