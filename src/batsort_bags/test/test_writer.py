"""Bags are written whole, and what is written stays readable whatever happens to the writer."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import yaml
from mcap.reader import make_reader
from rosbags.interfaces import Nodetype, QosDurability, QosReliability
from rosbags.rosbag2 import Reader

from batsort_bags.reader import Bag, BagError
from batsort_bags.types import typestore
from batsort_bags.writer import BagWriter, ReceiptClock, RecordingError

NS = 1_000_000_000
T0 = 1_800_000_000 * NS
IMAGE, ITEM, STATE = "camera/image_raw", "belt/items", "belt/state"
TYPES = {
    IMAGE: "sensor_msgs/msg/Image",
    ITEM: "batsort_interfaces/msg/BeltItem",
    STATE: "batsort_interfaces/msg/BeltState",
}


class Sent(NamedTuple):
    topic: str
    stamp: int
    data: bytes


def messages(count: int = 40) -> list[Sent]:
    """A run: mostly belt states, every fourth an image, every tenth an item."""
    generator = np.random.default_rng(2)
    sent = []
    for index in range(count):
        topic = IMAGE if index % 4 == 3 else ITEM if index % 10 == 0 else STATE
        size = 3_000 if topic == IMAGE else 90
        body = generator.integers(0, 256, size, np.uint8).tobytes()
        sent.append(Sent(topic, T0 + index * NS // 10, b"\0\1\0\0" + body))
    return sent


def write(path: Path, sent: list[Sent], flush_every: int = 5) -> BagWriter:
    """A bag that is not closed yet."""
    bag = BagWriter(path)
    topics = {name: bag.add(f"/{name}", kind, 100, name == ITEM) for name, kind in TYPES.items()}
    for index, (topic, stamp, data) in enumerate(sent):
        bag.write(topics[topic], stamp, data)
        if index % flush_every == 0:
            bag.flush()
    return bag


def read(path: Path, topics: Any = tuple(TYPES)) -> tuple[list[Sent], str]:
    """What is in a bag, and its damage."""
    with Bag(path) as bag:
        return [Sent(*message) for message in bag.messages(topics)], bag.damage


def test_what_is_written_is_read_in_the_order_of_receipt(tmp_path: Path) -> None:
    sent = messages()
    write(tmp_path / "bag", sent).close()
    assert read(tmp_path / "bag") == (sent, "")
    small = [message for message in sent if message.topic != IMAGE]
    assert read(tmp_path / "bag", (ITEM, STATE)) == (small, "")


def made(kind: str) -> Any:
    """A message of a type with something in every field."""
    types = typestore()
    return types.types[kind](**{name: filled(what) for name, what in types.fielddefs[kind][1]})


def filled(what: Any) -> Any:
    node, detail = what
    if node is Nodetype.NAME:
        return made(detail)
    if node is Nodetype.BASE:
        return "Klarus" if detail[0] == "string" else np.dtype(detail[0]).type(1).item()
    inner, length = detail
    values = [filled(inner)] * (length or 2)
    plain = inner[0] is Nodetype.BASE and inner[1][0] != "string"
    return np.array(values, inner[1][0]) if plain else values


def test_every_message_of_the_cell_comes_back_as_it_was(tmp_path: Path) -> None:
    types = typestore()
    kinds = [name for name in types.fielddefs if name.startswith("batsort_interfaces/msg/")]
    kinds += [*TYPES.values(), "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"]
    kinds += ["diagnostic_msgs/msg/DiagnosticArray", "rcl_interfaces/msg/ParameterEvent"]
    sent = {f"/{kind}": bytes(types.serialize_cdr(made(kind), kind)) for kind in kinds}
    sent["/belt/items"] = sent["/batsort_interfaces/msg/BeltItem"]
    bag = BagWriter(tmp_path / "bag")
    for topic, data in sent.items():
        kind = topic[1:] if topic[1:] in kinds else TYPES[ITEM]
        bag.write(bag.add(topic, kind, 10), T0, data)
    bag.close()
    with Bag(tmp_path / "bag") as found:
        came = {f"/{message.topic}": message for message in found.messages(found.topics)}
        assert {topic: message.data for topic, message in came.items()} == sent
        for kind in kinds:
            again = types.serialize_cdr(found.decode(came[f"/{kind}"]), kind)
            assert bytes(again) == sent[f"/{kind}"]


def test_no_image_shares_a_chunk(tmp_path: Path) -> None:
    write(tmp_path / "bag", messages()).close()
    with (tmp_path / "bag" / "bag.mcap").open("rb") as file:
        summary = make_reader(file).get_summary()
    images = {id for id, channel in summary.channels.items() if channel.topic == f"/{IMAGE}"}
    with_images = [
        set(chunk.message_index_offsets)
        for chunk in summary.chunk_indexes
        if images & set(chunk.message_index_offsets)
    ]
    assert with_images == [images] * 10


def test_latched_topics_are_offered_as_latched(tmp_path: Path) -> None:
    write(tmp_path / "bag", messages()).close()
    with Reader(tmp_path / "bag") as reader:
        offered = {c.topic: c.ext.offered_qos_profiles for c in reader.connections}
    for topic, (qos,) in offered.items():
        latched = qos.durability is QosDurability.TRANSIENT_LOCAL
        assert latched == (topic == f"/{ITEM}")
        assert qos.reliability is QosReliability.RELIABLE
        assert qos.depth == 100
    metadata = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())
    assert metadata["rosbag2_bagfile_information"]["message_count"] == 40


def test_receipt_stamps_never_go_back_and_are_those_of_the_middleware() -> None:
    wall, steady = [T0], [5 * NS]
    clock = ReceiptClock(lambda: wall[0], lambda: steady[0])

    def after(wall_s: float, steady_s: float) -> None:
        wall[0] += round(wall_s * NS)
        steady[0] += round(steady_s * NS)

    assert clock.stamp() == T0
    after(0.05, 0.05)
    assert clock.stamp(wall[0] - 20_000_000) == T0 + 30_000_000
    assert clock.stamp(wall[0] - 30_000_000) == T0 + 30_000_000
    after(-3600, 0.05)
    assert clock.stamp() == T0 + 100_000_000
    assert clock.stamp(wall[0] + 3600 * NS) == T0 + 100_000_000
    after(7200, 0.05)
    assert clock.stamp(wall[0] - 10_000_000) == T0 + 140_000_000


def test_a_folder_that_exists_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=f"{tmp_path} can't be recorded to"):
        BagWriter(tmp_path)


def test_of_a_killed_writer_everything_flushed_is_read(tmp_path: Path) -> None:
    code = """
        import os, signal
        from pathlib import Path
        from test_writer import messages, write
        bag = write(Path("bag"), messages(), flush_every=1000)
        bag.flush()
        bag.write(bag.add("/late", "batsort_interfaces/msg/BeltItem", 1), 2**62, bytes(90))
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert python(code, tmp_path) == (-signal.SIGKILL, "")
    found, damage = read(tmp_path / "bag")
    assert found == messages()
    assert "cut off" in damage


