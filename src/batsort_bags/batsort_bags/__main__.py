"""`./cell replay`, `./cell golden`, or `ros2 run batsort_bags COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from batsort_bags.reader import BagError
from batsort_bags.where import WhereError
from batsort_files.command_line import Commands, named_words
from batsort_files.documents import REFUSED
from batsort_perception.bundle import BundleError

COMMANDS = Commands(
    "batsort_bags.commands",
    {
        "replay": "replay a recorded bag through the core and compare",
        "golden": "hold the bags of the tests against this version",
    },
    (BagError, BundleError, WhereError),
    REFUSED,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 where something is refused."""
    parser = argparse.ArgumentParser(prog="cell", description="Bags of the cell's runs.")
    return COMMANDS.run(parser, arguments)


def command() -> int:
    """Run the command that this program is named after."""
    return main(named_words())


if __name__ == "__main__":
    sys.exit(main())
