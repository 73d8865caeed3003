"""What comes installed with BatSort: launch files, configuration, scenarios."""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory

from batsort_core.cell import CellDescription
from batsort_description.cell_file import read_cell


def share() -> Path:
    """The folder with `launch` and `config`."""
    return Path(get_package_share_directory("batsort_bringup"))


def cell_file() -> Path:
    """The default cell description."""
    return share() / "config" / "cell.yaml"


def default_cell() -> CellDescription:
    """The default cell."""
    return read_cell(cell_file())


def scenario_files() -> dict[str, Path]:
    """Scenarios by name, in its order."""
    return {path.stem: path for path in sorted((share() / "config" / "scenarios").glob("*.yaml"))}
