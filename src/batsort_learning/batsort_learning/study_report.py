"""Tables and pictures of the paper's study, beside what the paper reports."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from batsort_learning import paper
from batsort_training.figures import wilson

OURS, PAPER, SECOND, MUTED = "#2a7f62", "#c8553d", "#35618f", "#7a7a7a"
NOT_GIVEN = "not given"
COLUMNS = (
    *("initial", "opened", "runs", "mean %", "SD", "best %"),
    *("pooled % (95 %)", "paper: mean, best %"),
)
WIDTH = 100

Run = Mapping[str, Any]


def write(
    study: str,
    cases: Sequence[tuple[str, int]],
    runs: Sequence[Run],
    options: Mapping[str, Any],
    photos: int,
    labels: str,
    out: Path,
) -> str:
    """Write `study`.json, .md and .png to `out`; return the text of .md.

    `labels` says by what list photos were relabelled; empty: labels as published. `cases` are
    initial weights and opened layers, `runs` the lines of `runs.jsonl` they cover.
    """
    rows = [_row(study, case, runs) for case in cases]
    notes = _notes(study, rows, runs, options, photos, labels)
    content = {"study": study, "options": options, "rows": rows, "notes": notes}
    text = "\n".join([f"# {study}", "", *_table(rows), "", *map(_item, notes)])
    (out / f"{study}.json").write_text(json.dumps(content, indent=2, default=str) + "\n")
    (out / f"{study}.md").write_text(text + "\n", encoding="utf-8")
    size = (10, 4.5 * len(cases)) if study == "figure3" else (8, 5)
    figure = Figure(figsize=size, layout="constrained")
    cap = ", epochs capped (quick)" if options["quick"] else ""
    figure.suptitle(f"{study}: {options['backbone']}, {photos} photos{cap}")
    DRAWINGS[study](figure, rows, runs)
    figure.savefig(out / f"{study}.png", dpi=110)
    return text


def _row(study: str, case: tuple[str, int], runs: Sequence[Run]) -> dict[str, Any]:
    """One case's figures; shares, not percent."""
    initial, opened = case
    these = [run for run in runs if (run["initial"], run["opened"]) == (initial, opened)]
    shares = [run["right"] / run["tested"] for run in these]
    right, tested = (sum(run[name] for run in these) for name in ("right", "tested"))
    # The main case's figures are the paper's; of the single cells of table II we know none.
    mean, best = (None, None) if study == "table2" else paper.REPORTED[initial]
    return {
        "initial": initial,
        "opened": opened,
        "accuracies": [round(share, 4) for share in shares],
        "mean": float(np.mean(shares)),
        "sd": float(np.std(shares, ddof=1)) if len(shares) > 1 else None,
        "best": max(shares),
        "pooled": {"right": right, "tested": tested, "wilson95": wilson(right, tested)},
        "paper": {"mean": mean, "best": best},
    }


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Markdown, padded to be read as it is."""
    cells = [list(COLUMNS)]
    for row in rows:
        share, low, high = row["pooled"]["wilson95"]
        interval = f"{share:.1%} ({low:.1%} to {high:.1%})".replace("%", "")
        counts = [row["initial"], str(row["opened"]), str(len(row["accuracies"]))]
        ours = [_percent(row["mean"]), _percent(row["sd"], "-"), _percent(row["best"])]
        theirs = ", ".join(_percent(row["paper"][name]) for name in ("mean", "best"))
        cells.append([*counts, *ours, interval, theirs])
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    cells.insert(1, ["-" * width for width in widths])
    return [
        f"| {' | '.join(text.ljust(width) for text, width in zip(line, widths, strict=True))} |"
        for line in cells
    ]


def _item(note: str) -> str:
    return textwrap.fill(note, WIDTH, initial_indent="- ", subsequent_indent="  ")


def _percent(share: float | None, missing: str = NOT_GIVEN) -> str:
    return missing if share is None else f"{100 * share:.1f}"


def _notes(
    study: str,
    rows: Sequence[Mapping[str, Any]],
    runs: Sequence[Run],
    options: Mapping[str, Any],
    photos: int,
    labels: str,
) -> list[str]:
    """What a reader has to know to judge the figures."""
    twins, tested = (sum(run[name] for run in runs) for name in ("twins", "tested"))
    how = "whole groups" if options["grouped"] else "at random, as in the paper"
    notes = [
        "Opened: layers of the backbone that learn in stage one, beside the new top; in stage two "
        f"{paper.OPENED_LATER} more.",
        f"{options['backbone']}, {photos} photos, divided {how}; the paper: ResNet-50V2, some 500.",
        f"Labels: {labels or 'as published'}.",
        f"{twins} of {tested} test photos share a group (near-duplicates) with learnt ones.",
        "Pooled over runs: the same photos are tested again, so the interval is too narrow.",
    ]
    if options["quick"]:
        notes.insert(0, "QUICK: epochs are capped, so these figures are no reproduction.")
    means = {row["initial"]: row["mean"] for row in rows}
    if study == "table1" and len(means) == 2:
        gain = means["imagenet"] / means["random"] if means["random"] else float("inf")
        notes.append(
            f"With knowledge {gain:.2f} times the accuracy without; the paper: "
            f"{paper.KNOWLEDGE_GAIN} times (its mean without knowledge is computed from that)."
        )
    if study == "figure3":
        lengths = np.array([[len(stage["loss"]) for stage in run["history"]] for run in runs])
        first, second = lengths.mean(axis=0)
        notes.append(
            f"Epochs a run: {first:.1f} and {second:.1f} on average; curves are the mean and SD of "
            "the runs that are still going."
        )
    return notes


def _draw_cases(figure: Figure, rows: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> None:
    """A column of runs for every case, with mean and SD, and the paper's figures where known."""
    axes = figure.subplots()
    for x, row in enumerate(rows):
        ours = [100 * share for share in row["accuracies"]]
        axes.scatter([x] * len(ours), ours, s=18, alpha=0.5, color=OURS, label="a run")
        spread = 100 * (row["sd"] or 0.0)
        axes.errorbar(
            x - 0.12, 100 * row["mean"], spread, fmt="s", color=OURS, capsize=4, label="mean and SD"
        )
        for name, marker in (("mean", "D"), ("best", "^")):
            value = row["paper"][name]
            if value is not None:
                axes.scatter(
                    x + 0.12, 100 * value, marker=marker, color=PAPER, label=f"paper's {name}"
                )
    axes.set_xticks(range(len(rows)), [f"{row['initial']}\n{row['opened']} opened" for row in rows])
    axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.set_ylim(0, 102)
    axes.set_ylabel("test accuracy [%]")
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), frameon=False, loc="lower left")


