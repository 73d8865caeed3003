"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from batsort_core.recipe import Recipe
from batsort_description import cell_file
from batsort_files.documents import ConfigurationError
from batsort_perception.bundle import default_bundle
from batsort_training.data import DataError
from batsort_training.label_list import AS_PUBLISHED, AUTO, FILE


def photos(parser: argparse.ArgumentParser) -> None:
    """Add `--photos DIR`."""
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder with one folder of photos per type; `Other` holds unknown ones",
    )


def labels(parser: argparse.ArgumentParser, default: str = AUTO) -> None:
    """Add `--labels FILE|auto|none`."""
    usual = {
        AUTO: f"{FILE} among the photos, else the one that comes with BatSort where it fits them",
        AS_PUBLISHED: "none",
    }
    parser.add_argument(
        "--labels",
        default=default,
        metavar=f"FILE|{AUTO}|{AS_PUBLISHED}",
        help="a list of photos that are of another type than their folder says, or that are left "
        f"out; {AS_PUBLISHED}: as their folders say (default: {usual[default]})",
    )


def bundle(parser: argparse.ArgumentParser) -> None:
    """Add `--bundle DIR`, the one that comes with BatSort if left out."""
    parser.add_argument(
        "--bundle",
        type=Path,
        default=default_bundle(),
        metavar="DIR",
        help="a model bundle (default: the one that comes with BatSort)",
    )


def cell(parser: argparse.ArgumentParser) -> None:
    """Add `--cell FILE`; None if left out."""
    parser.add_argument(
        "--cell",
        type=Path,
        metavar="FILE",
        help="a cell description, whose `recipe.chemistries` says what is inside the types "
        "(default: config/cell.yaml)",
    )


def known_photos(parser: argparse.ArgumentParser) -> None:
    """Add what tells photos and all that is known of their types: a list, a cell, a bundle."""
    photos(parser)
    labels(parser)
    cell(parser)
    bundle(parser)


def read_cell(path: Path | None) -> Recipe | None:
    """The recipe of a cell description; None: of the one that is installed, if one is.

    Raises DataError.
    """
    if path is None:
        try:
            from ament_index_python.packages import get_package_share_directory

            share = get_package_share_directory("batsort_bringup")
        except (ImportError, LookupError):
            return None
        path = Path(share) / "config" / "cell.yaml"
    try:
        return cell_file.read_cell(path).recipe
    except ConfigurationError as error:
        raise DataError(f"cell: {error}") from None


def seed(parser: argparse.ArgumentParser) -> None:
    """Add `--seed N`."""
    _number(parser, "--seed", count, 0, "of all that is random")


def li_ion(parser: argparse.ArgumentParser) -> None:
    """Add `--li-ion TYPE...`; None if left out."""
    parser.add_argument(
        "--li-ion",
        nargs="+",
        metavar="TYPE",
        help="types of lithium-ion cells, a fire risk in any other bin (default: Klarus)",
    )


def out(parser: argparse.ArgumentParser) -> None:
    """Add `--out DIR`."""
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write the bundle to; its name becomes the bundle's",
    )


def drawn(parser: argparse.ArgumentParser) -> None:
    """Add `--drawn N`."""
    _number(parser, "--drawn", count, 60, "drawn batteries per type; 0: photos only")


def repeats(parser: argparse.ArgumentParser) -> None:
    """Add `--repeats N`."""
    _number(parser, "--repeats", positive, 30, "cross-validations that the figures are the mean of")


def _number(
    parser: argparse.ArgumentParser, name: str, kind: Callable[[str], int], usual: int, says: str
) -> None:
    help = f"{says} (default: {usual})"
    parser.add_argument(name, type=kind, default=usual, metavar="N", help=help)


def count(text: str) -> int:
    """A whole number from 0, for `type=`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a whole number from 0")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1, for `type=`."""
    value = count(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a whole number from 1")
    return value


def share(text: str) -> float:
    """A number from 0 to 1, for `type=`."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a number from 0 to 1")
    return value


def file_to_write(*suffixes: str) -> Callable[[str], Path]:
    """A path of one of the suffixes, for `type=`; refused before the work, not after it."""

    def checked(text: str) -> Path:
        path = Path(text)
        if path.suffix not in suffixes or not path.parent.is_dir():
            allowed = f"a {' or '.join(suffixes)} file in a folder that exists"
            raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: {allowed}")
        return path

    return checked


def new_file(suffix: str) -> Callable[[str], Path]:
    """A path with the suffix where nothing is yet, for `type=`: what people wrote stays."""

    def checked(text: str) -> Path:
        path = file_to_write(suffix)(text)
        if path.exists():
            raise argparse.ArgumentTypeError(f"{text!r} is there already; allowed: a new file")
        return path

    return checked
