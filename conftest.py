"""How tests run where several processes share a machine (pytest-xdist)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

LAUNCHED = "tests/"
LAUNCHED_AT_ONCE = 2
"""A launched cell runs in real time: more of them starve each other."""
SHARING = ("tests/test_graph.py", "tests/test_replay.py", "tests/test_running.py")

# Beside others an example may take long.
settings.register_profile("patient", settings.default, deadline=None)
settings.load_profile("patient")


class Scheduler(LoadScopeScheduling):
    """A file's tests follow each other in one process, where they share what is costly to make.

    Tests of the launched cell come last, in fewer processes. Most launch one each, so they go one
    by one to whoever has done with the one before; those of SHARING stay together.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file.startswith(LAUNCHED) and file not in SHARING else file

    def _reschedule(self, node: WorkerController) -> None:
        if next(iter(self.workqueue), "").startswith(LAUNCHED) and not node.shutting_down:
            if node not in self.nodes[:LAUNCHED_AT_ONCE]:
                node.shutdown()
                return
            # A process begins a test when it knows the next one, and needs to know no more.
            if self._pending_of(self.assigned_work[node]) > 1:
                return
        super()._reschedule(node)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduler:
    return Scheduler(config, log)
