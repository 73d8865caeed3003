"""Core objects from messages, read by their fields: those of rclpy and those of a bag alike."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.bin_journal import Ejected
from batsort_core.chemistry import Chemistry
from batsort_core.decisions import Decision, Shot
from batsort_core.inputs import Batch, Input
from batsort_core.items import EjectResult, Item, Outcome, PrintReading, Reason, Verdict
from batsort_core.recipe import Recipe
from batsort_files.schema import FieldError, read, refuse

NS = 1_000_000_000
FIRE, CANCEL = 0, 1
"""Constants of EjectCommand."""


def stamp_of(time: Any) -> int:
    """Nanoseconds since the Unix epoch, of builtin_interfaces/Time."""
    stamp: int = time.sec * NS + time.nanosec
    return stamp


def reading_of(message: Any) -> BeltReading:
    """Of BeltState."""
    return BeltReading(
        stamp=stamp_of(message.header.stamp),
        epoch=message.epoch,
        count=message.count,
        position=message.position,
        velocity=message.velocity,
        moving=message.moving,
        trusted_since=stamp_of(message.trusted_since),
    )


def item_of(message: Any) -> Item:
    """Of BeltItem."""
    return Item(
        id=message.id,
        epoch=message.epoch,
        count=message.count,
        length=message.length,
        stamp=stamp_of(message.header.stamp),
    )


def verdict_of(message: Any) -> Verdict:
    """Of BatteryClassification. Raises FieldError where the scores are not one per type, 0 to 1."""
    types, scores = message.types, message.scores
    if not len(scores) == len(types) == len(set(types)):
        raise FieldError(
            f"scores: {len(scores)} given, types: {len(types)}; "
            "allowed: one score per type, each type once"
        )
    known = dict(zip(types, map(float, scores), strict=True))
    for name, score in known.items():
        if not 0.0 <= score <= 1.0:
            refuse(f"scores.{name}", score, "a number from 0 up to 1")
    return Verdict(
        item_id=message.item_id,
        type=message.type,
        confidence=message.confidence,
        novelty=message.novelty,
        image_stamp=stamp_of(message.header.stamp),
        scores=known,
        offset=None if math.isnan(message.offset) else float(message.offset),
        clearance=None if math.isinf(message.clearance) else float(message.clearance),
    )


def print_of(message: Any) -> PrintReading:
    """Of PrintReading. Raises FieldError for a chemistry that is none, or a confidence."""
    chemistry, may_be = message.chemistry, list(message.chemistries)
    if chemistry and chemistry not in list(Chemistry):
        refuse("chemistry", chemistry, f"nothing, or one of {', '.join(Chemistry)}")
    for i, one in enumerate(may_be):
        if one not in list(Chemistry):
            refuse(f"chemistries[{i}]", one, f"one of {', '.join(Chemistry)}")
    sure = {name: float(getattr(message, name)) for name in ("confidence", "brand_confidence")}
    for field, value in sure.items():
        if not 0.0 <= value <= 1.0:
            refuse(field, value, "a number from 0 up to 1")
    return PrintReading(
        item_id=message.item_id,
        image_stamp=stamp_of(message.header.stamp),
        chemistry=Chemistry(chemistry) if chemistry else None,
        confidence=sure["confidence"],
        voltage=None if math.isnan(message.voltage) else float(message.voltage),
        brand=message.brand,
        size=message.size,
        text=message.text,
        brand_confidence=sure["brand_confidence"],
        chemistries=tuple(map(Chemistry, may_be)),
    )


def seen_fields(verdict: Verdict) -> dict[str, float]:
    """Fields of BatteryClassification for what may not have been seen; `verdict_of` reads them."""
    return {
        "offset": math.nan if verdict.offset is None else verdict.offset,
        "clearance": math.inf if verdict.clearance is None else verdict.clearance,
    }


def decision_of(message: Any) -> Decision:
    """Of SortDecision; its verdict has no scores. Raises ValueError for an unknown reason."""
    image_stamp = stamp_of(message.image_stamp)
    return Decision(
        item_id=message.item_id,
        epoch=message.epoch,
        bin=message.bin,
        reason=Reason(message.reason),
        stamp=stamp_of(message.header.stamp),
        decided_count=message.decided_count,
        verdict=_verdict_by(message, image_stamp) if image_stamp else None,
    )


def ejected_of(message: Any) -> Ejected:
    """Of EjectEvent. Raises ValueError for an unknown result."""
    return Ejected(
        item_id=message.item_id,
        result=EjectResult(message.result),
        stamp=stamp_of(message.header.stamp),
        actual_count=message.actual_count,
    )


def settled_of(message: Any) -> Settled:
    """Of ItemOutcome; its verdict has no image and no scores. Raises ValueError for no outcome."""
    return Settled(
        item_id=message.item_id,
        outcome=Outcome(message.outcome),
        bin=message.bin,
        decided_bin=message.decided_bin,
        verdict=_verdict_by(message, 0) if message.type else None,
        stamp=stamp_of(message.header.stamp),
    )


def _verdict_by(message: Any, image_stamp: int) -> Verdict:
    """What a message says of the verdict that it goes by."""
    return Verdict(message.item_id, message.type, message.confidence, message.novelty, image_stamp)


def shot_of(message: Any) -> Shot:
    """Of EjectCommand."""
    return Shot(
        item_id=message.item_id,
        epoch=message.epoch,
        valve=message.valve,
        fire=message.action == FIRE,
        target_count=message.target_count,
        lead_s=message.lead_s,
        pulse_s=message.pulse_s,
    )


def recipe_of(message: Any) -> Recipe:
    """Of Recipe. Raises FieldError."""
    types, bins = message.types, message.bins
    weighted, weights = message.weighted_types, message.weights
    sized, sizes = message.sized_types, message.sizes
    stated, chemistries = message.stated_types, message.chemistries
    branded, brands = message.branded_types, message.brands
    for field, values, named in (
        ("bins", bins, types),
        ("weights", weights, weighted),
        ("sizes", sizes, sized),
        ("chemistries", chemistries, stated),
        ("brands", brands, branded),
    ):
        if len(values) != len(named):
            raise FieldError(f"{field}: {len(values)} given; allowed: {len(named)}, one per type")
    for_brand = float(message.print_brand_confidence)
    return read(
        Recipe,
        {
            "others": message.others,
            "threshold": message.threshold,
            "novelty_limit": message.novelty_limit,
            "types": dict(zip(types, bins, strict=True)),
            "weights": dict(zip(weighted, map(float, weights), strict=True)) or None,
            "sizes": _grouped(sized, sizes) or None,
            "chemistries": dict(zip(stated, chemistries, strict=True)) or None,
            "brands": _grouped(branded, brands) or None,
            "print": {
                "veto": bool(message.print_veto),
                "dangerous": list(message.print_dangerous),
                "novelty": message.print_novelty,
                "score": message.print_score,
                "confidence": message.print_confidence,
                "margin": message.print_margin,
                "brand_confidence": None if math.isnan(for_brand) else for_brand,
            }
            if message.reads_print
            else None,
        },
    )


def recipe_fields(recipe: Recipe) -> dict[str, Any]:
    """Fields of a Recipe message but its header; `recipe_of` reads them."""
    weights, chemistries = recipe.weights or {}, recipe.chemistries or {}
    rule = recipe.print
    for_brand = rule.brand_confidence if rule else None
    sizes = [(type, size.value) for type, of in (recipe.sizes or {}).items() for size in of]
    brands = [(type, brand) for type, of in (recipe.brands or {}).items() for brand in of]
    return {
        "others": recipe.others,
        "threshold": recipe.threshold,
        "novelty_limit": recipe.novelty_limit,
        "types": list(recipe.types),
        "bins": list(recipe.types.values()),
        "weighted_types": list(weights),
        "weights": list(weights.values()),
        "sized_types": [type for type, _ in sizes],
        "sizes": [size for _, size in sizes],
        "stated_types": list(chemistries),
        "chemistries": [chemistry.value for chemistry in chemistries.values()],
        "reads_print": rule is not None,
        "print_veto": rule is not None and rule.veto,
        "print_dangerous": [chemistry.value for chemistry in rule.dangerous] if rule else [],
        "print_novelty": rule.novelty if rule else 0.0,
        "print_score": rule.score if rule else 0.0,
        "print_confidence": rule.confidence if rule else 0.0,
        "print_margin": rule.margin if rule else 0.0,
        "print_brand_confidence": math.nan if for_brand is None else for_brand,
        "branded_types": [type for type, _ in brands],
        "brands": [brand for _, brand in brands],
    }


def _grouped(names: Iterable[str], values: Iterable[str]) -> dict[str, list[str]]:
    """The values of each name, in their order."""
    found: dict[str, list[str]] = {}
    for name, value in zip(names, values, strict=True):
        found.setdefault(name, []).append(value)
    return found


def order_of(message: Any) -> Batch:
    """Of InputOrder. Raises FieldError."""
    kinds, keys = message.kinds, message.keys
    if len(kinds) != len(keys):
        raise FieldError(f"keys: {len(keys)} given; allowed: {len(kinds)}, one per kind")
    try:
        inputs = tuple((Input(int(k)), int(key)) for k, key in zip(kinds, keys, strict=True))
    except ValueError as error:
        raise FieldError(f"kinds: {error}; allowed: 0 to {max(Input)}") from None
    return Batch(message.first, inputs)
