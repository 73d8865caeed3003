"""What print says beside the chemistry: voltage, brand and size."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from batsort_perception.print_spelling import (
    BEGIN,
    CELL,
    END,
    alike,
    fold,
    whole_distance,
    words_of,
)
from batsort_perception.printed import SHORT_FLOOR, Finding, Text

VOLTAGES = (
    "1.2 1.5 2.4 3 3.2 3.3 3.6 3.7 3.8 3.85 4.5 4.8 6 6.4 7.2 7.4 8.4 9 9.6 11.1 12 12.8 14.4 14.8"
)
"""Nominal ones [V], separated by blanks."""
_VOLTAGE = re.compile(
    r"(?<![a-z0-9.,])([0-9il|]{1,2})(?:\s?[.,·:]{1,2}\s?|(?<=[1il|])\s)?([0-9os]{1,2})?\s?v"
    r"(?:[o0]lts?|[o0]lt[il]os?|dc)?(?:(?![a-z])|(?=[lhfr]r))"
)
"""Folded text: units, decimals."""

BRANDS = (
    "Duracell Energizer Eveready Exell GP IKEA LADDA Klarus Panasonic eneloop EVOLTA Varta Sony "
    "Samsung LG Sanyo Philips Kodak Rayovac Maxell Toshiba Fujitsu Olight Fenix Nitecore Ansmann "
    "Tenergy AmazonBasics Procell Acebeam Sofirn EBL Xtar Keeppower Molicel Murata Saft Tadiran "
    "Ultralife Camelion Verbatim Hama Tesla Uniross Powerex Vapcell Efest Lishen"
)
"""Separated by blanks."""
MAKERS = {"Procell": "Duracell", "LADDA": "IKEA", "eneloop": "Panasonic", "EVOLTA": "Panasonic"}
"""Brands whose maker's name, a brand too, is printed beside them."""
_COMPANY = re.compile(r"(?<![a-z])eveready\W+battery")
"""Makes Energizer, and says so there."""
_WHOLE = 6
"""Letters of a brand up to which every one has to be right: OLIGHT is not in a light."""

SIZES = {
    "AAAA": ("lr8d425", "e96", "mn2500"),
    "AAA": ("lr03", "hr03", "fr03", "r03", "mn2400", "e92", "en92", "l92", "hr11/45", "kr03"),
    "AA": ("lr6", "hr6", "fr6", "r6", "r6p", "mn1500", "e91", "en91", "l91", "hr15/51", "kr6"),
    "C": ("lr14", "hr14", "r14", "mn1400", "e93", "en93"),
    "D": ("lr20", "hr20", "r20", "mn1300", "e95", "en95"),
    "N": ("lr1",),
    "9V": ("6lr61", "6lf22", "6f22", "mn1604", "en22"),
    "CR123A": ("cr123a", "cr123", "rcr123a", "rcr123", "cr17345"),
    "CR2": ("cr2",),
}
"""By the designations of all chemistries."""
_BY_DESIGNATION = {name: size for size, names in SIZES.items() for name in names}
_LETTERS = re.compile(r"(?<![a-z/])(?<!/\d)(a{2,4})(?![a-z])|(?<![a-z])size\W{0,2}([cdn])(?![a-z])")
_COIN = re.compile(rf"{BEGIN}([cb]r(?:12|16|20|23|24|30)\d\d){END}")


def voltages_in(texts: Sequence[Text]) -> Iterator[Finding]:
    """Nominal voltages that batteries have."""
    nominal = VOLTAGES.split()
    for text in texts:
        if text.line.confidence < SHORT_FLOOR:
            continue
        for match in _VOLTAGE.finditer(text.folded):
            units, decimals = match.groups(default="")
            units = re.sub("[il|]", "1", units)
            decimals = decimals.replace("o", "0").replace("s", "5").rstrip("0")
            value = f"{units}.{decimals}" if decimals else units
            if value in nominal:
                yield text.says(value, 1.0)


def brands_in(texts: Sequence[Text]) -> Iterator[Finding]:
    """Brands as whole words; of a long one, a letter or two may be wrong."""
    names = [(brand, alike(fold(brand))) for brand in BRANDS.split()]
    for text in texts:
        for word in map(alike, words_of(_COMPANY.sub(" ", text.folded))):
            for brand, name in names:
                if len(name) <= 2 and text.line.confidence < SHORT_FLOOR:
                    continue
                if len(name) <= _WHOLE or word[0] != name[0]:
                    errors, allowed = int(word != name), 0
                else:
                    errors, allowed = whole_distance(name, word), 1 if len(name) < 9 else 2
                if errors <= allowed:
                    yield text.says(brand, 1.0 - errors / len(name))


def own(brands: Sequence[Finding]) -> list[Finding]:
    """Without makers of another brand that was found, too."""
    makers = {MAKERS.get(finding.value) for finding in brands}
    return [finding for finding in brands if finding.value not in makers]


def sizes_in(texts: Sequence[Text]) -> Iterator[Finding]:
    """Sizes by their letters and by designations."""
    for text in texts:
        if text.line.confidence < SHORT_FLOOR:
            continue
        for match in _LETTERS.finditer(text.folded):
            yield text.says((match.group(1) or match.group(2)).upper(), 1.0)
        for match in re.finditer(rf"(?<!\d){CELL}(?!\d)", text.folded):
            yield text.says(match.group(), 1.0)
        for match in _COIN.finditer(text.folded):
            yield text.says(match.group().upper(), 1.0)
        for word in re.findall(r"[a-z0-9/]+", text.folded):
            name = re.sub("(?<=r)o(?=3)", "0", re.sub(r"^\dv", "", word))
            if name in _BY_DESIGNATION:
                yield text.says(_BY_DESIGNATION[name], 0.9)
        if re.search(r"(?<![\d.,])9\s?v(?:olts?)?(?![a-z])", text.folded):
            yield text.says("9V", 0.8)
