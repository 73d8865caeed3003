"""The commands of a package: one module each, loaded when it is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

INTERRUPTED = 130
"""Exit status."""


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands by name, in the package of that name: each module has `arguments` and `run`.

    `arguments(parser)` declares what the command takes; `run(options)` carries it out and returns
    the exit status, or None where all went well.
    """

    package: str
    summaries: Mapping[str, str]
    """By name."""
    refusals: tuple[type[Exception], ...]
    """Errors of one line, besides OSError."""
    refused: int
    """Exit status where one of them is raised."""

    def run(self, parser: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> int:
        """Run the command that the arguments name, those of the program without; its exit status.

        `parser` introduces the commands.
        """
        words = sys.argv[1:] if arguments is None else arguments
        commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
        for name, summary in self.summaries.items():
            command = commands.add_parser(name, help=summary)
            if name in words[:1]:
                module = import_module(f"{self.package}.{name}")
                command.description = module.__doc__
                module.arguments(command)
                command.set_defaults(run=module.run)
        options = parser.parse_args(words)
        refusals: tuple[type[Exception], ...] = (*self.refusals, OSError)
        try:
            status: int | None = options.run(options)
        except refusals as error:
            print(f"error: {error}", file=sys.stderr)
            return self.refused
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED
        return status or 0


def named_words() -> list[str]:
    """The command that this program is named after, as `ros2 run` starts it, and its arguments."""
    return [Path(sys.argv[0]).stem, *sys.argv[1:]]
