"""The launched cell, as a user has it: processes started by `./cell launch`, seen from outside."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import yaml

from batsort_core.cell import CellDescription, parse_cell
from batsort_reports.report import Run
from batsort_trials.watcher import Watcher

ROOT = Path(__file__).parents[1]
CELL_FILE = ROOT / "config" / "cell.yaml"
DEADLINE_S = 60.0


def wait(reached: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait until it is so; fail when it is not within the deadline."""
    deadline = time.monotonic() + deadline_s
    while not reached():
        assert time.monotonic() < deadline, f"did not happen in {deadline_s:.0f} s: {what}"
        time.sleep(0.05)


class LaunchedCell:
    """One running cell."""

    def __init__(self, folder: Path, namespace: str = "", **arguments: Any) -> None:
        self.cell: CellDescription = parse_cell(yaml.safe_load(CELL_FILE.read_text()))
        self.run = Run(bin_of_type=self.cell.recipe.types, others=self.cell.recipe.others)
        self.log = folder / f"log{namespace}"
        values = {"journal_dir": folder / f"journal{namespace}", "namespace": namespace} | arguments
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [
                    ROOT / "cell",
                    "launch",
                    "cell.launch.xml",
                    *(f"{name}:={value}" for name, value in values.items()),
                ],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.watcher = Watcher(self.run, self.cell, namespace)

    def wait(self, reached: Callable[[], bool], what: str, deadline_s: float = DEADLINE_S) -> None:
        def reached_alive() -> bool:
            assert self.process.poll() is None, f"the launch has ended before: {what}"
            return reached()

        try:
            wait(reached_alive, what, deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log.read_text()[-4000:]}") from None

    def wait_state(self, state: str) -> None:
        self.wait(lambda: self.watcher.cell_state.state == state, f"the cell is {state}")

    def call(self, kind: type, name: str, request: Any = None) -> Any:
        client = self.watcher.create_client(kind, name)
        self.wait(client.service_is_ready, f"service {name}")
        future = client.call_async(request or kind.Request())
        self.wait(future.done, f"answer of {name}")
        self.watcher.destroy_client(client)
        return future.result()

    def node(self, name: str) -> psutil.Process:
        """The process of a node."""
        found = [
            process
            for process in psutil.Process(self.process.pid).children(recursive=True)
            if f"__node:={name}" in " ".join(process.cmdline())
        ]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]

    def kill(self, name: str) -> None:
        """End a node as a crash does."""
        self.node(name).send_signal(signal.SIGKILL)

    def stop(self) -> int:
        """Press Ctrl-C, and see that no process stays behind."""
        if self.process.poll() is None:
            children = psutil.Process(self.process.pid).children(recursive=True)
            os.killpg(self.process.pid, signal.SIGINT)
            status = self.process.wait(timeout=30)
            _, alive = psutil.wait_procs(children, timeout=10)
            assert not alive, f"processes left behind: {alive}"
        else:
            status = self.process.returncode
        self.watcher.close()
        return status
