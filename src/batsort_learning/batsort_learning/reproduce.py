"""Do the paper's study again on other photos: which runs a table or figure needs, and doing them.

A run is known by its initial weights, its opened layers and its number; run n of every case has the
same division of the photos and the same seed. So cases are compared on the same test photos, what
is finished never has to be done again, and tables and figure share runs in one folder.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_learning import paper, study_report
from batsort_learning.paper import Stage
from batsort_learning.run_log import RunLog
from batsort_training.data import UNKNOWN_FOLDER, DataError, LabelledPhoto, read_photos
from batsort_training.label_list import AS_PUBLISHED, Applied

BACKBONES = ("resnet50v2", "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2")
KNOWLEDGE = ("imagenet", "random")
QUICK_EPOCHS = (30, 10)
"""At most, per stage, of a quick study."""


class Case(NamedTuple):
    """What a study compares."""

    initial: str
    opened: int
    """Layers of the backbone that learn in stage one."""


STUDIES = {
    "table1": tuple(Case(initial, paper.OPENED) for initial in KNOWLEDGE),
    "table2": tuple(Case("imagenet", opened) for opened in paper.OPENED_CHOICES),
    "figure3": (Case("imagenet", paper.OPENED),),
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a study is done; what is not of one run alone."""

    backbone: str
    seed: int = 0
    quick: bool = False
    grouped: bool = False
    with_other: bool = False
    weights: Path | None = None
    tensorboard: Path | None = None
    labels: str | Path = AS_PUBLISHED
    """As for `read_photos`; the paper's study has none."""

    def stages(self) -> tuple[Stage, ...]:
        """The paper's, capped where quick."""
        if not self.quick:
            return paper.STAGES
        pairs = zip(paper.STAGES, QUICK_EPOCHS, strict=True)
        return tuple(Stage(stage.rate, min(stage.epochs, most)) for stage, most in pairs)

    def settings(self, photos: Sequence[LabelledPhoto], applied: Applied | None) -> dict[str, Any]:
        """What the runs of one folder have in common; `applied` is what relabelled the photos."""
        lines = sorted(f"{photo.sha256} {photo.label} {photo.group}" for photo in photos)
        weights = hashlib.sha256(self.weights.read_bytes()).hexdigest() if self.weights else None
        return {
            "backbone": self.backbone,
            "weights": weights,
            "seed": self.seed,
            "quick": self.quick,
            "grouped": self.grouped,
            "with_other": self.with_other,
            "labels": applied.source.id if applied else None,
            "photos": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
        }


def reproduce(
    study: str, folder: Path, out: Path, runs: int, initial: str | None, options: Options
) -> str:
    """Do what is missing of a study with `runs` runs a case, write its files, return its table.

    `initial` restricts or widens the cases to `imagenet`, `random` or `both`; None as in the paper.
    Raises DataError and WeightsError.
    """
    if options.weights and not (options.backbone == "resnet50v2" and options.weights.is_file()):
        allowed = "a file that is there, and only for resnet50v2"
        raise DataError(f"weights: {str(options.weights)!r} is refused; allowed: {allowed}")
    every = read_photos(folder, options.labels)
    photos = [photo for photo in every if options.with_other or photo.label != UNKNOWN_FOLDER]
    types = sorted({photo.label for photo in photos})
    if len(types) < 2:
        raise DataError(f"photos: {folder} has {len(types)} types; allowed: two or more")
    log = RunLog(out, options.settings(photos, every.applied))
    cases = STUDIES[study]
    if initial:
        chosen = KNOWLEDGE if initial == "both" else (initial,)
        cases = tuple(Case(name, n) for name in chosen for n in sorted({c.opened for c in cases}))
    done = {_key(run) for run in log.runs}
    wanted = [(case, number) for case in cases for number in range(runs)]
    missing = [key for key in wanted if key not in done]
    if missing:
        labels = np.array([types.index(photo.label) for photo in photos])
        _do(missing, len(wanted), photos, labels, log, options)
    used = [run for run in log.runs if _key(run) in wanted]
    relabelled = every.applied.line if every.applied else ""
    return study_report.write(study, cases, used, asdict(options), len(photos), relabelled, out)


def _key(run: dict[str, Any]) -> tuple[Case, int]:
    return Case(run["initial"], run["opened"]), run["run"]


def _do(
    missing: Sequence[tuple[Case, int]],
    total: int,
    photos: Sequence[LabelledPhoto],
    labels: NDArray[np.int64],
    log: RunLog,
    options: Options,
) -> None:
    """Do the missing runs, case by case, each logged as it ends."""
    # TensorFlow takes seconds to import: not where every run is there already.
    from batsort_learning.transfer import Learner, deterministic

    deterministic()
    images = paper.pictures(photos)
    groups = np.array([photo.group for photo in photos])
    learner, current = None, None
    done = total - len(missing)
    with tqdm(total=total, initial=done, desc="runs", unit="run") as bar:
        for case, number in missing:
            if learner is None or case != current:
                learner = Learner(options.backbone, *case, images, labels, options.weights)
                current = case
            seed = int(np.random.SeedSequence((options.seed, number)).generate_state(1)[0])
            division = paper.divide(labels, groups, seed, options.grouped)
            name = f"{case.initial}-{case.opened}-{number}"
            bar.set_postfix_str(name)
            logs = options.tensorboard / name if options.tensorboard else None
            outcome = learner.run(division, options.stages(), seed, logs)
            learnt = groups[division.train | division.validation]
            log.append(
                {
                    "initial": case.initial,
                    "opened": case.opened,
                    "run": number,
                    "tested": int(division.test.sum()),
                    "right": outcome.right,
                    "twins": int(np.isin(groups[division.test], learnt).sum()),
                    "history": outcome.history,
                }
            )
            bar.update()
