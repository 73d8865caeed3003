"""Teach a bundle a new type from as few as five photos, or more of a type it knows: a copy of the
bundle with the head fitted anew, and what that did to the other types. Takes about a minute."""

from __future__ import annotations

import argparse
from pathlib import Path

from batsort_learning.commands import options as shared
from batsort_training.teach import teach


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("photos", type=Path, metavar="DIR", help="a folder of photos of the type")
    parser.add_argument("--type", required=True, metavar="NAME", help="name of the type")
    shared.labels(parser)
    shared.bundle(parser)
    shared.out(parser)
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Teach and print the changes."""
    print(
        teach(
            options.bundle,
            options.type,
            options.photos,
            options.out,
            options.seed,
            options.labels,
        )
    )
    print(f"written: {options.out}")
