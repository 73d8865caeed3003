"""Bags of rosbag2, whole or cut: MCAP or SQLite, a folder (also of split files) or a single file.

MCAP is read as it was written, SQLite by stamps of receipt. A bag is read up to its first damage,
and `damage` says what and where that is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from rosbags.interfaces import MessageDefinitionFormat
from rosbags.rosbag2 import Reader
from rosbags.serde import SerdeError
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from rosbags.typesys.stores.ros2_jazzy import builtin_interfaces__msg__Time as Time

from batsort_bags.storage import DAMAGE, File, McapFile, Received, Recording, RosbagFile
from batsort_bags.types import definition, typestore
from batsort_graph.names import IMAGES, ITEMS

SUFFIXES = (".mcap", ".db3")
METADATA = "metadata.yaml"
PACKED = re.compile(r"compression_mode: *['\"]?(message|file)", re.IGNORECASE)
LATER: Mapping[str, Mapping[str, Any]] = {
    "batsort_interfaces/msg/ItemTruth": {"blown": Time(sec=0, nanosec=0)},
    "batsort_interfaces/msg/PrintReading": {"brand_confidence": 0.0, "chemistries": []},
    "batsort_interfaces/msg/Recipe": {
        "sized_types": [],
        "sizes": [],
        "stated_types": [],
        "chemistries": [],
        "reads_print": False,
        "print_veto": False,
        "print_dangerous": [],
        "print_novelty": 0.0,
        "print_score": 0.0,
        "print_confidence": 0.0,
        "print_margin": 0.0,
        "print_brand_confidence": math.nan,
        "branded_types": [],
        "brands": [],
    },
}
"""Fields that bags from before them may lack, and what is read then."""
MARK = ITEMS
"""A topic that every cell has: what stands before it is the cell's namespace."""


class BagError(ValueError):
    """A bag that can't be read or replayed: one line that says why."""


class Bag:
    """An open bag of one cell; a context manager."""

    def __init__(self, path: Path, namespace: str | None = None) -> None:
        """Open; `namespace` is needed where the bag holds several cells. Raises BagError."""
        self.path = path
        self.damage = ""
        """Where and why reading ended early; empty while all is well."""
        self._stack = ExitStack()
        self._decoders: dict[str, Typestore] = {}
        try:
            self._files = self._open_all()
            recordings = [one for file in self._files for one in file.recordings]
            self.prefix = _prefix(path, {one.name for one in recordings}, namespace)
        except BaseException:
            self._stack.close()
            raise
        self.topics: Mapping[str, Recording] = {
            one.name.removeprefix(self.prefix): one for one in recordings
        }
        """By name without the cell's namespace; absolute ones of others keep their slash."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()

    @property
    def has_images(self) -> bool:
        """Whether there are images in it, of any kind."""
        return any(topic in self.topics for topic in IMAGES)

    def messages(self, topics: Iterable[str]) -> Iterator[Received]:
        """What was received on these topics, up to the first damage."""
        names = {self.topics[topic].name for topic in topics if topic in self.topics}
        first = received = 0
        try:
            for file in self._files:
                for name, stamp, data in file.messages(names):
                    first, received = first or stamp, stamp
                    yield Received(name.removeprefix(self.prefix), stamp, data)
        except DAMAGE as error:
            reason = str(error).rstrip(".") or "cut off"
            place = f"after {(received - first) / 1e9:.3f} s" if received else "at its beginning"
            self.damage = f"{self.path} is damaged {place} ({reason}); read up to there"

    def decode(self, message: Received) -> Any:
        """The message with its fields. Raises BagError for one of another version."""
        kind = self.topics[message.topic].type
        try:
            decoded: Any = self._types(message.topic).deserialize_cdr(message.data, kind)
        except (SerdeError, *DAMAGE) as error:
            raise BagError(
                f"{self.path}: {message.topic}: a message of {len(message.data)} bytes received at "
                f"{message.stamp} ns is no {kind} ({error})"
            ) from None
        for field, value in LATER.get(kind, {}).items():
            if not hasattr(decoded, field):
                setattr(decoded, field, value)
        return decoded

    def cdr(self, message: Received) -> bytes:
        """The message's bytes as this version writes them. Raises BagError as `decode` does."""
        if self._types(message.topic) is typestore():
            return bytes(message.data)
        kind = self.topics[message.topic].type
        return bytes(typestore().serialize_cdr(self.decode(message), kind))

    def check(self, topic: str, kind: str) -> None:
        """Raises BagError where a topic of the bag has not messages of this type and version."""
        found = self.topics[topic].type
        if found != kind:
            raise BagError(f"{self.path}: {topic}: {found} is not read; allowed: {kind}")
        self._types(topic)

    def _types(self, topic: str) -> Typestore:
        if topic not in self._decoders:
            self._decoders[topic] = _decoder(self.topics[topic])
        return self._decoders[topic]

    def _open_all(self) -> list[File]:
        path = self.path
        if not path.exists():
            raise BagError(f"{path}: not there; allowed: a bag, that is a folder or {_allowed()}")
        if path.is_file():
            return [self._open(path)]
        files = sorted((file for file in path.iterdir() if file.suffix in SUFFIXES), key=_number)
        metadata = path / METADATA
        if metadata.is_file() and (
            not files or PACKED.search(metadata.read_text("utf-8", "replace"))
        ):
            # Compressed file by file or message by message: rosbags unpacks it.
            return [self._rosbag(path)]
        if not files:
            raise BagError(f"{path}: no bag in it; allowed: a folder with {_allowed()}")
        return [self._open(file) for file in files]

    def _open(self, file: Path) -> File:
        if file.suffix != ".mcap":
            return self._rosbag(file)
        mcap = McapFile(self._stack.enter_context(file.open("rb")))
        if not mcap.recordings:
            raise BagError(f"{file}: nothing in it can be read; allowed: a bag of rosbag2")
        if not mcap.whole:
            self.damage = f"{file} has no sound index; read from its beginning as far as it goes"
        return mcap

    def _rosbag(self, path: Path) -> RosbagFile:
        try:
            reader = Reader(path)
            reader.open()
        except DAMAGE as error:
            raise BagError(f"{path}: {error}; allowed: a bag of rosbag2") from None
        self._stack.callback(reader.close)
        return RosbagFile(reader)


