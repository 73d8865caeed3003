"""`./cell learn COMMAND`, or `ros2 run batsort_learning COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from batsort_files.command_line import Commands, named_words
from batsort_perception.bundle import BundleError
from batsort_training.data import DataError
from batsort_training.weights import WeightsError

COMMANDS = Commands(
    "batsort_learning.commands",
    {
        "check": "look at photos before teaching",
        "train": "make a model bundle from photos",
        "teach": "teach a bundle a new type, from five photos up",
        "forget": "take a type out of a bundle",
        "threshold": "the confidence that gives a wanted purity, and its cost",
        "compare": "judge other ways to learn beside the bundle's",
        "evaluate": "judge a bundle on photos",
        "camera": "what a finer camera would buy",
        "reproduce": "do the paper's study again",
    },
    (DataError, BundleError, WeightsError),
    refused=1,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, 1 where something is refused."""
    parser = argparse.ArgumentParser(
        prog="batsort_learning",
        description="Teach the cell to tell batteries apart.",
        epilog="COMMAND --help explains each.",
    )
    return COMMANDS.run(parser, arguments)


def command() -> int:
    """Run the command that this program is named after."""
    return main(named_words())


if __name__ == "__main__":
    sys.exit(main())
