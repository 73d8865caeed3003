"""The files of bags: MCAP read as it was written, others by stamps of receipt."""

from __future__ import annotations

import os
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader, BytesIO
from typing import BinaryIO, NamedTuple, Protocol, cast

import apsw
from backports.zstd import ZstdError
from mcap.data_stream import ReadDataStream
from mcap.exceptions import EndOfFile, McapError
from mcap.opcode import Opcode
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, Message, Schema
from mcap.stream_reader import StreamReader, get_chunk_data_stream
from mcap.summary import Summary
from rosbags.interfaces import Connection, MessageDefinition, MessageDefinitionFormat
from rosbags.rosbag2 import Reader, ReaderError
from zstandard import ZstdError as StreamZstdError

RECORD = struct.Struct("<BQ")
"""Kind and length of an MCAP record."""
MESSAGE = struct.Struct("<H4xQ")
MESSAGE_HEADER = 22
"""Channel, sequence number (left out here), stamp of receipt, stamp of publication (too)."""
DAMAGE = (
    *(ReaderError, ZstdError, StreamZstdError, McapError, apsw.Error),
    *(struct.error, ValueError, TypeError, EOFError, OSError),
)
"""What reading raises where a bag is damaged."""


class Received(NamedTuple):
    """One message as it lies in the bag."""

    topic: str
    """As recorded; `reader.Bag` takes the cell's namespace off."""
    stamp: int
    """When it was received [ns]."""
    data: bytes
    """CDR."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One topic of a bag."""

    name: str
    """As recorded."""
    type: str
    definition: MessageDefinition
    count: int | None
    """Of messages; None where the bag is cut."""


class File(Protocol):
    """One file of a bag."""

    recordings: list[Recording]

    def messages(self, names: Collection[str]) -> Iterator[Received]:
        """Of these topics; raises any of DAMAGE."""


class RosbagFile:
    """SQLite, or compressed as a whole: by stamps of receipt."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.recordings = [
            Recording(c.topic, c.msgtype, c.msgdef, c.msgcount) for c in reader.connections
        ]

    def messages(self, names: Collection[str]) -> Iterator[Received]:
        wanted = [c for c in self._reader.connections if c.topic in names]
        if not wanted:
            return
        connection: Connection
        for connection, stamp, data in self._reader.messages(wanted):
            yield Received(connection.topic, stamp, data)


class McapFile:
    """As written, so that a wall clock that jumps changes nothing; chunk by chunk.

    With an index only the chunks that are needed are read; without, all from the beginning.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        # What mcap asks of a file is to read.
        self._strict = cast(BufferedReader, _Strict(file))
        self._summary: Summary | None = None
        self.recordings: list[Recording] = []
        with suppress(*DAMAGE):
            self._summary = SeekingReader(file).get_summary()
            self.recordings = _recordings(self._summary)
        self.whole = bool(self.recordings)
        if not self.whole:
            self._summary = None
            with suppress(*DAMAGE):
                for _ in self.messages(()):
                    pass

    def messages(self, names: Collection[str]) -> Iterator[Received]:
        """Of these topics; without an index, topics are noted on the way."""
        schemas: dict[int, Schema] = {}
        channels = dict(self._summary.channels) if self._summary else {}
        wanted = {c.id: c.topic for c in channels.values() if c.topic in names}
        known = {one.name for one in self.recordings}
        for record in self._indexed(wanted) if self._summary else self._scanned():
            if isinstance(record, _Message):
                if record.channel in wanted:
                    yield Received(wanted[record.channel], record.stamp, record.data)
            elif isinstance(record, Schema):
                schemas[record.id] = record
            elif isinstance(record, Channel):
                if self._summary and channels.get(record.id) != record:
                    raise ValueError(f"the index and the data disagree on {record.topic!r}")
                channels[record.id] = record
                if record.topic in names:
                    wanted[record.id] = record.topic
                if record.topic not in known:
                    known.add(record.topic)
                    self.recordings.append(_recording(record, schemas.get(record.schema_id), None))

    def _indexed(self, wanted: Collection[int]) -> Iterator[_Record]:
        assert self._summary is not None
        for index in sorted(self._summary.chunk_indexes, key=lambda one: one.chunk_start_offset):
            held = index.message_index_offsets
            # A chunk that names no channels may hold any.
            if not held or any(channel in held for channel in wanted):
                self._file.seek(index.chunk_start_offset + RECORD.size)
                yield from _opened(Chunk.read(ReadDataStream(self._strict)))

    def _scanned(self) -> Iterator[_Record]:
        self._file.seek(0)
        for record in StreamReader(self._strict, emit_chunks=True).records:
            if isinstance(record, Chunk):
                yield from _opened(record)
            elif isinstance(record, Message):
                yield _Message(record.channel_id, record.log_time, record.data)
            elif isinstance(record, Schema | Channel):
                yield record


class _Message(NamedTuple):
    channel: int
    stamp: int
    data: bytes


_Record = _Message | Schema | Channel


def _opened(chunk: Chunk) -> Iterator[_Record]:
    """The records of a chunk: mcap's own `breakup_chunk` takes four times as long a message."""
    stream, size = get_chunk_data_stream(chunk, validate_crc=True)
    data, offset = stream.read(size), 0
    while offset < size:
        kind, length = RECORD.unpack_from(data, offset)
        begin, offset = offset + RECORD.size, offset + RECORD.size + length
        if offset > size:
            raise EndOfFile
        if kind == Opcode.MESSAGE:
            channel, stamp = MESSAGE.unpack_from(data, begin)
            yield _Message(channel, stamp, data[begin + MESSAGE_HEADER : offset])
        elif kind == Opcode.SCHEMA:
            yield Schema.read(ReadDataStream(BytesIO(data[begin:offset])))
        elif kind == Opcode.CHANNEL:
            yield Channel.read(ReadDataStream(BytesIO(data[begin:offset])))


class _Strict:
    """Gives all that is asked for, or nothing."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = os.fstat(file.fileno()).st_size

    def read(self, length: int) -> bytes:
        if length > self._size - self._file.tell():
            raise EndOfFile
        return self._file.read(length)


def _recordings(summary: Summary | None) -> list[Recording]:
    if summary is None:
        return []
    counts = summary.statistics.channel_message_counts if summary.statistics else {}
    return [
        _recording(channel, summary.schemas.get(channel.schema_id), counts.get(channel.id, 0))
        for channel in summary.channels.values()
    ]


def _recording(channel: Channel, schema: Schema | None, count: int | None) -> Recording:
    if schema is None:
        return Recording(channel.topic, "", MessageDefinition(MessageDefinitionFormat.NONE, ""), 0)
    formats = {"ros2msg": MessageDefinitionFormat.MSG, "ros2idl": MessageDefinitionFormat.IDL}
    text = MessageDefinition(
        formats.get(schema.encoding, MessageDefinitionFormat.NONE), schema.data.decode()
    )
    return Recording(channel.topic, schema.name, text, count)
