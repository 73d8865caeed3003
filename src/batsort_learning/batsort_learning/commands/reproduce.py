"""Do the paper's study again (arXiv 2404.05802): with and without ImageNet's knowledge (table1), by
the number of layers that learn (table2), the course of training (figure3). A study that was cut off
goes on where it was."""

from __future__ import annotations

import argparse
from pathlib import Path

from batsort_learning import paper
from batsort_learning.commands import options as shared
from batsort_learning.reproduce import (
    BACKBONES,
    KNOWLEDGE,
    QUICK_EPOCHS,
    STUDIES,
    Options,
    reproduce,
)
from batsort_training.label_list import AS_PUBLISHED


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("study", choices=STUDIES, help="what of the paper")
    shared.photos(parser)
    shared.labels(parser, AS_PUBLISHED)
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder for runs.jsonl, tables and pictures",
    )
    parser.add_argument(
        "--backbone",
        choices=BACKBONES,
        default=BACKBONES[0],
        help="what the new top is put on (default: %(default)s)",
    )
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="ResNet-50V2's weights without top (.h5)"
    )
    parser.add_argument(
        "--runs",
        type=shared.positive,
        default=paper.RUNS,
        metavar="N",
        help="of every case (default: %(default)s)",
    )
    parser.add_argument(
        "--initial", choices=(*KNOWLEDGE, "both"), help="initial weights (default: the paper's)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"at most {QUICK_EPOCHS[0]} and {QUICK_EPOCHS[1]} epochs: to try it out",
    )
    parser.add_argument(
        "--grouped", action="store_true", help="near-duplicates are never divided (default: random)"
    )
    parser.add_argument("--with-other", action="store_true", help="`Other` is one more type")
    parser.add_argument("--tensorboard", type=Path, metavar="DIR", help="folder for TensorBoard")
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Do what is missing, write, print the table."""
    how = Options(
        options.backbone,
        options.seed,
        options.quick,
        options.grouped,
        options.with_other,
        options.weights,
        options.tensorboard,
        options.labels,
    )
    table = reproduce(
        options.study, options.photos, options.out, options.runs, options.initial, how
    )
    print(table)
    print(f"written: {options.out}")
