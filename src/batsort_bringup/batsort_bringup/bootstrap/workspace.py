"""Where things lie, and the environment in which BatSort's programs run."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batsort_bringup.bootstrap.ros import SourcedRos

PATH_VARIABLES = ("AMENT_PREFIX_PATH", "CMAKE_PREFIX_PATH", "LD_LIBRARY_PATH", "PATH", "PYTHONPATH")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A checkout of BatSort, and the ROS 2 it is to be used with (None: the wheels)."""

    root: Path
    ros: SourcedRos | None

    @property
    def state(self) -> Path:
        """The folder that holds everything that set-up makes."""
        return self.root / ".cell" / self.ros.distro if self.ros else self.root / ".cell"

    @property
    def venv(self) -> Path:
        return self.state / "venv"

    @property
    def python(self) -> Path:
        return self.venv / "bin" / "python"

    @property
    def build(self) -> Path:
        return self.state / "build"

    @property
    def install(self) -> Path:
        return self.state / "install"

    @property
    def log(self) -> Path:
        return self.state / "log"

    @property
    def paths_file(self) -> Path:
        """What the built packages add to the path variables, as JSON."""
        return self.build / "paths.json"

    def site_packages(self) -> list[Path]:
        """Give the virtual environment's folder of modules, as a list of one, or none."""
        return sorted(self.venv.glob("lib/python3.*/site-packages"))

    def environment(self, outer: Mapping[str, str]) -> dict[str, str]:
        """Give the environment to run in: `outer` with ROS 2 and the built packages added."""
        environ = {**outer, "VIRTUAL_ENV": str(self.venv)}
        environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        modules = self.site_packages()
        # Scripts that colcon made have the first line of the Python that ran colcon, so the modules
        # of the virtual environment have to be found from outside, too.
        add_paths(environ, {"PATH": [self.venv / "bin"], "PYTHONPATH": modules if self.ros else []})
        if not self.ros:
            libraries = [path for folder in modules for path in sorted(folder.glob("ros_*.libs"))]
            environ |= {"AMENT_PREFIX_PATH": str(self.venv), "CMAKE_PREFIX_PATH": str(self.venv)}
            environ["RMW_IMPLEMENTATION"] = "rmw_fastrtps_cpp"
            # The wheels start every Python twice to set this path, unless told that it is set.
            environ["_ROS_WHEELS_BOOTSTRAP_COMPLETE"] = "1"
            add_paths(environ, {"LD_LIBRARY_PATH": [self.venv / "lib", *libraries]})
        if self.paths_file.is_file():
            add_paths(environ, json.loads(self.paths_file.read_text(encoding="utf-8")))
        return environ


def add_paths(environ: dict[str, str], paths: Mapping[str, list[Path] | list[str]]) -> None:
    """Put paths in front of path variables; what is there already only moves to the front."""
    for variable, added in paths.items():
        old = environ.get(variable, "").split(os.pathsep)
        entries = dict.fromkeys([str(path) for path in added] + [path for path in old if path])
        if entries:
            environ[variable] = os.pathsep.join(entries)
