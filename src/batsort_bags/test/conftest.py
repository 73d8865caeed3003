from pathlib import Path

import pytest
from runs import Run, sorted_run, write


@pytest.fixture(scope="session")
def run() -> Run:
    """A run with decisions of every kind."""
    return sorted_run(seed=3, items=12)


@pytest.fixture(scope="session")
def bag(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("bags") / "bag", run.said)
