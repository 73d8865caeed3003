"""A run at one glance: who went where, how sure, how fast, how well aimed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from batsort_reports.report import NOWHERE, Run

RIGHT, WRONG, MUTED = "#2a7f62", "#c8553d", "#7a7a7a"


@matplotlib.rc_context({"text.parse_math": False})
def draw(run: Run, report: dict[str, Any], path: Path) -> None:
    """Write the picture of a run as PNG."""
    figure = Figure(figsize=(12, 8), layout="constrained")
    (bins, confidence), (latency, aim) = figure.subplots(2, 2)
    figure.suptitle(
        f"{report['items_out']} of {report['items_in']} items sorted at "
        f"{report['throughput_per_s'] or 0:.1f}/s: purity {_percent(report['purity'])}, "
        f"recovery {_percent(report['recovery'])}, wrong bin {report['wrong_bin']}, "
        f"late {report['late']}"
    )
    _bins(bins, run)
    _confidence(confidence, run)
    _histogram(latency, [value * 1e3 for value in run.latencies_s], "Verdict latency", "ms")
    errors = [t.aim_error * 1e3 for t in run.truths if math.isfinite(t.aim_error)]
    _histogram(aim, errors, "Item centre to nozzle axis when the jet opens", "mm")
    figure.savefig(path, dpi=110)


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{share:.1%}"


def _bins(axes: Axes, run: Run) -> None:
    names = [state.name for state in run.bins.bins]
    right = [sum(t.bin == n and run.target(t) == n for t in run.truths) for n in names]
    wrong = [sum(t.bin == n and run.target(t) != n for t in run.truths) for n in names]
    axes.barh(names, right, color=RIGHT, label="belongs here")
    axes.barh(names, wrong, left=right, color=WRONG, label="belongs elsewhere")
    lost = sum(t.bin == NOWHERE for t in run.truths)
    axes.set_title("Items per bin" + (f" ({lost} in none)" if lost else ""))
    axes.set_xlabel("items")
    axes.invert_yaxis()
    axes.legend(frameon=False)


def _confidence(axes: Axes, run: Run) -> None:
    truths = {truth.item_id: truth for truth in run.truths}
    groups: dict[str, list[tuple[float, float]]] = {
        "right type": [],
        "wrong type": [],
        "unknown": [],
    }
    for life in run.lives:
        truth, verdict = truths.get(life.id), life.judged
        if truth is None or verdict is None:
            continue
        known = truth.type in run.bin_of_type
        group = (
            "unknown"
            if not known
            else ("right type" if verdict.type == truth.type else "wrong type")
        )
        groups[group].append((verdict.novelty, verdict.confidence))
    for (group, points), colour in zip(groups.items(), (RIGHT, WRONG, MUTED), strict=True):
        if points:
            novelty, confidence = zip(*points, strict=True)
            axes.scatter(novelty, confidence, s=14, alpha=0.7, color=colour, label=group)
    axes.axvline(1.0, color=MUTED, linewidth=0.8, linestyle=":")
    axes.set_title("Verdicts against the truth")
    axes.set_xlabel("novelty (beyond 1: unlike anything taught)")
    axes.set_ylabel("confidence")
    axes.set_ylim(0.0, 1.02)
    if any(groups.values()):
        axes.legend(frameon=False, loc="lower left")


def _histogram(axes: Axes, values: list[float], title: str, unit: str) -> None:
    axes.set_title(title)
    axes.set_xlabel(unit)
    axes.set_ylabel("items")
    if values:
        axes.hist(values, bins=30, color=RIGHT)
    else:
        axes.text(0.5, 0.5, "nothing measured", ha="center", transform=axes.transAxes)
