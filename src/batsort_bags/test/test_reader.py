"""Bags are read whoever wrote them and however they end; what can't be is told in one line."""

import math
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from runs import STORE, Run, header, made, time, write

from batsort_bags.reader import Bag, BagError
from batsort_bags.storage import Received
from batsort_core.chemistry import Chemistry
from batsort_core.items import PrintReading
from batsort_core.recipe import PrintRule, Recipe
from batsort_files.schema import FieldError
from batsort_graph.from_messages import print_of, recipe_fields, recipe_of

TOPICS = ("belt/encoder", "belt/items", "items/decisions")


def read(path: Path, namespace: str | None = None) -> tuple[list[Received], str]:
    with Bag(path, namespace) as bag:
        return list(bag.messages(TOPICS)), bag.damage


@pytest.fixture(scope="session")
def whole(bag: Path) -> list[Received]:
    return read(bag)[0]


def test_every_message_comes_in_the_order_of_receipt(run: Run, whole: list[Received]) -> None:
    said = [(topic, stamp) for topic, stamp, _ in run.said if topic in TOPICS]
    assert [(one.topic, one.stamp) for one in whole] == said


def test_fields_are_those_that_were_said(run: Run, bag: Path) -> None:
    with Bag(bag) as opened:
        items = [opened.decode(one) for one in opened.messages(["belt/items"])]
    assert [item.id for item in items] == [m.id for t, _, m in run.said if t == "belt/items"]


def test_mcap_and_sqlite_hold_the_same(run: Run, whole: list[Received], tmp_path: Path) -> None:
    path = write(tmp_path / "bag", run.said, storage=StoragePlugin.SQLITE3)
    assert sorted(read(path)[0]) == sorted(whole)
    (file,) = path.glob("*.db3")
    assert sorted(read(file)[0]) == sorted(whole)


def test_metadata_that_is_no_text_does_not_hide_a_bag(
    whole: list[Received], bag: Path, tmp_path: Path
) -> None:
    copy = shutil.copytree(bag, tmp_path / "bag")
    (copy / "metadata.yaml").write_bytes(b"\xff\xfe\x00")
    assert read(copy) == (whole, "")


def test_split_files_are_one_bag_with_and_without_their_metadata(
    run: Run, whole: list[Received], tmp_path: Path
) -> None:
    """Ten parts, so that names sorted as texts would come in a wrong order."""
    folder = tmp_path / "bag"
    folder.mkdir()
    step = len(run.said) // 10 + 1
    for number in range(10, -1, -1):
        part = run.said[(number) * step : (number + 1) * step]
        if part:
            write(tmp_path / "part", part)
            shutil.move(tmp_path / "part" / "part.mcap", folder / f"bag_{number}.mcap")
            shutil.rmtree(tmp_path / "part")
    assert read(folder)[0] == whole


def test_a_cell_is_found_in_its_namespace(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "bag", run.said, prefix="/plant/left/")
    messages, _ = read(path)
    assert {one.topic for one in messages} == set(TOPICS)
    assert read(path, "plant/left")[0] == read(path, "/plant/left/")[0] == messages
    with pytest.raises(BagError, match="namespace: 'right' is refused; allowed: plant/left"):
        read(path, "right")


def test_topics_outside_the_namespace_keep_their_whole_name(run: Run, tmp_path: Path) -> None:
    path = write(
        tmp_path / "bag",
        [("left/belt/items", s, m) for t, s, m in run.said if t == "belt/items"]
        + [("diagnostics", s, m) for t, s, m in run.said if t == "belt/state"],
    )
    with Bag(path) as bag:
        assert set(bag.topics) == {"belt/items", "/diagnostics"}
        assert {one.topic for one in bag.messages(["/diagnostics"])} == {"/diagnostics"}


def test_a_bag_of_two_cells_wants_a_namespace(run: Run, tmp_path: Path) -> None:
    said = [(f"{cell}/{topic}", stamp, m) for topic, stamp, m in run.said for cell in "ab"]
    path = write(tmp_path / "bag", said)
    with pytest.raises(BagError, match=r"namespace: not given .* allowed: a, b"):
        read(path)
    assert len(read(path, "a")[0]) == len(read(path, "b")[0])


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda folder: folder / "none", "not there"),
        (lambda folder: folder, "no bag in it"),
        (lambda folder: _file(folder / "x.txt", b"text"), "allowed: a bag of rosbag2"),
        (lambda folder: _file(folder / "x.mcap", b""), "nothing in it can be read"),
        (lambda folder: _file(folder / "x.mcap", b"\x89MCAP0\r\n"), "nothing in it can be read"),
        (lambda folder: _file(folder / "x.db3", b"no database"), "allowed: a bag of rosbag2"),
    ],
)
def test_what_is_no_bag_is_refused_in_one_line(tmp_path: Path, make, named: str) -> None:
    with pytest.raises(BagError, match=named) as refused:
        read(make(tmp_path))
    assert "\n" not in str(refused.value)


