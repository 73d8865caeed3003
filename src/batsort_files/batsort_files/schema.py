"""Typed dataclasses from untyped documents (YAML, JSON), refusing bad input by field name."""

import math
import reprlib
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from typing import Annotated, Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class FieldError(ValueError):
    """One line: the field's path, its value, and what is allowed there."""


def refuse(path: str, value: object, allowed: str) -> NoReturn:
    """Raise the FieldError of a value that is not allowed."""
    raise FieldError(f"{path}: {short(value)} is refused; allowed: {allowed}")


@dataclass(frozen=True, slots=True)
class Range:
    """What a finite number may be, to go into `Annotated[float, Range(...)]`."""

    unit: str = ""
    above: float | None = None
    least: float | None = None
    most: float | None = None

    def holds(self, value: float) -> bool:
        """Whether `value` is finite and inside."""
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        bounds = [
            f"{word} {bound:g}"
            for word, bound in (("above", self.above), ("from", self.least), ("up to", self.most))
            if bound is not None
        ]
        return " ".join([*bounds, *([f"[{self.unit}]"] if self.unit else [])])


@dataclass(frozen=True, slots=True)
class Name:
    """A string that must not be empty, to go into `Annotated[str, Name()]`."""

    def holds(self, value: str) -> bool:
        """Whether `value` has any character."""
        return bool(value)

    def __str__(self) -> str:
        return "that is not empty"


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """A list that must not be empty and may be one entry without brackets, to go into
    `Annotated[tuple[str, ...], OneOrMore()]`."""

    def holds(self, value: tuple[object, ...]) -> bool:
        """Whether `value` has any entry."""
        return bool(value)

    def __str__(self) -> str:
        return "of one or more, or one alone"


def read(kind: type[T], document: object, path: str = "") -> T:
    """Make the dataclass `kind` from a mapping with exactly its fields; None is what may be absent.

    Understands nested dataclasses, int, float, str, bool, StrEnum, `X | None`, `tuple[X, ...]`,
    `Mapping[str, X]` and Annotated with Range, Name or OneOrMore. Raises FieldError.
    """
    made: T = _read(kind, document, path)
    return made


def short(value: object) -> str:
    """A value in few words, on one line."""
    return "nothing" if value is None else reprlib.repr(value).replace("\n", " ")


def _join(path: str, key: object) -> str:
    return f"{path}.{key}" if path else str(key)


def _optional(kind: Any) -> Any | None:
    """X where `kind` is `X | None`, else None."""
    if get_origin(kind) in (Union, types.UnionType):
        return next(part for part in get_args(kind) if part is not type(None))
    return None


def _allowed(kind: Any) -> str:
    if get_origin(kind) is Annotated:
        base, *marks = get_args(kind)
        return " ".join([_allowed(base), *map(str, marks)])
    if (inner := _optional(kind)) is not None:
        return f"{_allowed(inner)}, or nothing"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return "one of " + ", ".join(kind)
    if get_origin(kind) is tuple:
        return "a list"
    if get_origin(kind) is Mapping:
        return "names with values"
    if is_dataclass(kind):
        return "fields " + ", ".join(field.name for field in fields(kind))
    words = {int: "a whole number", float: "a number", str: "a text", bool: "true or false"}
    return words[kind]


def _read(kind: Any, value: object, path: str) -> Any:
    if (inner := _optional(kind)) is not None:
        return None if value is None else _read(inner, value, path)
    if get_origin(kind) is Annotated:
        base, *marks = get_args(kind)
        if OneOrMore() in marks and isinstance(value, str):
            (entry, _) = get_args(base)
            return (_read(entry, value, path),)
        if not _fits(base, value):
            refuse(path, value, _allowed(kind))
        made = _read(base, value, path)
        if not all(mark.holds(made) for mark in marks):
            refuse(path, value, _allowed(kind))
        return made
    if not _fits(kind, value):
        refuse(path or "document", value, _allowed(kind))
    if is_dataclass(kind):
        return _read_fields(kind, value, path)
    if get_origin(kind) is tuple:
        (inner, _) = get_args(kind)
        return tuple(_read(inner, part, f"{path}[{i}]") for i, part in enumerate(_sequence(value)))
    if get_origin(kind) is Mapping:
        (key_kind, inner) = get_args(kind)
        return {
            _read(key_kind, key, _join(path, key)): _read(inner, part, _join(path, key))
            for key, part in _mapping(value).items()
        }
    return kind(str(value)) if issubclass(kind, StrEnum) else kind(value)


def _fits(kind: Any, value: object) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in (str, bool):
        return isinstance(value, kind)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        # YAML takes the names of sizes such as 18650 for numbers.
        return isinstance(value, str | int) and str(value) in list(kind)
    if get_origin(kind) is tuple:
        return isinstance(value, Sequence) and not isinstance(value, str)
    return isinstance(value, Mapping)


def _read_fields(kind: Any, value: object, path: str) -> Any:
    document = _mapping(value)
    hints = get_type_hints(kind, include_extras=True)
    for key in document:
        if key not in hints:
            raise FieldError(f"{_join(path, key)}: unknown field; allowed: {', '.join(hints)}")
    for name, hint in hints.items():
        if name not in document and _optional(hint) is None:
            raise FieldError(f"{_join(path, name)}: missing; allowed: {_allowed(hint)}")
    return kind(**{n: _read(hint, document.get(n), _join(path, n)) for n, hint in hints.items()})


def _mapping(value: object) -> Mapping[Any, object]:
    assert isinstance(value, Mapping)
    return value


def _sequence(value: object) -> Sequence[object]:
    assert isinstance(value, Sequence)
    return value
