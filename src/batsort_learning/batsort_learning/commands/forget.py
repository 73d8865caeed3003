"""Take a type out of a bundle: a copy of it with the head fitted anew, and what that did to the
other types. Takes about a minute."""

from __future__ import annotations

import argparse

from batsort_learning.commands import options as shared
from batsort_training.teach import forget


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--type", required=True, metavar="NAME", help="name of the type")
    shared.bundle(parser)
    shared.out(parser)


def run(options: argparse.Namespace) -> None:
    """Forget and print the changes."""
    print(forget(options.bundle, options.type, options.out))
    print(f"written: {options.out}")
