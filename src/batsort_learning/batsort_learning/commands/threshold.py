"""Find the least confidence that gives a wanted purity, and say how many batteries it costs, from a
bundle's own lessons, judged by heads that have not seen them."""

from __future__ import annotations

import argparse

from batsort_learning.commands import options as shared
from batsort_training.threshold import threshold_table


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.bundle(parser)
    parser.add_argument(
        "--purity",
        type=shared.share,
        nargs="+",
        default=[0.95, 0.98, 0.99, 0.995],
        metavar="SHARE",
        help="wanted share of right ones in the bins, 0 to 1 (default: 0.95 0.98 0.99 0.995)",
    )
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Print a line per purity."""
    print(threshold_table(options.bundle, options.purity, options.seed))