def _draw_courses(figure: Figure, rows: Sequence[Mapping[str, Any]], runs: Sequence[Run]) -> None:
    """Accuracy and loss by epoch over both stages, as we read figure 3; a row of axes per case."""
    for row, pair in zip(rows, figure.subplots(len(rows), 2, squeeze=False), strict=True):
        these = [run["history"] for run in runs if run["initial"] == row["initial"]]
        boundary = max(len(first["loss"]) for first, _ in these) + 0.5
        for axes, name in zip(pair, ("accuracy", "loss"), strict=True):
            for key, colour, label in (
                (name, OURS, "training"),
                (f"val_{name}", SECOND, "validation"),
            ):
                courses = [[stage[key] for stage in history] for history in these]
                _draw_course(axes, courses, colour, label)
            axes.axvline(boundary, color=MUTED, linestyle=":", label="stage two begins")
            axes.set_title(row["initial"])
            axes.set_xlabel("epoch")
            axes.set_ylabel(name)
            axes.set_ylim(bottom=0)
        axes.legend(frameon=False)


def _draw_course(
    axes: Axes, courses: Sequence[Sequence[Sequence[float]]], colour: str, label: str
) -> None:
    """Mean and band over the runs; stage two begins for all where the longest stage one ends."""
    stages = [_rectangle(stage) for stage in zip(*courses, strict=True)]
    values = np.concatenate(stages, axis=1)
    mean, spread = np.nanmean(values, axis=0), np.nanstd(values, axis=0)
    epochs = np.arange(1, values.shape[1] + 1)
    axes.plot(epochs, mean, color=colour, label=label)
    axes.fill_between(epochs, mean - spread, mean + spread, color=colour, alpha=0.2, linewidth=0)


def _rectangle(lines: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """float64[m, longest], NaN where a line has ended."""
    longest = max(len(line) for line in lines)
    return np.array([[*line, *[np.nan] * (longest - len(line))] for line in lines])


Drawing = Callable[[Figure, Sequence[Mapping[str, Any]], Sequence[Run]], None]
DRAWINGS: Mapping[str, Drawing] = {
    "table1": _draw_cases,
    "table2": _draw_cases,
    "figure3": _draw_courses,
}
