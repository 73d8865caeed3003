"""Judge a bundle on photos it may or may not have seen: accuracy, coverage and what becomes of
unknown types. A folder that is no type of the bundle counts as unknown."""

from __future__ import annotations

import argparse
from pathlib import Path

from batsort_learning.commands import options as shared
from batsort_learning.evaluate import evaluate


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    shared.bundle(parser)
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Judge and print."""
    print(evaluate(options.bundle, options.photos, options.report, options.seed))
