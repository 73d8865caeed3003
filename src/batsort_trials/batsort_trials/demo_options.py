"""The options of a demo, and what they name: cell, bundle, scenario."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from batsort_bringup.installed import cell_file, scenario_files
from batsort_core.cell import CellDescription
from batsort_description.cell_file import read_cell
from batsort_files.documents import ConfigurationError
from batsort_perception.bundle import Bundle, BundleError, default_bundle
from batsort_twin.scenario import Scenario, ScenarioError, read_scenario

ITEMS, RATE, SPEED = 100, 5.0, 0.5


class DemoError(ValueError):
    """An option that the demo can't run with: one line with name, value and what is allowed."""


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What is asked for; items, rate and speed are None where a scenario may say them."""
    parser = argparse.ArgumentParser(
        prog="cell demo",
        description="Sort batteries on the embedded twin and report on it.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add("--items", type=int, metavar="N", help=f"items to sort; default {ITEMS}")
    add("--rate", type=float, metavar="ITEMS_PER_S", help=f"items fed a second; default {RATE}")
    add("--belt-speed", type=float, metavar="M_PER_S", help=f"speed of the belt; default {SPEED}")
    add(
        "--scenario",
        metavar="NAME_OR_FILE",
        help="faults to inject, of config/scenarios or a file; it has defaults of its own for "
        "items, rate and speed",
    )
    add("--seed", type=int, default=0, metavar="N", help="seed of the stream of items")
    add("--photos", type=Path, metavar="DIR", help="show real photos, one folder per type")
    add("--cell", type=Path, metavar="FILE", help="cell description, in place of the default")
    add("--bundle", type=Path, metavar="DIR", help="model bundle, in place of the default")
    add("--record", action="store_true", help="record an MCAP bag into the report folder")
    add(
        "--record-images",
        choices=("raw", "png", "jpeg", "off"),
        default="raw",
        help="images in the bag: raw and png keep every pixel",
    )
    default = Path("reports") / f"{datetime.now():%Y%m%d_%H%M%S}"
    add("--report", type=Path, default=default, metavar="DIR", help="folder of the report")
    return parser.parse_args(arguments)


def asked_cell(path: Path | None) -> CellDescription:
    """The cell described there, or the default one. Raises DemoError."""
    path = path or cell_file()
    try:
        return read_cell(path)
    except ConfigurationError as error:
        raise DemoError(f"--cell: {error}") from None


def asked_bundle(path: Path | None) -> Bundle:
    """The bundle there, or the default one. Raises DemoError."""
    try:
        return Bundle.load(path or default_bundle())
    except BundleError as error:
        raise DemoError(f"--bundle: {error}") from None


def asked_scenario(options: argparse.Namespace) -> Scenario | None:
    """The scenario asked for; what it says of the run stands where nothing else is asked.

    Raises DemoError.
    """
    scenario = None
    if options.scenario:
        known, path = scenario_files(), Path(options.scenario)
        if not path.is_file():
            path = known.get(options.scenario, path)
        if not path.is_file():
            raise DemoError(
                f"--scenario: {options.scenario!r} is refused; allowed: a file, {', '.join(known)}"
            )
        options.scenario = path
        try:
            scenario = read_scenario(path)
        except ScenarioError as error:
            raise DemoError(f"--scenario: {error}") from None
    for name, default, told in (
        ("items", ITEMS, scenario and scenario.items),
        ("rate", RATE, scenario and scenario.rate),
        ("belt_speed", SPEED, scenario and scenario.belt_velocity),
    ):
        if getattr(options, name) is None:
            setattr(options, name, told or default)
    return scenario


def check_options(options: argparse.Namespace, cell: CellDescription) -> None:
    """Raises DemoError for the first value that the demo can't run with."""
    top = cell.belt.max_velocity
    for name, value, good, allowed in (
        ("--items", options.items, options.items >= 1, "1 or more"),
        ("--rate", options.rate, 0.1 <= options.rate <= 50.0, "0.1 to 50"),
        ("--belt-speed", options.belt_speed, 0.05 <= options.belt_speed <= top, f"0.05 to {top}"),
        ("--seed", options.seed, 0 <= options.seed < 2**31, "0 to 2147483647"),
        (
            "--photos",
            options.photos,
            options.photos is None or options.photos.is_dir(),
            "a folder with one folder per type",
        ),
        (
            "--report",
            options.report,
            not _foreign(options.report),
            "a new folder, or one of an earlier demo, whose bag and journal are replaced",
        ),
    ):
        if not good:
            raise DemoError(f"{name}: {value} is refused; allowed: {allowed}")


def _foreign(folder: Path) -> bool:
    """Whether something lies there that a demo would replace, and that no demo has left."""
    replaced = any((folder / name).exists() for name in ("bag", "journal"))
    return replaced and not (folder / "nodes.log").exists()
