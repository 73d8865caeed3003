from pathlib import Path
from typing import Any

import pytest
from runs import STORE, Run, sorted_run, write

from batsort_bags.writer import BagWriter


@pytest.fixture(scope="session")
def run() -> Run:
    """A run with decisions of every kind."""
    return sorted_run(seed=3, items=12)


@pytest.fixture(scope="session")
def bag(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bags") / "bag", run.said)


@pytest.fixture(scope="session")
def checked(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a bag as our own recorder writes it: small chunks with a checksum."""
    path = tmp_path_factory.mktemp("checked") / "bag"
    writer = BagWriter(path)
    connections: dict[str, Any] = {}
    for number, (topic, stamp, message) in enumerate(run.said):
        kind = message.__msgtype__
        if topic not in connections:
            connections[topic] = writer.add(f"/{topic}", kind, 10)
        writer.write(connections[topic], stamp, bytes(STORE.serialize_cdr(message, kind)))
        if number % 100 == 0:
            writer.flush()
    writer.close()
    return path / "bag.mcap"
