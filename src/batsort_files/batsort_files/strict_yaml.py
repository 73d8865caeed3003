"""YAML that means one thing only, with the line of every field.

Refused are: keys given twice or hidden by a merge, words that YAML 1.1 reads otherwise than they
look (see `yaml_words`), keys that are no text or number, tags, several documents, and what is too
large, too deep or stands for too much by aliases. The rest is what `yaml.safe_load` reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from batsort_files.schema import short
from batsort_files.yaml_words import TAG, TEXT, OddWord, meaning

LARGEST = 16 * 1024 * 1024
"""Bytes of a document."""
DEEPEST = 50
"""Maps and lists inside each other."""
MOST_ALIASED = 100_000
"""Values that the aliases of a document stand for, all together."""
MERGE = "<<"
NO_KEYS = frozenset(("", "~", "null", "true", "false", "yes", "no", "on", "off"))
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser; the one in C takes a tenth of the time."""

Lines = Mapping[Any, int] | list[int]
"""Of a map's keys, or of a list's places."""


class YamlError(ValueError):
    """A document that is refused: one line with field, value and what is allowed."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        """Of the file, from 1."""


@dataclass(frozen=True, slots=True)
class Yaml:
    """A document that has been read."""

    value: Any
    first_line: int
    lines: Mapping[int, Lines]
    """By `id` of the maps and lists in `value`."""

    def line(self, refusal: str) -> int:
        """The line of the field that a refusal begins with, or of the nearest one around it."""
        line, part, rest = self.first_line, self.value, refusal
        while isinstance(part, dict | list):
            places = range(len(part)) if isinstance(part, list) else part
            steps = {f"[{key}]" if isinstance(part, list) else str(key): key for key in places}
            step = max((s for s in steps if _leads(rest, s)), key=len, default=None)
            if step is None:
                break
            line = self.lines[id(part)][steps[step]]
            part, rest = part[steps[step]], rest[len(step) :].removeprefix(".")
        return line


def parse(text: str | bytes) -> Yaml:
    """Read the one document of a text; without any its value is None.

    Raises:
        YamlError: no YAML, or what this module refuses.
    """
    try:
        data = text.encode() if isinstance(text, str) else text
        if len(data) > LARGEST:
            allowed = f"up to {LARGEST >> 20} MiB"
            raise YamlError(1, f"document: {len(data)} bytes are refused; allowed: {allowed}")
        parser = LOADER(data)
        try:
            return _Reader(parser).document()
        finally:
            parser.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _no_yaml(mark.line + 1 if mark else 1, str(error.problem)) from None
    except yaml.reader.ReaderError as error:
        line = data[: error.position].count(b"\n") + 1
        raise _no_yaml(line, str(error).splitlines()[0]) from None
    except UnicodeError as error:
        raise _no_yaml(1, str(error)) from None


def _no_yaml(line: int, problem: str) -> YamlError:
    told = f"document: can't be read, this is no YAML ({problem}); allowed: YAML"
    return YamlError(line, told)


def _leads(refusal: str, step: str) -> bool:
    """Whether a refusal begins with a step of a path."""
    return refusal.startswith(step) and refusal[len(step) : len(step) + 1] in ("", ".", ":", "[")


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


@dataclass(frozen=True, slots=True)
class _Anchor:
    """What an alias stands for."""

    value: Any
    size: int
    """Values in it."""
    height: int
    """Maps and lists inside each other."""


class _Reader:
    """Makes a document of a parser's events."""

    def __init__(self, parser: Any) -> None:
        self._next = parser.get_event
        self._path: list[str | int] = []
        self._lines: dict[int, Lines] = {}
        self._anchors: dict[str, _Anchor] = {}
        self._size = self._aliased = 0
        self._depth = self._deepest = 0

    def document(self) -> Yaml:
        self._next()
        if isinstance(self._next(), yaml.StreamEndEvent):
            return Yaml(None, 1, {})
        event = self._next()
        value = self._value(event)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            line = _line(after)
            raise YamlError(line, f"document: another begins in line {line}; allowed: one")
        return Yaml(value, _line(event), self._lines)

    def _value(self, event: Any) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._size += 1
        if event.anchor is None:
            return self._made(event)
        if event.anchor in self._anchors:
            self._refuse(event, f"anchor &{event.anchor} is given twice; allowed: once")
        size, deepest, self._deepest = self._size, self._deepest, self._depth
        value = self._made(event)
        self._anchors[event.anchor] = _Anchor(
            value, self._size - size + 1, self._deepest - self._depth
        )
        self._deepest = max(deepest, self._deepest)
        return value

    def _made(self, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        is_map = isinstance(event, yaml.MappingStartEvent)
        if event.tag is not None and event.tag != f"{TAG}{'map' if is_map else 'seq'}":
            self._refuse_tag(event)
        self._depth += 1
        self._reach(event, self._depth)
        value = self._mapping(event) if is_map else self._sequence()
        self._depth -= 1
        return value

    def _alias(self, event: Any) -> Any:
        anchor = self._anchors.get(event.anchor)
        if anchor is None:
            self._refuse(event, f"*{event.anchor} is refused; allowed: an anchor that ends before")
        self._size += anchor.size
        self._aliased += anchor.size
        if self._aliased > MOST_ALIASED:
            allowed = f"aliases that stand for up to {MOST_ALIASED} values together"
            self._refuse(event, f"*{event.anchor} is refused; allowed: {allowed}")
        self._reach(event, self._depth + anchor.height)
        return anchor.value

    def _reach(self, event: Any, depth: int) -> None:
        self._deepest = max(self._deepest, depth)
        if depth > DEEPEST:
            allowed = f"up to {DEEPEST} maps and lists inside each other"
            raise YamlError(_line(event), f"document: too deep is refused; allowed: {allowed}")

    def _scalar(self, event: Any) -> Any:
        if event.tag is not None and event.tag not in ("!", TEXT):
            self._refuse_tag(event)
        if not event.implicit[0]:
            return event.value
        try:
            return meaning(event.value)
        except OddWord as error:
            self._refuse(event, str(error))

    def _sequence(self) -> list[Any]:
        made: list[Any] = []
        lines: list[int] = []
        self._path.append(0)
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            self._path[-1] = len(made)
            lines.append(_line(event))
            made.append(self._value(event))
        self._path.pop()
        self._lines[id(made)] = lines
        return made

    def _mapping(self, start: Any) -> dict[Any, Any]:
        made: dict[Any, Any] = {}
        lines: dict[Any, int] = {}
        merged: list[dict[Any, Any]] = []
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            line, key = _line(event), self._key(event)
            self._path.append(str(key))
            value = self._value(self._next())
            if key in lines:
                both = f"{short(made.get(key))} in line {lines[key]} and again {short(value)}"
                self._refuse(event, f"given twice, {both} in line {line}; allowed: once")
            lines[key] = line
            if key is MERGE:
                merged = self._to_merge(event, value)
            else:
                made[key] = value
            self._path.pop()
        if merged:
            return self._with_merged(_line(start), merged, made, lines)
        self._lines[id(made)] = lines
        return made

    def _key(self, event: Any) -> Any:
        """A key, or the very object MERGE."""
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            if event.value == MERGE:
                return MERGE
            if event.value.lower() in NO_KEYS:
                shown = f"'{event.value}', a text" if event.value else "a text or a number"
                told = event.value or "nothing"
                self._refuse(event, f"{told} is refused as a key; allowed: {shown}")
        key = None
        if isinstance(event, yaml.ScalarEvent | yaml.AliasEvent):
            key = self._value(event)
        if isinstance(key, bool) or not isinstance(key, str | int | float):
            self._refuse(event, "such a key is refused; allowed: a text or a number")
        return key

    def _to_merge(self, event: Any, value: Any) -> list[dict[Any, Any]]:
        maps = value if isinstance(value, list) else [value]
        if not all(isinstance(one, dict) for one in maps):
            self._refuse(event, f"{short(value)} is refused; allowed: a map, or a list of maps")
        return maps

    def _with_merged(
        self, first_line: int, merged: list[dict[Any, Any]], own: dict[Any, Any], lines: Lines
    ) -> dict[Any, Any]:
        """In the order in which PyYAML merges."""
        made: dict[Any, Any] = {}
        where: dict[Any, int] = {}
        for part, its in [*((one, self._lines[id(one)]) for one in reversed(merged)), (own, lines)]:
            for key, value in part.items():
                if key in made:
                    both = f"{short(made[key])} in line {where[key]} and {short(value)}"
                    raise YamlError(
                        max(first_line, its[key]),
                        f"{_written([*self._path, str(key)])}: given twice by a merge, {both} in "
                        f"line {its[key]}; allowed: once",
                    )
                made[key], where[key] = value, its[key]
        self._lines[id(made)] = where
        return made

    def _refuse_tag(self, event: Any) -> NoReturn:
        tag = event.tag.replace(TAG, "!!")
        where = _written(self._path)
        raise YamlError(
            _line(event), f"document: tag {tag} at {where} is refused; allowed: YAML without tags"
        )

    def _refuse(self, event: Any, problem: str) -> NoReturn:
        raise YamlError(_line(event), f"{_written(self._path)}: {problem}")


def _written(path: Iterable[str | int]) -> str:
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return "".join(parts).removeprefix(".") or "document"
