"""Those who work at a cell in a scenario: one does what `cure` says, another breaks processes."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
from std_srvs.srv import Trigger

from batsort_interfaces.srv import NewBag
from batsort_reports.scenario_report import Happened
from batsort_trials.processes import nodes
from batsort_trials.watcher import Watcher
from batsort_twin.scenario import CellFault, Scenario

LOOKS_FIRST_S = 1.0
"""Time from the cell's standing until the operator has read why."""
PATIENCE_S = 5.0
"""Until a command that was refused is given again."""
FOR_S = 2.0
"""How long a process stays stopped or starved where a scenario does not say."""
JOURNALS = ("ejector", "bins")


class Staff:
    """One who breaks things, and an operator."""

    def __init__(self, scenario: Scenario, watcher: Watcher) -> None:
        self._watcher = watcher
        self._operator = Operator(watcher, scenario.operator == "mend")
        self._breaker = Breaker(scenario.cell, self._note)
        watcher.observed.read = self._operator.read

    def step(self) -> None:
        """To be called a few times a second."""
        self._breaker.step(len(set(self._watcher.run.items)))
        self._operator.step()

    def close(self) -> None:
        """Leave nothing stopped or starved."""
        self._breaker.close()

    def _note(self, fault: str, begins: bool) -> None:
        moment = self._watcher.log.moment(time.monotonic())
        self._watcher.observed.happened.append(Happened(fault, begins, moment))


class Operator:
    """Mends what has made the cell stand, and starts it: by the services an operator has."""

    def __init__(self, watcher: Watcher, mends: bool) -> None:
        self._watcher = watcher
        self._mends = mends
        self._since: float | None = None
        self._work: Iterator[None] | None = None
        self.read: list[str] = []
        """What the cell said each time it stood: cause, and what to do."""

    def step(self) -> None:
        """Go on with what there is to do; to be called a few times a second."""
        state = self._watcher.cell_state
        standing = state.state in ("held", "suspended", "aborted") and bool(state.reason)
        if standing:
            text = f"{state.state}: {state.reason}; {state.cure}"
            if text not in self.read:
                self.read.append(text)
        if self._work is not None:
            if next(self._work, self._work) is self._work:
                self._work = self._since = None
        elif not standing:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        elif self._mends and time.monotonic() - self._since > LOOKS_FIRST_S:
            self._work = self._mend(state.state)

    def _mend(self, state: str) -> Iterator[None]:
        yield from self._call(Trigger, "twin/repair", Trigger.Request())
        for bin in self._watcher.run.bins.bins:
            if bin.full:
                yield from self._call(NewBag, "bins/new_bag", NewBag.Request(bin=bin.name))
        buttons = {"aborted": ("clear", "reset", "start"), "held": ("start",)}
        for button in buttons.get(state, ()):
            yield from self._call(Trigger, f"cell/{button}", Trigger.Request())

    def _call(self, kind: type, name: str, request: Any) -> Iterator[None]:
        """Call until it succeeds: what was mended takes its time to show."""
        client = self._watcher.create_client(kind, name)
        while not client.service_is_ready():
            yield
        while True:
            future = client.call_async(request)
            asked = time.monotonic()
            while not future.done() and time.monotonic() - asked < PATIENCE_S:
                yield
            if future.done() and future.result().success:
                break
            while time.monotonic() - asked < LOOKS_FIRST_S:
                yield
            if self._watcher.cell_state.state == "execute":
                break
        self._watcher.destroy_client(client)


class Breaker:
    """Kills, stops and starves processes of the cell as a scenario says."""

    def __init__(self, faults: tuple[CellFault, ...], told: Callable[[str, bool], None]) -> None:
        self._faults = list(faults)
        self._told = told
        self._active: list[tuple[float, CellFault, Callable[[], None]]] = []

    def step(self, items: int) -> None:
        """`items` have come in by now."""
        for fault in [f for f in self._faults if items >= f.at_item]:
            self._faults.remove(fault)
            self._told(_name(fault), True)
            end = self._break(fault)
            if end is not None:
                self._active.append((time.monotonic() + (fault.for_s or FOR_S), fault, end))
        for until, fault, end in list(self._active):
            if time.monotonic() >= until:
                self._active.remove((until, fault, end))
                end()
                self._told(_name(fault), False)

    def close(self) -> None:
        """Mend everything."""
        while self._active:
            self._active.pop()[2]()

    def _break(self, fault: CellFault) -> Callable[[], None] | None:
        """Do it; what ends it again, where it does not end by itself."""
        match fault.kind:
            case "kill_node":
                _signal([fault.node or ""], signal.SIGKILL)
            case "kill_all":
                _signal([name for name in nodes() if name != "twin"], signal.SIGKILL)
            case "pause_node":
                _signal([fault.node or ""], signal.SIGSTOP)
                return lambda: _signal([fault.node or ""], signal.SIGCONT)
            case "disk_full":
                processes = [p for name, p in nodes().items() if name in JOURNALS]
                for process in processes:
                    _limit_files(process, 0)
                return lambda: [
                    _limit_files(process, resource.RLIM_INFINITY) for process in processes
                ]
        return None


def _name(fault: CellFault) -> str:
    return f"{fault.kind} {fault.node}" if fault.node else fault.kind


def _signal(names: list[str], number: signal.Signals) -> None:
    running = nodes()
    for name in names:
        if name in running:
            os.kill(running[name].pid, number)


def _limit_files(process: psutil.Process, most: int) -> None:
    """No file of the process may grow beyond `most` bytes: to it the disk is full."""
    if process.is_running():
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