def _file(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_a_bag_of_something_else_is_refused(run: Run, tmp_path: Path) -> None:
    said = [one for one in run.said if one[0] == "belt/encoder"]
    with pytest.raises(BagError, match=r"no topic belt/items in it; allowed: a bag of a cell"):
        read(write(tmp_path / "bag", said))


@settings(max_examples=60, deadline=None)
@given(share=st.floats(0.0, 1.0))
def test_a_cut_bag_is_read_as_far_as_it_goes(
    bag: Path, whole: list[Received], tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    data = next(bag.glob("*.mcap")).read_bytes()
    path = _file(
        tmp_path_factory.mktemp("cut") / "cut.mcap", data[: round(share * (len(data) - 1))]
    )
    try:
        messages, damage = read(path)
    except BagError as error:
        assert "\n" not in str(error)
        return
    assert messages == whole[: len(messages)]
    assert damage
    assert "\n" not in damage


@settings(max_examples=60, deadline=None)
@given(place=st.floats(0.0, 1.0), bit=st.integers(0, 7))
def test_a_flipped_bit_invents_no_message_and_loses_none_in_silence(
    checked: Path, tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    whole = read(checked)[0]
    data = bytearray(checked.read_bytes())
    data[round(place * (len(data) - 1))] ^= 1 << bit
    path = _file(tmp_path_factory.mktemp("flip") / "flip.mcap", bytes(data))
    try:
        messages, damage = read(path)
    except BagError as error:
        assert "\n" not in str(error)
        return
    assert not Counter(messages) - Counter(whole)
    assert damage or len(messages) == len(whole)


def other_version(text: str, tmp_path: Path, run: Run) -> Path:
    """The bag, but with belt/state of another definition."""
    name = "batsort_interfaces/msg/BeltState"
    store = get_typestore(Stores.ROS2_JAZZY)
    store.register(get_types_from_msg(text, name))
    path = tmp_path / "bag"
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        other = writer.add_connection("/belt/state", name, typestore=store)
        items = writer.add_connection(
            "/belt/items", "batsort_interfaces/msg/BeltItem", typestore=STORE
        )
        for topic, stamp, message in run.said:
            if topic == "belt/items":
                data = STORE.serialize_cdr(message, message.__msgtype__)
                writer.write(items, stamp, data)
            elif topic == "belt/state":
                kind = store.types[name]
                known = {f: getattr(message, f, 0) for f, _ in store.fielddefs[name][1]}
                writer.write(other, stamp, store.serialize_cdr(kind(**known), name))
    return path


COMMON = (
    "std_msgs/Header header\nuint64 epoch\nint64 count\nfloat64 velocity\nbool moving\n"
    "builtin_interfaces/Time trusted_since\n"
)


def test_a_message_with_more_fields_than_ours_is_read(run: Run, tmp_path: Path) -> None:
    path = other_version(f"float32 slip\n{COMMON}float64 position\n", tmp_path, run)
    with Bag(path) as bag:
        found = [bag.decode(one).count for one in bag.messages(["belt/state"])]
    assert found == [m.count for topic, _, m in run.said if topic == "belt/state"]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (COMMON, "field position is missing"),
        (f"{COMMON}float32 position\n", "field position is of another type"),
    ],
)
def test_a_message_without_a_field_of_ours_is_refused_by_name(
    run: Run, tmp_path: Path, text: str, named: str
) -> None:
    with Bag(other_version(text, tmp_path, run)) as bag:
        (first, *_) = bag.messages(["belt/state"])
        with pytest.raises(BagError, match=f"another version of .*BeltState.* {named}"):
            bag.decode(first)


def test_the_truth_from_before_it_told_when_an_item_was_blown_is_read_as_never(
    run: Run, tmp_path: Path
) -> None:
    name = "batsort_interfaces/msg/ItemTruth"
    constants, fields = STORE.fielddefs[name]
    before = get_typestore(Stores.ROS2_JAZZY)
    before.register({name: (constants, [one for one in fields if one[0] != "blown"])})
    items = [(stamp, m) for topic, stamp, m in run.said if topic == "belt/items"]
    stamp, item = items[0]
    texts = dict.fromkeys(("type", "label", "size", "photo", "photo_sha256", "bin"), "a")
    told = {"index": 7, "item_id": item.id, "length": 0.05, "aim_error": 0.0, "place": 1.0}
    truth = before.types[name](header=item.header, foreign=False, **texts, **told)
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/belt/items", item.__msgtype__, typestore=STORE)
        truths = writer.add_connection("/twin/truth", name, typestore=before)
        writer.write(truths, stamp, before.serialize_cdr(truth, name))
    with Bag(tmp_path / "bag") as bag:
        (received,) = bag.messages(["twin/truth"])
        found = bag.decode(received)
        anew = STORE.deserialize_cdr(bag.cdr(received), name)
    for read_ in (found, anew):
        assert (read_.index, read_.place) == (7, 1.0)
        assert (read_.blown.sec, read_.blown.nanosec) == (0, 0)


def test_the_recipe_from_before_it_had_sizes_and_print_is_read_as_without(
    run: Run, tmp_path: Path
) -> None:
    name = "batsort_interfaces/msg/Recipe"
    constants, fields = STORE.fielddefs[name]
    before = get_typestore(Stores.ROS2_JAZZY)
    before.register({name: (constants, fields[:8])})
    stamp, item = next((s, m) for topic, s, m in run.said if topic == "belt/items")
    recipe = before.types[name](
        header=item.header,
        others="others",
        threshold=0.8,
        novelty_limit=1.0,
        types=["A"],
        bins=["left"],
        weighted_types=["A"],
        weights=np.array([5.0]),
    )
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/belt/items", item.__msgtype__, typestore=STORE)
        recipes = writer.add_connection("/ejector/recipe", name, typestore=before)
        writer.write(recipes, stamp, before.serialize_cdr(recipe, name))
    with Bag(tmp_path / "bag") as bag:
        (received,) = bag.messages(["ejector/recipe"])
        found = bag.decode(received)
        anew = STORE.deserialize_cdr(bag.cdr(received), name)
    expected = Recipe("others", 0.8, 1.0, {"A": "left"}, {"A": 5.0})
    assert recipe_of(found) == recipe_of(anew) == expected


def test_a_reading_from_before_brands_contradicted_is_read_as_sure_of_none(
    run: Run, tmp_path: Path
) -> None:
    name = "batsort_interfaces/msg/PrintReading"
    constants, fields = STORE.fielddefs[name]
    before = get_typestore(Stores.ROS2_JAZZY)
    before.register({name: (constants, fields[:9])})
    stamp, item = next((s, m) for topic, s, m in run.said if topic == "belt/items")
    reading = before.types[name](
        header=header(7),
        item_id=item.id,
        chemistry="nimh",
        confidence=0.75,
        voltage=math.nan,
        brand="GP",
        size="AA",
        text="Ni-MH",
        reading_stamp=time(9),
    )
    with Writer(tmp_path / "bag", version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        writer.add_connection("/belt/items", item.__msgtype__, typestore=STORE)
        readings = writer.add_connection("/readings", name, typestore=before)
        writer.write(readings, stamp, before.serialize_cdr(reading, name))
    with Bag(tmp_path / "bag") as bag:
        (received,) = bag.messages(["readings"])
        found = bag.decode(received)
        anew = STORE.deserialize_cdr(bag.cdr(received), name)
    expected = PrintReading(item.id, 7, Chemistry.NIMH, 0.75, None, "GP", "AA", "Ni-MH")
    assert print_of(found) == print_of(anew) == expected
    assert expected.brand_confidence == 0.0 and expected.chemistries == ()


@pytest.mark.parametrize("limit", [0.9, None])
def test_a_recipe_with_brands_comes_back_the_same(limit: float | None) -> None:
    recipe = Recipe(
        "others",
        0.8,
        1.0,
        {"A": "left", "B": "right"},
        chemistries={"A": Chemistry.NIMH},
        brands={"A": ("IKEA", "LADDA"), "B": ("GP",)},
        print=PrintRule(True, (Chemistry.LI_ION,), 0.0, 0.01, 0.8, 0.05, limit),
    )
    assert recipe_of(made("Recipe", **recipe_fields(recipe))) == recipe


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"brand_confidence": 1.5}, "brand_confidence: 1.5 is refused; allowed: a number from 0"),
        ({"chemistries": ["nimh", "tea"]}, r"chemistries\[1\]: 'tea' is refused; allowed: one of"),
    ],
)
def test_a_reading_that_can_t_be_is_refused_by_field(fields: dict[str, object], line: str) -> None:
    with pytest.raises(FieldError, match=line):
        print_of(made("PrintReading", header=header(7), **fields))


@pytest.mark.parametrize("mode", [CompressionMode.MESSAGE, CompressionMode.FILE])
@pytest.mark.parametrize("storage", [StoragePlugin.MCAP, StoragePlugin.SQLITE3])
def test_bags_that_rosbag2_has_compressed_are_read(
    run: Run,
    whole: list[Received],
    tmp_path: Path,
    mode: CompressionMode,
    storage: StoragePlugin,
) -> None:
    path = write(tmp_path / "bag", run.said, storage=storage, compression=mode)
    assert sorted(read(path)[0]) == sorted(whole)
