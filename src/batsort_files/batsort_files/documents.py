"""Files that a program is told to work with, refused by name where they can't be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from batsort_files.schema import FieldError
from batsort_files.strict_yaml import LARGEST, Yaml, YamlError, parse

T = TypeVar("T")
REFUSED = 2
"""Exit status of a program that can't run with what it was told; a restart would not help."""


class ConfigurationError(ValueError):
    """What a node cannot run with: one line with name, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file that has been read, not yet what it says."""

    file: Path
    yaml: Yaml

    @property
    def value(self) -> Any:
        """What the file holds."""
        return self.yaml.value

    def checked(self, check: Callable[[Any], T], refused: type[ValueError] = FieldError) -> T:
        """What `check` makes of the value.

        Raises:
            ConfigurationError: it raised `refused`, whose text begins with the field; with file
                and line before that.
        """
        try:
            return check(self.value)
        except refused as error:
            raise ConfigurationError(self.located(error)) from None

    def located(self, refusal: ValueError) -> str:
        """A refusal that begins with a field, behind file and line."""
        return f"{self.file}:{self.yaml.line(str(refusal))}: {refusal}"


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


def document_of(file: Path, text: str | bytes) -> Document:
    """The document of a file's text.

    Raises:
        ConfigurationError: no YAML, or what `strict_yaml` refuses.
    """
    try:
        return Document(file, parse(text))
    except YamlError as error:
        raise ConfigurationError(f"{file}:{error.line}: {error}") from None


def read_document(file: Path) -> Document:
    """Read a YAML file.

    Raises:
        ConfigurationError: no such file, no YAML, or what `strict_yaml` refuses.
    """
    try:
        return document_of(file, data_of(file))
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read ({error})") from None


def load_document(name: str, path: str, what: str) -> Document:
    """Read the YAML file that the parameter `name` gives the path of.

    Raises:
        ConfigurationError: not given, or as `read_document` does.
    """
    if not path:
        raise ConfigurationError(f"{name}: not given; allowed: the path of a {what}")
    try:
        data = data_of(Path(path))
    except OSError as error:
        raise ConfigurationError(f"{name}: {path!r} can't be read ({error})") from None
    return document_of(Path(path), data)


def data_of(file: Path) -> bytes:
    """The bytes of a file, no more than it takes to refuse one that is too large.

    Raises OSError.
    """
    with file.open("rb") as stream:
        return stream.read(LARGEST + 1)
