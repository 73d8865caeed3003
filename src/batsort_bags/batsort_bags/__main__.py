"""`./cell replay`, `./cell golden`, or `ros2 run batsort_bags COMMAND`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from batsort_bags.reader import BagError
from batsort_bags.where import WhereError
from batsort_perception.bundle import BundleError

COMMANDS = {
    "replay": "replay a recorded bag through the core and compare",
    "golden": "hold the bags of the tests against this version",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status, 2 where something is refused."""
    words = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="cell", description="Bags of the cell's runs.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, told in COMMANDS.items():
        command = commands.add_parser(name, help=told)
        if name in words[:1]:
            module = import_module(f"batsort_bags.commands.{name}")
            command.description = module.__doc__
            module.arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(words)
    try:
        status: int = options.run(options)
    except (BagError, BundleError, WhereError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return status


def command() -> int:
    """Run the command that this program is named after, as `ros2 run` starts it."""
    return main([Path(sys.argv[0]).stem, *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
