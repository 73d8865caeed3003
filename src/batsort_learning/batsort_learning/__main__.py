"""`./cell learn COMMAND`, or `ros2 run batsort_learning COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from batsort_perception.bundle import BundleError
from batsort_training.data import DataError
from batsort_training.weights import WeightsError

COMMANDS = {
    "check": "look at photos before teaching",
    "train": "make a model bundle from photos",
    "teach": "teach a bundle a new type, from five photos up",
    "forget": "take a type out of a bundle",
    "threshold": "the confidence that gives a wanted purity, and its cost",
    "compare": "judge other ways to learn beside the bundle's",
    "evaluate": "judge a bundle on photos",
    "camera": "what a finer camera would buy",
    "reproduce": "do the paper's study again",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="batsort_learning",
        description="Teach the cell to tell batteries apart.",
        epilog="COMMAND --help explains each.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name in words[:1]:
            module = import_module(f"batsort_learning.commands.{name}")
            command.description = module.__doc__
            module.arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(words)
    try:
        options.run(options)
    except (DataError, BundleError, WeightsError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def command() -> int:
    """Run the command that this program is named after, as `ros2 run` starts it."""
    return main([Path(sys.argv[0]).stem, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
