"""Add a type to a bundle, or take one away: only the head and its calibration change."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from batsort_perception.bundle import Bundle, Metric, Stranger
from batsort_training.card import SOURCES, card
from batsort_training.data import DataError, read_folder
from batsort_training.examples import SIDE, Studio
from batsort_training.label_list import AUTO
from batsort_training.lessons import PLAIN, Collector, Lessons
from batsort_training.train import hashes, judge, left_out
from batsort_training.validation import fit
from batsort_training.writing import Made, write, write_card

FEWEST = 5
"""Photos to teach a type from."""
REPEATS = 1


def teach(
    bundle_folder: Path,
    name: str,
    photos: Path,
    out: Path,
    seed: int,
    labels: str | Path = AUTO,
) -> str:
    """Write to `out` a copy of the bundle that knows the type `name` from `photos`, a folder.

    Where the bundle knows it already, the photos are added to it. Those that a label list has as of
    another type are left out; those that it has learnt to reject are no strangers any more. Returns
    what it did to every type. Raises DataError and BundleError.
    """
    bundle, lessons = _open(bundle_folder, out)
    shown = read_folder(photos, name, labels)
    if len(shown) < FEWEST:
        raise DataError(f"photos: {photos} has {len(shown)}; allowed: {FEWEST} or more")
    if not name.strip():
        raise DataError(f"type: {name!r} is refused; allowed: a name")
    taught = {digest for digests in bundle.training.photos.values() for digest in digests}
    old = [photo.path for photo in shown if photo.sha256 in taught]
    if old:
        raise DataError(f"photos: {old[0]} is in the bundle already; allowed: new photos")
    from batsort_training import network

    types = bundle.types if name in bundle.types else (*bundle.types, name)
    collector = Collector(network.Runner(bundle.network_file.read_bytes()))
    studio = Studio(seed)
    for number, photo in enumerate(shown):
        collector.add_photo(photo, types.index(name), number, studio)
    digests = {photo.sha256 for photo in shown}
    strangers = [one for one in bundle.training.strangers or () if one.sha256 not in digests]
    met = [one.photo for one in bundle.training.strangers or () if one.sha256 in digests]
    lessons = lessons.where(~np.isin(lessons.photos, met)).joined(collector.lessons())
    known = dict(bundle.training.photos)
    known[name] = (*known.get(name, ()), *hashes(shown)[name])
    command = f"python -m batsort_learning teach --type {name} --bundle {bundle.name} ..."
    return _refit(bundle, lessons, types, known, strangers, out, command)


def forget(bundle_folder: Path, name: str, out: Path) -> str:
    """Write to `out` a copy of the bundle that does not know the type `name` any more.

    Returns what it did to the other types. Raises DataError and BundleError.
    """
    bundle, lessons = _open(bundle_folder, out)
    if name not in bundle.types:
        raise DataError(f"type: {name!r} is refused; allowed: {', '.join(bundle.types)}")
    if len(bundle.types) < 3:
        raise DataError(f"type: {name!r} is one of two; allowed: to keep two types or more")
    gone = bundle.types.index(name)
    lessons = lessons.where(lessons.labels != gone)
    labels = lessons.labels - (lessons.labels > gone)
    types = tuple(kept for kept in bundle.types if kept != name)
    known = {kept: bundle.training.photos.get(kept, ()) for kept in types}
    command = f"python -m batsort_learning forget --type {name} --bundle {bundle.name} ..."
    strangers = bundle.training.strangers or ()
    return _refit(bundle, lessons.with_labels(labels), types, known, strangers, out, command)


def _open(folder: Path, out: Path) -> tuple[Bundle, Lessons]:
    bundle = Bundle.load(folder)
    if out.exists() and any(out.iterdir()):
        raise DataError(f"out: {out} is refused; allowed: a folder that is new or empty")
    return bundle, Lessons.load(folder)


def _refit(
    bundle: Bundle,
    lessons: Lessons,
    types: tuple[str, ...],
    photos: Mapping[str, tuple[str, ...]],
    strangers: Sequence[Stranger],
    out: Path,
    command: str,
) -> str:
    from batsort_training import network

    start = time.monotonic()
    calibration, figures = judge(lessons, types, REPEATS)
    head = fit(lessons, calibration.surplus)
    drawn = bundle.training.drawn
    made = Made(
        types=types,
        network=network.verdict_network(bundle.network_file.read_bytes(), head),
        kind=bundle.network.kind,
        side=SIDE,
        backbone=bundle.network.backbone,
        views=bundle.network.views,
        calibration=calibration,
        figures=figures,
        held_out=left_out(lessons, types, calibration),
        command=command,
        seed=bundle.training.seed,
        photos=photos,
        drawn={name: drawn.get(name, 0) for name in types},
        labels=bundle.training.labels,
        strangers=strangers,
        chemistries={
            name: str(chemistry)
            for name, chemistry in (bundle.chemistries or {}).items()
            if name in types
        },
    )
    write(out, made, lessons)
    made_bundle = Bundle.load(out)
    write_card(out, card(made_bundle, figures.confusion))
    return _changes(bundle, made_bundle, time.monotonic() - start)


def _changes(before: Bundle, after: Bundle, seconds: float) -> str:
    """A line per type and figure: before and after."""
    lines = [f"{'':44}{'before':>10}{'after':>10}"]
    names = dict.fromkeys((*before.types, *after.types))
    rows = {f"recall {name}": f"{PLAIN}.recall.{name}" for name in names}
    rows |= {
        f"{figure.replace('_', ' ')}, {title}": f"{source}.{figure}"
        for figure in ("accuracy", "coverage", "accuracy_of_accepted", "unknown_accepted")
        for source, title in SOURCES.items()
    }
    for title, row in rows.items():
        old, new = before.metrics.get(row), after.metrics.get(row)
        if old or new:
            lines.append(f"{title:44}{_share(old):>10}{_share(new):>10}")
    lines.append(f"{len(after.types)} types, refitted in {seconds:.0f} s: {after.id}")
    return "\n".join(lines)


def _share(metric: Metric | None) -> str:
    return f"{100 * metric.value:.1f} %" if metric and metric.n else "-"
