"""From lines of recognised text to what they say of a battery: chemistry, voltage, brand, size.

Nothing is guessed: a finding needs words that say so, in a line that was read surely. A word that
is only mentioned (`do not mix with alkaline`, `0% cadmium`) says nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from batsort_perception.print_meant import meant
from batsort_perception.print_rules import LITHIUM_FAMILY
from batsort_perception.print_said import said
from batsort_perception.print_spelling import EYE, LITHIUM, fold
from batsort_perception.print_traits import brands_in, own, sizes_in, voltages_in
from batsort_perception.printed import FLOOR, Finding, Line, Print, Text

LEAST = 0.4
"""Confidence of a finding below which it is none."""
CLEAR, DOUBTFUL = 0.75, 0.6
"""Evidence of at least the first outweighs what contradicts it with at most the second."""
_BROKEN = re.compile(rf"(?<![a-z])(?:{LITHIUM}|l{EYE}|n{EYE}[ck]+el|n{EYE})\W*$")
"""A name that may go on in the next line."""


def interpret(lines: Sequence[Line]) -> Print:
    """What `lines` say, in reading order. Never raises."""
    folded = [fold(line.text) for line in lines]
    texts = [
        Text(line, text, before)
        for line, text, before in zip(lines, folded, ["", *folded], strict=False)
        if line.confidence >= FLOOR
    ]
    texts += [
        Text(_joint(one, two), f"{one.folded} {two.folded}", one.before)
        for one, two in pairwise(texts)
        if _BROKEN.search(one.folded)
    ]
    brands = list(brands_in(texts))
    voltages = list(voltages_in(texts))
    chemistries = _strongest([*said(texts), *meant(texts, brands, voltages)])
    return Print(
        tuple(lines),
        _decided(chemistries),
        _most(voltages),
        _most(own(brands)),
        _most(list(sizes_in(texts))),
        tuple(chemistries),
    )


def _joint(one: Text, two: Text) -> Line:
    """The first of two lines that are one name, as surely as both were read."""
    return Line(one.line.text, min(one.line.confidence, two.line.confidence), one.line.box)


def _strongest(findings: Sequence[Finding]) -> list[Finding]:
    """The strongest of each value, the strongest first."""
    best: dict[str, Finding] = {}
    for finding in findings:
        known = best.get(finding.value)
        if finding.confidence >= LEAST and (known is None or finding.confidence > known.confidence):
            best[finding.value] = finding
    return sorted(best.values(), key=lambda finding: -finding.confidence)


def _decided(chemistries: Sequence[Finding]) -> Finding | None:
    """The one that is meant; None where others contradict it, and ever where lithium does."""
    if not chemistries:
        return None
    best, *others = chemistries
    if others and (best.confidence < CLEAR or others[0].confidence > DOUBTFUL):
        return None
    if best.value not in LITHIUM_FAMILY and any(f.value in LITHIUM_FAMILY for f in others):
        return None
    return best


def _most(findings: Sequence[Finding]) -> Finding | None:
    """The best finding of the value that is found most often and most surely."""
    sums: dict[str, float] = {}
    for finding in findings:
        sums[finding.value] = sums.get(finding.value, 0.0) + finding.confidence
    if not sums:
        return None
    value = max(sums, key=lambda name: sums[name])
    return max((f for f in findings if f.value == value), key=lambda f: f.confidence)
