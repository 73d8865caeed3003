"""Judge a bundle on photos: as they are, and as the cell's camera sees them.

The report is JSON; its keys stay as they are, new ones may be added. A share is an object of
`value`, `low`, `high` (95 %, Wilson) and `n`; a figure that can't be had is null.

    bundle, seed                  what was judged, and with which random numbers
    labels                        the label list that was used: `file`, `sha256`, and how many
                                  photos it has `relabelled` and `left_out`; null: none
    photos, trained_on            how many, and how many of them the bundle was trained on
    types_without_photos          types of the bundle that no folder is named after
    unknown_folders               folders that are no type of the bundle: unknown things
    li_ion                        types of lithium-ion cells
    threshold, novelty_limit      of the default recipe: a verdict is accepted from this confidence
                                  on, up to this novelty
    all, new                      figures of all photos, and of those not trained on; each with
      as_they_are, on_the_belt    the photo itself, and the photo laid on the cell's belt:
        accuracy                  known photos named right
        coverage                  known photos accepted
        accuracy_of_accepted      of these, named right
        unknown_accepted          unknown photos accepted
        unknown_accepted_at_90    unknown photos no newer than 90 % of the known ones
        auroc_unknown             novelty's, for telling known from unknown
        ece                       expected calibration error, known photos, 15 bins of equal mass
        coverage_at_99            coverage at which 99 % of the accepted are right, by confidence
        thresholds                the bundle's own: `purity`, `confidence`, and `coverage`,
                                  `accuracy_of_accepted`, `unknown_accepted` found here
        li_ion_taken_for_other, li_ion_taken_for_other_accepted
                                  Li-ion photos named as a type that is none, and so accepted
        other_taken_for_li_ion, other_taken_for_li_ion_accepted
                                  the other way round, unknown photos included
        recall, precision         a share per type; precision among known photos
        confusion                 per folder, how often each type was named (zeros left out)
        verdict_ms                `median` and `p99` of one verdict
    conditions                    where asked for, accuracy, coverage and accuracy_of_accepted of
                                  known photos as they are, under each
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine
from batsort_perception.preprocess import Image
from batsort_training.calibration import COMPARED, COVERAGE, NOVELTY_LIMIT, THRESHOLD
from batsort_training.conditions import CONDITIONS
from batsort_training.data import LabelledPhoto, li_ion_types, read_photos
from batsort_training.examples import Studio
from batsort_training.figures import auroc, coverage_at, expected_calibration_error, wilson
from batsort_training.label_list import AUTO

Bools = NDArray[np.bool_]

AS_THEY_ARE, ON_THE_BELT = "as_they_are", "on_the_belt"
SOURCES = {AS_THEY_ARE: "as they are", ON_THE_BELT: "on the belt"}
AT = ("coverage", "accuracy_of_accepted", "unknown_accepted")
"""Keys of the figures that depend on the threshold."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the engine makes of m photos; arrays of length m."""

    labels: NDArray[np.str_]
    named: NDArray[np.str_]
    confidence: NDArray[np.float64]
    novelty: NDArray[np.float64]
    seconds: NDArray[np.float64]

    def __getitem__(self, chosen: Bools) -> Verdicts:
        """The verdicts where bool[m] is true."""
        return Verdicts(
            self.labels[chosen],
            self.named[chosen],
            self.confidence[chosen],
            self.novelty[chosen],
            self.seconds[chosen],
        )

    @property
    def right(self) -> Bools:
        """Whether the type is that of the folder."""
        return np.asarray(self.labels == self.named)

    def accepted(self, threshold: float = THRESHOLD) -> Bools:
        """Whether the recipe would blow it into the bin of its type."""
        return np.asarray((self.confidence >= threshold) & (self.novelty <= NOVELTY_LIMIT))


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The report, and what it was made from."""

    report: dict[str, Any]
    photos: list[LabelledPhoto]
    types: tuple[str, ...]
    fresh: Bools
    """Whether the bundle was not trained on the photo."""
    verdicts: dict[str, Verdicts]
    """By source: AS_THEY_ARE, ON_THE_BELT."""

    def most_telling(self) -> tuple[str, Bools]:
        """`new` and its photos where one of a known type is among them, else `all`."""
        known = [photo.label in self.types for photo in self.photos]
        if (self.fresh & known).any():
            return "new", self.fresh
        return "all", np.ones(len(self.photos), bool)


def evaluate(
    bundle_folder: Path,
    photo_folder: Path,
    seed: int,
    li_ion: Sequence[str] | None = None,
    conditions: bool = False,
    labels: str | Path = AUTO,
) -> Evaluation:
    """Judge every photo. A folder that is no type of the bundle counts as unknown.

    `labels` is as for `read_photos`. Raises BundleError and DataError.
    """
    bundle = Bundle.load(bundle_folder)
    engine = Engine(bundle)
    photos = read_photos(photo_folder, labels)
    folders = sorted({photo.label for photo in photos})
    names = [*bundle.types, *(name for name in folders if name not in bundle.types)]
    risky = li_ion_types(li_ion, names)
    studio = Studio(seed)
    belt = (next(studio.on_belt(photo.image, 1)) for photo in photos)
    verdicts = {
        AS_THEY_ARE: _classified(engine, photos, (photo.image for photo in photos), "photos"),
        ON_THE_BELT: _classified(engine, photos, belt, "belt"),
    }
    fresh = np.array([photo.sha256 not in bundle.photo_hashes for photo in photos])
    report: dict[str, Any] = {
        "bundle": bundle.id,
        "seed": seed,
        "photos": len(photos),
        "labels": asdict(photos.applied.record) if photos.applied else None,
        "trained_on": int((~fresh).sum()),
        "types_without_photos": [name for name in bundle.types if name not in folders],
        "unknown_folders": [name for name in folders if name not in bundle.types],
        "li_ion": list(risky),
        "threshold": THRESHOLD,
        "novelty_limit": NOVELTY_LIMIT,
    }
    for name, chosen in (("all", np.ones(len(photos), bool)), ("new", fresh)):
        report[name] = {
            source: figures(bundle, judged[chosen], risky) for source, judged in verdicts.items()
        }
    if conditions:
        known = [photo for photo in photos if photo.label in bundle.types]
        report["conditions"] = {
            name: _under(engine, known, name, condition, seed)
            for name, condition in CONDITIONS.items()
        }
    return Evaluation(report, photos, bundle.types, fresh, verdicts)


def figures(bundle: Bundle, judged: Verdicts, li_ion: Sequence[str]) -> dict[str, Any]:
    """The figures of some verdicts, by the keys that the module's docstring lists."""
    is_known = np.isin(judged.labels, bundle.types)
    known, unknown = judged[is_known], judged[~is_known]
    risky, named_risky = np.isin(judged.labels, li_ion), np.isin(judged.named, li_ion)
    accepted = judged.accepted()
    result = _at(THRESHOLD, known, unknown)
    result["accuracy"] = _share(known.right)
    result["unknown_accepted_at_90"] = result["auroc_unknown"] = None
    if is_known.any() and not is_known.all():
        limit = np.quantile(known.novelty, COVERAGE)
        result["unknown_accepted_at_90"] = _share(unknown.novelty <= limit)
        result["auroc_unknown"] = round(auroc(-known.novelty, -unknown.novelty), 4)
    result["ece"] = result["coverage_at_99"] = None
    if is_known.any():
        error = expected_calibration_error(known.confidence, known.right)
        result["ece"] = round(error, 4)
        result["coverage_at_99"] = round(coverage_at(known.confidence, known.right, COMPARED)[0], 4)
    result["thresholds"] = [
        {"purity": t.purity, "confidence": t.confidence, **_at(t.confidence, known, unknown)}
        for t in bundle.thresholds
    ]
    for name, inside, wrong in (
        ("li_ion_taken_for_other", risky, ~named_risky),
        ("other_taken_for_li_ion", ~risky, named_risky),
    ):
        result[name] = _share(wrong[inside])
        result[f"{name}_accepted"] = _share((wrong & accepted)[inside])
    result["recall"] = {t: _share(known.right[known.labels == t]) for t in bundle.types}
    result["precision"] = {t: _share(known.right[known.named == t]) for t in bundle.types}
    result["confusion"] = {
        str(label): {
            str(name): int(count)
            for name, count in zip(
                *np.unique(judged.named[judged.labels == label], return_counts=True), strict=True
            )
        }
        for label in np.unique(judged.labels)
    }
    result["verdict_ms"] = None
    if len(judged.seconds):
        median, p99 = np.quantile(1000 * judged.seconds, (0.5, 0.99))
        result["verdict_ms"] = {"median": round(float(median), 2), "p99": round(float(p99), 2)}
    return result


