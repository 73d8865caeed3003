"""From lines of recognised text to what they say of a battery: chemistry, voltage, brand, size.

Nothing is guessed: a finding needs words that say so, in a line that was read surely. A word that
is only mentioned (`do not mix with alkaline`, `0% cadmium`) says nothing. Sources of designations:
IEC 60086-1 (LR, CR, BR, FR, ER, R), IEC 61951 (HR, KR), IEC 61960-3 (ICR, INR, IMR, IFR), JIS,
ANSI and the makers' own.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from batsort_core.chemistry import Chemistry

FLOOR = 0.75
"""Confidence of a line below which it is noise."""
SHORT_FLOOR = 0.88
"""Of a line that is to say something in a few letters, such as LR6 or AA."""
LEAST = 0.4
"""Confidence of a finding below which it is none."""
CLEAR, DOUBTFUL = 0.75, 0.6
"""Evidence of at least the first outweighs what contradicts it with at most the second."""


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A line of recognised text."""

    text: str
    confidence: float
    """0 to 1."""
    box: NDArray[np.float32]
    """float32[4, 2]: corners (u, v) in the image [px], clockwise from where the text begins."""


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """What a line says."""

    value: str
    """A Chemistry's value, a voltage such as `1.5` [V], a brand or a size as it is written."""
    confidence: float
    """0 to 1: how surely the line was read, times how plainly it says so."""
    text: str
    """The line that says so."""
    box: NDArray[np.float32]
    """float32[4, 2]: of that line."""


@dataclass(frozen=True, slots=True, eq=False)
class Print:
    """What is printed on a battery. None: not read."""

    lines: tuple[Line, ...] = ()
    chemistry: Finding | None = None
    """None, too, where the print contradicts itself."""
    voltage: Finding | None = None
    brand: Finding | None = None
    """Of those of one maker, the one that says more: PROCELL by Duracell."""
    size: Finding | None = None
    chemistries: tuple[Finding, ...] = ()
    """All that the print may mean, one of each, the strongest first: two labels in one picture,
    or `lithium` alone, which is a primary cell or Li-ion."""

    @property
    def text(self) -> str:
        """All lines in one."""
        return " / ".join(line.text for line in self.lines)

    @property
    def one_of(self) -> tuple[float, str]:
        """How surely it is one of `chemistries` where print doesn't say which, and the line for it.

        What one line says of several adds up; lines don't.
        """
        sums: dict[str, float] = {}
        for finding in self.chemistries:
            sums[finding.text] = sums.get(finding.text, 0.0) + finding.confidence
        text = max(sums, key=lambda line: sums[line], default="")
        return min(1.0, sums.get(text, 0.0)), text


LITHIUM_FAMILY = frozenset({Chemistry.LI_ION, Chemistry.LIFEPO4, Chemistry.LITHIUM})
"""What burns."""

# A letter that is read as another: in patterns on folded text.
_I, _O, _GAP = "[il1|!]", "[o0]", r"[\s\-_.,~/·•=]{0,3}"
_CELL = (
    "(?:10440|14430|14500|14650|16340|16650|17500|17670|18350|18490|18500|18650|20700|21700"
    "|22430|26500|26650|32650|32700)"
)
_BEGIN, _END = r"(?:(?<![a-z0-9])|(?<=\dv))", r"(?![a-z0-9])"
_LITHIUM = rf"l{_I}th?{_I}(?:um|{_O})"


class _Rule(NamedTuple):
    chemistry: Chemistry
    strength: float
    """How plainly it says so, 0 to 1."""
    pattern: re.Pattern[str]
    floor: float


def _rules(chemistry: Chemistry, strength: float, floor: float, *patterns: str) -> list[_Rule]:
    return [_Rule(chemistry, strength, re.compile(text), floor) for text in patterns]


