"""What a wanted purity costs in coverage, from the lessons a bundle carries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from batsort_perception.bundle import Bundle
from batsort_training.calibration import drawn_surplus, threshold
from batsort_training.head import softmax
from batsort_training.lessons import BELT, DRAWN, PLAIN, VARIED, Lessons
from batsort_training.validation import cross_validate

SOURCES = {
    "all that was taught": (PLAIN, VARIED, BELT, DRAWN),
    "photos": (PLAIN,),
    "photos on the belt": (BELT,),
    "drawn on the belt": (DRAWN,),
}


def threshold_table(folder: Path, purities: Sequence[float], seed: int) -> str:
    """A line per source and purity. Raises BundleError and DataError."""
    bundle = Bundle.load(folder)
    lessons = Lessons.load(folder)
    judged = cross_validate(lessons, seed)
    confidence = softmax(judged.logits / bundle.calibration.temperature).max(axis=1)
    limit = bundle.novelty.limit
    familiar = judged.familiarity(drawn_surplus(lessons, [judged], limit)) >= limit
    right = judged.logits.argmax(axis=1) == lessons.labels
    known = lessons.known()
    weights = np.zeros(len(known))
    weights[known] = lessons.weights(known)
    lines = [f"{'':22}{'purity':>8}{'threshold':>11}{'coverage':>10}"]
    for title, sources in SOURCES.items():
        rows = known & np.isin(lessons.sources, sources)
        if not rows.any():
            continue
        for purity in purities:
            found = threshold(confidence[rows], familiar[rows], right[rows], weights[rows], purity)
            least = f"{found.confidence:.4f}" if found else "none"
            coverage = f"{100 * found.coverage:.1f} %" if found else "-"
            lines.append(f"{title:22}{purity:8.3f}{least:>11}{coverage:>10}")
    lines.append("Put it into the cell description: recipe.threshold")
    return "\n".join(lines)