def _at(threshold: float, known: Verdicts, unknown: Verdicts) -> dict[str, Any]:
    taken = known.accepted(threshold)
    shares = (_share(taken), _share(known.right[taken]), _share(unknown.accepted(threshold)))
    return dict(zip(AT, shares, strict=True))


def _classified(
    engine: Engine, photos: Sequence[LabelledPhoto], images: Iterable[Image], title: str
) -> Verdicts:
    rows = []
    for image in tqdm(images, title, len(photos), unit="photo"):
        start = time.perf_counter()
        measured = engine.classify(image)
        seconds = time.perf_counter() - start
        rows.append((measured.type, measured.confidence, measured.novelty, seconds))
    named, *numbers = zip(*rows, strict=True)
    labels = np.array([photo.label for photo in photos])
    return Verdicts(labels, np.array(named), *(np.array(column) for column in numbers))


def _under(
    engine: Engine,
    known: Sequence[LabelledPhoto],
    name: str,
    condition: Callable[[Image, np.random.Generator], Image],
    seed: int,
) -> dict[str, Any]:
    if not known:
        return {key: _share(np.zeros(0, bool)) for key in ("accuracy", *AT[:2])}
    rng = np.random.default_rng(seed)
    images = (condition(photo.image, rng) for photo in known)
    judged = _classified(engine, known, images, name)
    taken = judged.accepted()
    return {
        "accuracy": _share(judged.right),
        "coverage": _share(taken),
        "accuracy_of_accepted": _share(judged.right[taken]),
    }


def _share(hits: Bools) -> dict[str, float]:
    value, low, high = wilson(int(hits.sum()), len(hits))
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4), "n": len(hits)}
