"""An evaluation for people: JSON for programs, a table for the terminal, a page with diagrams."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np

from batsort_files import page
from batsort_learning.evaluate import (
    AS_THEY_ARE,
    AT,
    SOURCES,
    Evaluation,
    Verdicts,
)
from batsort_training.calibration import NOVELTY_LIMIT, THRESHOLD
from batsort_training.data import LabelledPhoto
from batsort_training.figures import reliability, risk_coverage

ROWS = {
    "accuracy": "accuracy",
    "coverage": "coverage",
    "accuracy_of_accepted": "accuracy of the accepted",
    "unknown_accepted": "unknown accepted",
    "unknown_accepted_at_90": "unknown accepted at 90 % coverage",
    "li_ion_taken_for_other": "Li-ion taken for another",
    "li_ion_taken_for_other_accepted": "Li-ion taken for another, accepted",
    "other_taken_for_li_ion": "another taken for Li-ion",
    "other_taken_for_li_ion_accepted": "another taken for Li-ion, accepted",
    "auroc_unknown": "AUROC known against unknown",
    "ece": "calibration error (ECE)",
    "coverage_at_99": "coverage at 99 % right",
}
"""Keys of the figures, in words."""
NOTHING = "-"
"""Stands for a figure that can't be had."""
WORST = 24
"""Mistakes shown."""


def as_json(evaluation: Evaluation) -> str:
    """The report, as the module's docstring describes it."""
    return json.dumps(evaluation.report, indent=2) + "\n"


def as_text(evaluation: Evaluation) -> str:
    """The figures for a screen of 100 columns."""
    report = evaluation.report
    lines = [textwrap.fill(remark, 100) for remark in _remarks(report)]
    for title, part in _parts(report):
        lines += ["", f"{title:34}" + "".join(f"{name:>32}" for name in SOURCES.values())]
        lines += [f"{n:34}" + "".join(f"{cell:>32}" for cell in row) for n, *row in _rows(part)]
        for name, recall, precision, *belt in _types(part):
            lines.append(f"{f'recall {name}':34}{recall:>32}{belt[0]:>32}")
            lines.append(f"{f'precision {name}':34}{precision:>32}{belt[1]:>32}")
    if "conditions" in report:
        lines += ["", "accuracy under"]
        lines += [f"  {name:32}{_cell(f['accuracy']):>32}" for name, f in _conditions(report)]
    return "\n".join(lines)


def as_page(evaluation: Evaluation) -> str:
    """The figures, diagrams and the worst mistakes in HTML."""
    report = evaluation.report
    parts: list[str] = [page.paragraph(line) for line in _remarks(report)]
    header = ("", *(f"photos {name}" for name in SOURCES.values()))
    kinds = [f"{kind}, {name}" for name in SOURCES.values() for kind in ("recall", "precision")]
    for title, part in _parts(report):
        tables = [page.table(header, _rows(part))]
        if per_type := _types(part):
            tables.append(page.table(("type", *kinds), per_type))
        parts.append(page.section(title.capitalize(), *tables))
    if "conditions" in report:
        keys = ("accuracy", "coverage", "accuracy_of_accepted")
        shares = [(name, *(_cell(f[key]) for key in keys)) for name, f in _conditions(report)]
        table = page.table(("condition", *(ROWS[key] for key in keys)), shares)
        parts.append(page.section("Light, motion, background", table))
    key, chosen = evaluation.most_telling()
    which = "photos not trained on" if key == "new" else "all photos"
    thresholds = [
        (f"{t['purity']:.1%}", f"{t['confidence']:.3f}", *(_cell(t[key]) for key in AT))
        for t in report[key][AS_THEY_ARE]["thresholds"]
    ]
    table = page.table(("promised purity", "confidence", *(ROWS[k] for k in AT)), thresholds)
    judged = {source: every[chosen] for source, every in evaluation.verdicts.items()}
    plain = judged[AS_THEY_ARE]
    parts += [
        page.section(f"The bundle's own thresholds, {which} as they are", table),
        page.section(f"Confusion, {which} as they are", _matrix(plain, evaluation.types)),
    ]
    if np.isin(plain.labels, evaluation.types).any():
        diagrams = _diagrams(judged, evaluation.types)
        parts.append(page.section(f"As right as sure? {which.capitalize()}", diagrams))
    photos = [evaluation.photos[i] for i in np.flatnonzero(chosen)]
    parts.append(page.section("The worst mistakes", *_mistakes(plain, photos, evaluation.types)))
    return page.page(f"Bundle {report['bundle']}", *parts)


def _cell(figure: Any) -> str:
    if isinstance(figure, dict):
        interval = f"[{figure['low']:.3f} {figure['high']:.3f}]"
        return f"{figure['value']:.3f} {interval} n={figure['n']}" if figure["n"] else NOTHING
    return NOTHING if figure is None else f"{figure:.3f}"


