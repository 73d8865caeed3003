"""`python -m batsort_learning COMMAND`, or `ros2 run batsort_learning COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from batsort_learning.data import DataError
from batsort_learning.evaluate import evaluate
from batsort_learning.train import train
from batsort_learning.weights import WeightsError
from batsort_perception.bundle import BundleError, default_bundle


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="batsort_learning", description="Teach the cell to tell batteries apart."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="train | evaluate")
    _train_arguments(commands.add_parser("train", help="make a model bundle from photos"))
    _evaluate_arguments(commands.add_parser("evaluate", help="judge a bundle on photos"))
    return _run(parser.parse_args(arguments))


def main_train() -> int:
    """`ros2 run batsort_learning train`."""
    return main(["train", *sys.argv[1:]])


def main_evaluate() -> int:
    """`ros2 run batsort_learning evaluate`."""
    return main(["evaluate", *sys.argv[1:]])


def _run(options: argparse.Namespace) -> int:
    try:
        if options.command == "train":
            print(train(options.photos, options.out, options.drawn, options.seed))
            print(f"written: {options.out}")
        else:
            print(evaluate(options.bundle, options.photos, options.report, options.seed))
    except (DataError, BundleError, WeightsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Make a model bundle: photos as they are and as the cell's camera sees them, and drawn "
        "batteries, on EfficientNet-Lite0. Prints cross-validated figures. Takes minutes."
    )
    _photos_argument(parser)
    parser.add_argument(
        "--drawn",
        type=_count,
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
    _seed_argument(parser)


def _evaluate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Judge a bundle on photos it may or may not have seen: accuracy, coverage and what becomes "
        "of unknown types. A folder that is no type of the bundle counts as unknown."
    )
    _photos_argument(parser)
    parser.add_argument(
        "--bundle",
        type=Path,
        default=default_bundle(),
        metavar="DIR",
        help="the bundle to judge (default: the one that comes with BatSort)",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the figures as JSON")
    _seed_argument(parser)


def _photos_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        metavar="DIR",
        help="a folder with one folder of photos per type; `Other` holds unknown ones",
    )


def _seed_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=_count, default=0, metavar="N", help="of all that is random (default: 0)"
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is refused; allowed: a whole number from 0")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