def _allowed() -> str:
    return " or ".join(f"*{suffix}" for suffix in SUFFIXES)


def _number(file: Path) -> tuple[int, str]:
    """Split files are numbered without leading zeros."""
    number = re.search(r"_(\d+)$", file.stem)
    return int(number[1]) if number else 0, file.name


def _prefix(path: Path, names: Collection[str], namespace: str | None) -> str:
    found = sorted(name.removesuffix(MARK) for name in names if name.endswith(f"/{MARK}"))
    known = ", ".join(prefix.strip("/") or "/" for prefix in found)
    if not found:
        raise BagError(f"{path}: no topic {MARK} in it; allowed: a bag of a cell")
    if namespace is None:
        if len(found) > 1:
            raise BagError(f"namespace: not given for a bag of several cells; allowed: {known}")
        return found[0]
    wanted = f"/{namespace.strip('/')}/".replace("//", "/")
    if wanted not in found:
        raise BagError(f"namespace: {namespace!r} is refused; allowed: {known}")
    return wanted


def _decoder(recording: Recording) -> Typestore:
    """The types to read a topic with: ours, or the bag's own where these can be read, too."""
    ours, name = typestore(), recording.type
    if name not in ours.fielddefs:
        raise BagError(f"{recording.name}: {name} is not read; allowed: messages of this version")
    if recording.definition.format is MessageDefinitionFormat.NONE:
        return ours
    if recording.definition.data == definition(name):
        return ours
    parse = (
        get_types_from_msg
        if recording.definition.format is MessageDefinitionFormat.MSG
        else lambda text, _: get_types_from_idl(text)
    )
    theirs = parse(recording.definition.data, name)
    if all(ours.fielddefs.get(kind) == fields for kind, fields in theirs.items()):
        return ours
    for kind, (_, fields) in theirs.items():
        known = {field: str(what) for field, what in fields}
        for field, what in ours.fielddefs[kind][1] if kind in ours.fielddefs else ():
            if field not in known and field in LATER.get(kind, ()):
                continue
            if known.get(field) != str(what):
                raise BagError(
                    f"{recording.name}: recorded as another version of {kind}, whose field "
                    f"{field} is {'of another type' if field in known else 'missing'}; "
                    "allowed: this version's fields, and more"
                )
    store = get_typestore(Stores.EMPTY)
    store.register({**{k: v for k, v in ours.fielddefs.items() if k not in theirs}, **theirs})
    return store
