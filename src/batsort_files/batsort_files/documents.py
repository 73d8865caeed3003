"""Files that a program is told to work with, refused by name where they can't be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

REFUSED = 2
"""Exit status of a program that can't run with what it was told; a restart would not help."""


class ConfigurationError(ValueError):
    """What a node cannot run with: one line with name, value and what is allowed."""


def path_of(name: str, path: str | Path) -> Path:
    """The path that the parameter `name` gives, with `~` as the home it stands for.

    Raises:
        ConfigurationError: the home of a user that there is not.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"{name}: {str(path)!r} is refused; allowed: a path, with ~/ for the own home"
        ) from None


def load_document(name: str, path: str, what: str) -> Any:
    """Read the YAML file that the parameter `name` gives the path of.

    Raises:
        ConfigurationError: not given, no such file, or no YAML.
    """
    if not path:
        raise ConfigurationError(f"{name}: not given; allowed: the path of a {what}")
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: {path!r} can't be read ({error})") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise ConfigurationError(f"{name}: {path!r} is no YAML ({line})") from None
