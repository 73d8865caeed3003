"""What must outlive a process: records in a SQLite file, written before anything is published."""

from __future__ import annotations

import json
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from batsort_core.trouble import Trouble
from batsort_files.documents import ConfigurationError, path_of
from batsort_graph.configuration import Parameter

JOURNAL_DIR = Parameter(
    "journal_dir",
    "",
    "Folder of the journal that keeps counts and decisions across restarts; "
    "empty: a folder of this cell's namespace under ROS_HOME (~/.ros), or memory in a replay.",
)
RETRY_S = 0.5
LONG = 10_000
"""Records: so many are read again within a second or two."""


class Journal:
    """Records of one node, oldest first, in `<journal_dir>/<node>.sqlite`.

    A written record is on its way to the disk: a killed process loses none (write-ahead log,
    `synchronous=NORMAL`); a power cut may lose the last moments. What can't be written waits, and
    with it what is to be published: it is tried again until the disk takes it.
    """

    def __init__(self, node: Node, newest: int | None = None) -> None:
        """`newest`: so many records are kept; None: all, until others take their place."""
        self._newest = newest
        self._length = 0
        self._waiting: deque[tuple[list[Any], Callable[[], None]]] = deque()
        self._failure = ""
        self._timer = node.create_timer(
            RETRY_S, self._write, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._node = node
        path = node.get_parameter(JOURNAL_DIR.name).value
        # A replay must not touch the counts of the cell whose bag it plays.
        in_memory = not path and node.get_parameter("use_sim_time").value
        folder = path_of(JOURNAL_DIR.name, path or home_folder(node))
        try:
            if not in_memory:
                folder.mkdir(parents=True, exist_ok=True)
            self._database = sqlite3.connect(
                ":memory:" if in_memory else folder / f"{node.get_name()}.sqlite",
                isolation_level=None,
            )
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS record (number INTEGER PRIMARY KEY, body TEXT NOT NULL)"
            )
            self._forget()
        except (OSError, sqlite3.Error) as error:
            raise ConfigurationError(
                f"journal_dir: {str(folder)!r} can't be written ({error}); allowed: a folder"
            ) from None

    @property
    def trouble(self) -> Trouble | None:
        """Why records wait, where they do."""
        if not self._waiting:
            return None
        return Trouble(
            f"the journal can't be written ({self._failure})", "make room on the disk it is on"
        )

    def append(self, records: list[Any], then: Callable[[], None]) -> None:
        """Write JSON-able records in one transaction, and then call `then`; in order."""
        self._waiting.append((records, then))
        self._write()

    def replace(self, records: list[Any]) -> None:
        """Put records in the place of all there are, in one transaction.

        Raises:
            ConfigurationError: the disk does not take them.
        """
        try:
            self._replace(records)
        except sqlite3.OperationalError as error:
            raise ConfigurationError(
                f"journal_dir: the journal can't be written ({error}); allowed: a disk with room"
            ) from None

    def shorten(self, snapshot: Callable[[], list[Any]]) -> None:
        """Where the journal is long and nothing waits, put a snapshot in the place of it all."""
        if self._waiting or self._length < LONG:
            return
        with suppress(sqlite3.OperationalError):  # the disk does not take it: the long one stays
            self._replace(snapshot())

    def _replace(self, records: list[Any]) -> None:
        self._length = 0
        with self._database:
            self._database.execute("BEGIN")
            self._database.execute("DELETE FROM record")
            self._insert(records)

    def _write(self) -> None:
        while self._waiting:
            records, then = self._waiting[0]
            try:
                if records:
                    with self._database:
                        self._database.execute("BEGIN")
                        self._insert(records)
            except sqlite3.OperationalError as error:
                self._failure = str(error)
                return
            self._waiting.popleft()
            then()

    def _insert(self, records: list[Any]) -> None:
        self._database.executemany(
            "INSERT INTO record (body) VALUES (?)", [(json.dumps(record),) for record in records]
        )
        self._length += len(records)
        self._forget()

    def _forget(self) -> None:
        if self._newest is not None:
            self._database.execute(
                "DELETE FROM record WHERE number <= (SELECT max(number) FROM record) - ?",
                (self._newest,),
            )

    def __iter__(self) -> Iterator[Any]:
        """Every record, oldest first."""
        for (body,) in self._database.execute("SELECT body FROM record ORDER BY number"):
            yield json.loads(body)

    def close(self) -> None:
        """Release the file."""
        self._node.destroy_timer(self._timer)
        self._database.close()


def home_folder(node: Node) -> Path:
    """Where a cell of this node's namespace keeps its files unless it is told otherwise."""
    home = Path(os.environ.get("ROS_HOME") or Path.home() / ".ros")
    return home / "batsort" / (node.get_namespace().strip("/") or "cell")
