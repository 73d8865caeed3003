"""Every YAML file that ships is read strictly, and as PyYAML reads it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from batsort_files.strict_yaml import parse

ROOT = Path(__file__).parents[3]
FILES = sorted(
    file
    for pattern in ("*.yaml", "*.rviz")
    for folder in ("config", "docker", "src", "tests/golden")
    for file in (ROOT / folder).rglob(pattern)
)


def test_the_files_are_found() -> None:
    names = {file.name for file in FILES}
    assert {"cell.yaml", "nodes.yaml", "hardware.yaml", "bundle.yaml", "default.yaml"} <= names
    assert any(file.parent.name == "scenarios" for file in FILES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_file_that_ships_reads_the_same_strictly(file: Path) -> None:
    data = file.read_bytes()
    # Representations: also the order of keys, and whole numbers apart from others.
    assert repr(parse(data).value) == repr(yaml.safe_load(data))
