"""Bags of rosbag2 (MCAP) that a killed process, a full disk or a flipped bit can't take away.

Images and small messages never share a chunk, so that reading without images is fast, and chunks
follow each other in the order of receipt. Every chunk carries a checksum and is on the disk whole
or not at all: a bag that was never closed is read up to its last chunk by `reader.Bag`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import cast

from backports import zstd
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer, WriterError
from rosbags.rosbag2.storage_mcap import McapWriter

from batsort_bags.types import typestore

LEAST_FREE = 50_000_000
"""Bytes of the disk that a recording leaves free."""
IMAGES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
_COMPRESSION: dict[int, int] = {
    # Level 1 gives smaller images than the default, in a third of the time.
    zstd.CompressionParameter.compression_level: 1,
    # The checksum of the chunk itself is left out by rosbags.
    zstd.CompressionParameter.checksum_flag: 1,
}
_INFINITE = QosTime(9_223_372_036, 854_775_807)
"""As rosbag2 writes durations that were not given."""


class RecordingError(RuntimeError):
    """A recording that can't begin or go on: one line that says why and what is not in the bag."""


class ReceiptClock:
    """Stamps [ns since the Unix epoch] that never go back: wall time at its start, steady after."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._wall = wall
        self._steady = steady
        self._offset = wall() - steady()
        self._last = 0

    def stamp(self, received: int = 0) -> int:
        """For what was received at this wall time; 0: now."""
        now = self._offset + self._steady()
        age = self._wall() - received if received else 0
        self._last = max(self._last, min(now, now - age))
        return self._last


class BagWriter:
    """A new bag; `close` gives it its index and metadata.yaml.

    After a RecordingError of `write`, `flush` or `close` the bag is closed, as well as it could be.
    """

    def __init__(self, path: Path, least_free: int = LEAST_FREE) -> None:
        """Make the folder `path`, which must not exist. Raises RecordingError."""
        self.path = path
        self.closed = False
        self._least_free = least_free
        try:
            self._writer = Writer(path, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.STORAGE_PLUGINS = {StoragePlugin.MCAP: _Storage}
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise RecordingError(f"{path} can't be recorded to ({error})") from None
        self._storage = cast(_Storage, self._writer.storage)
        self.flush()

    def add(self, topic: str, type: str, depth: int, latched: bool = False) -> Connection:
        """A topic by its absolute name; `depth` and `latched` are those of its publisher.

        rosbag2 plays it with this quality of service: what was latched is latched again.
        """
        qos = Qos(
            history=QosHistory.KEEP_LAST,
            depth=depth,
            reliability=QosReliability.RELIABLE,
            durability=QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
            deadline=_INFINITE,
            lifespan=_INFINITE,
            liveliness=QosLiveliness.AUTOMATIC,
            liveliness_lease_duration=_INFINITE,
            avoid_ros_namespace_conventions=False,
        )
        return self._writer.add_connection(
            topic, type, typestore=typestore(), offered_qos_profiles=[qos]
        )

    def write(self, connection: Connection, stamp: int, data: bytes) -> None:
        """One message (CDR), received at `stamp` [ns], not before the last one.

        Raises RecordingError: it could not be written, and what is not in the bag.
        """
        try:
            self._writer.write(connection, stamp, data)
        except OSError as error:
            raise self._ended(error.strerror or str(error)) from None

    def flush(self) -> None:
        """Hand everything to the operating system; call it twice a second.

        Raises:
            RecordingError: too little of the disk is free; closed before it is full.
        """
        self._save()
        if self._storage.free() < self._least_free + self._storage.index_size:
            raise self._ended(f"{self._least_free / 1e6:.0f} MB must stay free")

    def close(self) -> None:
        """Write the index and metadata.yaml. Raises RecordingError."""
        if self.closed:
            return
        self._save()
        free = self._storage.free()
        if not self._finish():
            raise RecordingError(
                f"{self.path}: its index can't be written ({free / 1e6:.1f} MB are free on its "
                "disk); all messages are in it"
            )

    def _save(self) -> None:
        try:
            self._storage.close_chunk()
        except OSError as error:
            raise self._ended(error.strerror or str(error)) from None

    def _ended(self, reason: str) -> RecordingError:
        free, end = self._storage.free(), self._storage.message_end_time
        self._finish()
        when = datetime.fromtimestamp(end / 1e9, UTC).isoformat(timespec="milliseconds")
        lost = f"what was received after {when} is not in it" if end else "nothing is in it"
        return RecordingError(
            f"{self.path}: recording ended ({reason}; {free / 1e6:.1f} MB are free on its disk); "
            f"{lost}"
        )

    def _finish(self) -> bool:
        self.closed = True
        # Without the messages of a chunk that did not get to the disk.
        self._writer.counts = dict(self._storage.channel_stats)
        self._writer.min_timestamp = self._storage.message_start_time
        self._writer.max_timestamp = self._storage.message_end_time
        try:
            self._writer.close()
        except OSError:
            with suppress(OSError):
                self._writer.metapath.with_suffix(".yaml.tmp").unlink(missing_ok=True)
            return False
        return True


class _Storage(McapWriter):
    """Gives each image a chunk of its own, and knows what is safe on the disk."""

    def __init__(self, path: Path, compression: CompressionMode) -> None:
        super().__init__(path, compression)
        self.bio.flush()
        self._file = _File(cast(FileIO, self.bio.detach()))
        self.bio = cast(BufferedWriter, self._file)
        self.compressor = lambda data: zstd.compress(data, options=_COMPRESSION)
        self.index_size = 0
        """Bytes that the index will take."""
        self._saved = self.message_start_time, self.message_end_time

    def free(self) -> int:
        """Bytes that are free on the disk."""
        return self._file.free()

    def write(self, connection: Connection, timestamp: int, data: bytes | memoryview) -> None:
        if connection.msgtype not in IMAGES:
            super().write(connection, timestamp, data)
            return
        self.close_chunk()
        super().write(connection, timestamp, data)
        self.close_chunk()

    def close_chunk(self) -> None:
        """Raises OSError where it can't be written; then its messages are forgotten."""
        chunk = self.chunk
        if not chunk.bio.tell():
            return
        if not chunk.msgs:
            chunk.message_start_time = 0
        super().close_chunk()
        try:
            self.bio.flush()
        except OSError:
            self.chunks.pop()
            for channel, messages in chunk.msgs.items():
                self.channel_stats[channel] -= len(messages)
            self.message_start_time, self.message_end_time = self._saved
            raise
        self._saved = self.message_start_time, self.message_end_time
        self.index_size += self.chunks[-1].tell()


class _File:
    """Writes what it was given when it is flushed: all of it, or nothing."""

    def __init__(self, raw: FileIO) -> None:
        self._raw = raw
        self._size = raw.tell()
        self._pending = bytearray()

    def write(self, data: bytes | memoryview) -> int:
        self._pending += data
        return len(data)

    def free(self) -> int:
        disk = os.fstatvfs(self._raw.fileno())
        return disk.f_bavail * disk.f_frsize

    def tell(self) -> int:
        return self._size + len(self._pending)

    def flush(self) -> None:
        pending, self._pending = self._pending, bytearray()
        rest = memoryview(pending)
        try:
            while rest:
                rest = rest[self._raw.write(rest) :]
        except OSError:
            self._raw.seek(self._size)
            self._raw.truncate()
            raise
        self._size += len(pending)

    def close(self) -> None:
        try:
            self.flush()
        finally:
            self._raw.close()