def _remarks(report: dict[str, Any]) -> list[str]:
    lines = [
        f"{report['bundle']}: {report['photos']} photos, {report['trained_on']} trained on. "
        "Shares with 95 % intervals (Wilson).",
        f"Accepted: confidence {THRESHOLD:g} or more and novelty {NOVELTY_LIMIT:g} or less. "
        f"Lithium-ion: {', '.join(report['li_ion']) or 'none named'}.",
    ]
    if used := report["labels"]:
        lines.append(
            f"Labels by {used['file']}@{used['sha256'][:12]}: {used['relabelled']} photos "
            f"relabelled, {used['left_out']} left out."
        )
    if report["trained_on"]:
        lines.append(
            "What it was trained on it knows: only photos not trained on tell how good it is."
        )
    if report["unknown_folders"]:
        lines.append(f"Unknown to the bundle: {', '.join(report['unknown_folders'])}.")
    if report["types_without_photos"]:
        lines.append(f"Types without photos: {', '.join(report['types_without_photos'])}.")
    return lines


def _parts(report: dict[str, Any]) -> list[tuple[str, dict[str, dict[str, Any]]]]:
    """What to show, titled: the figures by source of the photos not trained on, then of all."""
    parts = [("photos not trained on", report["new"]), ("all photos", report["all"])]
    return parts if report["trained_on"] else parts[1:]


def _rows(part: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """A name and a cell per source; without what can't be had."""
    sources = [part[source] for source in SOURCES]
    rows = [(name, *(_cell(figures[key]) for figures in sources)) for key, name in ROWS.items()]
    times = [figures["verdict_ms"] for figures in sources]
    cells = (f"{t['median']:.1f}, {t['p99']:.1f}" if t else NOTHING for t in times)
    rows.append(("ms a verdict, median and p99", *cells))
    return [row for row in rows if set(row[1:]) != {NOTHING}]


def _types(part: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    """Per type that has photos: its name, then recall and precision by source."""
    sources = [part[source] for source in SOURCES]
    return [
        (name, *(_cell(f[kind][name]) for f in sources for kind in ("recall", "precision")))
        for name, share in sources[0]["recall"].items()
        if share["n"]
    ]


def _conditions(report: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return list(report["conditions"].items())


def _matrix(judged: Verdicts, types: Sequence[str]) -> page.Html:
    labels = sorted({str(label) for label in judged.labels}, key=lambda n: (n not in types, n))
    counts = np.zeros((len(labels), len(types)), np.int64)
    rows = [labels.index(label) for label in judged.labels]
    np.add.at(counts, (rows, [types.index(name) for name in judged.named]), 1)
    return page.matrix(labels, types, counts, "folder, and named as")


def _diagrams(judged: dict[str, Verdicts], types: Sequence[str]) -> page.Html:
    """Reliability and risk against coverage of known photos, by source."""
    trust, calibration = page.axes("confidence", "named right")
    calibration.plot([0, 1], [0, 1], color=page.INK, linewidth=0.8, linestyle=":")
    loss, risks = page.axes("coverage", "wrong among the accepted")
    for (source, verdicts), line in zip(judged.items(), ("-", "--"), strict=True):
        known = verdicts[np.isin(verdicts.labels, types)]
        bins = reliability(known.confidence, known.right)
        look: Any = {"color": page.ACCENT, "linestyle": line, "label": SOURCES[source]}
        calibration.plot(bins.confidence, bins.accuracy, marker="o", markersize=4, **look)
        curve = risk_coverage(known.confidence, known.right)
        risks.plot(curve.coverage, curve.risk, drawstyle="steps-pre", **look)
    for plot in (calibration, risks):
        plot.legend(frameon=False, labelcolor=page.INK)
    risks.set_xlim(0, 1)
    risks.set_ylim(bottom=0)
    return page.gallery(
        [
            page.drawing(trust, "Reliability diagram: accuracy against confidence"),
            page.drawing(loss, "Share of wrong verdicts against coverage"),
        ]
    )


def _mistakes(
    judged: Verdicts, photos: Sequence[LabelledPhoto], types: Sequence[str]
) -> tuple[page.Html, ...]:
    """What is wrong and surest of it, as they are; what the recipe accepts first."""
    accepted = judged.accepted()
    wrong = np.flatnonzero(~judged.right & (np.isin(judged.labels, types) | accepted))
    worst = wrong[np.lexsort((-judged.confidence[wrong], ~accepted[wrong]))][:WORST]
    text = f"{len(worst)} of {len(wrong)}: what it was named, how sure, and what the recipe does."
    shown = [
        page.thumbnail(
            photos[i].image,
            f"Photo {photos[i].name}",
            f"{photos[i].name}: {judged.named[i]}, {judged.confidence[i]:.2f}, "
            f"{'accepted' if accepted[i] else 'rejected'}",
        )
        for i in worst
    ]
    return page.paragraph(text), page.gallery(shown)