RULES = (
    *_rules(
        Chemistry.LI_ION,
        1.0,
        FLOOR,
        rf"(?<![a-z0-9])[l|]{_I}{_GAP}{_I}{_O}n(?:en|s)?(?![a-z])",
        rf"{_LITHIUM}{_GAP}{_I}{_O}n",
        rf"(?<![a-z]){_I}{_O}n(?:s|es|i|en)?{_GAP}(?:de|di|au|aux)?{_GAP}{_LITHIUM}",
        rf"(?<![a-z0-9])l{_I}{_GAP}p{_O}(?:ly\w*)?(?![a-z0-9])",
        rf"{_LITHIUM}{_GAP}p{_O}ly",
        "锂离子|锂聚合物|リチウムイオン",
    ),
    *_rules(
        Chemistry.LI_ION,
        0.9,
        FLOOR,
        rf"{_I}(?:[cm]r|n[r8]){_GAP}{_CELL}(?!\d)",
        rf"(?<![a-z])(?:ncr|cgr|l{_I}r|ur|us){_GAP}{_CELL}(?!\d)",
        rf"(?<!\d){_CELL}{_GAP}(?:ncr|cgr|ur|us)(?![a-z])",
        rf"(?<![a-z])\d?{_I}[cmn]r{_GAP}[1-3]\d/[3-7]\d(?!\d)",
    ),
    *_rules(
        Chemistry.LI_ION,
        0.7,
        SHORT_FLOOR,
        r"(?<![a-z])imr(?![a-z])",
        r"(?<![a-z])rcr-?123a?" + _END,
        # No other household cell is charged up to that.
        r"charge\D*4[.,]\s?2\s?v(?![a-z])|(?<![\d.,])4[.,]\s?2\s?v\s?and\s?2[.,]\s?\d+\s?v",
    ),
    *_rules(
        Chemistry.LIFEPO4,
        1.0,
        FLOOR,
        rf"(?<![a-z0-9])l{_I}{_GAP}fe{_GAP}p{_O}{_GAP}4?(?![a-z0-9])",
        rf"{_LITHIUM}{_GAP}(?:iron|eisen|fer){_GAP}(?:ph|f)os",
        "磷酸铁锂",
    ),
    *_rules(
        Chemistry.LIFEPO4,
        0.9,
        FLOOR,
        rf"{_I}fr{_GAP}{_CELL}(?!\d)",
        rf"(?<![a-z])\d?{_I}fr{_GAP}[1-3]\d/[3-7]\d(?!\d)",
    ),
    *_rules(
        Chemistry.LITHIUM,
        1.0,
        FLOOR,
        rf"ult{_I}mate{_GAP}{_LITHIUM}",
        rf"advanced{_GAP}{_LITHIUM}",
        rf"{_LITHIUM}{_GAP}(?:iron{_GAP}disul|mangan|thionyl)",
        rf"(?<![a-z0-9])l{_I}{_GAP}(?:mn{_O}2|fes2|s{_O}cl2?)(?![a-z0-9])",
    ),
    *_rules(
        Chemistry.LITHIUM,
        0.9,
        SHORT_FLOOR,
        rf"{_BEGIN}fr(?:6|[0o]3|10g445|14505){_END}",
        rf"{_BEGIN}\d?cr-?(?:123a?|v3|p2|2|5|1/3n|(?:12|16|20|23|24|30)\d\d|17\d{{3}}){_END}",
        rf"{_BEGIN}br{_GAP}(?:2/3a\w?|[12]\d{{3}}|c|a){_END}",
        rf"{_BEGIN}(?:er|ls|sl){_GAP}?(?:14250|14335|14500|14505|17330|17500|26500|33600|34615)",
    ),
    *_rules(
        Chemistry.NIMH,
        1.0,
        FLOOR,
        rf"(?:(?<![a-z])|(?<=mah))n{_I}{_GAP}mh(?![a-z])",
        rf"n{_I}[ck]+el{_GAP}metal+{_GAP}h[yi]d",
        r"hydrure\W?metal|metal+hydrid|hidruro\W?metal|idruro\W?metal",
        "镍氢|ニッケル水素",
    ),
    *_rules(
        Chemistry.NIMH,
        0.9,
        SHORT_FLOOR,
        rf"{_BEGIN}hr-?(?:6|[0o]3|14|20|15/51|11/45)(?![0-9])",
        rf"{_BEGIN}hhr-?\d{{2,4}}",
    ),
    *_rules(
        Chemistry.NICD,
        1.0,
        FLOOR,
        rf"(?:(?<![a-z])|(?<=mah))n{_I}{_GAP}cd(?![a-z])",
        rf"(?<![a-z])n{_I}cad(?![a-z])",
        rf"n{_I}[ck]+el{_GAP}[ck]adm",
        "cadnica",
        "镍镉|ニカド|カドニカ",
    ),
    *_rules(
        Chemistry.NICD,
        0.9,
        SHORT_FLOOR,
        rf"{_BEGIN}kr-?(?:6|[0o]3|14|20|15/51|11/45){_END}",
    ),
    *_rules(
        Chemistry.ALKALINE,
        1.0,
        FLOOR,
        rf"(?<![a-z])a[lk1|]?kal{_I}(?![a-z])",
        "碱性|鹼性|アルカリ",
    ),
    *_rules(
        Chemistry.ALKALINE,
        0.9,
        SHORT_FLOOR,
        rf"{_BEGIN}\d?lr-?(?:6|[0o]3|14|20|61|1|8d425|41|43|44|54){_END}",
        rf"{_BEGIN}6lf22{_END}",
        rf"{_BEGIN}mn(?:13|14|15|24)[0o]{{2}}{_END}|{_BEGIN}mn16[0o]4{_END}",
        rf"{_BEGIN}(?:en?9[1-5]|en22){_END}",
    ),
    *_rules(
        Chemistry.ZINC_CARBON,
        1.0,
        FLOOR,
        rf"z{_I}n[ck]{_O}?{_GAP}(?:[ck]arb{_O}n|k{_O}hle|chl{_O}r)",
        rf"(?:[ck]arb{_O}ne?|k{_O}hle){_GAP}z{_I}n[ck]",
        "碳性|マンガン乾電池",
    ),
    *_rules(Chemistry.ZINC_CARBON, 0.75, FLOOR, r"heavy\W?duty"),
)

