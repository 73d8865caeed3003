"""The house stays in order: rooms of a size, files of one story, what is imported is declared."""

from __future__ import annotations

import ast
import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = sorted(path.parent for path in (ROOT / "src").glob("*/package.xml"))
PYTHON = [package for package in PACKAGES if (package / package.name).is_dir()]
MOST_OF_A_PACKAGE, MOST_OF_A_FILE = 4500, 400  # lines
REASON = re.compile(r"\bin one file\b", re.IGNORECASE)
"""What the first lines of a longer file say, with the reason."""
KINDS = (".py", ".js", ".css", ".html", ".xml", ".sh")
ROS = re.compile(r"rclpy|[a-z0-9_]+_(msgs|interfaces)|ament_index_python")


def sources() -> Iterator[Path]:
    for folder in ("src", "tests", "launch", "docker", "config"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in KINDS and "bundles" not in path.parts:
                yield path


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


def imported(package: Path) -> set[str]:
    """Roots of the modules that a package imports, anywhere in its files."""
    found = set()
    for path in (package / package.name).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0 and node.module, f"{path}: a relative import"
                found.add(node.module.split(".")[0])
            elif isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
    return found - {package.name}


def test_no_file_is_long_without_a_reason_in_its_first_lines() -> None:
    long = [path for path in sources() if len(lines(path)) > MOST_OF_A_FILE]
    unreasoned = [path for path in long if not REASON.search(" ".join(lines(path)[:8]))]
    assert not unreasoned


@pytest.mark.parametrize("package", PYTHON, ids=lambda package: package.name)
def test_a_package_is_small_enough_to_be_known(package: Path) -> None:
    files = [p for p in package.rglob("*.py") if "test" not in p.relative_to(package).parts]
    assert sum(len(lines(path)) for path in files) <= MOST_OF_A_PACKAGE


@pytest.mark.parametrize("package", PYTHON, ids=lambda package: package.name)
def test_a_package_declares_every_ros_package_it_imports(package: Path) -> None:
    declared = {depend.text for depend in xml.parse(package / "package.xml").iter("exec_depend")}
    needed = {name for name in imported(package) if name.startswith("batsort_") or ROS.match(name)}
    assert needed <= declared


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_architecture_has_a_paragraph_on_each_package(package: Path) -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert f"**{package.name}**" in text


@pytest.mark.parametrize("package", PYTHON, ids=lambda package: package.name)
def test_the_picture_of_the_architecture_shows_each_package(package: Path) -> None:
    assert f">{package.name}<" in (ROOT / "docs" / "architecture.svg").read_text(encoding="utf-8")
