"""Which ROS 2 to use: the one that is sourced, or the wheels."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batsort_bringup.bootstrap.steps import SetupError

DISTROS = ("jazzy", "kilted")


@dataclass(frozen=True, slots=True)
class SourcedRos:
    """A ROS 2 that the calling shell has sourced."""

    distro: str
    has_cv_bridge: bool


def find_ros(environ: Mapping[str, str]) -> SourcedRos | None:
    """Give the sourced ROS 2; None: there is none.

    Raises:
        SetupError: one is sourced that BatSort does not run on.
    """
    distro = environ.get("ROS_DISTRO", "")
    prefixes = [Path(p) for p in environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    if not distro or not _holds(prefixes, "rclpy"):
        return None
    if distro not in DISTROS:
        raise SetupError(
            f"ROS 2 {distro} is sourced; BatSort runs on {' or '.join(DISTROS)}, or without any:"
            " call ./cell from a shell in which no ROS 2 is sourced"
        )
    return SourcedRos(distro, _holds(prefixes, "cv_bridge"))


def _holds(prefixes: list[Path], package: str) -> bool:
    marker = Path("share", "ament_index", "resource_index", "packages", package)
    return any((prefix / marker).is_file() for prefix in prefixes)