FUZZY = {
    Chemistry.ALKALINE: ("alkaline", "alcaline", "alcalina", "alcalino", "alkalisch", "alkalisk"),
}
"""Long words that may have one letter wrong and may be glued to others."""

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
LI_ION_MAKERS = frozenset(
    {"Klarus", "Olight", "Acebeam", "Keeppower", "Vapcell", "Efest", "Molicel"}
)
"""Whose rechargeable cells are all Li-ion."""
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
_COIN = re.compile(rf"{_BEGIN}([cb]r(?:12|16|20|23|24|30)\d\d){_END}")

# Lines of products of one chemistry: the brand, its word, never with those words.
PRODUCTS = (
    (Chemistry.ALKALINE, "Energizer", re.compile(r"(?<![a-z])max\s?(?:plus)?(?![a-z])")),
    (
        Chemistry.ALKALINE,
        "Duracell",
        re.compile(r"(?<![a-z])(?:plus\s?(?:power)?|optimum|simply)(?![a-z])"),
    ),
    (Chemistry.LITHIUM, "Energizer", re.compile(rf"{_BEGIN}l9[12]{_END}")),
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
_BARE_CELL = re.compile(rf"(?:(?<![a-z0-9])|(?<=mah)|(?<=mah ))({_CELL})(?!\d)")
_ZINC = re.compile(rf"{_BEGIN}(?:r(?:6|[0o]3|14|20)[psc]?u?|um-?[1-5]){_END}")
_BROKEN = re.compile(rf"(?<![a-z])(?:{_LITHIUM}|l{_I}|n{_I}[ck]+el|n{_I})\W*$")
"""A name that may go on in the next line."""


class _Text(NamedTuple):
    """A line that was read surely enough."""

    line: Line
    folded: str
    before: str
    """The line before it, folded."""


def interpret(lines: Sequence[Line]) -> Print:
    """What `lines` say, in reading order. Never raises."""
    folded = [fold(line.text) for line in lines]
    texts = [
        _Text(line, text, before)
        for line, text, before in zip(lines, folded, ["", *folded], strict=False)
        if line.confidence >= FLOOR
    ]
    texts += [
        _Text(_joint(one, two), f"{one.folded} {two.folded}", one.before)
        for one, two in pairwise(texts)
        if _BROKEN.search(one.folded)
    ]
    brands = list(_brands(texts))
    voltages = list(_voltages(texts))
    sizes = list(_sizes(texts))
    chemistries = _strongest([*_said(texts), *_meant(texts, brands, voltages, sizes)])
    return Print(
        tuple(lines),
        _decided(chemistries),
        _most(voltages),
        _most(_own(brands)),
        _most(sizes),
        tuple(chemistries),
    )


def _joint(one: _Text, two: _Text) -> Line:
    """The first of two lines that are one name, as surely as both were read."""
    return Line(one.line.text, min(one.line.confidence, two.line.confidence), one.line.box)


def fold(text: str) -> str:
    """Lower case without accents, full-width forms and odd dashes."""
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    # What NFKD takes apart beyond accents (Japanese, Korean) comes together again.
    return re.sub("[\u2010-\u2015\u2212]", "-", unicodedata.normalize("NFC", plain)).casefold()


def distance(word: str, text: str) -> int:
    """Least number of letters to change, add or leave out between `word` and a part of `text`."""
    above = [0] * (len(text) + 1)
    for row, letter in enumerate(word, 1):
        current = [row]
        for column, other in enumerate(text, 1):
            change = above[column - 1] + (letter != other)
            current.append(min(change, above[column] + 1, current[-1] + 1))
        above = current
    return min(above)


def _whole_distance(word: str, text: str) -> int:
    """As `distance`, with all of `text`."""
    above = list(range(len(text) + 1))
    for row, letter in enumerate(word, 1):
        current = [row]
        for column, other in enumerate(text, 1):
            change = above[column - 1] + (letter != other)
            current.append(min(change, above[column] + 1, current[-1] + 1))
        above = current
    return above[-1]


_ALIKE = str.maketrans("01i|!5$8", "ollllssb")


def _alike(text: str) -> str:
    """Letters that look alike made one."""
    return text.translate(_ALIKE)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text)