def python(code: str, folder: Path) -> tuple[int, str]:
    """Exit status and words of a Python process in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("limit", [60_000, 63_000, 66_000, 69_000, 72_000])
def test_a_full_disk_ends_the_bag_at_its_last_whole_chunk(tmp_path: Path, limit: int) -> None:
    code = f"""
        import resource, signal
        from pathlib import Path
        from test_writer import messages, write
        from batsort_bags.writer import RecordingError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
        try:
            write(Path("bag"), messages(400))
        except RecordingError as error:
            print(error)
    """
    status, said = python(code, tmp_path)
    assert (status, said.count("\n")) == (0, 1), said
    found, damage = read(tmp_path / "bag")
    assert found == messages(400)[: len(found)]
    assert len(found) > 20
    end = datetime.fromtimestamp(found[-1].stamp / 1e9, UTC).isoformat(timespec="milliseconds")
    assert "bag: recording ended (File too large; " in said
    assert said.endswith(f"what was received after {end} is not in it\n")
    assert "cut off" in damage


def test_where_the_index_finds_room_a_full_disk_leaves_a_whole_bag(tmp_path: Path) -> None:
    class FullOnce(FileIO):
        full = True

        def write(self, data: Any) -> int:
            if self.full:
                self.full = False
                super().write(data[: len(data) // 2])
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    sent = messages()
    bag = write(tmp_path / "bag", sent[:21])
    bag._storage._file._raw = FullOnce(tmp_path / "bag" / "bag.mcap", "ab")
    with pytest.raises(RecordingError, match=r"No space left on device; .* MB are free"):
        bag.write(bag.add("/late", TYPES[IMAGE], 5), T0 + 10 * NS, sent[3].data)
    assert read(tmp_path / "bag") == (sent[:21], "")
    metadata = yaml.safe_load((tmp_path / "bag" / "metadata.yaml").read_text())
    assert metadata["rosbag2_bagfile_information"]["message_count"] == 21


def test_a_bag_is_closed_before_the_disk_is_full(tmp_path: Path) -> None:
    bag = BagWriter(tmp_path / "bag", least_free=0)
    topic = bag.add(f"/{ITEM}", TYPES[ITEM], 100)
    bag.write(topic, T0, b"\0\1\0\0")
    bag._least_free = 10**18
    with pytest.raises(RecordingError, match=r"1000000000000 MB must stay free; .* MB are free"):
        bag.flush()
    assert bag.closed
    bag.close()
    assert read(tmp_path / "bag") == ([Sent(ITEM, T0, b"\0\1\0\0")], "")
    assert (tmp_path / "bag" / "metadata.yaml").is_file()


def test_a_bag_cut_anywhere_gives_what_was_before_and_one_line(tmp_path: Path) -> None:
    sent = messages()
    write(tmp_path / "whole", sent).close()
    whole = (tmp_path / "whole" / "whole.mcap").read_bytes()
    cut = tmp_path / "cut.mcap"
    lengths = set()
    for size in (*range(0, len(whole) - 40, 199), *range(len(whole) - 40, len(whole))):
        cut.write_bytes(whole[:size])
        try:
            found, damage = read(cut)
        except BagError as error:
            found, damage = [], str(error)
        assert found == sent[: len(found)]
        assert damage
        assert "\n" not in damage
        lengths.add(len(found))
    assert len(lengths) > 15


def test_a_flipped_byte_is_found_wherever_it_is(tmp_path: Path) -> None:
    sent = messages()
    write(tmp_path / "whole", sent).close()
    whole = (tmp_path / "whole" / "whole.mcap").read_bytes()
    with (tmp_path / "whole" / "whole.mcap").open("rb") as file:
        chunks = make_reader(file).get_summary().chunk_indexes
    bad = tmp_path / "bad.mcap"
    for chunk in chunks[1:]:
        flipped = bytearray(whole)
        flipped[chunk.chunk_start_offset + chunk.chunk_length // 2] ^= 1
        bad.write_bytes(flipped)
        found, damage = read(bad)
        assert found == sent[: len(found)]
        assert len(found) < len(sent)
        assert "is damaged" in damage
        assert "\n" not in damage
