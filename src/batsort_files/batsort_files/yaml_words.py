"""Words of YAML without quotes: read as they look, or refused where YAML 1.1 has another idea."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NoReturn

import yaml

TAG = "tag:yaml.org,2002:"
TEXT = f"{TAG}str"
WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **{
        f"{sign}.{word}": float(f"{sign}inf")
        for word in ("inf", "Inf", "INF")
        for sign in ("", "+", "-")
    },
}
FIRST = frozenset("0123456789+-.~=<nNtTfFyYoO")
"""What a word begins with that need not be a text."""
INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
HEXADECIMAL = re.compile(r"[-+]?0x[0-9a-fA-F]+")
FLOAT = re.compile(r"(?:[-+]?[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+][0-9]+)?")
ODD_TEXT = re.compile(
    r"(?:[-+]?0o[0-7]+|([-+]?)(?=\.?[0-9])([0-9]*)(?:\.([0-9]*))?(?:[eE]([-+]?)([0-9]+))?)\Z"
)
"""Numbers to people and other readers, with sign, whole part, fraction, sign and exponent."""
LONGEST = 400
"""Digits of a number."""


class OddWord(ValueError):
    """A word that is read otherwise than people mean it: why, and what is allowed."""


@lru_cache(maxsize=4096)
def meaning(word: str) -> Any:
    """The value of a word without quotes: nothing, a truth, a number or a text.

    Raises:
        OddWord: YAML 1.1 takes it for something else than it looks like.
    """
    if word in WORDS:
        return WORDS[word]
    if word[0] not in FIRST:
        return word
    if len(word) <= LONGEST:
        if INTEGER.fullmatch(word):
            return int(word)
        if FLOAT.fullmatch(word):
            return float(word)
        if HEXADECIMAL.fullmatch(word):
            return int(word, 16)
    tag = _RESOLVER.resolve(yaml.ScalarNode, word, (True, False))
    if tag != TEXT:
        _refuse_other(word, tag.removeprefix(TAG))
    if number := ODD_TEXT.match(word):
        _refuse(word, "a text", *_as_number(word, number))
    return word


def dumped(document: object, **layout: Any) -> str:
    """Plain values as a text that is read as the same: texts which look like numbers in quotes.

    `layout` is of `yaml.dump`.
    """
    text: str = yaml.dump(document, Dumper=_Dumper, **layout)
    return text


class _Dumper(yaml.SafeDumper):
    pass


_Dumper.add_implicit_resolver("!odd", ODD_TEXT, list("+-.0123456789"))
_RESOLVER: Any = yaml.resolver.Resolver()
_CONSTRUCTOR = yaml.constructor.SafeConstructor()


def _refuse(word: str, read_as: str, *others: str) -> NoReturn:
    allowed = " or ".join((*others, f"'{word}'"))
    raise OddWord(f"{word} is refused, since YAML reads it as {read_as}; allowed: {allowed}")


def _refuse_other(word: str, kind: str) -> NoReturn:
    """Refuse what is no text to YAML."""
    if kind == "bool":
        truth = str(_CONSTRUCTOR.bool_values[word.lower()]).lower()
        _refuse(word, truth, truth)
    if kind == "timestamp":
        _refuse(word, "a date")
    if len(word) > LONGEST:
        _refuse(f"{word[:16]}...", f"a number of more than {LONGEST} digits")
    if kind not in ("int", "float"):
        _refuse(word, f"a {kind}")
    node = yaml.ScalarNode(f"{TAG}{kind}", word)
    made = _CONSTRUCTOR.construct_yaml_int if kind == "int" else _CONSTRUCTOR.construct_yaml_float
    try:
        value = made(node)
    except ValueError:
        _refuse(word, "a number without digits")
    decimal = [str(int(word))] if re.fullmatch(r"[-+]?0[0-7]+", word) else []
    _refuse(word, str(value), *decimal, str(value))


def _as_number(word: str, number: re.Match[str]) -> list[str]:
    """How the number that a text looks like is written."""
    sign, whole, fraction, exponent_sign, exponent = number.groups()
    if sign is None:
        return [str(int(word, 8))]
    written = f"{sign}{whole.lstrip('0') or '0'}"
    if exponent is not None:
        return [f"{written}.{fraction or '0'}e{exponent_sign or '+'}{exponent}"]
    return [written if fraction is None else f"{written}.{fraction or '0'}"]
