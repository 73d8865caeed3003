"""Runs the nodes of a launch file, for machines whose ROS 2 comes without ``ros2 launch``.

Every node has a process group of its own. Ctrl-C ends them all: SIGTERM, after a while
SIGKILL; and the kernel ends them where this process itself is killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from batsort_bringup import launchfile
from batsort_bringup.launch_tags import LaunchError
from batsort_bringup.launchfile import Node
from batsort_files.documents import REFUSED

PATIENCE_S = 5.0
"""How long a node may take to end after SIGTERM."""
RUNNER = "launch"
"""The label of the runner's own lines."""

OnLine = Callable[[str, str], None]

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


async def run(
    launch_file: Path,
    arguments: Mapping[str, str],
    on_line: OnLine | None = None,
    stop: asyncio.Event | None = None,
) -> int:
    """Run a launch file until all its nodes have ended, `stop` is set or the task is cancelled.

    A node that exits with status 2 has refused its configuration, which ends everything. Any other
    death ends everything only where the node says ``on_exit="shutdown"``; else the node is
    respawned where it says so, and the others go on: what that means for the cell, its supervisor
    decides.

    Args:
        launch_file: the XML launch file.
        arguments: launch arguments by name.
        on_line: called with a node's label and each line it writes; by default printed.
        stop: set it to end the run.

    Returns:
        2: a node has refused its configuration; 1: a node died by itself with a status other than 0
        and was not respawned; else 0.

    Raises:
        LaunchError: the launch file or an argument can't be used; nothing was started.
    """
    nodes = launchfile.read(launch_file, arguments, os.environ)
    with tempfile.TemporaryDirectory(prefix="batsort_launch_") as folder:
        commands = [node.command(Path(folder)) for node in nodes]
        launch = _Launch(on_line or LinePrinter(), stop or asyncio.Event())
        tasks = [
            asyncio.create_task(launch.keep(node, command))
            for node, command in zip(nodes, commands, strict=True)
        ]
        try:
            if tasks:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            launch.stop.set()
            await asyncio.gather(*tasks)
    return launch.status


class LinePrinter:
    """Prints lines as ``[label] line``, each label in a colour of its own on a terminal."""

    def __init__(self) -> None:
        self._colours = sys.stdout.isatty()
        self._labels: dict[str, int] = {}

    def __call__(self, label: str, line: str) -> None:
        mark = f"[{label}]"
        if self._colours:
            index = self._labels.setdefault(label, len(self._labels))
            mark = f"\033[{31 + (index + 1) % 6}m{mark}\033[0m"
        print(mark, line, flush=True)


