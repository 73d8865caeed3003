"""Words and designations that say a battery's chemistry.

Sources of designations: IEC 60086-1 (LR, CR, BR, FR, ER, R), IEC 61951 (HR, KR), IEC 61960-3 (ICR,
INR, IMR, IFR), JIS, ANSI and the makers' own.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from batsort_core.chemistry import Chemistry
from batsort_perception.print_spelling import BEGIN, CELL, END, EYE, GAP, LITHIUM, OH
from batsort_perception.printed import FLOOR, SHORT_FLOOR

LITHIUM_FAMILY = frozenset({Chemistry.LI_ION, Chemistry.LIFEPO4, Chemistry.LITHIUM})
"""What burns."""


class Rule(NamedTuple):
    """A way to say a chemistry."""

    chemistry: Chemistry
    strength: float
    """How plainly it says so, 0 to 1."""
    pattern: re.Pattern[str]
    floor: float


def _rules(chemistry: Chemistry, strength: float, floor: float, *patterns: str) -> list[Rule]:
    return [Rule(chemistry, strength, re.compile(text), floor) for text in patterns]


RULES = (
    *_rules(
        Chemistry.LI_ION,
        1.0,
        FLOOR,
        rf"(?<![a-z0-9])[l|]{EYE}{GAP}{EYE}{OH}n(?:en|s)?(?![a-z])",
        rf"{LITHIUM}{GAP}{EYE}{OH}n",
        rf"(?<![a-z]){EYE}{OH}n(?:s|es|i|en)?{GAP}(?:de|di|au|aux)?{GAP}{LITHIUM}",
        rf"(?<![a-z0-9])l{EYE}{GAP}p{OH}(?:ly\w*)?(?![a-z0-9])",
        rf"{LITHIUM}{GAP}p{OH}ly",
        "锂离子|锂聚合物|リチウムイオン",
    ),
    *_rules(
        Chemistry.LI_ION,
        0.9,
        FLOOR,
        rf"{EYE}(?:[cm]r|n[r8]){GAP}{CELL}(?!\d)",
        rf"(?<![a-z])(?:ncr|cgr|l{EYE}r|ur|us){GAP}{CELL}(?!\d)",
        rf"(?<!\d){CELL}{GAP}(?:ncr|cgr|ur|us)(?![a-z])",
        rf"(?<![a-z])\d?{EYE}[cmn]r{GAP}[1-3]\d/[3-7]\d(?!\d)",
    ),
    *_rules(
        Chemistry.LI_ION,
        0.7,
        SHORT_FLOOR,
        r"(?<![a-z])imr(?![a-z])",
        r"(?<![a-z])rcr-?123a?" + END,
        # No other household cell is charged up to that.
        r"charge\D*4[.,]\s?2\s?v(?![a-z])|(?<![\d.,])4[.,]\s?2\s?v\s?and\s?2[.,]\s?\d+\s?v",
    ),
    *_rules(
        Chemistry.LIFEPO4,
        1.0,
        FLOOR,
        rf"(?<![a-z0-9])l{EYE}{GAP}fe{GAP}p{OH}{GAP}4?(?![a-z0-9])",
        rf"{LITHIUM}{GAP}(?:iron|eisen|fer){GAP}(?:ph|f)os",
        "磷酸铁锂",
    ),
    *_rules(
        Chemistry.LIFEPO4,
        0.9,
        FLOOR,
        rf"{EYE}fr{GAP}{CELL}(?!\d)",
        rf"(?<![a-z])\d?{EYE}fr{GAP}[1-3]\d/[3-7]\d(?!\d)",
    ),
    *_rules(
        Chemistry.LITHIUM,
        1.0,
        FLOOR,
        rf"ult{EYE}mate{GAP}{LITHIUM}",
        rf"advanced{GAP}{LITHIUM}",
        rf"{LITHIUM}{GAP}(?:iron{GAP}disul|mangan|thionyl)",
        rf"(?<![a-z0-9])l{EYE}{GAP}(?:mn{OH}2|fes2|s{OH}cl2?)(?![a-z0-9])",
    ),
    *_rules(
        Chemistry.LITHIUM,
        0.9,
        SHORT_FLOOR,
        rf"{BEGIN}fr(?:6|[0o]3|10g445|14505){END}",
        rf"{BEGIN}\d?cr-?(?:123a?|v3|p2|2|5|1/3n|(?:12|16|20|23|24|30)\d\d|17\d{{3}}){END}",
        rf"{BEGIN}br{GAP}(?:2/3a\w?|[12]\d{{3}}|c|a){END}",
        rf"{BEGIN}(?:er|ls|sl){GAP}?(?:14250|14335|14500|14505|17330|17500|26500|33600|34615)",
    ),
    *_rules(
        Chemistry.NIMH,
        1.0,
        FLOOR,
        rf"(?:(?<![a-z])|(?<=mah))n{EYE}{GAP}mh(?![a-z])",
        rf"n{EYE}[ck]+el{GAP}metal+{GAP}h[yi]d",
        r"hydrure\W?metal|metal+hydrid|hidruro\W?metal|idruro\W?metal",
        "镍氢|ニッケル水素",
    ),
    *_rules(
        Chemistry.NIMH,
        0.9,
        SHORT_FLOOR,
        rf"{BEGIN}hr-?(?:6|[0o]3|14|20|15/51|11/45)(?![0-9])",
        rf"{BEGIN}hhr-?\d{{2,4}}",
    ),
    *_rules(
        Chemistry.NICD,
        1.0,
        FLOOR,
        rf"(?:(?<![a-z])|(?<=mah))n{EYE}{GAP}cd(?![a-z])",
        rf"(?<![a-z])n{EYE}cad(?![a-z])",
        rf"n{EYE}[ck]+el{GAP}[ck]adm",
        "cadnica",
        "镍镉|ニカド|カドニカ",
    ),
    *_rules(
        Chemistry.NICD,
        0.9,
        SHORT_FLOOR,
        rf"{BEGIN}kr-?(?:6|[0o]3|14|20|15/51|11/45){END}",
    ),
    *_rules(
        Chemistry.ALKALINE,
        1.0,
        FLOOR,
        rf"(?<![a-z])a[lk1|]?kal{EYE}(?![a-z])",
        "碱性|鹼性|アルカリ",
    ),
    *_rules(
        Chemistry.ALKALINE,
        0.9,
        SHORT_FLOOR,
        rf"{BEGIN}\d?lr-?(?:6|[0o]3|14|20|61|1|8d425|41|43|44|54){END}",
        rf"{BEGIN}6lf22{END}",
        rf"{BEGIN}mn(?:13|14|15|24)[0o]{{2}}{END}|{BEGIN}mn16[0o]4{END}",
        rf"{BEGIN}(?:en?9[1-5]|en22){END}",
    ),
    *_rules(
        Chemistry.ZINC_CARBON,
        1.0,
        FLOOR,
        rf"z{EYE}n[ck]{OH}?{GAP}(?:[ck]arb{OH}n|k{OH}hle|chl{OH}r)",
        rf"(?:[ck]arb{OH}ne?|k{OH}hle){GAP}z{EYE}n[ck]",
        "碳性|マンガン乾電池",
    ),
    *_rules(Chemistry.ZINC_CARBON, 0.75, FLOOR, r"heavy\W?duty"),
)

FUZZY = {
    Chemistry.ALKALINE: ("alkaline", "alcaline", "alcalina", "alcalino", "alkalisch", "alkalisk"),
}
"""Long words that may have one letter wrong and may be glued to others."""
