"""Node `recorder`: every topic of the cell, as it was sent, into a rosbag2 MCAP bag."""

from __future__ import annotations

import sys
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path

from rclpy.node import Node
from rosbags.interfaces import Connection
from rosbags.rosbag2 import (
    CompressionFormat,
    CompressionMode,
    StoragePlugin,
    Writer,
    WriterError,
)

from batsort_bags.types import typestore
from batsort_interfaces.msg import ItemTruth

from .configuration import ConfigurationError, Parameter, declare
from .heartbeat import Health, Heartbeat
from .run import run
from .topics import DIAGNOSTICS, TOPICS, Topic

PARAMETERS = (
    Parameter(
        "path", "", "Folder of the bag, which must not exist; empty: batsort_<time> where it runs."
    ),
)
TRUTH = Topic("twin/truth", ItemTruth, 100, "backend", ())
RECORDED = (*TOPICS.values(), TRUTH, DIAGNOSTICS)


class Recorder(Node):
    """Writes serialized messages untouched, with the time of their arrival."""

    def __init__(self) -> None:
        super().__init__("recorder")
        declare(self, PARAMETERS)
        path = self.get_parameter("path").value
        self._path = Path(path or f"batsort_{datetime.now():%Y%m%d_%H%M%S}").expanduser()
        self._counts: Counter[str] = Counter()
        try:
            self._writer = Writer(self._path, version=9, storage_plugin=StoragePlugin.MCAP)
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
            self._writer.open()
        except (WriterError, OSError) as error:
            raise ConfigurationError(
                f"path: {str(self._path)!r} can't be recorded to ({error}); allowed: a new folder"
            ) from None
        types = typestore()
        for topic in RECORDED:
            name = self.resolve_topic_name(topic.name)
            package, kind = topic.type.__module__.split(".")[0], topic.type.__name__
            connection = self._writer.add_connection(name, f"{package}/msg/{kind}", typestore=types)
            self.create_subscription(
                topic.type, topic.name, partial(self._write, connection), topic.qos, raw=True
            )
        self._heartbeat = Heartbeat(self, self._health)
        self.get_logger().info(f"recording to {self._path}")

    def _write(self, connection: Connection, data: bytes) -> None:
        self._writer.write(connection, time.time_ns(), data)
        self._counts[connection.topic] += 1

    def _health(self) -> Health:
        return Health({"bag": self._path, "messages": self._counts.total()})

    def destroy_node(self) -> None:
        """Close the bag: only then has it its index."""
        self._writer.close()
        super().destroy_node()


def main() -> None:
    sys.exit(run(Recorder))
