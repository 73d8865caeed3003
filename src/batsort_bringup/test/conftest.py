"""A package made on the spot, to start something without ROS; and ROS, for nodes in process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import rclpy
from domain_coordinator import domain_id

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"


class Package:
    """An installed package `made` with executables that are shell scripts."""

    def __init__(self, folder: Path) -> None:
        self.prefix = folder / "prefix"
        marker = self.prefix / "share" / "ament_index" / "resource_index" / "packages" / "made"
        marker.parent.mkdir(parents=True)
        marker.touch()
        self.share = self.prefix / "share" / "made"
        self.share.mkdir()
        self._executables = self.prefix / "lib" / "made"
        self._executables.mkdir(parents=True)

    def add(self, name: str, script: str = "") -> Path:
        path = self._executables / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def write(self, content: str, name: str = "test.launch.xml") -> Path:
        """Write a launch file, `content` from its second line on."""
        path = self.share / name
        path.write_text(f"<launch>\n{content}\n</launch>\n")
        return path


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    made = Package(tmp_path)
    old = os.environ.get("AMENT_PREFIX_PATH", "")
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"{made.prefix}{os.pathsep}{old}")
    return made


@pytest.fixture
def ros(tmp_path: Path) -> Iterator[str]:
    """Nodes can be made, with what they need, in the namespace that this gives."""
    namespace = "/hall/left"
    with domain_id() as number:
        os.environ["ROS_DOMAIN_ID"] = str(number)
        os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
        told = {
            "cell_file": CELL_FILE,
            "journal_dir": tmp_path,
            "path": tmp_path / "bag",
            "port": 0,
            "token_file": tmp_path / "token",
        }
        words = [word for name, value in told.items() for word in ("-p", f"{name}:={value}")]
        rclpy.init(args=["--ros-args", "-r", f"__ns:={namespace}", *words])
        yield namespace
        rclpy.try_shutdown()
