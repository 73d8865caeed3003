"""Makes the virtual environment and builds the workspace, each only where something has changed.

What has been done is written down after it is done, so an interrupted set-up goes on by itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from batsort_bringup.bootstrap.needs import check_needs
from batsort_bringup.bootstrap.ros import SourcedRos
from batsort_bringup.bootstrap.steps import SetupError, run_step
from batsort_bringup.bootstrap.workspace import PATH_VARIABLES, Workspace

SETS = {"run": 2.0, "test": 0.5, "learn": 4.0, "print": 0.3}
"""Sets of packages that can be installed, and the disk space each takes [GB]."""

BUILD_FILES = {"package.xml", "setup.py", "setup.cfg", "CMakeLists.txt"}
BUILD_SUFFIXES = {".msg", ".srv"}
OTHER_FOLDERS = {"batsort_bringup": ("launch", "config")}
"""What a package installs from outside its own folder."""

WHEEL_BUILD_PATHS = re.compile(
    r"/opt/python/cp3\d+-cp3\d+"
    r"(/include/python3\.\d+|/lib/python3\.\d+/site-packages/numpy/_core/include)"
)

BUILD_TOOLS = ("ros-", "colcon-", "empy", "lark", "numpy", "setuptools")
"""Whose versions decide what the build makes."""

VENV_ADVICE = "is python3-venv installed? (sudo apt-get install python3-venv)"
PIP_ADVICE = "check the network (and the proxy, if there is one), then call ./cell again"
BUILD_ADVICE = "mend what the log says, then call ./cell again; or start anew: rm -rf .cell"


def set_up(workspace: Workspace, sets: Sequence[str]) -> None:
    """Install the package sets (names of SETS) and build, as far as that is not done yet.

    Raises:
        SetupError: something is missing on this machine, or a step has failed.
    """
    workspace.state.mkdir(parents=True, exist_ok=True)
    with _alone(workspace):
        wanted = {name: _requirements_hash(workspace, name) for name in sets}
        done = _read(_installed_file(workspace))
        to_install = [name for name in sets if done.get(name) != wanted[name]]
        changed = _changed_packages(workspace)
        if not (to_install or changed):
            return
        gigabytes = sum(SETS[name] for name in to_install)
        check_needs(workspace.state, gigabytes, workspace.ros is not None)
        if to_install:
            _install(workspace, {name: wanted[name] for name in to_install})
        _build(workspace, _changed_packages(workspace))


@contextlib.contextmanager
def _alone(workspace: Workspace) -> Iterator[None]:
    """Let one set-up at a time work in this workspace."""
    with (workspace.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another ./cell sets up here: waiting for it ...", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _installed_file(workspace: Workspace) -> Path:
    return workspace.venv / "installed.json"


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    document: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return document


def _write(path: Path, document: Mapping[str, object]) -> None:
    """Write JSON so that an interrupt leaves the old file or the new one."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(document, indent=1), encoding="utf-8")
    new.replace(path)


def _requirement_files(workspace: Workspace, name: str) -> list[Path]:
    folder = workspace.root / "requirements"
    files = [folder / f"{name}.txt"]
    if name == "run" and not workspace.ros:
        files.insert(0, folder / "ros.txt")
    return files


def _requirements_hash(workspace: Workspace, name: str) -> str:
    """Give what decides whether a set must be installed anew; a moved checkout is a new one."""
    digest = hashlib.sha256(f"{workspace.root} {workspace.ros} {_pins(workspace)}".encode())
    for path in _requirement_files(workspace, name):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _pins(workspace: Workspace) -> list[str]:
    path = workspace.root / "requirements" / "constraints.txt"
    return path.read_text(encoding="utf-8").splitlines()


def _step(
    workspace: Workspace, title: str, command: Sequence[str | Path], log: str, advice: str
) -> None:
    environ = workspace.environment(os.environ)
    run_step(title, command, workspace.log / f"{log}.log", environ, workspace.root, advice)


def constraints(pins: Sequence[str], ros: SourcedRos | None) -> list[str]:
    """Give what limits the versions to install.

    A sourced ROS 2 brings its own build tools and OpenCV, and apt's cv_bridge fails with numpy 2.
    """
    if not ros:
        return list(pins)
    own = ("ros-", "colcon-", "empy", "lark", "setuptools", "opencv-python-headless")
    kept = [pin for pin in pins if not pin.startswith(own)]
    if ros.has_cv_bridge:
        kept = ["numpy<2" if pin.startswith("numpy==") else pin for pin in kept]
    return kept


def _install(workspace: Workspace, wanted: Mapping[str, str]) -> None:
    """Install package sets, given with the hashes to write down."""
    done = _read(_installed_file(workspace))
    if done.get("root") != str(workspace.root) or not _runs(workspace.python):
        # What was built may be for another Python or another place.
        for folder in (workspace.build, workspace.install):
            shutil.rmtree(folder, ignore_errors=True)
        options = ["--system-site-packages"] if workspace.ros else []
        command: list[str | Path] = [sys.executable, "-m", "venv", "--clear", *options]
        command.append(workspace.venv)
        _step(workspace, "making the virtual environment", command, "venv", VENV_ADVICE)
        done = {"root": str(workspace.root)}
    pinned = workspace.state / "constraints.txt"
    pinned.write_text("\n".join(constraints(_pins(workspace), workspace.ros)) + "\n", "utf-8")
    pip: list[str | Path] = [workspace.python, *["-m", "pip", "install", "--no-input"]]
    pip += ["--progress-bar=off", "--disable-pip-version-check", "--constraint", pinned]
    command = [*pip, "pip", "setuptools", "wheel"]
    _step(workspace, "installing pip, setuptools and wheel", command, "pip", PIP_ADVICE)
    # Two packages come as source only; the pinned setuptools builds them.
    pip += ["--no-build-isolation"]
    for name, digest in wanted.items():
        for path in _requirement_files(workspace, name):
            title = f"installing {path.relative_to(workspace.root)}"
            command = [*pip, "--requirement", path]
            _step(workspace, title, command, f"pip-{path.stem}", PIP_ADVICE)
        if not workspace.ros:
            _mend_cmake_files(workspace)
        done[name] = digest
        _write(_installed_file(workspace), done)


