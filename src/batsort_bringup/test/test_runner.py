"""What becomes of the processes that a launch starts."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from batsort_bringup import runner
from batsort_bringup.launch_tags import LaunchError

DEADLINE_S = 20.0
FOREVER = "while :; do sleep 1; done"
NODE = '<node pkg="made" exec="{}" name="{}" {}/>'


def has_ended(pid: int) -> bool:
    """Tell whether a process ends in time; one that nobody has waited for yet has ended, too."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
    return False


class Lines:
    """Takes the lines of a launch; sets `stop` at the line that is waited for."""

    def __init__(self, until: str = "\0") -> None:
        self.all: list[str] = []
        self.stop = asyncio.Event()
        self._until = until

    def __call__(self, label: str, line: str) -> None:
        self.all.append(f"{label}: {line}")
        if self._until in self.all[-1]:
            self.stop.set()


def launch(path: Path, until: str = "\0", **given: str) -> tuple[int, list[str]]:
    """Run a launch file until a line comes, or until it ends by itself."""

    async def run() -> tuple[int, list[str]]:
        lines = Lines(until)
        ending = runner.run(path, given, on_line=lines, stop=lines.stop)
        return await asyncio.wait_for(ending, DEADLINE_S), lines.all

    return asyncio.run(run())


def test_output_is_given_line_by_line_with_the_label_of_its_node(package: Any) -> None:
    package.add("talker", "echo one; echo two >&2; printf three")
    path = package.write(NODE.format("talker", "a", 'namespace="cell"'))
    status, lines = launch(path)
    assert status == 0
    assert [line for line in lines if line.startswith("cell/a: ")] == [
        "cell/a: one",
        "cell/a: two",
        "cell/a: three",
    ]
    assert lines[-1] == "launch: cell/a has ended"


def test_a_node_gets_its_command_line_and_environment(package: Any) -> None:
    package.add("talker", 'echo "$MADE $1 $2"')
    path = package.write(
        '<node pkg="made" exec="talker" name="a" args="-x \'1 2\'">'
        '<env name="MADE" value="seen"/></node>'
    )
    assert "a: seen -x 1 2" in launch(path)[1]


def test_the_others_go_on_when_one_dies_and_the_status_says_so(package: Any) -> None:
    package.add("dies", "exit 3")
    package.add("looks", "sleep 0.2; echo still here")
    path = package.write(NODE.format("dies", "dies", "") + NODE.format("looks", "looks", ""))
    status, lines = launch(path)
    assert status == 1
    assert "launch: dies exited with status 3" in lines
    assert "looks: still here" in lines


def test_a_respawned_node_is_started_again_and_is_no_failure(package: Any) -> None:
    package.add("dies", "echo up; kill -KILL $$")
    package.add(
        "third", f'n="{package.share}/n"; echo >> "$n"; [ "$(wc -l < "$n")" = 3 ] && echo done'
    )
    path = package.write(
        NODE.format("dies", "dies", 'respawn="true"')
        + NODE.format("third", "third", 'respawn="true" respawn_delay="0.05"')
    )
    status, lines = launch(path, until="third: done")
    assert status == 0
    assert lines.count("dies: up") >= 2
    assert "launch: dies was killed by SIGKILL" in lines


@pytest.mark.parametrize("options", ["", 'respawn="true"'])
def test_a_refused_configuration_ends_everything_with_status_2(package: Any, options: str) -> None:
    package.add("refuses", "exit 2")
    package.add("stays", FOREVER)
    path = package.write(NODE.format("stays", "stays", "") + NODE.format("refuses", "r", options))
    status, lines = launch(path)
    assert status == 2
    assert "launch: r has refused its configuration: ending" in lines


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (3, 1)])
def test_on_exit_shutdown_ends_everything(package: Any, code: int, expected: int) -> None:
    package.add("ends", f"exit {code}")
    package.add("stays", FOREVER)
    path = package.write(
        NODE.format("stays", "stays", "") + NODE.format("ends", "ends", 'on_exit="shutdown"')
    )
    assert launch(path)[0] == expected


def test_a_node_that_is_ended_is_no_failure(package: Any) -> None:
    package.add("stays", f"trap 'exit 7' INT; echo up; {FOREVER}")
    path = package.write(NODE.format("stays", "a", 'respawn="true"'))
    status, lines = launch(path, until="a: up")
    assert status == 0
    assert lines[-1] == "a: up"


def test_a_node_that_ignores_signals_is_killed_with_its_children(
    package: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "PATIENCE_S", 0.1)
    package.add("stubborn", f"trap '' INT TERM; sleep 1000 & echo child $!; {FOREVER}")
    path = package.write(NODE.format("stubborn", "a", ""))
    status, lines = launch(path, until="a: child")
    child = int(next(line for line in lines if "child" in line).split()[-1])
    assert status == 0
    assert has_ended(child)


