"""Which items' print says Li-ion, or contradicts what they were taken for.

Pure: from what was read and what became of the items to the part `print` of report.json.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from batsort_core.chemistry import RECHARGEABLE_LITHIUM, Chemistry
from batsort_core.item_life import ItemLife
from batsort_core.items import Reason
from batsort_core.recipe import Recipe
from batsort_perception.printed import Print
from batsort_reports.report import Run

PLAIN = 0.55
"""Confidence of a chemistry that may contradict a verdict; R6 for LR6 is misread at 0.5."""
PLAIN_BRAND = 0.75
"""Of a brand: one letter of eight may be wrong."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was read on one item."""

    chemistries: tuple[Chemistry, ...] = ()
    """Several where it is one of them, and print doesn't say which; empty: not read."""
    confidence: float = 0.0
    """Of the chemistry, 0 to 1."""
    text: str = ""
    """The line that tells it, or else the brand."""
    brand: str = ""
    brand_confidence: float = 0.0


@dataclass(frozen=True, slots=True)
class Judged:
    """What print says against a verdict."""

    li_ion: bool
    """It says Li-ion, or may mean it."""
    contradicts: bool
    """It says another chemistry, or brand, than is stated for the verdict's type."""
    by_brand: bool


@dataclass(frozen=True, slots=True)
class Listed:
    """An item that somebody should look at."""

    item_id: int
    text: str
    chemistry: str
    """In words; empty where print says none."""
    confidence: float
    type: str
    """Of the verdict that was decided by; empty without one."""
    stated: str
    """Chemistry of that type, in words; empty where none is stated."""
    bin: str
    """Where it landed, or else what was decided; empty: neither is known."""
    confirmed: bool
    """Whether it was seen to land there."""
    outcome: str
    li_ion: bool
    contradicts: bool
    """Also where the cell sent it to `others` by its print."""
    in_place: bool
    """Li-ion in a bin whose types are all Li-ion."""


def said_by(found: Print) -> Said:
    """What `found` says; where it can be several lithium chemistries, all of these."""
    values, confidence, text = found.said
    said = Said((), confidence, text)
    if found.brand is not None:
        brand = found.brand
        said = Said((), confidence, text or brand.text, brand.value, brand.confidence)
    return _one_of(values, said)


def said_in(reading: Any) -> Said:
    """What the cell's own reader read: a PrintReading."""
    known = list(Chemistry)
    values = [reading.chemistry] if reading.chemistry else reading.chemistries
    sure, of_brand = (round(float(c), 4) for c in (reading.confidence, reading.brand_confidence))
    said = Said((), sure, reading.text or reading.brand, reading.brand, of_brand)
    if not values or any(value not in known for value in values):
        return replace(said, confidence=0.0)
    return _one_of(values, said)


def _one_of(values: Sequence[str], said: Said) -> Said:
    """With these chemistries; several that can't be Li-ion say nothing."""
    chemistries = tuple(map(Chemistry, values))
    if len(chemistries) > 1 and RECHARGEABLE_LITHIUM.isdisjoint(chemistries):
        return replace(said, confidence=0.0)
    return replace(said, chemistries=chemistries)


def judge(said: Said, stated: Chemistry | None, own_brand: bool | None = None) -> Judged:
    """Print against the chemistry `stated` for the verdict's type; None: nobody states one.

    Print that may mean what is stated says nothing against it. `own_brand`: whether the type may
    have the brand that was read; None: nobody knows.
    """
    values = set(said.chemistries)
    unsure = len(values) > 1
    agrees = stated in values
    other = bool(values and stated) and not agrees and (unsure or said.confidence >= PLAIN)
    by_brand = own_brand is False and said.brand_confidence >= PLAIN_BRAND
    return Judged(
        li_ion=bool(values & RECHARGEABLE_LITHIUM) and not (unsure and agrees),
        contradicts=other or by_brand,
        by_brand=by_brand,
    )


def review(read: Mapping[int, Said], run: Run, recipe: Recipe) -> list[Listed]:
    """The items to look at, Li-ion outside its own bins first, then by how surely it was read."""
    chemistries = recipe.chemistries or {}
    own = _bins_of_li_ion(recipe)
    found = []
    for item_id, said in read.items():
        life = run.lives.get(item_id) or ItemLife(item_id)
        decision, settled = life.decision, life.settled
        type = life.judged.type if life.judged else ""
        stated = chemistries.get(type)
        judged = judge(said, stated, recipe.own_brand(type, said.brand))
        # The cell may have been less strict.
        contradicts = judged.contradicts or bool(decision and decision.reason == Reason.BY_PRINT)
        if not (judged.li_ion or contradicts):
            continue
        landed = settled.bin if settled else ""
        bin = landed or (decision.bin if decision else "")
        listed = Listed(
            item_id,
            _text(said, judged.by_brand),
            " or ".join(one.in_words for one in said.chemistries),
            round(said.confidence, 4),
            type,
            stated.in_words if stated else "",
            bin,
            bool(landed),
            settled.outcome.value if settled else "",
            judged.li_ion,
            contradicts,
            judged.li_ion and bin in own,
        )
        found.append(listed)
    return sorted(found, key=lambda one: (_rank(one, recipe.others), -one.confidence, one.item_id))


def figures(
    read: Mapping[int, Said], run: Run, recipe: Recipe, by_cell: int, unread: Iterable[str]
) -> dict[str, Any]:
    """The part `print` of report.json.

    read_by_cell: of those that were read, by the cell's own reader; readable: those whose print
    says a chemistry; stated_types: types whose chemistry the recipe states; unread: why print was
    not read, in sentences.
    """
    items = [asdict(one) for one in review(read, run, recipe)]
    return {
        "read": len(read),
        "read_by_cell": by_cell,
        "stated_types": len(recipe.chemistries or {}),
        "readable": sum(bool(said.chemistries) for said in read.values()),
        "li_ion": sum(item["li_ion"] for item in items),
        "li_ion_out_of_place": sum(item["li_ion"] and not item["in_place"] for item in items),
        "contradicting": sum(item["contradicts"] for item in items),
        "unread": list(dict.fromkeys(unread)),
        "items": items,
    }


def _text(said: Said, by_brand: bool) -> str:
    text = " ".join(said.text.split())
    tells = not by_brand or said.brand.casefold() in text.casefold()
    return text if tells else f"{text}; {said.brand}".removeprefix("; ")


def _bins_of_li_ion(recipe: Recipe) -> set[str]:
    """Bins that take nothing but types stated to be Li-ion."""
    chemistries = recipe.chemistries or {}
    others = {
        bin
        for type, bin in recipe.types.items()
        if chemistries.get(type) not in RECHARGEABLE_LITHIUM
    }
    return set(recipe.types.values()) - others - {recipe.others}


def _rank(one: Listed, others: str) -> int:
    """Fire first: Li-ion in a bin of other types, other contradictions there, then `others`."""
    if one.in_place and not one.contradicts:
        return 4
    sorted_out = one.bin in ("", others)
    return 2 * sorted_out + (not one.li_ion)
