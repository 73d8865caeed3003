"""What `./cell` decides before and while it sets up."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batsort_bringup.bootstrap import __main__ as commands
from batsort_bringup.bootstrap import install, needs, steps, verify
from batsort_bringup.bootstrap.install import constraints, mend
from batsort_bringup.bootstrap.ros import SourcedRos
from batsort_bringup.bootstrap.steps import SetupError, run_step
from batsort_bringup.bootstrap.workspace import Workspace

ROOT = Path(__file__).parents[3]
PINS = (ROOT / "requirements" / "constraints.txt").read_text().splitlines()[1:]
DEADLINE_S = 20.0


@pytest.fixture
def checkout(tmp_path: Path) -> Workspace:
    """A checkout with one package, and nothing set up."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "requirements", root / "requirements")
    package = root / "src" / "batsort_made"
    (package / "msg").mkdir(parents=True)
    (package / "package.xml").write_text("<package/>")
    (package / "msg" / "Made.msg").write_text("uint8 x")
    (package / "module.py").write_text("x = 1")
    return Workspace(root, None)


@pytest.fixture
def performed(checkout: Workspace, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The titles of the steps that would be run; the first two words are enough."""
    titles: list[str] = []

    def pretend(workspace: Workspace, title: str, command: object, log: str, advice: str) -> None:
        titles.append(" ".join(title.split()[:2]))
        if title.startswith("making"):
            shutil.rmtree(workspace.venv, ignore_errors=True)
            workspace.python.parent.mkdir(parents=True)
            workspace.python.symlink_to(sys.executable)
        if title.startswith("building"):
            workspace.build.mkdir(exist_ok=True)

    monkeypatch.setattr(install, "_step", pretend)
    monkeypatch.setattr(install, "_mend_cmake_files", lambda workspace: None)
    monkeypatch.setattr(install, "_paths_of_packages", lambda workspace: {})
    monkeypatch.setattr(install, "check_needs", lambda *arguments: titles.append("check"))
    return titles


EVERYTHING = [
    "check",
    "making the",
    "installing pip,",
    "installing requirements/ros.txt",
    "installing requirements/run.txt",
    "building batsort_made",
    "importing every",
]


def test_needs_are_checked_before_anything_else_and_a_second_set_up_does_nothing(
    checkout: Workspace, performed: list[str]
) -> None:
    install.set_up(checkout, ["run"])
    assert performed == EVERYTHING
    performed.clear()
    install.set_up(checkout, ["run"])
    assert performed == []


def test_only_what_is_missing_is_installed(checkout: Workspace, performed: list[str]) -> None:
    install.set_up(checkout, ["run"])
    performed.clear()
    install.set_up(checkout, ["run", "learn"])
    assert performed == ["check", "installing pip,", "installing requirements/learn.txt"]


@pytest.mark.parametrize("name", ["making", "installing pip", "installing req", "building", "imp"])
def test_an_interrupted_set_up_goes_on(
    checkout: Workspace, performed: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pretend: Callable[..., None] = install._step

    def interrupt(workspace: Workspace, title: str, *rest: object) -> None:
        if title.startswith(name):
            raise KeyboardInterrupt
        pretend(workspace, title, *rest)

    with monkeypatch.context() as context, pytest.raises(KeyboardInterrupt):
        context.setattr(install, "_step", interrupt)
        install.set_up(checkout, ["run"])
    performed.clear()
    install.set_up(checkout, ["run"])
    assert performed[-1] == "importing every"
    performed.clear()
    install.set_up(checkout, ["run"])
    assert performed == []


def test_a_changed_message_or_a_new_file_is_built_and_a_changed_module_is_not(
    checkout: Workspace, performed: list[str]
) -> None:
    package = checkout.root / "src" / "batsort_made"
    install.set_up(checkout, ["run"])
    for path, text, build in (
        (package / "msg" / "Made.msg", "uint8 y", True),
        (package / "module.py", "x = 2", False),
        (package / "new.py", "", True),
        (package / "__pycache__" / "module.pyc", "", False),
    ):
        performed.clear()
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        install.set_up(checkout, ["run"])
        assert ("building batsort_made" in performed) == build, path


def test_changed_versions_and_a_moved_checkout_are_installed_anew(
    checkout: Workspace, performed: list[str], tmp_path: Path
) -> None:
    install.set_up(checkout, ["run"])
    performed.clear()
    pins = checkout.root / "requirements" / "constraints.txt"
    pins.write_text(pins.read_text().replace("numpy==", "numpy==9"))
    install.set_up(checkout, ["run"])
    assert performed == [title for title in EVERYTHING if title != "making the"]
    performed.clear()
    moved = tmp_path / "moved"
    checkout.root.rename(moved)
    install.set_up(Workspace(moved, None), ["run"])
    assert performed == EVERYTHING


def test_everything_missing_is_named_in_one_line_with_the_command_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(needs.shutil, "which", lambda name: None)
    monkeypatch.setattr(needs.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(needs.sysconfig, "get_path", lambda name: str(tmp_path))
    python = f"python3.{sys.version_info.minor}"
    with pytest.raises(SetupError) as caught:
        needs.check_needs(tmp_path, 0.0, False)
    assert str(caught.value) == (
        "missing: venv and ensurepip for /usr/bin/python3, Python.h for /usr/bin/python3, g++,"
        " cmake, make; install with: sudo apt-get install cmake g++ make"
        f" {python}-dev {python}-venv"
    )


def test_a_path_with_a_blank_is_refused_where_scripts_would_not_start(tmp_path: Path) -> None:
    folder = tmp_path / "my cell"
    folder.mkdir()
    with pytest.raises(SetupError, match=r"^missing: .*path has no blank \(this is '.*my cell'\)"):
        needs.check_needs(folder, 0.0, False)
    assert not [need for need in needs.missing(folder, 0.0, True) if "blank" in need.text]


def test_processor_and_disk_space_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(needs.platform, "machine", lambda: "aarch64")
    with pytest.raises(SetupError, match="an x86-64 processor") as caught:
        needs.check_needs(tmp_path, 1e6, False)
    assert "1000000.0 needed" in str(caught.value)
    assert not [need for need in needs.missing(tmp_path, 0.0, True) if "x86" in need.text]


def test_the_machine_that_runs_the_tests_lacks_nothing(tmp_path: Path) -> None:
    needs.check_needs(tmp_path, 0.0, False)


def test_a_sourced_ros_limits_numpy_only_for_its_cv_bridge() -> None:
    bridge = constraints(PINS, SourcedRos("jazzy", has_cv_bridge=True))
    plain = constraints(PINS, SourcedRos("jazzy", has_cv_bridge=False))
    assert "numpy<2" in bridge
    assert [pin for pin in plain if pin.startswith("numpy==")]
    assert not [pin for pin in bridge if pin.startswith(("ros-", "colcon-", "opencv", "numpy=="))]
    assert constraints(PINS, None) == PINS


def test_every_version_is_pinned_and_no_host_or_path_is_named() -> None:
    for pin in PINS:
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin)
    pinned = {pin.split("==")[0] for pin in PINS}
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text().splitlines():
            if not line.startswith("#"):
                assert re.split("[<=>;]", line)[0].lower() in pinned, f"{path.name}: {line}"


def test_cmake_files_of_the_wheels_are_mended() -> None:
    text = (
        'include_directories("/opt/python/cp311-cp311/include/python3.11;/usr/include")\n'
        "x(/opt/python/cp313-cp313/lib/python3.13/site-packages/numpy/_core/include)\n"
    )
    assert mend(text, "/py", "/np") == 'include_directories("/py;/usr/include")\nx(/np)\n'


def test_a_failed_step_shows_the_end_of_its_log_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log" / "step.log"
    command = ["sh", "-c", "seq 100; exit 4"]
    with pytest.raises(SetupError) as caught:
        run_step("counting", command, log, os.environ, tmp_path, "count again")
    text = str(caught.value)
    assert text.startswith("counting: exit status 4\n  86\n")
    assert text.endswith(f"  100\nfull log: {log}\ncount again")
    assert capsys.readouterr().out == "counting ... failed\n"
    assert log.read_text().startswith("1\n2\n")


def test_a_step_that_cannot_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="can't start /nowhere: No such file"):
        run_step("x", ["/nowhere"], tmp_path / "log", {}, tmp_path, "advice")


def test_an_interrupted_step_leaves_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "PATIENCE_S", 0.1)
    fifo, done = tmp_path / "fifo", tmp_path / "done"
    os.mkfifo(fifo)
    script = f"trap '' TERM; (trap '' TERM; exec 3> {fifo}; echo >&3; sleep 1000) & wait; > {done}"

    def interrupt(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is None:
            fifo_end.readline()
            raise KeyboardInterrupt
        return wait(process, timeout)

    wait = subprocess.Popen.wait
    monkeypatch.setattr(subprocess.Popen, "wait", interrupt)
    with os.fdopen(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)) as fifo_end:
        os.set_blocking(fifo_end.fileno(), True)
        with open(fifo, "w"), pytest.raises(KeyboardInterrupt):
            run_step("x", ["sh", "-c", script], tmp_path / "log", os.environ, tmp_path, "")
        assert fifo_end.read() == "", "all who could write are gone"
    assert not done.exists()


def test_every_interface_is_imported() -> None:
    number = len([*ROOT.glob("src/*/msg/*.msg"), *ROOT.glob("src/*/srv/*.srv")])
    assert verify.verify(ROOT / "src") == number > 0


def run_cell(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "cell", *words],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_S,
    )


def test_help_names_every_command() -> None:
    result = run_cell("help")
    assert result.returncode == 0
    for name in (*commands.COMMANDS, "setup", "help"):
        assert f"./cell {name}" in result.stdout
    assert run_cell().stdout == result.stdout


def test_an_unknown_command_or_set_is_refused() -> None:
    result = run_cell("frob")
    assert result.returncode == 2
    assert result.stderr.startswith("error: unknown command 'frob'; allowed: setup, demo, launch")
    result = run_cell("setup", "frob")
    assert (result.returncode, result.stdout) == (2, "")
    allowed = "run, test, learn, print"
    assert result.stderr == f"error: unknown set of packages 'frob'; allowed: {allowed}\n"


def test_without_a_python_that_fits_the_one_to_install_is_named(tmp_path: Path) -> None:
    for name in ("sh", "dirname", "readlink"):
        program = shutil.which(name)
        assert program
        (tmp_path / name).symlink_to(program)
    (tmp_path / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python3").chmod(0o755)
    result = run_cell("help", PATH=str(tmp_path))
    assert result.returncode == 2
    assert "needs Python 3.11, 3.12 or 3.13" in result.stderr
    assert "sudo apt-get install" in result.stderr


def test_ctrl_c_at_set_up_ends_with_status_130(checkout: Workspace, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "src" / "batsort_bringup", checkout.root / "src" / "batsort_bringup")
    shutil.copy(ROOT / "cell", checkout.root)
    checkout.state.mkdir()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    slow = tmp_path / "bin"
    slow.mkdir()
    (slow / "python3").write_text(
        f"""#!/bin/bash
case "$*" in *" venv "*) echo > {fifo}; exec sleep 1000;; esac
exec -a "$0" {sys.executable} "$@"
"""
    )
    (slow / "python3").chmod(0o755)
    environ = {**os.environ, "PATH": f"{slow}:{os.environ['PATH']}"}
    with subprocess.Popen(
        [checkout.root / "cell", "setup"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        fifo.read_text()
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 130
    assert output == (
        "making the virtual environment ... interrupted\n"
        "interrupted; the next ./cell goes on from here\n"
    )
