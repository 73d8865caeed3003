"""What a demo leaves behind: figures, a picture and a page, and a table for the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from batsort_bags.reader import Bag, BagError
from batsort_core.cell import CellDescription
from batsort_files.text_table import aligned
from batsort_reports.report import Run

if TYPE_CHECKING:
    from batsort_reports.print_reading import Printed


def write_report(
    run: Run, cell: CellDescription, report: dict[str, Any], folder: Path, recorded: bool
) -> None:
    """Write `report`, with what was read of print, and show it.

    `recorded`: there is a bag in the folder to take pictures from.
    """
    # Loaded here: the running cell has no use for it.
    from batsort_reports.print_reading import heard
    from batsort_reports.run_picture import draw

    printed = heard(run)
    report["print"] = printed.figures(run, cell.recipe)
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(_table(report))
    draw(run, report, folder / "run.png")
    _write_page(run, cell, report, printed, folder, recorded)
    print(f"\nreport: {folder / 'report.html'}   picture: {folder / 'run.png'}")


def _write_page(
    run: Run,
    cell: CellDescription,
    report: dict[str, Any],
    printed: Printed,
    folder: Path,
    recorded: bool,
) -> None:
    from batsort_reports.bag_report import uncertain
    from batsort_reports.print_reading import seen_in
    from batsort_reports.run_page import as_page

    pictures = None
    if recorded:
        try:
            with Bag(folder / "bag") as bag:
                printed.show(bag, run, cell.recipe, seen_in(bag))
                pictures = uncertain(bag, cell, run.lives, printed.refused)
        except BagError as error:
            printed.refused.append(str(error))
    for line in dict.fromkeys(printed.refused):
        print(f"demo: {line}", file=sys.stderr)
    page = as_page(f"BatSort: {folder.name}", report, pictures, printed.pictures)
    (folder / "report.html").write_text(page, encoding="utf-8")


def _table(report: dict[str, Any]) -> str:
    rows = [("bin", "count", "confirmed", "missing", "purity")]
    for name, figures in report["bins"].items():
        purity = figures["purity"]
        rows.append(
            (
                name,
                str(figures["count"]),
                str(figures["confirmed"]),
                str(figures["missing"]),
                "-" if purity is None else f"{purity:.1%}",
            )
        )
    lines = ["", *aligned(rows)]
    outcomes = ", ".join(f"{name} {n}" for name, n in report["outcomes"].items() if n)
    lines += [
        "",
        f"items in {report['items_in']} = out {report['items_out']} + on belt {report['on_belt']}"
        f"; unexpected {report['unexpected']}; wrong bin {report['wrong_bin']}; "
        f"misclassified {report['misclassified']}; late {report['late']}",
        f"outcomes: {outcomes or 'none'}",
        f"purity {_interval(report, 'purity')}   recovery {_interval(report, 'recovery')}   "
        f"unknown in others {_part(report['unknown_in_others'])}",
        f"fire error p99 {_number(report['fire_error_mm']['p99'])} mm   "
        f"aim error p99 {_number(report['aim_error_mm']['p99'])} mm   "
        f"verdict p50 {_number(report['verdict_latency_ms']['p50'])} ms, "
        f"p99 {_number(report['verdict_latency_ms']['p99'])} ms",
    ]
    errors = ", ".join(f"{cause} {n}" for cause, n in report["errors"].items())
    lines.append(f"errors by cause: {errors or 'none'}")
    if report["photos_shown"]:
        lines.append(
            f"photos shown {report['photos_shown']}, of these trained on "
            f"{report['photos_trained_on']}"
        )
    return "\n".join(lines)


def _interval(report: dict[str, Any], name: str) -> str:
    bounds = report[f"{name}_interval_95"]
    if bounds is None:
        return "not measured"
    return f"{report[name]:.1%} (95 %: {bounds[0]:.1%} to {bounds[1]:.1%})"


def _part(share: dict[str, Any]) -> str:
    return "none shown" if share["value"] is None else f"{share['value']:.1%} of {share['n']}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
