"""What stands in a launch file's attributes: text, with its substitutions done."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from batsort_bringup.launch_tags import Tag


@dataclass(slots=True)
class Scope:
    """What is set at a place of a launch file, and the attributes of tags there."""

    values: dict[str, str]
    """Of launch arguments and of `let`, by name."""
    environ: Mapping[str, str]
    added: Mapping[str, str]
    """What of the environment the launch file has set."""
    namespace: str | None = None

    def inner(self) -> Scope:
        """Give one in which everything can be set without a change of this one."""
        return replace(self, values=dict(self.values))

    def set_env(self, variable: Mapping[str, str]) -> None:
        """Set in the environment."""
        self.environ = {**self.environ, **variable}
        self.added = {**self.added, **variable}

    def boolean(self, tag: Tag, attribute: str) -> bool:
        """Give an attribute that is true or false."""
        text = self.text(tag, attribute)
        if text.strip().lower() in ("true", "1"):
            return True
        if text.strip().lower() in ("false", "0"):
            return False
        raise tag.error(f"{attribute}: '{text}'; allowed: true, 1, false, 0")

    def text(self, tag: Tag, attribute: str) -> str:
        """Give an attribute with its substitutions done."""
        return "".join(part for part, _ in self._parts(tag, attribute))

    def words(self, tag: Tag, attribute: str) -> tuple[str, ...]:
        """Split an attribute like a shell; what a substitution gives is never split."""
        if attribute not in tag.attributes:
            return ()
        results: list[str] = []
        template = ""
        for part, substituted in self._parts(tag, attribute):
            if substituted:
                template += f"\0{len(results)}\0"
                results.append(part)
            else:
                template += part
        try:
            words = shlex.split(template)
        except ValueError as error:
            raise tag.error(f"{attribute}: {error}") from error
        return tuple(re.sub("\0(.*?)\0", lambda m: results[int(m[1])], word) for word in words)

    def _parts(self, tag: Tag, attribute: str) -> list[tuple[str, bool]]:
        """Give the pieces of an attribute: text, and whether a substitution gave it."""
        scanner = _Scanner(tag.attributes[attribute], lambda *call: self._substitute(tag, *call))
        try:
            return scanner.template()
        except _SubstitutionError as error:
            raise tag.error(f"{attribute}: {error}") from error

    def _substitute(self, tag: Tag, name: str, values: list[str]) -> str:
        match name, values:
            case "var", [variable]:
                if variable not in self.values:
                    raise _SubstitutionError(f"$(var {variable}): no such launch argument")
                return self.values[variable]
            case "env", [variable, *default] if len(default) <= 1:
                value = self.environ.get(variable, *default)
                if value is None:
                    raise _SubstitutionError(f"$(env {variable}): not in the environment")
                return value
            case "find-pkg-share", [package]:
                return str(self.prefix(tag, package) / "share" / package)
            case "dirname", []:
                return str(tag.file.absolute().parent)
            case (("var" | "env" | "find-pkg-share" | "dirname"), _):
                raise _SubstitutionError(f"$({name} ...): can't be used with {len(values)} values")
        raise _SubstitutionError(
            f"$({name} ...) is not known here; allowed: var, env, find-pkg-share, dirname"
        )

    def prefix(self, tag: Tag, package: str) -> Path:
        """Find the folder that a package is installed in, by the ament index."""
        for prefix in self.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
            marker = Path(prefix, "share", "ament_index", "resource_index", "packages", package)
            if prefix and package and marker.is_file():
                return Path(prefix)
        raise tag.error(f"package '{package}' is not installed")


class _SubstitutionError(ValueError):
    """A substitution that is malformed, unknown or has no value."""


class _Scanner:
    """Reads ``text $(name value 'quoted value' $(nested ...)) text``.

    A backslash takes the character after it as it is.
    """

    def __init__(self, text: str, call: Callable[[str, list[str]], str]) -> None:
        self._text = text
        self._at = 0
        self._call = call

    def template(self) -> list[tuple[str, bool]]:
        parts: list[tuple[str, bool]] = []
        while self._at < len(self._text):
            if self._text.startswith("$(", self._at):
                parts.append((self._substitution(), True))
            else:
                parts.append((self._literal(""), False))
        return parts

    def _literal(self, ends: str) -> str:
        """Read up to a substitution, or to one of `ends`."""
        result = ""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in ends or self._text.startswith("$(", self._at):
                break
            if character == "\\" and self._at + 1 < len(self._text):
                self._at += 1
                character = self._text[self._at]
            result += character
            self._at += 1
        return result

    def _substitution(self) -> str:
        begin = self._at
        name = re.compile(r"\$\(([A-Za-z][\w-]*)").match(self._text, begin)
        if name is None:
            raise _SubstitutionError(f"'{self._text[begin:]}': a name must follow '$('")
        self._at = name.end()
        values: list[str] = []
        while self._text.startswith(" ", self._at):
            self._at += 1
            values.append(self._value())
        if not self._text.startswith(")", self._at):
            raise _SubstitutionError(f"'{self._text[begin:]}': ')' is missing")
        self._at += 1
        return self._call(name[1], values)

    def _value(self) -> str:
        quote = self._text[self._at : self._at + 1]
        ends = " )"
        if quote in ("'", '"'):
            self._at += 1
            ends = quote
        result = ""
        while self._at < len(self._text) and self._text[self._at] not in ends:
            if self._text.startswith("$(", self._at):
                result += self._substitution()
            else:
                result += self._literal(ends)
        if ends == quote:
            self._at += 1
        return result