def _finding(value: str, strength: float, line: Line) -> Finding:
    return Finding(value, float(strength * min(line.confidence, 1.0)), line.text, line.box)


def _mentioned(text: _Text, begin: int, end: int) -> bool:
    """True where the words from `begin` to `end` are denied or belong to something else."""
    before = re.split(r"[.!]\s", f"{text.before} {text.folded[:begin]}")[-1]
    after = text.folded[end:]
    return bool(
        _MENTION.search(before)
        or _DENIAL.search(text.folded[:begin])
        or _DENIED.search(after)
        or _ELSEWHERE.search(after)
    )


def _matches(texts: Sequence[_Text]) -> Iterator[tuple[_Rule, _Text]]:
    """The rules that hold, each once a line."""
    for text in texts:
        for rule in RULES:
            if text.line.confidence >= rule.floor and any(
                not _mentioned(text, *match.span()) for match in rule.pattern.finditer(text.folded)
            ):
                yield rule, text


def _said(texts: Sequence[_Text]) -> Iterator[Finding]:
    """Chemistries by their own words and designations."""
    for rule, text in _matches(texts):
        yield _finding(rule.chemistry, rule.strength, text.line)
    for text in texts:
        for chemistry, words in FUZZY.items():
            for errors in _nearly(text, words):
                yield _finding(chemistry, 1.0 - 0.1 * errors, text.line)


def _nearly(text: _Text, words: Sequence[str]) -> Iterator[int]:
    """The wrong letters, one at most, wherever one of the long `words` is in a token."""
    for match in re.finditer(r"[^\W_]+", text.folded):
        token = _alike(match.group())
        errors = min(distance(_alike(word), token) for word in words)
        if errors <= 1 and not _mentioned(text, *match.span()):
            yield errors


