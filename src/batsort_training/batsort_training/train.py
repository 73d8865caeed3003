"""Teach a bundle: lessons, repeated cross-validation, final fit, export, description, card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from batsort_core.chemistry import Chemistry
from batsort_perception.bundle import Bundle, Stranger
from batsort_perception.preprocess import Image
from batsort_training.calibration import Calibration, Figures, calibrate, measure
from batsort_training.card import card, table
from batsort_training.data import (
    UNKNOWN_FOLDER,
    DataError,
    LabelledPhoto,
    li_ion_types,
    read_photos,
)
from batsort_training.examples import SIDE, Studio
from batsort_training.label_list import AUTO
from batsort_training.lessons import DRAWN, PLAIN, Lessons, gather, types_of
from batsort_training.validation import CHOOSING, REPORTING, fit, held_out, repeat
from batsort_training.writing import Made, write, write_card
from batsort_twin.designs import KNOWN

SAMPLE_SEED = 4242


def train(
    folder: Path,
    out: Path,
    drawn: int,
    seed: int,
    kind: str,
    repeats: int,
    labels: str | Path = AUTO,
    chemistries: Mapping[str, Chemistry] | None = None,
) -> str:
    """Teach the photos below `folder`, write the bundle to `out`, return the table of its figures.

    `labels` is as for `read_photos`; `chemistries` says what is inside the types.
    The same seed gives the same bundle with the same releases of NumPy, OpenCV and TensorFlow on
    the same kind of processor. Raises DataError and WeightsError.
    """
    photos = read_photos(folder, labels)
    types = types_of(photos)
    if len(types) < 2:
        raise DataError(f"photos: {folder} has {len(types)} types; allowed: two or more")
    for name in types:
        groups = {photo.group for photo in photos if photo.label == name}
        if len(groups) < 2:
            raise DataError(f"photos: {folder / name} shows one battery only; allowed: two or more")
    # TensorFlow takes seconds to import: not before the photos are known to be good.
    from batsort_training import exports, network

    inside = chemistries or {}
    samples = representative()
    trunk = network.features_network(kind, samples)
    lessons = gather(photos, types, drawn, seed, network.Runner(trunk))
    calibration, figures = judge(lessons, types, repeats)
    figures.share(
        f"{PLAIN}.accuracy_random_splits",
        random_splits(lessons, repeats),
        int(lessons.known(PLAIN).sum()),
    )
    made = Made(
        types=types,
        network=network.verdict_network(trunk, fit(lessons, calibration.surplus)),
        kind=kind,
        side=SIDE,
        backbone=network.BACKBONE,
        views=network.VIEWS,
        calibration=calibration,
        figures=figures,
        held_out=left_out(lessons, types, calibration),
        command=f"python -m batsort_learning train --photos DIR --drawn {drawn} --seed {seed} "
        f"--kind {kind} --repeats {repeats} --out {out.name}",
        seed=seed,
        photos=hashes(photos),
        drawn={name: drawn if name in KNOWN else 0 for name in types},
        labels=photos.applied.record if photos.applied else None,
        strangers=strangers_of(photos),
        chemistries={name: inside[name].value for name in types if name in inside},
    )
    write(out, made, lessons)
    images = [Studio.plain(photo.image) for photo in photos]
    checked = exports.check_exports(images, lessons, samples)
    paper_ms = exports.paper_network_ms()
    bundle = Bundle.load(out)
    write_card(out, card(bundle, figures.confusion, checked, paper_ms))
    return table(bundle, checked, paper_ms)


def judge(lessons: Lessons, types: Sequence[str], repeats: int) -> tuple[Calibration, Figures]:
    """Calibrate on the seeds CHOOSING, measure on `repeats` of the seeds REPORTING."""
    calibration = calibrate(lessons, repeat(lessons, CHOOSING[: max(1, repeats // 3)]))
    li_ion = li_ion_types(None, types)
    figures = measure(lessons, repeat(lessons, REPORTING[:repeats]), calibration, types, li_ion)
    return calibration, figures


def strangers_of(photos: Sequence[LabelledPhoto]) -> list[Stranger]:
    """The photos that show no type, by their numbers in the lessons."""
    return [
        Stranger(number, photo.sha256, photo.chemistry)
        for number, photo in enumerate(photos)
        if photo.label == UNKNOWN_FOLDER
    ]


def random_splits(lessons: Lessons, repeats: int) -> list[float]:
    """Accuracy on photos where near-duplicates of the judged are learnt from, as in the paper."""
    known = lessons.known(PLAIN)
    judged = repeat(lessons, REPORTING[: max(1, repeats // 3)], grouped=False)
    return [float((one.logits.argmax(axis=1) == lessons.labels)[known].mean()) for one in judged]


def left_out(lessons: Lessons, types: Sequence[str], calibration: Calibration) -> Figures:
    """Per type: the share of it that would be accepted as another had it not been taught."""
    figures = Figures()
    if len(types) < 3:
        return figures
    for name, (shown, judged) in zip(types, held_out(lessons), strict=True):
        taken = calibration.accepted(judged)
        for source in (PLAIN, DRAWN):
            rows = lessons.sources[shown] == source
            if rows.any():
                figures.share(f"{source}.{name}", [float(taken[rows].mean())], int(rows.sum()))
    return figures


def representative() -> list[Image]:
    """Drawn things of every kind, uint8[224, 224, 3], that the ranges of int8 are taken from.

    They are the same for every bundle, so that a network has the same features whatever is taught.
    """
    studio = Studio(SAMPLE_SEED)
    things = [studio.drawn(name) for name in KNOWN for _ in range(6)]
    things += [studio.invented() for _ in range(30)]
    return things + [studio.debris() for _ in range(16)]


def hashes(photos: Sequence[LabelledPhoto]) -> dict[str, list[str]]:
    """sha256 of the photos, per label."""
    result: dict[str, list[str]] = {}
    for photo in photos:
        result.setdefault(photo.label, []).append(photo.sha256)
    return result