def _runs(python: Path) -> bool:
    try:
        return subprocess.run([python, "-I", "-S", "-c", ""], check=False).returncode == 0
    except OSError:
        return False


def _mend_cmake_files(workspace: Workspace) -> None:
    """Put this machine's include folders where the wheels name those of their build machine."""
    script = (
        "import sysconfig, numpy; print(sysconfig.get_path('include')); print(numpy.get_include())"
    )
    python_include, numpy_include = subprocess.run(
        [workspace.python, "-c", script],
        env=workspace.environment(os.environ),
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for path in sorted((workspace.venv / "share").rglob("*.cmake")):
        text = path.read_text(encoding="utf-8")
        mended = mend(text, python_include, numpy_include)
        if mended != text:
            path.write_text(mended, encoding="utf-8")


def mend(text: str, python_include: str, numpy_include: str) -> str:
    """Replace the include folders of the wheels' build machine in a CMake file."""
    return WHEEL_BUILD_PATHS.sub(
        lambda match: numpy_include if "numpy" in match[1] else python_include, text
    )


def _package_hashes(workspace: Workspace) -> dict[str, str]:
    """Give, for each package, what decides whether it must be built anew.

    That is the contents of what the build reads, and the names of all other files: the installed
    package links to them, so a change inside them needs no build.
    """
    tools = [pin for pin in _pins(workspace) if pin.startswith(BUILD_TOOLS)]
    base = f"{workspace.root} {workspace.ros} {tools}"
    hashes = {}
    for description in sorted((workspace.root / "src").glob("*/package.xml")):
        folder = description.parent
        digest = hashlib.sha256(base.encode())
        for top in (
            folder,
            *(workspace.root / name for name in OTHER_FOLDERS.get(folder.name, ())),
        ):
            for path in _files(top):
                digest.update(f"{path.relative_to(workspace.root)}\n".encode())
                if path.name in BUILD_FILES or path.suffix in BUILD_SUFFIXES:
                    digest.update(path.read_bytes())
        hashes[folder.name] = digest.hexdigest()
    return hashes


def _files(top: Path) -> Iterator[Path]:
    """Give the files below a folder in a fixed order, without tests and what tools leave behind."""
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(
            name
            for name in folders
            if name not in ("test", "__pycache__") and not name.startswith(".")
            if not name.endswith(".egg-info")
        )
        yield from (Path(folder, name) for name in sorted(names) if not name.startswith("."))


def _built_file(workspace: Workspace) -> Path:
    return workspace.build / "built.json"


def _changed_packages(workspace: Workspace) -> list[str]:
    built = _read(_built_file(workspace)) if workspace.paths_file.is_file() else {}
    return [
        name for name, digest in _package_hashes(workspace).items() if built.get(name) != digest
    ]


def _build(workspace: Workspace, packages: Sequence[str]) -> None:
    """Build packages, and import every message and service once."""
    if not packages:
        return
    wanted = _package_hashes(workspace)
    for name in packages:
        # Else what is no longer there would stay installed, as links to nothing.
        shutil.rmtree(workspace.install / name, ignore_errors=True)
    command: list[str | Path] = ["colcon" if workspace.ros else workspace.venv / "bin" / "colcon"]
    command += ["--log-base", workspace.log, "build", "--symlink-install", "--base-paths", "src"]
    command += ["--build-base", workspace.build, "--install-base", workspace.install]
    command += ["--packages-select", *packages, "--cmake-args", "-DBUILD_TESTING=OFF"]
    if not workspace.ros:
        command.append(f"-DPython3_EXECUTABLE={workspace.python}")
    title = f"building {', '.join(packages)}"
    _step(workspace, title, command, "build", BUILD_ADVICE)
    _write(workspace.paths_file, _paths_of_packages(workspace))
    command = [workspace.python, "-P", "-m", f"{__package__}.verify", workspace.root / "src"]
    _step(workspace, "importing every message and service", command, "verify", BUILD_ADVICE)
    built = _read(_built_file(workspace))
    _write(_built_file(workspace), built | {name: wanted[name] for name in packages})


def _paths_of_packages(workspace: Workspace) -> dict[str, list[str]]:
    """Ask colcon's own set-up script what the built packages add to the path variables."""
    script = f'. "{workspace.install}/local_setup.sh"; env -0'
    result = subprocess.run(
        ["sh", "-c", script],
        env={"PATH": os.environ.get("PATH", os.defpath)},
        check=False,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise SetupError(f"{workspace.install}/local_setup.sh: {result.stderr}\n{BUILD_ADVICE}")
    variables = dict(entry.split("=", 1) for entry in result.stdout.split("\0") if "=" in entry)
    return {
        name: [
            path
            for path in variables.get(name, "").split(os.pathsep)
            if path.startswith(f"{workspace.state}{os.sep}")
        ]
        for name in PATH_VARIABLES
    }
