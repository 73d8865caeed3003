"""The commands of `./cell`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from batsort_bringup.bootstrap.install import SETS, set_up
from batsort_bringup.bootstrap.ros import find_ros
from batsort_bringup.bootstrap.steps import SetupError
from batsort_bringup.bootstrap.testing import one_thread_each, pytest_arguments
from batsort_bringup.bootstrap.workspace import Workspace

ROOT = Path(__file__).resolve().parents[4]

HELP = """\
BatSort: an automated battery sorting cell on ROS 2.

  ./cell demo [options]                  sort batteries in the embedded twin (--help: its options)
  ./cell launch FILE [NAME:=VALUE ...]   run a launch file (--show-args: its arguments)
  ./cell test [pytest arguments]         run every test, or those of a path
  ./cell test --fast                     run what takes a minute: style, types, what needs no ROS
  ./cell commission [options]            calibrate a new cell and write its description
  ./cell bench [options]                 run the benchmarks
  ./cell soak [SCENARIO ...]             every scenario of faults, and what became of each item
  ./cell replay BAG [options]            decide anew on a recorded bag, and compare
  ./cell report BAG ...                  a page on a shift, from the bags recorded of it
  ./cell golden check|update             hold the bags of the tests against this version
  ./cell learn [options]                 train and export a model bundle
  ./cell exec PROGRAM [arguments]        run a program in the environment of the cell
  ./cell setup [run] [test] [learn]      only set up; every command sets up what it needs
  ./cell setup print                     read the print on batteries, too (optional)
  ./cell help                            show this

Everything that is set up lies in .cell/, with its logs in .cell/log; to start anew, remove it.
"""

COMMANDS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "demo": (("run",), ("python", "-P", "-m", "batsort_trials.demo")),
    "launch": (("run",), ("python", "-P", "-m", "batsort_bringup.runner")),
    "test": (("run", "test", "learn", "print"), ("python", "-P", "-m", "pytest")),
    "commission": (("run",), ("python", "-P", "-m", "batsort_commissioning")),
    "bench": (("run",), ("python", "-P", "-m", "batsort_trials.bench")),
    "soak": (("run",), ("python", "-P", "-m", "batsort_trials.soak")),
    "replay": (("run",), ("python", "-P", "-m", "batsort_bags", "replay")),
    "report": (("run",), ("python", "-P", "-m", "batsort_reports.bag_report")),
    "golden": (("run",), ("python", "-P", "-m", "batsort_bags", "golden")),
    "learn": (("run", "learn"), ("python", "-P", "-m", "batsort_learning")),
    "exec": (("run",), ()),
}
"""Command: the package sets it needs, and the program it becomes."""


def main(words: Sequence[str]) -> int:
    """Carry out one command of `./cell`; does not return where it becomes another program."""
    command, *arguments = words or ["help"]
    if command in ("help", "-h", "--help"):
        print(HELP, end="")
        return 0
    if command != "setup" and command not in COMMANDS:
        known = ", ".join(("setup", *COMMANDS, "help"))
        raise SetupError(f"unknown command '{command}'; allowed: {known}")
    workspace = Workspace(ROOT, find_ros(os.environ))
    if command == "setup":
        for name in arguments:
            if name not in SETS:
                raise SetupError(f"unknown set of packages '{name}'; allowed: {', '.join(SETS)}")
        set_up(workspace, arguments or ["run"])
        print(f"ready: {workspace.state}")
        return 0
    sets, program = COMMANDS[command]
    outer: Mapping[str, str] = os.environ
    if command == "test":
        os.chdir(ROOT)
        arguments, side_by_side = pytest_arguments(arguments, ROOT)
        outer = one_thread_each(outer) if side_by_side else outer
    set_up(workspace, sets)
    program = (*program, *arguments)
    if not program:
        raise SetupError("exec: PROGRAM is missing")
    try:
        os.execvpe(program[0], program, workspace.environment(outer))
    except OSError as error:
        raise SetupError(f"can't start '{program[0]}': {error.strerror}") from error


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        status = main(sys.argv[1:])
    except (SetupError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("interrupted; the next ./cell goes on from here", file=sys.stderr)
        status = 130
    sys.exit(status)
