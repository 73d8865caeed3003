"""Make a model bundle from photos as they are, under other conditions and as the cell's camera sees
them, and from drawn batteries. Prints cross-validated figures and writes a model card beside the
bundle. Takes a quarter of an hour; the longest part is the figures."""

from __future__ import annotations

import argparse

from batsort_learning.commands import options as shared
from batsort_training.train import train


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    shared.labels(parser)
    shared.cell(parser)
    shared.drawn(parser)
    shared.out(parser)
    parser.add_argument(
        "--kind",
        choices=("int8", "float16", "float32"),
        default="int8",
        help="weights of the network (default: int8, a third of the size, as accurate, and faster "
        "on processors with int8 dot products)",
    )
    shared.repeats(parser)
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Train, write, print the figures."""
    recipe = shared.read_cell(options.cell)
    table = train(
        options.photos,
        options.out,
        options.drawn,
        options.seed,
        options.kind,
        options.repeats,
        options.labels,
        recipe.chemistries if recipe else None,
    )
    print(table)
    print(f"written: {options.out}")
