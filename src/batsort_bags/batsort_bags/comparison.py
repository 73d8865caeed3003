"""What a replay says, for a terminal, a program and a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from batsort_bags.crops import Cropped
from batsort_bags.replayed import Replayed
from batsort_core.decisions import Decision
from batsort_files import page
from batsort_files.text_table import aligned
from batsort_graph.from_messages import NS

BIN_COLUMNS = ("bin", "then", "now", "purity then", "purity now")
LISTED = 12
"""Differences that a terminal shows; JSON and page have all."""


def summary(replayed: Replayed) -> dict[str, Any]:
    """Everything that is compared, JSON-able.

    `items`: per item `then` and `now`, each a verdict (`type`, `confidence`, `novelty`), `bin` and
    `reason`, or null without a decision. `bins`: per bin how many are decided into it then and now,
    and which share of these belongs there where the bag has the truth (`purity`, null without).
    """
    items = {}
    for item_id in sorted({**replayed.then, **replayed.now}):
        items[str(item_id)] = {
            "then": _decision(replayed.then.get(item_id)),
            "now": _decision(replayed.now.get(item_id)),
            "changed": replayed.is_changed(item_id),
            "truth": replayed.truths.get(item_id),
        }
    return {
        "same": replayed.same,
        "bundle": replayed.bundle_id,
        "duration_s": (replayed.last - replayed.first) / NS,
        "items": items,
        "judged_again": len(replayed.judged),
        "shots_then": sum(map(len, replayed.shots_then.values())),
        "shots_now": sum(map(len, replayed.shots_now.values())),
        "bins": {
            bin.name: {
                "then": _bin(replayed, replayed.then, bin.name),
                "now": _bin(replayed, replayed.now, bin.name),
            }
            for bin in replayed.cell.bins
        },
        "differences": [
            {"item": d.item_id, "event": d.event, "then": str(d.then), "now": str(d.now)}
            for d in replayed.differences
        ],
        "missing": [
            {"kind": m.kind.name.lower() if m.kind is not None else "order", "key": m.key}
            for m in replayed.missing
        ],
        "notes": replayed.notes,
    }


def text(found: Mapping[str, Any]) -> str:
    """The summary in lines of at most 100 columns."""
    lines = [f"note: {note}" for note in found["notes"]]
    rows = [BIN_COLUMNS, *(tuple(map(str, row)) for row in _bin_rows(found))]
    lines += ["", *aligned(rows), ""]
    items = found["items"]
    changed = {name: item for name, item in items.items() if item["changed"]}
    judged = f", {found['judged_again']} verdicts made again" if found["judged_again"] else ""
    lines.append(
        f"{len(items)} items, {found['shots_now']} shots{judged}: {len(items) - len(changed)} go "
        f"where they went, {len(changed)} elsewhere or for another reason"
    )
    for name, item in list(changed.items())[:LISTED]:
        truth = f"   truly {item['truth'] or 'unknown'}" if item["truth"] is not None else ""
        lines.append(f"  {name}: {_said(item['then'])} -> {_said(item['now'])}{truth}")
    if len(changed) > LISTED:
        lines.append(f"  and {len(changed) - LISTED} more")
    return "\n".join(lines)


def verdict(replayed: Replayed) -> str:
    """Whether all was done again bit for bit; else the first that was not."""
    if replayed.same:
        return "the same, bit for bit"
    if replayed.differences:
        first = replayed.differences[0]
        whose = f"item {first.item_id}, " if first.item_id else ""
        return f"differs first at {whose}{first.event}:\n  then {first.then}\n  now  {first.now}"
    first_missing = replayed.missing[0]
    kind = first_missing.kind
    what = f"{kind.name.lower()} {first_missing.key}" if kind is not None else "part of the order"
    return (
        f"can't be replayed faithfully: {what} is not in the bag (and "
        f"{len(replayed.missing) - 1} more inputs that the ejector took)"
    )


def report(title: str, found: Mapping[str, Any], changes: str, pictures: Iterable[Cropped]) -> str:
    """A page with every item whose decision changed."""
    shown: dict[int, list[Cropped]] = {}
    for picture in pictures:
        shown.setdefault(picture.item_id, []).append(picture)
    changed = [(int(name), item) for name, item in found["items"].items() if item["changed"]]
    ways = Counter((_bin_of(item["then"]), _bin_of(item["now"])) for _, item in changed)
    return page.page(
        title,
        page.paragraph(f"{changes}. {len(found['items'])} items, {len(changed)} changed."),
        *(page.paragraph(note) for note in found["notes"]),
        page.section(
            "Bins",
            page.table(BIN_COLUMNS, _bin_rows(found)),
            page.table(("from", "to", "items"), [(a, b, n) for (a, b), n in ways.most_common()])
            if ways
            else page.paragraph("No item goes elsewhere."),
        ),
        page.section(
            "Changed items",
            page.gallery(
                [
                    page.thumbnail(picture.pixels, f"item {item_id}", _caption(item_id, item))
                    for item_id, item in changed
                    for picture in shown.get(item_id, [])[:1]
                ]
            ),
            page.table(
                ("item", "then", "now", "truth"),
                [
                    (str(i), _said(item["then"]), _said(item["now"]), item["truth"] or "")
                    for i, item in changed
                ],
            ),
        ),
    )


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    judged = decision.verdict
    return {
        "type": judged.type if judged else None,
        "confidence": judged.confidence if judged else None,
        "novelty": judged.novelty if judged else None,
        "bin": decision.bin,
        "reason": decision.reason.value,
    }


def _bin(replayed: Replayed, decisions: Mapping[int, Decision], name: str) -> dict[str, Any]:
    here = [item_id for item_id, decision in decisions.items() if decision.bin == name]
    recipe = replayed.cell.recipe
    known = [replayed.truths[item_id] for item_id in here if item_id in replayed.truths]
    right = sum(recipe.types.get(truth, recipe.others) == name for truth in known)
    return {"count": len(here), "purity": right / len(known) if known else None}


def _bin_rows(found: Mapping[str, Any]) -> list[tuple[object, ...]]:
    """As BIN_COLUMNS says."""
    return [
        (
            name,
            bin["then"]["count"],
            bin["now"]["count"],
            _percent(bin["then"]["purity"]),
            _percent(bin["now"]["purity"]),
        )
        for name, bin in found["bins"].items()
    ]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _said(decision: Mapping[str, Any] | None) -> str:
    if decision is None:
        return "no decision"
    judged = f"{decision['type']} {decision['confidence']:.4f}, " if decision["type"] else ""
    return f"{judged}{decision['bin']} ({decision['reason']})"


def _bin_of(decision: Mapping[str, Any] | None) -> str:
    return "no decision" if decision is None else f"{decision['bin']} ({decision['reason']})"


def _caption(item_id: int, item: Mapping[str, Any]) -> str:
    truth = f"; truly {item['truth'] or 'unknown'}" if item["truth"] is not None else ""
    return f"{item_id}: {_said(item['then'])} → {_said(item['now'])}{truth}"
