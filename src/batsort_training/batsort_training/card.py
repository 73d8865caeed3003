"""A bundle's figures for people: a table for the terminal, a model card in Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from batsort_perception.bundle import Bundle, LabelRecord, Metric
from batsort_training.calibration import THRESHOLD
from batsort_training.conditions import CONDITIONS
from batsort_training.lessons import BELT, DRAWN, PLAIN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from batsort_training.exports import Export

SOURCES = {PLAIN: "photos", BELT: "photos on the belt", DRAWN: "drawn on the belt"}
ROWS = {
    "accuracy": "accuracy",
    "coverage": "coverage",
    "accuracy_of_accepted": "accuracy of accepted",
    "unknown_accepted": "unknown accepted",
    "accuracy_at_90": "accuracy at 90 % coverage",
    "unknown_accepted_at_90": "unknown accepted at 90 %",
}


def table(bundle: Bundle, exports: Sequence[Export] = (), paper_ms: float = 0.0) -> str:
    """The figures in at most 100 columns."""
    lines = [
        "Grouped cross-validation, mean and 95 % Wilson interval over photos; accepted: "
        f"confidence >= {THRESHOLD:g}, novelty <= 1.",
        " " * 26 + "".join(f"{title:>24}" for title in SOURCES.values()),
    ]
    rows = ROWS | {f"recall.{name}": f"recall {name}" for name in bundle.types}
    for row, title in rows.items():
        cells = (_share(bundle.metrics.get(f"{source}.{row}")) for source in SOURCES)
        lines.append(f"{title:26}" + "".join(f"{cell:>24}" for cell in cells))
    for name in (f"{PLAIN}.accuracy_random_splits", *(f"{name}.accuracy" for name in CONDITIONS)):
        if name in bundle.metrics:
            lines.append(f"{name:34}{_share(bundle.metrics[name]):>24}")
    for name, metric in bundle.metrics.items():
        if name.startswith("li_ion."):
            lines.append(f"{name:34}{_share(metric):>24}")
    lines += [f"{name:34}{value:8.3f}" for name, value in bundle.novelty.statistics.items()]
    lines += [
        f"purity {t.purity:.3f}: confidence {t.confidence:.3f}, coverage {t.coverage:.3f}"
        for t in bundle.thresholds
    ]
    lines += [
        f"{e.kind:8} {e.bytes / 1e6:6.2f} MB  accuracy {e.accuracy:.3f}  "
        f"difference {e.difference:.3f}  {e.verdict_ms:6.1f} ms"
        for e in exports
    ]
    if paper_ms:
        lines.append(f"Keras ResNet-50V2 model(x): {paper_ms:.0f} ms")
    return "\n".join(lines)


def card(
    bundle: Bundle,
    confusion: NDArray[np.float64],
    exports: Sequence[Export] = (),
    paper_ms: float = 0.0,
) -> str:
    """The model card; `confusion` float64[n, n]: mean counts of photos, rows are the true types."""
    training = bundle.training
    parts = [
        f"# Model card: {bundle.name}\n",
        f"Made by `{training.command}`. Data hash `{training.data_sha256[:12]}`, network "
        f"`{bundle.network.sha256[:12]}`.\n",
        "Names the type of a household battery in a picture of one, says how sure it is, and how "
        "new to it the thing is. Not for judging charge, damage or chemistry.\n",
        f"Backbone: {bundle.network.backbone}. Views: {', '.join(bundle.network.views)}. Head: "
        f"{bundle.network.head}.\n",
        "## Taught with\n",
        _rows(
            ("type", "different photos", "drawn"),
            [(n, len(training.photos.get(n, ())), training.drawn.get(n, 0)) for n in bundle.types],
        ),
        *_labels(training.labels),
        "## How good it is\n",
        "Grouped ten-fold cross-validation, repeated with seeds that chose nothing; mean, 95 % "
        "Wilson interval over photos, and standard deviation (SD) over the repeats. Accepted: "
        f"confidence at least {THRESHOLD:g} and novelty at most 1.\n",
        _rows(
            ("", *SOURCES.values()),
            [
                (title, *(_long(bundle.metrics.get(f"{source}.{row}")) for source in SOURCES))
                for row, title in ROWS.items()
            ],
        ),
        _rows(
            ("on photos", "accuracy"),
            [("random splits", _long(bundle.metrics.get(f"{PLAIN}.accuracy_random_splits")))]
            + [(name, _long(bundle.metrics.get(f"{name}.accuracy"))) for name in CONDITIONS],
        ),
        "### Lithium-ion cells\n",
        _rows(
            ("", "share"),
            [
                (name.removeprefix("li_ion.").replace("_", " "), _long(metric))
                for name, metric in bundle.metrics.items()
                if name.startswith("li_ion.")
            ],
        ),
        "### Recall of each type\n",
        _rows(
            ("type", *SOURCES.values()),
            [
                (n, *(_long(bundle.metrics.get(f"{s}.recall.{n}")) for s in SOURCES))
                for n in bundle.types
            ],
        ),
        "### Confusion of photos\n",
        "Rows: the true type; columns in the same order; mean counts.\n",
        _rows(
            ("type", *(str(i + 1) for i in range(len(bundle.types)))),
            [
                (f"{i + 1} {name}", *(f"{count:.1f}" if count else "" for count in confusion[i]))
                for i, name in enumerate(bundle.types)
            ],
        ),
        "### A type never taught\n",
        "Each type left out in turn: the share of it that is accepted as another type.\n",
        _rows(
            ("type", "photos", "drawn"),
            [
                (
                    n,
                    _long(bundle.held_out.get(f"{PLAIN}.{n}")),
                    _long(bundle.held_out.get(f"{DRAWN}.{n}")),
                )
                for n in bundle.types
            ],
        ),
        "### Calibration\n",
        _rows(
            ("figure", "value"),
            [("temperature", f"{bundle.calibration.temperature:.3f}")]
            + [(name, f"{value:.3f}") for name, value in bundle.novelty.statistics.items()],
        ),
        _rows(
            ("wanted purity", "least confidence", "coverage"),
            [(t.purity, t.confidence, t.coverage) for t in bundle.thresholds],
        ),
    ]
    if exports:
        parts += [
            "## Exports\n",
            "Accuracy on photos that the head has not seen; largest difference of a logit from "
            "Keras, in standard deviations of the logits; median time of one image with two "
            "threads on the machine that made this card.\n",
            _rows(
                ("kind", "MB", "accuracy", "difference", "ms"),
                [
                    (
                        f"**{e.kind}**" if e.kind == bundle.network.kind else e.kind,
                        f"{e.bytes / 1e6:.2f}" if e.bytes else "",
                        f"{e.accuracy:.3f}",
                        f"{e.difference:.3f}",
                        f"{e.verdict_ms:.1f}",
                    )
                    for e in exports
                ],
            ),
            f"This bundle is **{bundle.network.kind}**; its head was fitted to that network's own "
            "features, so that rounding costs it little. For comparison, Keras `model(x)` of "
            f"ResNet-50V2 at 244 px took {paper_ms:.0f} ms in the same run.\n",
        ]
    parts += ["## Known weaknesses\n", _weaknesses(bundle)]
    parts += ["## Licences\n", *(f"- {name}: {text}" for name, text in bundle.licences.items()), ""]
    return "\n".join(parts)


def _labels(labels: LabelRecord | None) -> list[str]:
    """By what list photos were taught otherwise than their folders say."""
    if labels is None:
        return []
    return [
        f"Labels by `{labels.file}` (sha256 `{labels.sha256[:12]}`): {labels.relabelled} photos of "
        f"another type than their folder says, {labels.left_out} left out.\n"
    ]


def _weaknesses(bundle: Bundle) -> str:
    """What is least good, and what the figures can't tell."""
    recall = {name: bundle.metrics[f"{PLAIN}.recall.{name}"] for name in bundle.types}
    least = min(recall, key=lambda name: recall[name].value)
    lines = [f"- Weakest type: {least}, recall {_long(recall[least])}."]
    under = {
        n: bundle.metrics[f"{n}.accuracy"] for n in CONDITIONS if f"{n}.accuracy" in bundle.metrics
    }
    if under:
        worst = min(under, key=lambda name: under[name].value)
        lines.append(f"- Weakest condition: {worst}, accuracy {_long(under[worst])}.")
    if bundle.held_out:
        name = max(bundle.held_out, key=lambda name: bundle.held_out[name].value)
        lines.append(
            f"- Most often accepted though never taught: {name.partition('.')[2]}, "
            f"{_long(bundle.held_out[name])}."
        )
    lines += [
        "- What was not in the photos is untried: worn, dented, rusty cells, other sizes.",
        "- Coloured or dim light is undone before white paper only; on the belt the camera must be "
        "balanced once.",
        "- All seeds shuffle the same photos: their SD is not that of new photos, the interval is.",
    ]
    return "\n".join(lines) + "\n"


def _rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines) + "\n"


def _share(metric: Metric | None) -> str:
    if metric is None or not metric.n:
        return "-"
    return f"{100 * metric.value:.1f} [{100 * metric.low:.1f} {100 * metric.high:.1f}]"


def _long(metric: Metric | None) -> str:
    if metric is None or not metric.n:
        return "-"
    spread = f", SD {100 * metric.sd:.1f}" if metric.sd else ""
    return (
        f"{100 * metric.value:.1f} % ({100 * metric.low:.1f} to {100 * metric.high:.1f}, "
        f"n {metric.n}{spread})"
    )