class _Launch:
    """The running processes of one launch file."""

    def __init__(self, on_line: OnLine, stop: asyncio.Event) -> None:
        self.stop = stop
        self.status = 0
        self._on_line = on_line

    async def keep(self, node: Node, command: Sequence[str]) -> None:
        """Run a node, again and again where it is to be respawned."""
        while not self.stop.is_set():
            code = await self._run_once(node, command)
            if self.stop.is_set():
                return
            self._say(RUNNER, f"{node.label} {_describe_exit(code)}")
            if code == REFUSED:
                self._say(RUNNER, f"{node.label} has refused its configuration: ending")
                self._end(REFUSED)
            elif node.shutdown_on_exit:
                self._say(RUNNER, f"the launch ends with {node.label}")
                self._end(1 if code else 0)
            elif not node.respawn:
                self.status = max(self.status, 1 if code else 0)
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), node.respawn_delay)

    def _say(self, label: str, line: str) -> None:
        # A full disk, or a reader that has gone, is no reason to leave the nodes alone.
        with contextlib.suppress(OSError):
            self._on_line(label, line)

    def _end(self, status: int) -> None:
        self.status = max(self.status, status)
        self.stop.set()

    async def _run_once(self, node: Node, command: Sequence[str]) -> int:
        """Run a node's process to its end, or end it when everything is to end; give its status."""
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        # A pipe of our own: asyncio's would make wait() wait for grandchildren that hold it open.
        reading, writing = os.pipe()
        pipe, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(lines), os.fdopen(reading, "rb", 0)
        )
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env={"PYTHONUNBUFFERED": "1", **os.environ, **node.environment},
                start_new_session=True,
                preexec_fn=die_with(os.getpid()),
            )
        except OSError as error:
            pipe.close()
            self._say(RUNNER, f"{node.label}: can't start {command[0]}: {error.strerror}")
            return REFUSED
        finally:
            os.close(writing)
        self._say(RUNNER, f"{node.label} started, process {process.pid}")
        forwarding = asyncio.create_task(self._forward(node.label, lines))
        exited = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self.stop.wait())
        await asyncio.wait({exited, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not exited.done():
            # Not SIGINT, which Python answers with a traceback where it is still importing.
            _signal_group(process.pid, signal.SIGTERM)
            await asyncio.wait({exited}, timeout=PATIENCE_S)
        _signal_group(process.pid, signal.SIGKILL)  # whoever is left of the group
        code = await exited
        await forwarding
        pipe.close()
        return code

    async def _forward(self, label: str, stream: asyncio.StreamReader) -> None:
        rest = b""
        while chunk := await stream.read(1 << 16):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._say(label, line.decode(errors="replace"))
        if rest:
            self._say(label, rest.decode(errors="replace"))


def die_with(parent: int) -> Callable[[], None]:
    """Give what a new process calls so that the kernel kills it when its parent is gone."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, number)


def _describe_exit(code: int) -> str:
    if code == 0:
        return "has ended"
    return (
        f"was killed by {signal.Signals(-code).name}" if code < 0 else f"exited with status {code}"
    )


def parse_arguments(words: Sequence[str]) -> dict[str, str]:
    """Parse ``name:=value`` words.

    Raises:
        LaunchError: a word of another form.
    """
    arguments: dict[str, str] = {}
    for word in words:
        name, assigns, value = word.partition(":=")
        if not (name and assigns):
            raise LaunchError(f"'{word}' is no launch argument; allowed: NAME:=VALUE")
        arguments[name] = value
    return arguments


def find_launch_file(name: str) -> Path:
    """Find a launch file by its path, or by its name among those that are installed with BatSort.

    Raises:
        LaunchError: there is none.
    """
    if name.endswith(".xml") and Path(name).is_file():
        return Path(name)
    folders = [
        Path(prefix, "share", "batsort_bringup", "launch")
        for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        if prefix
    ]
    for folder in folders:
        for candidate in (folder / name, folder / f"{name}.launch.xml"):
            if candidate.is_file():
                return candidate
    known = sorted(path.name for folder in folders for path in folder.glob("*.launch.xml"))
    raise LaunchError(f"launch file '{name}' is not there; known: {', '.join(known) or 'none'}")


def show_arguments(declared: Sequence[launchfile.Argument]) -> str:
    """Describe launch arguments, one a line."""
    lines = ["Arguments (as NAME:=VALUE):"]
    for argument in declared:
        default = "required" if argument.default is None else f"default: '{argument.default}'"
        choices = f"; one of: {', '.join(argument.choices)}" if argument.choices else ""
        lines.append(f"  {argument.name}: {argument.description} ({default}{choices})")
    return "\n".join(lines)


async def _run_until_signal(launch_file: Path, arguments: Mapping[str, str]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    return await run(launch_file, arguments, stop=stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a launch file from the command line."""
    parser = argparse.ArgumentParser(prog="launch", description="Run a BatSort launch file.")
    parser.add_argument("file", metavar="FILE", help="path or name, such as cell.launch.xml")
    parser.add_argument("arguments", metavar="NAME:=VALUE", nargs="*", help="launch arguments")
    parser.add_argument("-s", "--show-args", action="store_true", help="show the arguments of FILE")
    options = parser.parse_args(argv)
    try:
        path = find_launch_file(options.file)
        arguments = parse_arguments(options.arguments)
        if options.show_args:
            print(show_arguments(launchfile.arguments(path, arguments, os.environ)))
            return 0
        return asyncio.run(_run_until_signal(path, arguments))
    except LaunchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
