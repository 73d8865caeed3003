"""Chemistries that follow from several things printed together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batsort_core.chemistry import Chemistry
from batsort_perception.print_rules import LITHIUM_FAMILY
from batsort_perception.print_said import matches, nearly
from batsort_perception.print_spelling import BEGIN, CELL, END
from batsort_perception.printed import SHORT_FLOOR, Finding, Text

PRIMARY = frozenset({Chemistry.LITHIUM, Chemistry.ALKALINE, Chemistry.ZINC_CARBON})
LI_ION_MAKERS = frozenset(
    {"Klarus", "Olight", "Acebeam", "Keeppower", "Vapcell", "Efest", "Molicel"}
)
"""Whose rechargeable cells are all Li-ion."""
# Lines of products of one chemistry: the brand, its word, never with those words.
PRODUCTS = (
    (Chemistry.ALKALINE, "Energizer", re.compile(r"(?<![a-z])max\s?(?:plus)?(?![a-z])")),
    (
        Chemistry.ALKALINE,
        "Duracell",
        re.compile(r"(?<![a-z])(?:plus\s?(?:power)?|optimum|simply)(?![a-z])"),
    ),
    (Chemistry.LITHIUM, "Energizer", re.compile(rf"{BEGIN}l9[12]{END}")),
    (Chemistry.NIMH, "eneloop", re.compile("eneloop")),
    (Chemistry.NIMH, "LADDA", re.compile("ladda")),
)
_RECHARGES = re.compile(
    r"(?<!not )(?<!non )(?<!no )(?<!non-)(?<!nicht )"
    r"(?:r[eo]char?g(?:e)?a[bo]+[li1]e|pre\W?charged|wiederaufladbar|ricaricabil|recargable)"
)
_CAPACITY = re.compile(
    r"(?<![\d.,])(?:\d{3,5}\s?m|\d{1,2}(?:[.,]\d+)?\s?)(?:ah|wh)(?![a-z])|^\W*mah(?![a-z])"
)
_ENERGY = re.compile(r"\d\s?wh(?![a-z])")
_USB = re.compile(r"(?<![a-z])(?:micro\W?usb|usb\W?c|type\W?c)(?![a-z])")
_BARE_CELL = re.compile(rf"(?:(?<![a-z0-9])|(?<=mah)|(?<=mah ))({CELL})(?!\d)")
_ZINC = re.compile(rf"{BEGIN}(?:r(?:6|[0o]3|14|20)[psc]?u?|um-?[1-5]){END}")


def meant(
    texts: Sequence[Text], brands: Sequence[Finding], voltages: Sequence[Finding]
) -> Iterator[Finding]:
    """Chemistries by the brand, the voltage, and what else a line tells."""
    volts = {finding.value for finding in voltages}
    makers = {finding.value for finding in brands}
    recharges = any(_RECHARGES.search(text.folded) for text in texts)
    capacity = any(_CAPACITY.search(text.folded) for text in texts)
    cadmium = any(re.search(r"(?<![a-z])(?:cd|kr)(?![a-z])|cadm", text.folded) for text in texts)
    for chemistry, brand, pattern in PRODUCTS:
        if brand in makers and not (recharges and chemistry in PRIMARY):
            for text in texts:
                if pattern.search(text.folded):
                    yield text.says(chemistry, 0.8)
    known = {rule.chemistry for rule, _ in matches(texts)} & LITHIUM_FAMILY
    for text in texts:
        if not known and any(True for _ in nearly(text, ("lithium",))):
            yield from _lithium(text, volts, makers, recharges)
        if _BARE_CELL.search(text.folded) and text.line.confidence >= SHORT_FLOOR:
            if volts & {"3.6", "3.7"}:
                yield text.says(Chemistry.LI_ION, 0.85)
            elif capacity and not volts & {"1.2", "3.2", "3.3"}:
                yield text.says(Chemistry.LI_ION, 0.65)
        if _CAPACITY.search(text.folded):
            # Nothing else comes of these makers, and nobody else prints so few volts with Wh.
            if makers & LI_ION_MAKERS:
                yield text.says(Chemistry.LI_ION, 0.7)
            if volts & {"3.6", "3.7"} and _ENERGY.search(text.folded):
                yield text.says(Chemistry.LI_ION, 0.75)
        elif _USB.search(text.folded) and makers & LI_ION_MAKERS:
            yield text.says(Chemistry.LI_ION, 0.7)
        if _ZINC.search(text.folded) and text.line.confidence >= SHORT_FLOOR and "1.5" in volts:
            yield text.says(Chemistry.ZINC_CARBON, 0.5)
        if recharges and "1.2" in volts and not cadmium and _RECHARGES.search(text.folded):
            yield text.says(Chemistry.NIMH, 0.6)
    for finding in voltages:
        if finding.value in ("3.7", "3.8", "3.85", "7.4", "11.1", "14.8"):
            yield Finding(Chemistry.LI_ION, 0.65 * finding.confidence, finding.text, finding.box)
        elif finding.value == "3.2":
            yield Finding(Chemistry.LIFEPO4, 0.65 * finding.confidence, finding.text, finding.box)


def _lithium(text: Text, volts: set[str], makers: set[str], recharges: bool) -> Iterator[Finding]:
    """`lithium` without ion: which one it is, by what else is printed."""
    if "3.2" in volts:
        yield text.says(Chemistry.LIFEPO4, 0.7)
    elif recharges or volts & {"3.7", "3.8", "3.85", "7.4"}:
        yield text.says(Chemistry.LI_ION, 0.8)
    elif volts & {"1.5", "3"} or "Energizer" in makers:
        yield text.says(Chemistry.LITHIUM, 0.85)
    else:
        yield text.says(Chemistry.LITHIUM, 0.5)
        yield text.says(Chemistry.LI_ION, 0.5)
