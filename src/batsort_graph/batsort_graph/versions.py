"""What runs here, for reports and bags."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    *("batsort_core", "batsort_perception", "rclpy", "numpy", "opencv-python-headless"),
    *("ai-edge-litert", "mujoco-core"),
)


def versions() -> dict[str, str]:
    """Version by package, Python's first; `unknown` where a package doesn't say."""
    found = {"python": sys.version.split()[0]}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found
