"""What a line says by itself: chemistries by their own words, unless these are only mentioned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batsort_perception.print_rules import FUZZY, RULES, Rule
from batsort_perception.print_spelling import alike, distance
from batsort_perception.printed import Finding, Text

# A word after these is only mentioned. Seven words at most between, in that sentence.
_MENTION = re.compile(
    r"(?<![a-z])(?:mix(?:ed|ing)?|not (?:for )?use|replac\w*|th[ae]n|versus|vs|unlike|instead"
    r"|compared|ordinary|regular|mischen|vermischen|melange\w*|mezcl\w*|mescol\w*|ersetz\w*|remplac\w*)(?![a-z])"
    r"(?:\W+\w+){0,7}?\W*$"
)
_DENIAL = re.compile(
    r"(?:(?<![a-z])(?:no|not|non|nor|never|without|ohne|kein\w*|sans|sin|senza|zero|free of)"
    r"|0\s?%)(?:\W+(?:added|with|of|and|or|et|und|y|e|de|d))?\W*$"
)
_DENIED = re.compile(r"^(?:-?\s?fr(?:ee|ei)(?![a-z])|\W*0\s?%(?!\W*[a-z]))")
_ELSEWHERE = re.compile(
    r"^(?:\W+\w+){0,3}?\W+(?:charger|ladegerat|chargeur|cargador|mischen|vermischen|ersetzen)"
)


def matches(texts: Sequence[Text]) -> Iterator[tuple[Rule, Text]]:
    """The rules that hold, each once a line."""
    for text in texts:
        for rule in RULES:
            if text.line.confidence >= rule.floor and any(
                not _mentioned(text, *match.span()) for match in rule.pattern.finditer(text.folded)
            ):
                yield rule, text


def said(texts: Sequence[Text]) -> Iterator[Finding]:
    """Chemistries by their own words and designations."""
    for rule, text in matches(texts):
        yield text.says(rule.chemistry, rule.strength)
    for text in texts:
        for chemistry, words in FUZZY.items():
            for errors in nearly(text, words):
                yield text.says(chemistry, 1.0 - 0.1 * errors)


def nearly(text: Text, words: Sequence[str]) -> Iterator[int]:
    """The wrong letters, one at most, wherever one of the long `words` is in a token."""
    for match in re.finditer(r"[^\W_]+", text.folded):
        token = alike(match.group())
        errors = min(distance(alike(word), token) for word in words)
        if errors <= 1 and not _mentioned(text, *match.span()):
            yield errors


def _mentioned(text: Text, begin: int, end: int) -> bool:
    """True where the words from `begin` to `end` are denied or belong to something else."""
    before = re.split(r"[.!]\s", f"{text.before} {text.folded[:begin]}")[-1]
    after = text.folded[end:]
    return bool(
        _MENTION.search(before)
        or _DENIAL.search(text.folded[:begin])
        or _DENIED.search(after)
        or _ELSEWHERE.search(after)
    )
