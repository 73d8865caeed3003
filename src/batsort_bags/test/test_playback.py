"""Playing a bag: what is due when, what can't be played, what is only said to be missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from batsort_bags.playback import GAP_NS, MOST_NS, Playback
from batsort_bags.reader import Bag, BagError
from batsort_bags.types import typestore
from batsort_graph.from_messages import NS, stamp_of

MS = 1_000_000
T0 = 1_800_000_000 * NS
ENCODER = "batsort_interfaces/msg/EncoderCount"
BARRIER = "batsort_interfaces/msg/BarrierEdge"
ITEM = "batsort_interfaces/msg/BeltItem"
IMAGE = "sensor_msgs/msg/Image"


def message(kind: str, stamp: int, types: Typestore, **fields: Any) -> bytes:
    time = types.types["builtin_interfaces/msg/Time"](sec=stamp // NS, nanosec=stamp % NS)
    header = types.types["std_msgs/msg/Header"](stamp=time, frame_id="")
    return bytes(types.serialize_cdr(types.types[kind](header=header, **fields), kind))


def encoder(count: int, types: Typestore | None = None, **more: Any) -> bytes:
    stamp = T0 + count * MS
    return message(ENCODER, stamp, types or typestore(), epoch=1, count=count, **more)


def edge() -> bytes:
    return message(BARRIER, T0, typestore(), epoch=1, count=0, blocked=True)


def image() -> bytes:
    pixels = {"encoding": "mono8", "is_bigendian": 0, "step": 1, "data": np.zeros(1, np.uint8)}
    return message(IMAGE, T0, typestore(), height=1, width=1, **pixels)


NEEDED = [("belt/barrier", BARRIER, T0, edge()), ("camera/image_raw", IMAGE, T0, image())]


def write(
    path: Path,
    messages: Sequence[tuple[str, str, int, bytes]],
    types: Typestore | None = None,
    storage: StoragePlugin = StoragePlugin.MCAP,
) -> Path:
    """A bag of these: topic, type, stamp of receipt, CDR; and the topic that marks a cell."""
    with Writer(path, version=9, storage_plugin=storage) as writer:
        connections = {}
        for topic, kind, *_ in [("belt/items", ITEM), *messages]:
            if topic not in connections:
                connections[topic] = writer.add_connection(
                    f"/{topic}", kind, typestore=types or typestore()
                )
        for topic, _, stamp, data in messages:
            writer.write(connections[topic], stamp, data)
    return path


def counts(stamps: Sequence[int]) -> list[tuple[str, str, int, bytes]]:
    """Encoder messages received at these stamps, numbered."""
    return [("belt/encoder", ENCODER, T0 + at, encoder(i)) for i, at in enumerate(stamps)]


@pytest.mark.parametrize("storage", StoragePlugin)
def test_messages_are_due_as_they_were_received(tmp_path: Path, storage: StoragePlugin) -> None:
    path = write(tmp_path / "bag", NEEDED + counts([0, 10 * MS, 30 * MS]), storage=storage)
    with Bag(path) as bag:
        playback = Playback(bag, 2.0, {})
        first = list(playback.advance(0))
        assert sorted(m.topic for m in first) == [
            "belt/barrier",
            "belt/encoder",
            "camera/image_raw",
        ]
        assert playback.clock == T0
        assert [m.stamp for m in playback.advance(5 * MS)] == [T0 + 10 * MS]
        assert not list(playback.advance(5 * MS))
        assert playback.clock == T0 + 20 * MS
        assert [m.stamp for m in playback.advance(5 * MS)] == [T0 + 30 * MS]
        assert playback.over
        assert playback.clock == T0 + 30 * MS
        assert playback.reached_rate == 2.0


def test_a_caller_that_comes_late_gets_no_burst_and_the_rate_says_so(tmp_path: Path) -> None:
    path = write(tmp_path / "bag", NEEDED + counts(range(0, NS, 10 * MS)))
    with Bag(path) as bag:
        playback = Playback(bag, 1.0, {})
        assert len(list(playback.advance(NS // 2))) == 2 + MOST_NS // (10 * MS) + 1
        assert playback.reached_rate == 0.2


def test_a_long_silence_is_shortened_and_time_never_goes_back(tmp_path: Path) -> None:
    path = write(tmp_path / "bag", NEEDED + counts([0, 3600 * NS, 3601 * NS]))
    with Bag(path) as bag:
        playback = Playback(bag, 20.0, {})
        clocks, heard = [], 0
        while not playback.over:
            heard += len(list(playback.advance(5 * MS)))
            clocks.append(playback.clock)
        assert heard == 5
        assert clocks == sorted(clocks)
        assert clocks[-1] == T0 + 3601 * NS
        assert playback.played_s == pytest.approx((GAP_NS + NS) / NS, abs=0.2)


@pytest.mark.parametrize(
    ("stamps", "played_s"),
    [
        ([0, 200 * MS, 100 * MS, 300 * MS, 150 * MS, 400 * MS], 0.4),
        ([0, 200 * MS, 200 * MS - 3600 * NS, 400 * MS - 3600 * NS], 0.4),
    ],
    ids=["out of order", "clock set back by an hour"],
)
def test_stamps_of_receipt_that_go_back_change_neither_order_nor_pace(
    tmp_path: Path, stamps: list[int], played_s: float
) -> None:
    with Bag(write(tmp_path / "bag", NEEDED + counts(stamps))) as bag:
        playback = Playback(bag, 1.0, {})
        heard, clocks = [], []
        while not playback.over:
            heard += [m for m in playback.advance(5 * MS) if m.topic == "belt/encoder"]
            clocks.append(playback.clock)
    assert [message.stamp for message in heard] == [T0 + stamp for stamp in stamps]
    assert clocks == sorted(clocks)
    assert playback.played_s == pytest.approx(played_s, abs=0.01)


@pytest.mark.parametrize(
    ("messages", "named"),
    [
        (NEEDED, "belt/encoder not in it"),
        (counts([0]), "belt/barrier not in it"),
        ([], "belt/encoder and belt/barrier not in it"),
        (counts([0]) + NEEDED[:1], "no images in it"),
        (
            [("belt/encoder", BARRIER, T0, edge()), *NEEDED],
            f"belt/encoder: {BARRIER} is not read; allowed: {ENCODER}",
        ),
    ],
)
def test_a_bag_that_cannot_be_played_is_refused_in_one_line(
    tmp_path: Path, messages: list[Any], named: str
) -> None:
    with Bag(write(tmp_path / "bag", messages)) as bag, pytest.raises(BagError) as refusal:
        Playback(bag, 1.0, {})
    assert named in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_is_not_there_and_not_needed_is_said(tmp_path: Path) -> None:
    with Bag(write(tmp_path / "bag", NEEDED + counts([0]))) as bag:
        playback = Playback(bag, 1.0, {})
    assert playback.decisions_only
    topics = [note.split()[1] for note in playback.notes]
    assert topics == ["ejector/events", "bins/arrivals", "items/outcomes"]


def test_a_message_with_more_fields_than_ours_is_played_as_ours(tmp_path: Path) -> None:
    text = "std_msgs/Header header\nuint64 epoch\nint64 count\nfloat64 temperature\n"
    newer = get_typestore(Stores.ROS2_JAZZY)
    ours = {k: v for k, v in typestore().fielddefs.items() if k not in newer.fielddefs}
    newer.register({**ours, **get_types_from_msg(text, ENCODER)})
    messages = [("belt/encoder", ENCODER, T0, encoder(7, newer, temperature=21.0)), *NEEDED]
    with Bag(write(tmp_path / "bag", messages, newer)) as bag:
        playback = Playback(bag, 1.0, {})
        data = bag.cdr(playback.first_encoder)
    played = typestore().deserialize_cdr(data, ENCODER)
    assert (played.count, stamp_of(played.header.stamp)) == (7, T0 + 7 * MS)
    assert len(data) < len(playback.first_encoder.data)
