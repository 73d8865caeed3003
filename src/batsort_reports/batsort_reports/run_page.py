"""`report.html`: what a run or a shift was worth, on one page to read and to print.

Pure: it takes what `report.json` holds, and pictures of items.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from batsort_files import page
from batsort_files.page import Html
from batsort_perception.preprocess import Image
from batsort_reports.report import NOWHERE
from batsort_supervision.oee import is_planned
from batsort_supervision.packml import State

COLOURS = {
    "execute": "#2a7f62",
    "held": "#c8553d",
    "holding": "#c8553d",
    "suspended": "#d9a441",
    "suspending": "#d9a441",
    "aborted": "#8e3b46",
    "aborting": "#8e3b46",
}
OTHER = "#8a8f98"
LOSS = "#c8553d"
BINS = 30
PRINTS = 60
"""Items on the page whose print says something against them."""
STATES = 60
"""Rows of the list of states; of more, the longest."""


@dataclass(frozen=True, slots=True)
class Uncertain:
    """An item that the cell was unsure of."""

    pixels: NDArray[np.uint8]
    """uint8[h, w, 3] RGB."""
    type: str
    confidence: float
    novelty: float
    bin: str
    reason: str


def as_page(
    title: str,
    report: dict[str, Any],
    uncertain: Sequence[Uncertain] | None,
    printed: Mapping[int, Image] | None = None,
) -> str:
    """The whole page.

    `uncertain` is None where no images were kept; `printed` are pictures by item of what the print
    says something against.
    """
    parts = [
        _summary(report),
        _print(report["print"], printed or {}),
        _bins(report),
        _effectiveness(report),
        _states(report["states"]),
        _confusion(report["confusion"]),
        _errors(report),
        _timing(report),
        _uncertain(uncertain),
    ]
    return page.page(title, *parts, _versions(report))


def _summary(report: dict[str, Any]) -> Html:
    balance = (
        f"{report['items_in']} items in = {report['items_out']} out + {report['on_belt']} on the "
        f"belt; {report['unexpected']} arrivals that no item explains."
    )
    faults = [page.paragraph(f"The counts do not add up: {fault}.") for fault in report["faults"]]
    rate = report["throughput_per_s"]
    rows = [
        ("purity", *_share(report["purity"], report["purity_interval_95"])),
        ("recovery", *_share(report["recovery"], report["recovery_interval_95"])),
        (
            "unknown in others",
            *_share(
                report["unknown_in_others"]["value"], report["unknown_in_others"]["interval_95"]
            ),
        ),
        ("effectiveness (OEE)", _percent(report["oee"]["oee"]), ""),
        ("items a second", "-" if rate is None else f"{rate:.2f}", ""),
        ("in a wrong bin", str(report["wrong_bin"]), ""),
        ("late", str(report["late"]), ""),
    ]
    return page.section(
        "At a glance",
        page.paragraph(balance),
        *faults,
        page.table(("", "value", "95 % interval"), rows),
        page.paragraph(
            "Purity: of what landed in the bins of types, the share that belongs there. Recovery: "
            "of items of a known type, the share that landed in its bin."
        ),
    )


def _print(found: dict[str, Any], pictures: Mapping[int, Image]) -> Html:
    parts = [page.paragraph(_read(found))] if found["read"] else []
    parts += [page.paragraph(sentence) for sentence in found["unread"]]
    if not parts:
        parts = [page.paragraph("There was no item with a verdict whose print could be read.")]
    rows = [
        (
            str(item["item_id"]),
            page.picture(pictures[item["item_id"]], f"Print on item {item['item_id']}", "")
            if item["item_id"] in pictures
            else "no picture",
            item["text"],
            f"{item['chemistry']} ({item['confidence']:.0%})" if item["chemistry"] else "none",
            _verdict(item),
            item["bin"] + ("" if item["confirmed"] or not item["bin"] else " (decided)"),
            item["outcome"].replace("_", " ") or "not known",
        )
        for item in found["items"][:PRINTS]
    ]
    if rows:
        header = ("item", "picture", "reads", "chemistry read", "verdict", "bin", "outcome")
        parts.append(page.table(header, rows))
    if more := len(found["items"]) - len(rows):
        parts.append(page.paragraph(f"{more} more are in report.json, under `print`."))
    return page.section("Print on the batteries", *parts)


def _read(found: dict[str, Any]) -> str:
    whose = " by the cell" if found["read_by_cell"] == found["read"] else ""
    text = f"Print was looked for on {found['read']} items{whose}; it says what {found['readable']}"
    text += " of them are."
    if not found["stated_types"]:
        text += " The cell description states no chemistries that it could contradict."
    li_ion, outside = found["li_ion"], found["li_ion_out_of_place"]
    contradicting = found["contradicting"]
    if not li_ion and not contradicting:
        return f"{text} None says Li-ion, and none contradicts its verdict."
    fire = f", {outside} of them outside its own bins: fire risk" if outside else ""
    text += f" Li-ion: {li_ion}{fire}." if li_ion else " None says Li-ion."
    return f"{text} Contradicting their verdicts: {contradicting or 'none'}."


def _verdict(item: dict[str, Any]) -> str:
    if not item["type"]:
        return "none"
    return f"{item['type']}: {item['stated'] or 'no chemistry stated'}"


def _bins(report: dict[str, Any]) -> Html:
    rows = [
        (
            name,
            bin["count"],
            bin["confirmed"],
            bin["missing"],
            bin["unexpected"],
            *_share(bin["purity"], bin["purity_interval_95"]),
        )
        for name, bin in report["bins"].items()
    ]
    outcomes = [
        (name.replace("_", " "), count, _percent(count / max(1, report["items_out"])))
        for name, count in report["outcomes"].items()
        if count
    ]
    header = ("bin", "decided", "confirmed", "missing", "unexpected", "purity", "95 % interval")
    return page.section(
        "Bins and outcomes",
        page.table(header, rows),
        page.table(("outcome", "items", "share"), outcomes),
    )


def _effectiveness(report: dict[str, Any]) -> Html:
    oee, lost = report["oee"], _lost(report["states"])
    waste = oee["possible_items"] - oee["out"]
    # Each step keeps a share of the one before.
    steps = [
        ("planned time", 1.0),
        ("availability", oee["availability"]),
        ("performance", oee["performance"]),
        ("quality", oee["quality"]),
    ]
    heights = np.cumprod([share for _, share in steps])
    figure, plot = page.axes("", "share of the planned time [%]")
    names = [name for name, _ in steps]
    plot.bar(names, 100 * heights, color=page.ACCENT)
    plot.bar(names[1:], -100 * np.diff(heights), bottom=100 * heights[1:], color=LOSS, alpha=0.55)
    plot.set_ylim(0, 105)
    for place, height in enumerate(heights):
        plot.text(place, 100 * height + 1, f"{100 * height:.0f} %", ha="center", color=page.INK)
    rows = [(f"{state}: {cause}", seconds, times) for (state, cause), (seconds, times) in lost]
    return page.section(
        "Effectiveness",
        page.drawing(figure, "Effectiveness in steps; the loss of each stands above it"),
        page.table(
            ("", "share", "of"),
            [
                (
                    "availability",
                    _percent(oee["availability"]),
                    f"{oee['running_s']:.0f} s sorting of {oee['planned_s']:.0f} s planned",
                ),
                (
                    "performance",
                    _percent(oee["performance"]),
                    f"{oee['out']} items of {oee['possible_items']:.0f} possible; "
                    f"{max(0.0, waste):.0f} were not fed",
                ),
                (
                    "quality",
                    _percent(oee["quality"]),
                    f"{oee['good']} items of {oee['out']} went where they belong",
                ),
            ],
        ),
        page.table(("time lost by", "s", "times"), rows)
        if rows
        else page.paragraph("No time was lost."),
    )


def _lost(states: list[dict[str, Any]]) -> list[tuple[tuple[str, str], tuple[float, int]]]:
    """Seconds and times of planned time without sorting, by state and cause, the longest first."""
    found: dict[tuple[str, str], tuple[float, int]] = {}
    for entry in states:
        state = State(entry["state"])
        if is_planned(state) and state is not State.EXECUTE:
            key = (entry["state"], entry["cause"] or "no cause told")
            seconds, times = found.get(key, (0.0, 0))
            found[key] = (round(seconds + entry["for_s"], 2), times + 1)
    return sorted(found.items(), key=lambda pair: -pair[1][0])


def _states(states: list[dict[str, Any]]) -> Html:
    if not states:
        return page.section("States", page.paragraph("No state was heard."))
    figure, plot = page.axes("s", "")
    figure.set_size_inches(8.0, 1.3)
    for entry in states:
        colour = COLOURS.get(entry["state"], OTHER)
        plot.barh(0, entry["for_s"], left=entry["from_s"], height=0.8, color=colour)
    plot.set_yticks([])
    plot.spines["left"].set_visible(False)
    longest = sorted(states, key=lambda entry: -entry["for_s"])[:STATES]
    rows = [
        (f"{e['from_s']:.1f}", f"{e['for_s']:.1f}", e["state"], e["cause"], e["cure"])
        for e in states
        if e in longest
    ]
    more = len(states) - len(rows)
    legend = "Green: sorting; red: held; yellow: suspended; dark red: aborted; grey: other states."
    return page.section(
        "States",
        page.drawing(figure, f"Timeline of {len(states)} states; the table has them one by one"),
        page.paragraph(legend + (f" {more} short ones are left out of the table." if more else "")),
        page.table(("from [s]", "for [s]", "state", "cause", "cure"), rows),
    )


def _confusion(confusion: dict[str, dict[str, int]]) -> Html:
    columns = sorted({bin for row in confusion.values() for bin in row}, key=lambda bin: bin or "~")
    counts = np.array(
        [[row.get(bin, 0) for bin in columns] for row in confusion.values()], dtype=np.int64
    ).reshape(len(confusion), len(columns))
    names = ["nowhere" if bin == NOWHERE else bin for bin in columns]
    return page.section(
        "What went where",
        page.paragraph(
            "Rows: true types where they are known, else the bins decided for. Columns: bins."
        ),
        page.matrix(list(confusion), names, counts, "item"),
    )


def _errors(report: dict[str, Any]) -> Html:
    rows = list(report["errors"].items())
    if not rows:
        return page.section("Errors by cause", page.paragraph("None."))
    return page.section("Errors by cause", page.table(("cause", "items"), rows))


def _timing(report: dict[str, Any]) -> Html:
    return page.section(
        "Timing",
        *_histogram(report, "verdict_latency_ms", "Verdict latency", "ms"),
        *_histogram(report, "fire_error_mm", "Firing error by the encoder", "mm"),
        *_histogram(report, "aim_error_mm", "Item centre to nozzle axis as the jet opens", "mm"),
    )


def _histogram(report: dict[str, Any], key: str, name: str, unit: str) -> list[Html]:
    values, figures = report["samples"][key], report[key]
    if not values:
        return [page.paragraph(f"{name}: nothing was measured.")]
    figure, plot = page.axes(f"{name} [{unit}]", "items")
    figure.set_size_inches(4.8, 2.6)
    plot.hist(values, bins=BINS, color=page.ACCENT)
    told = ", ".join(f"{key} {value:.2f} {unit}" for key, value in figures.items())
    return [page.drawing(figure, f"{name} of {len(values)} items"), page.paragraph(told)]


def _uncertain(items: Sequence[Uncertain] | None) -> Html:
    title = "Batteries the cell was unsure of"
    if items is None:
        return page.section(
            title, page.paragraph("No images were recorded; `./cell demo --record` keeps them.")
        )
    if not items:
        return page.section(title, page.paragraph("None."))
    shown = [
        page.thumbnail(
            np.asarray(item.pixels),
            f"{item.type or 'no type'}, went to {item.bin}",
            f"{item.type or 'no type'} {item.confidence:.0%}, novelty {item.novelty:.2f}: "
            f"{item.bin} ({item.reason.replace('_', ' ')})",
        )
        for item in items
    ]
    return page.section(title, page.gallery(shown))


def _versions(report: dict[str, Any]) -> Html:
    rows = [("bundle", report["bundle"]), *report["versions"].items()]
    return page.section("Made with", page.table(("", "version"), rows))


def _share(value: float | None, interval: Sequence[float] | None) -> tuple[str, str]:
    if value is None or interval is None:
        return "not measured", ""
    low, high = map(_percent, interval)
    return _percent(value), f"{low} to {high}".replace(" ", "\N{NO-BREAK SPACE}")


def _percent(share: float) -> str:
    return f"{share:.1%}"
