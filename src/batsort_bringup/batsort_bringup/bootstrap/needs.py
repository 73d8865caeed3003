"""What a machine must have before anything is downloaded."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from batsort_bringup.bootstrap.steps import SetupError

GIGABYTE = 10**9


@dataclass(frozen=True, slots=True)
class Need:
    """Something that is missing, and the Debian packages that bring it (none: nothing does)."""

    text: str
    packages: tuple[str, ...] = ()


def check_needs(folder: Path, gigabytes: float, with_ros: bool) -> None:
    """Check this machine.

    Args:
        folder: where the set-up will lie.
        gigabytes: disk space it takes.
        with_ros: a sourced ROS 2 is used instead of the wheels.

    Raises:
        SetupError: one line that names everything missing and how to get it.
    """
    needs = missing(folder, gigabytes, with_ros)
    if needs:
        line = f"missing: {', '.join(need.text for need in needs)}"
        packages = sorted({package for need in needs for package in need.packages})
        if packages:
            line += f"; install with: sudo apt-get install {' '.join(packages)}"
        raise SetupError(line)


def missing(folder: Path, gigabytes: float, with_ros: bool) -> list[Need]:
    """Give what this machine lacks."""
    needs = []
    debian = sys.executable.startswith("/usr/bin/")
    python = f"python3.{sys.version_info.minor}" if debian else "python3"
    if not with_ros:
        if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
            needs.append(Need("Linux with glibc (ROS 2 wheels exist for no other system)"))
        if platform.machine() != "x86_64":
            needs.append(
                Need(f"an x86-64 processor (this is {platform.machine()}: source a ROS 2 first)")
            )
        if any(character.isspace() for character in str(folder)):
            # The first lines of the scripts that colcon makes would name no program.
            needs.append(Need(f"a place whose path has no blank (this is '{folder}')"))
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        needs.append(Need(f"venv and ensurepip for {sys.executable}", (f"{python}-venv",)))
    if not Path(sysconfig.get_path("include"), "Python.h").is_file():
        needs.append(Need(f"Python.h for {sys.executable}", (f"{python}-dev",)))
    if with_ros:
        if not shutil.which("colcon"):
            needs.append(Need("colcon", ("python3-colcon-common-extensions",)))
        if not importlib.util.find_spec("cv2"):
            needs.append(Need("OpenCV for Python", ("python3-opencv",)))
    for program in ("g++", "cmake", "make"):
        if not shutil.which(program):
            needs.append(Need(program, (program,)))
    free = shutil.disk_usage(folder).free / GIGABYTE
    if free < gigabytes:
        needs.append(Need(f"disk space ({free:.1f} GB free in {folder}, {gigabytes:.1f} needed)"))
    return needs
