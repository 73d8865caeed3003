"""Judge other ways to learn beside the bundle's own, on the same photos and splits: the paper's
head, linear discriminant analysis, views, colour, two backbones. Takes half an
hour; ten repeats take twelve minutes."""

from __future__ import annotations

import argparse

from batsort_learning.commands import options as shared


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    shared.labels(parser)
    shared.drawn(parser)
    shared.repeats(parser)
    parser.add_argument(
        "--report",
        type=shared.file_to_write(".json"),
        required=True,
        metavar="FILE",
        help="write the figures as JSON, after each way",
    )
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Compare and print the table."""
    # Imports TensorFlow and scikit-learn, which take seconds.
    from batsort_learning.compare import compare

    print(
        compare(
            options.photos,
            options.drawn,
            options.seed,
            options.repeats,
            options.report,
            options.labels,
        )
    )