def _meant(
    texts: Sequence[_Text],
    brands: Sequence[Finding],
    voltages: Sequence[Finding],
    sizes: Sequence[Finding],
) -> Iterator[Finding]:
    """Chemistries that follow from several things printed together."""
    volts = {finding.value for finding in voltages}
    makers = {finding.value for finding in brands}
    recharges = any(_RECHARGES.search(text.folded) for text in texts)
    capacity = any(_CAPACITY.search(text.folded) for text in texts)
    cadmium = any(re.search(r"(?<![a-z])(?:cd|kr)(?![a-z])|cadm", text.folded) for text in texts)
    for chemistry, brand, pattern in PRODUCTS:
        if brand in makers and not (recharges and chemistry in PRIMARY):
            for text in texts:
                if pattern.search(text.folded):
                    yield _finding(chemistry, 0.8, text.line)
    known = {rule.chemistry for rule, _ in _matches(texts)} & LITHIUM_FAMILY
    for text in texts:
        if not known and any(True for _ in _nearly(text, ("lithium",))):
            yield from _lithium(text, volts, makers, recharges)
        if _BARE_CELL.search(text.folded) and text.line.confidence >= SHORT_FLOOR:
            if volts & {"3.6", "3.7"}:
                yield _finding(Chemistry.LI_ION, 0.85, text.line)
            elif capacity and not volts & {"1.2", "3.2", "3.3"}:
                yield _finding(Chemistry.LI_ION, 0.65, text.line)
        if _CAPACITY.search(text.folded):
            # Nothing else comes of these makers, and nobody else prints so few volts with Wh.
            if makers & LI_ION_MAKERS:
                yield _finding(Chemistry.LI_ION, 0.7, text.line)
            if volts & {"3.6", "3.7"} and _ENERGY.search(text.folded):
                yield _finding(Chemistry.LI_ION, 0.75, text.line)
        elif _USB.search(text.folded) and makers & LI_ION_MAKERS:
            yield _finding(Chemistry.LI_ION, 0.7, text.line)
        if _ZINC.search(text.folded) and text.line.confidence >= SHORT_FLOOR and "1.5" in volts:
            yield _finding(Chemistry.ZINC_CARBON, 0.5, text.line)
        if recharges and "1.2" in volts and not cadmium and _RECHARGES.search(text.folded):
            yield _finding(Chemistry.NIMH, 0.6, text.line)
    for finding in voltages:
        if finding.value in ("3.7", "3.8", "3.85", "7.4", "11.1", "14.8"):
            yield Finding(Chemistry.LI_ION, 0.65 * finding.confidence, finding.text, finding.box)
        elif finding.value == "3.2":
            yield Finding(Chemistry.LIFEPO4, 0.65 * finding.confidence, finding.text, finding.box)


PRIMARY = frozenset({Chemistry.LITHIUM, Chemistry.ALKALINE, Chemistry.ZINC_CARBON})


def _lithium(text: _Text, volts: set[str], makers: set[str], recharges: bool) -> Iterator[Finding]:
    """`lithium` without ion: which one it is, by what else is printed."""
    if "3.2" in volts:
        yield _finding(Chemistry.LIFEPO4, 0.7, text.line)
    elif recharges or volts & {"3.7", "3.8", "3.85", "7.4"}:
        yield _finding(Chemistry.LI_ION, 0.8, text.line)
    elif volts & {"1.5", "3"} or "Energizer" in makers:
        yield _finding(Chemistry.LITHIUM, 0.85, text.line)
    else:
        yield _finding(Chemistry.LITHIUM, 0.5, text.line)
        yield _finding(Chemistry.LI_ION, 0.5, text.line)


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


def _voltages(texts: Sequence[_Text]) -> Iterator[Finding]:
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
                yield _finding(value, 1.0, text.line)


def _brands(texts: Sequence[_Text]) -> Iterator[Finding]:
    names = [(brand, _alike(fold(brand))) for brand in BRANDS.split()]
    for text in texts:
        for word in map(_alike, _words(_COMPANY.sub(" ", text.folded))):
            for brand, name in names:
                if len(name) <= 2 and text.line.confidence < SHORT_FLOOR:
                    continue
                if len(name) <= _WHOLE or word[0] != name[0]:
                    errors, allowed = int(word != name), 0
                else:
                    errors, allowed = _whole_distance(name, word), 1 if len(name) < 9 else 2
                if errors <= allowed:
                    yield _finding(brand, 1.0 - errors / len(name), text.line)


def _own(brands: Sequence[Finding]) -> list[Finding]:
    """Without makers of another brand that was found, too."""
    makers = {MAKERS.get(finding.value) for finding in brands}
    return [finding for finding in brands if finding.value not in makers]


def _sizes(texts: Sequence[_Text]) -> Iterator[Finding]:
    for text in texts:
        if text.line.confidence < SHORT_FLOOR:
            continue
        for match in _LETTERS.finditer(text.folded):
            yield _finding((match.group(1) or match.group(2)).upper(), 1.0, text.line)
        for match in re.finditer(rf"(?<!\d){_CELL}(?!\d)", text.folded):
            yield _finding(match.group(), 1.0, text.line)
        for match in _COIN.finditer(text.folded):
            yield _finding(match.group().upper(), 1.0, text.line)
        for word in re.findall(r"[a-z0-9/]+", text.folded):
            name = re.sub("(?<=r)o(?=3)", "0", re.sub(r"^\dv", "", word))
            if name in _BY_DESIGNATION:
                yield _finding(_BY_DESIGNATION[name], 0.9, text.line)
        if re.search(r"(?<![\d.,])9\s?v(?:olts?)?(?![a-z])", text.folded):
            yield _finding("9V", 0.8, text.line)
