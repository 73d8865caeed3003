"""Arguments that several commands share."""

from __future__ import annotations

import argparse
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


def count(text: str) -> int:
    """A whole number from 0, for `type=`."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a whole number from 0")
    return int(text)