def test_children_that_a_node_leaves_behind_are_ended(package: Any) -> None:
    package.add("leaves", "sleep 1000 & echo child $!")
    status, lines = launch(package.write(NODE.format("leaves", "a", "")))
    child = int(next(line for line in lines if "child" in line).split()[-1])
    assert status == 0
    assert has_ended(child)


def test_a_cancelled_run_ends_its_processes(package: Any) -> None:
    package.add("stays", f"echo pid $$; {FOREVER}")
    path = package.write(NODE.format("stays", "a", ""))

    async def cancel() -> int:
        lines = Lines(until="a: pid")
        running = asyncio.create_task(runner.run(path, {}, on_line=lines))
        await asyncio.wait_for(lines.stop.wait(), DEADLINE_S)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return int(lines.all[-1].split()[-1])

    assert has_ended(asyncio.run(cancel()))


def test_a_file_that_is_no_program_is_named(package: Any) -> None:
    package.add("broken").write_text("\0")
    status, lines = launch(package.write(NODE.format("broken", "a", "")))
    assert status == 2
    assert "broken: Exec format error" in lines[0]


def test_parameter_files_are_gone_after_the_run(package: Any) -> None:
    package.add("shows", 'for last; do :; done; echo "file $last"')
    path = package.write(
        '<node pkg="made" exec="shows" name="a"><param name="p" value="1"/></node>'
    )
    _, lines = launch(path)
    assert not Path(next(line for line in lines if "file" in line).split()[-1]).exists()


@pytest.fixture
def started(package: Any) -> Iterator[Any]:
    """Start the runner as a program, with a node that prints its process id."""
    package.add("stays", f"echo pid $$; {FOREVER}")
    path = package.write(NODE.format("stays", "a", ""))
    with subprocess.Popen(
        [sys.executable, "-m", "batsort_bringup.runner", path],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[a] pid"):
                yield process, int(line.split()[-1])
                break
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_every_process_with_status_0(started: Any, number: int) -> None:
    process, node = started
    os.killpg(process.pid, number)
    assert process.wait(DEADLINE_S) == 0
    assert has_ended(node)


def test_nodes_do_not_outlive_a_killed_runner(started: Any) -> None:
    process, node = started
    process.kill()
    assert has_ended(node)


def run_main(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "batsort_bringup.runner", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_a_wrong_argument_is_one_line_and_status_2(package: Any) -> None:
    path = package.write('<arg name="rate" default="5"/>')
    result = run_main(path, "rat:=3")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr == "error: unknown launch argument 'rat'; known: rate\n"


def test_show_args_lists_name_description_default_and_choices(package: Any) -> None:
    path = package.write(
        '<arg name="a" description="First"/>'
        '<arg name="b" default="x"><choice value="x"/><choice value="y"/></arg>'
    )
    result = run_main(path, "--show-args")
    assert result.returncode == 0
    assert "  a: First (required)\n" in result.stdout
    assert "(default: 'x'; one of: x, y)\n" in result.stdout


@pytest.mark.parametrize("word", ["rate", "rate=3", ":=3"])
def test_words_that_are_no_argument_are_refused(word: str) -> None:
    with pytest.raises(LaunchError, match=f"'{word}' is no launch argument"):
        runner.parse_arguments([word])


def test_values_of_arguments_may_hold_anything() -> None:
    assert runner.parse_arguments(["a:=b:=c", "d:="]) == {"a": "b:=c", "d": ""}


def test_a_launch_file_is_found_by_path_or_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "share" / "batsort_bringup" / "launch"
    folder.mkdir(parents=True)
    path = folder / "cell.launch.xml"
    path.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path))
    assert runner.find_launch_file("cell.launch.xml") == path
    assert runner.find_launch_file("cell") == path
    assert runner.find_launch_file(str(path)) == path
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cell").touch()
    assert runner.find_launch_file("cell") == path
    with pytest.raises(LaunchError, match=r"'x' is not there; known: cell.launch.xml"):
        runner.find_launch_file("x")


def test_nodes_go_on_where_nobody_takes_their_lines_any_more(package) -> None:
    done = package.prefix / "done"
    package.add("node", f"yes | head -c 300000; touch {done}; {FOREVER}")
    path = package.write(NODE.format("node", "n", ""))

    async def run() -> None:
        def gone(label: str, line: str) -> None:
            raise BrokenPipeError

        stop = asyncio.Event()
        running = asyncio.create_task(runner.run(path, {}, on_line=gone, stop=stop))
        deadline = time.monotonic() + DEADLINE_S
        while not done.exists():
            assert time.monotonic() < deadline and not running.done(), running
            await asyncio.wait([running], timeout=0.05)
        stop.set()
        assert await running == 0

    asyncio.run(run())
