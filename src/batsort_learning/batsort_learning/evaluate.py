"""Judge a bundle on photos: as they are, and as the cell's camera sees them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from batsort_learning.data import LabelledPhoto, read_photos
from batsort_learning.examples import Studio
from batsort_learning.figures import auroc, wilson
from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine

THRESHOLD = 0.8
"""Least confidence of the default recipe."""


def evaluate(bundle_folder: Path, photo_folder: Path, report: Path | None, seed: int) -> str:
    """Return a table, and write it as JSON to `report`. Raises BundleError and DataError.

    A folder that is no type of the bundle counts as unknown. Photos that the bundle was trained on
    are counted and left out of the figures of `new photos`.
    """
    bundle = Bundle.load(bundle_folder)
    engine = Engine(bundle)
    photos = read_photos(photo_folder)
    fresh = [photo for photo in photos if photo.sha256 not in bundle.photo_hashes]
    result: dict[str, Any] = {
        "bundle": bundle.id,
        "photos": len(photos),
        "trained_on": len(photos) - len(fresh),
    }
    for name, chosen in (("all photos", photos), ("new photos", fresh)):
        for source in ("as they are", "on the belt"):
            result[f"{name} {source}"] = _judge(engine, chosen, source == "on the belt", seed)
    if report:
        report.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return "\n".join(_lines(result))


def _judge(engine: Engine, photos: list[LabelledPhoto], belt: bool, seed: int) -> dict[str, Any]:
    types = engine.bundle.types
    studio = Studio(seed)
    rows, times = [], []
    for photo in tqdm(photos, "belt" if belt else "photos", unit="photo"):
        (image,) = studio.on_belt(photo.image, 1) if belt else (photo.image,)
        start = time.perf_counter()
        measured = engine.classify(image)
        times.append(time.perf_counter() - start)
        accepted = measured.confidence >= THRESHOLD and measured.novelty <= 1
        right = measured.type == photo.label
        rows.append((photo.label, right, accepted, measured.novelty))
    known = [row for row in rows if row[0] in types]
    unknown = [row for row in rows if row[0] not in types]
    taken = [row for row in known if row[2]]
    figures: dict[str, Any] = {
        "accuracy": _share(sum(row[1] for row in known), len(known)),
        "coverage": _share(len(taken), len(known)),
        "accuracy_of_accepted": _share(sum(row[1] for row in taken), len(taken)),
        "unknown_accepted": _share(sum(row[2] for row in unknown), len(unknown)),
        "recall": {
            name: _share(
                sum(row[1] for row in known if row[0] == name),
                sum(row[0] == name for row in known),
            )
            for name in types
        },
        "verdict_ms": round(1000 * float(np.median(times)), 2) if times else None,
    }
    if known and unknown:
        familiar, strange = (np.array([-row[3] for row in part]) for part in (known, unknown))
        figures["auroc_unknown"] = round(auroc(familiar, strange), 4)
    return figures


def _share(hits: int, n: int) -> dict[str, float]:
    value, low, high = wilson(hits, n)
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": n}


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"{result['bundle']}: {result['photos']} photos, {result['trained_on']} trained on"]
    for name, figures in result.items():
        if not isinstance(figures, dict):
            continue
        lines.append(name)
        shares = {key: value for key, value in figures.items() if key != "recall"}
        shares |= {f"recall {key}": value for key, value in figures["recall"].items()}
        for key, value in shares.items():
            if isinstance(value, dict):
                interval = f"[{value['low']:.3f} {value['high']:.3f}]"
                lines.append(f"  {key:24} {value['value']:.3f} {interval} n={value['n']}")
            else:
                lines.append(f"  {key:24} {value}")
    return lines
