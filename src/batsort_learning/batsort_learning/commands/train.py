"""Make a model bundle: photos as they are and as the cell's camera sees them, and drawn batteries,
on EfficientNet-Lite0. Prints cross-validated figures. Takes minutes."""

from __future__ import annotations

import argparse
from pathlib import Path

from batsort_learning.commands import options as shared
from batsort_learning.train import train


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    parser.add_argument(
        "--drawn",
        type=shared.count,
        default=60,
        metavar="N",
        help="drawn batteries per type; 0: photos only (default: 60)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder to write the bundle to; its name becomes the bundle's",
    )
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Train, write, print the figures."""
    print(train(options.photos, options.out, options.drawn, options.seed))
    print(f"written: {options.out}")
