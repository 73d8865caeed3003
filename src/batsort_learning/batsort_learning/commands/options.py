"""Arguments that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from batsort_perception.bundle import default_bundle


def photos(parser: argparse.ArgumentParser) -> None:
    """Add `--photos DIR`."""
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder with one folder of photos per type; `Other` holds unknown ones",
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


def seed(parser: argparse.ArgumentParser) -> None:
    """Add `--seed N`."""
    parser.add_argument(
        "--seed", type=count, default=0, metavar="N", help="of all that is random (default: 0)"
    )


def li_ion(parser: argparse.ArgumentParser) -> None:
    """Add `--li-ion TYPE...`; None if left out."""
    parser.add_argument(
        "--li-ion",
        nargs="+",
        metavar="TYPE",
        help="types of lithium-ion cells, a fire risk in any other bin (default: Klarus)",
    )


def count(text: str) -> int:
    """A whole number from 0, for `type=`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a whole number from 0")
    return int(text)


def file_to_write(*suffixes: str) -> Callable[[str], Path]:
    """A path of one of the suffixes, for `type=`; refused before the work, not after it."""

    def checked(text: str) -> Path:
        path = Path(text)
        if path.suffix not in suffixes or not path.parent.is_dir():
            allowed = f"a {' or '.join(suffixes)} file in a folder that exists"
            raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: {allowed}")
        return path

    return checked
