"""Look at photos before teaching: what can't be read, is there twice, or may be labelled wrong.

What is printed on batteries speaks first, where it can be read. Findings are advice: nothing is
changed. Limits were chosen on 288 photos from shops and homes.
"""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from batsort_core.chemistry import Chemistry
from batsort_files import page
from batsort_learning import print_check
from batsort_learning.print_cache import at_full_size, read_prints
from batsort_perception.preprocess import Image, Rectangle, content, level, prepare
from batsort_perception.print_cache import PrintCache
from batsort_perception.print_reader import PrintError
from batsort_perception.printed import Finding as Read
from batsort_perception.printed import Print
from batsort_training.data import (
    UNKNOWN_FOLDER,
    LabelledPhoto,
    li_ion_types,
    near_duplicates,
    read_readable,
)
from batsort_training.head import DEPTHS, Moments, fit_temperature, softmax
from batsort_training.label_list import AUTO, FILE, Entry, as_yaml
from batsort_training.splits import grouped_folds
from batsort_training.weights import WeightsError
from batsort_twin.photos import PhotoError, cut

Floats = NDArray[np.float64]

FOLDS = 10
STOUT = 0.65
"""A photo this many times as stout as the slimmest of its type shows a pack or several cells."""
SLIM_SHARE = 0.9
"""Share of a type's photos that are stouter than its slim ones."""
APART = 0.5
"""What is cut out is less than this part of all content: there are several things."""
LEAST_LENGTH = 150
"""Of a battery in its photo [px]; the default network sees it at 215 px."""
SCARCE = 0.5
"""A type with fewer photos than this part of the largest type's is scarce."""
FEW_GROUPS = 10
"""Fewer different batteries than this can't be taught and judged."""
PRINTED = 8
"""Findings of a kind that fit on a screen."""
SHOWN = 60
"""Photos of a type that fit on a page."""

AROUND = 1.6
"""Width of a picture of print, in lengths of its line."""
FRAME, RED = 2, (220, 30, 30)
"""Around the line [px], and its colour in RGB."""
PROPOSED = "For a label list; look first, and name the right type where you know it."

STRETCHES = 8
"""Along a battery, for its colours."""
LEAST_OWN = 0.1
"""Where its colours speak less for a photo's own type, they are odd."""

CONTRADICTS, MIXED = "print contradicts the folder", "two chemistries in one folder"
UNREADABLE, TWO_TYPES = "unreadable", "in two types"
LABEL, COLOURS = "doubtful label", "odd colours"
SAME, NEAR, SEVERAL = "same file", "near-duplicates", "several cells"
SMALL, SCARCE_TYPE = "too small", "few photos"
ADVICE = {
    CONTRADICTS: "look, and put it on a label list: --propose writes one",
    MIXED: "part them: different chemistries are recycled apart",
    UNREADABLE: "mend or remove: training refuses the folder",
    TWO_TYPES: "the same picture under several types: keep the right one",
    LABEL: "look at the print on the cell, and move what is wrong",
    COLOURS: "look whether it is another product, and move what is wrong",
    SAME: "keep one",
    NEAR: "keep, or keep the best: they count as one when judged",
    SEVERAL: "cut out one cell each, or remove",
    SMALL: "take a closer picture where you can",
    SCARCE_TYPE: "add photos of other batteries of the type",
}
"""What to do about each kind of finding, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at."""

    kind: str
    """A key of ADVICE."""
    says: str
    photos: tuple[LabelledPhoto, ...] = ()
    li_ion: bool = False
    """A lithium-ion cell may end up in another bin, or the other way round."""
    read: Read | None = None
    """The print that speaks, in pixels of the photo `at_full_size`."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        fire = " [Li-ion: fire risk]" if self.li_ion else ""
        if self.kind == MIXED:
            names = ", ".join(photo.name for photo in self.photos)
            return f"{self.says}{fire}; look at {names}"
        return f"{' = '.join(photo.name for photo in self.photos)} {self.says}".strip() + fire


@dataclass(slots=True)
class Check:
    """What was found in a folder."""

    photos: list[LabelledPhoto]
    findings: list[Finding]
    li_ion: tuple[str, ...]
    colours: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 3 * STRETCHES), np.float32)
    )
    """float32[photos, 24]: see `colours_along`."""
    prints: list[Print] = field(default_factory=list)
    """What is printed on each photo; empty where that was not read."""
    print_unread: str = ""
    """Why print was not read, in a sentence."""
    proposed: dict[str, Entry] = field(default_factory=dict)
    """For a label list, by stem."""
    labels_checked: int = 0
    unchecked: str = ""
    """Why labels were checked by colours at most; empty: they were checked by all that is seen."""

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]


def check(
    folder: Path,
    seed: int,
    li_ion: Sequence[str] | None = None,
    labels: str | Path = AUTO,
    reader: PrintCache | str = "",
    chemistries: Mapping[str, Chemistry] | None = None,
) -> Check:
    """Look at every photo below `folder`. Raises DataError where it can't be used at all.

    `labels` is as for `read_photos`. `reader` reads print, or is the sentence that says why it
    can't be read; `chemistries` is what is inside the types, as far as anybody states it.
    """
    photos, broken = read_readable(folder, labels)
    types = sorted({photo.label for photo in photos})
    result = Check(photos, [], li_ion_types(li_ion, types))
    result.findings += [
        Finding(UNREADABLE, str(error).removeprefix("photos: ")) for error in broken
    ]
    if photos:
        _check_print(result, reader, chemistries or {})
        result.findings += _twice(photos, result.li_ion)
        cutouts = [cut(photo.image) for photo in tqdm(photos, "cutting out", unit="photo")]
        result.colours = np.array([colours_along(cutout) for cutout in cutouts])
        result.findings += _shapes(photos, cutouts)
        result.findings += _scarce(photos)
        _check_labels(result, seed)
    return result


def as_text(result: Check) -> str:
    """The findings for a screen of 100 columns, the most pressing kinds first."""
    lines = [textwrap.fill(_summary(result), 100), "", f"{'finding':32}{'number':>7}  what to do"]
    lines += [
        f"{kind:32}{len(result.of(kind)):7}  {advice}"
        for kind, advice in ADVICE.items()
        if result.of(kind)
    ]
    for kind in ADVICE:
        found = result.of(kind)
        if found:
            lines += ["", kind]
        printed = len(found) if kind in (CONTRADICTS, MIXED) else PRINTED
        for finding in found[:printed]:
            lines += textwrap.wrap(
                finding.line,
                100,
                initial_indent="  ",
                subsequent_indent="      ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        if len(found) > printed:
            lines.append(f"  and {len(found) - printed} more: see the report")
    if result.proposed:
        lines += ["", *textwrap.wrap(f"{PROPOSED} Goes into {FILE}; --propose writes it:", 100)]
        lines += ["", as_yaml(result.proposed).rstrip()]
    return "\n".join(lines)


def as_page(result: Check, folder: Path) -> str:
    """The findings with their photos, in HTML, and every type at a glance."""
    overview = page.table(
        ("Finding", "Number", "What to do"),
        [
            (kind, len(result.of(kind)), advice)
            for kind, advice in ADVICE.items()
            if result.of(kind)
        ],
    )
    parts = [page.paragraph(_summary(result)), overview]
    for kind, advice in ADVICE.items():
        found = result.of(kind)
        if found:
            text = page.paragraph(f"{advice.capitalize()}.")
            shown = page.gallery([_shown(finding) for finding in found])
            parts.append(page.section(kind.capitalize(), text, shown))
    if result.proposed:
        text = page.paragraph(PROPOSED)
        parts.append(page.section("For a label list", text, page.code(as_yaml(result.proposed))))
    if result.prints:
        parts.append(_printed(result))
    parts.append(_glance(result))
    return page.page(f"Check of {folder.name}", *parts)


def out_of_fold(
    features: NDArray[np.float32], labels: NDArray[np.int64], groups: NDArray[np.int64], seed: int
) -> Floats:
    """Probabilities float64[m, n] of float32[m, d], by LDA that has not seen their groups."""
    kinds = int(labels.max()) + 1
    weights = 1 / np.bincount(labels)[labels]
    features = features - features.mean(axis=0)
    everything = Moments.of(features, labels, weights, kinds)
    folds = grouped_folds(labels, groups, min(FOLDS, len(np.unique(groups))), seed)
    logits = np.empty((len(labels), kinds))
    for fold in tqdm(np.unique(folds), "labels", unit="fold"):
        inside = folds == fold
        judged = Moments.of(features[inside], labels[inside], weights[inside], kinds)
        logits[inside] = (everything - judged).lda()(features[inside])
    return softmax(logits / fit_temperature(logits, labels, np.ones(len(labels))))


def colours_along(cutout: Image) -> NDArray[np.float32]:
    """float32[24]: mean L*a*b* of 8 stretches along uint8[h, w, 4] RGBA, the darker half last."""
    lab = cv2.cvtColor(np.ascontiguousarray(cutout[..., :3]), cv2.COLOR_RGB2LAB)
    shown = cutout[..., 3:].astype(np.float64)
    columns = np.sum(lab * shown, axis=0), shown.sum(axis=0)
    edges = np.arange(STRETCHES) * cutout.shape[1] // STRETCHES
    sums, weights = (np.add.reduceat(part, edges, axis=0) for part in columns)
    means = sums / np.maximum(weights, 1)
    half = STRETCHES // 2
    darker_first = means[:half, 0].sum() < means[half:, 0].sum()
    return np.asarray(means[::-1] if darker_first else means, np.float32).ravel()


def _check_print(result: Check, reader: PrintCache | str, stated: Mapping[str, Chemistry]) -> None:
    """Add what print says against the folders, or why it was not read."""
    if isinstance(reader, str):
        result.print_unread = reader
        return
    try:
        result.prints = read_prints(reader, result.photos)
    except PrintError as error:
        result.print_unread = str(error)
        return
    known = print_check.chemistries_of(result.photos, result.prints, stated)
    against = print_check.contradictions(result.photos, result.prints, known)
    result.findings += [
        Finding(CONTRADICTS, one.says, (one.photo,), one.li_ion, one.read) for one in against
    ]
    result.findings += [
        Finding(MIXED, one.says, one.photos, one.li_ion)
        for one in print_check.mixtures(result.photos, result.prints, known)
    ]
    result.proposed = print_check.proposals(against, result.photos)


def _check_labels(result: Check, seed: int) -> None:
    """Add doubtful labels and odd colours, or why they were not looked for."""
    batteries = {(photo.label, photo.group) for photo in result.photos}
    several = Counter(label for label, _ in batteries if label != UNKNOWN_FOLDER)
    chosen = [i for i, photo in enumerate(result.photos) if several[photo.label] > 1]
    photos = [result.photos[i] for i in chosen]
    if len({photo.label for photo in photos}) < 2:
        result.unchecked = "that takes two types or more, of two different batteries or more each"
        return
    result.labels_checked = len(photos)
    result.findings += _doubts(COLOURS, photos, result.colours[chosen], result.li_ion, seed)
    if find_spec("tensorflow") is None:
        result.unchecked = "TensorFlow is not installed; by their colours only"
        return
    from batsort_training.examples import SIDE
    from batsort_training.network import Runner, features_network

    try:
        extract = Runner(features_network())
    except WeightsError as error:
        result.unchecked = f"{error}; by their colours only"
        return
    seen = (prepare(photo.image, SIDE, SIDE) for photo in tqdm(photos, "features", unit="photo"))
    deepest, *_ = np.split(np.array([extract(image) for image in seen]), DEPTHS, axis=1)
    result.findings += _doubts(LABEL, photos, deepest, result.li_ion, seed)


def _doubts(
    kind: str,
    photos: Sequence[LabelledPhoto],
    features: NDArray[np.float32],
    li_ion: Sequence[str],
    seed: int,
) -> list[Finding]:
    """Photos that the others speak against, the surest first; of odd colours the sure ones only."""
    types, labels = np.unique([photo.label for photo in photos], return_inverse=True)
    groups = np.array([photo.group for photo in photos])
    scores = out_of_fold(features, labels, groups, seed)
    own, taken = scores[np.arange(len(photos)), labels], scores.argmax(axis=1)
    doubted = (taken != labels) & ((kind == LABEL) | (own < LEAST_OWN))
    findings = []
    for i in np.argsort(own - scores.max(axis=1), kind="stable"):
        if doubted[i]:
            other = str(types[taken[i]])
            looks = "looks like" if kind == LABEL else "has the colours of"
            says = f"{looks} {other} ({scores[i, taken[i]]:.0%} sure, own type {own[i]:.0%})"
            fire = (photos[i].label in li_ion) != (other in li_ion)
            findings.append(Finding(kind, says, (photos[i],), fire))
    return findings


def _twice(photos: Sequence[LabelledPhoto], li_ion: Sequence[str]) -> list[Finding]:
    """The same file and near-duplicates; what is under several types is a finding of its own."""
    same = _sharing(photos, [photo.sha256 for photo in photos])
    near = _sharing(photos, near_duplicates([photo.image for photo in photos]))
    findings = []
    for kind, sets in ((SAME, same), (NEAR, [found for found in near if found not in same])):
        for found in sets:
            types = {photo.label for photo in found}
            fire = len(types) > 1 and not types.isdisjoint(li_ion)
            says = f"({kind})" if len(types) > 1 else ""
            findings.append(Finding(TWO_TYPES if says else kind, says, found, fire))
    return findings


def _sharing(
    photos: Sequence[LabelledPhoto], keys: Sequence[Hashable]
) -> list[tuple[LabelledPhoto, ...]]:
    sets = defaultdict(list)
    for photo, key in zip(photos, keys, strict=True):
        sets[key].append(photo)
    return [tuple(found) for found in sets.values() if len(found) > 1]


def _shapes(photos: Sequence[LabelledPhoto], cutouts: Sequence[Image]) -> list[Finding]:
    """Several cells or a pack, and batteries that are too small in their photo."""
    aspects, apart, lengths = np.empty((3, len(photos)))
    for i, (photo, cutout) in enumerate(zip(photos, cutouts, strict=True)):
        height, width = cutout.shape[:2]
        part = content(photo.image)
        aspects[i], lengths[i] = width / height, part.along
        whole = (part.along * part.across) >= photo.image[..., 0].size
        apart[i] = 1.0 if whole else width * height / (part.along * part.across)
    labels = np.array([photo.label for photo in photos])
    slim = {name: np.quantile(aspects[labels == name], SLIM_SHARE) for name in np.unique(labels)}
    findings = []
    for i, photo in enumerate(photos):
        if apart[i] < APART:
            findings.append(Finding(SEVERAL, "shows several things", (photo,)))
        elif aspects[i] < STOUT * slim[photo.label]:
            says = f"is stout for its type: {aspects[i]:.1f} times as long as wide"
            findings.append(Finding(SEVERAL, says, (photo,)))
        if lengths[i] < LEAST_LENGTH:
            says = f"is {lengths[i]:.0f} px long; wanted: {LEAST_LENGTH} px or more"
            findings.append(Finding(SMALL, says, (photo,)))
    return findings


def _scarce(photos: Sequence[LabelledPhoto]) -> list[Finding]:
    """Types with few photos beside the others, or few different batteries."""
    known = [photo for photo in photos if photo.label != UNKNOWN_FOLDER]
    counts = Counter(photo.label for photo in known)
    largest = max(counts.values(), default=0)
    findings = []
    for name, count in sorted(counts.items()):
        groups = len({photo.group for photo in known if photo.label == name})
        if count < SCARCE * largest or groups < FEW_GROUPS:
            says = f"{name}: {count} photos of {groups} batteries; the largest type: {largest}"
            findings.append(Finding(SCARCE_TYPE, says))
    return findings


def _summary(result: Check) -> str:
    types = {photo.label for photo in result.photos}
    text = (
        f"{len(result.photos)} photos of {len(types)} types, unreadable files: "
        f"{len(result.of(UNREADABLE))}. Lithium-ion: {', '.join(result.li_ion) or 'none named'}."
    )
    if result.prints:
        read = sum(found.chemistry is not None for found in result.prints)
        text = f"{text} Print says the chemistry of {read}."
    elif result.print_unread:
        text = f"{text} {result.print_unread.rstrip('.')}."
    if result.unchecked:
        return f"{text} Labels were not checked: {result.unchecked}."
    right = result.labels_checked - len(result.of(LABEL))
    text = f"{text} The other photos confirm {right} of {result.labels_checked} labels."
    return text if result.findings else f"{text} Nothing was found."


def _shown(finding: Finding) -> page.Html:
    fire = " Li-ion: fire risk." if finding.li_ion else ""
    if not finding.photos:
        return page.paragraph(f"{finding.says}{fire}")
    if finding.read and (shown := print_crop(finding.photos[0], finding.read)) is not None:
        name = finding.photos[0].name
        return page.picture(shown, f"Print on {name}", f"{name} {finding.says}{fire}")
    thumbnails = [
        page.thumbnail(photo.image, f"Photo {photo.name}", f"{photo.name} {finding.says}{fire}")
        for photo in finding.photos
    ]
    return thumbnails[0] if len(thumbnails) == 1 else page.gallery(thumbnails)


def print_crop(photo: LabelledPhoto, read: Read) -> Image | None:
    """uint8[h, w, 3]: the line that was read, level and framed, with what is around it.

    None where the photo is gone.
    """
    try:
        image = at_full_size(photo)
    except PhotoError:
        return None
    (along, down), middle = read.box[[1, 3]] - read.box[0], read.box.mean(axis=0)
    length, height = (max(1.0, float(np.hypot(*side))) for side in (along, down))
    degrees = float(np.degrees(np.arctan2(along[1], along[0])))
    part = Rectangle(*map(float, middle), AROUND * length, 2 * height + length / 2, degrees)
    width, tall = page.PICTURE_EDGE, max(1, round(page.PICTURE_EDGE * part.across / part.along))
    shown = level(image, part, tall, width, 0.0)
    half = page.PICTURE_EDGE / part.along * np.array([length, height]) / 2
    corners = (np.array([width, tall]) / 2 + [-half - FRAME, half + FRAME]).round().astype(int)
    first, last = corners.tolist()
    return np.asarray(cv2.rectangle(shown, first, last, RED, FRAME), np.uint8)


def _printed(result: Check) -> page.Html:
    """What was read on every photo."""
    rows = []
    for photo, found in zip(result.photos, result.prints, strict=True):
        words = (found.chemistry, found.voltage, found.brand, found.size)
        if any(words):
            cells = (f"{one.value} ({one.confidence:.0%})" if one else "" for one in words)
            rows.append((photo.name, *cells, textwrap.shorten(found.text, 120)))
    header = ("Photo", "Chemistry", "Voltage [V]", "Brand", "Size", "Print")
    text = f"Read on {len(rows)} of {len(result.photos)} photos; the others say nothing."
    return page.section("What is printed", page.paragraph(text), page.table(header, rows))


def _glance(result: Check) -> page.Html:
    """Every type's photos by their colours: another product in the folder stands side by side."""
    labels = np.array([photo.label for photo in result.photos])
    parts: list[str] = []
    for name in np.unique(labels):
        members = np.flatnonzero(labels == name)
        colours = result.colours[members]
        main_axis = np.linalg.svd(colours - colours.mean(axis=0), full_matrices=False)[2][0]
        ordered = members[np.argsort(colours @ main_axis)]
        shown = ordered[np.linspace(0, len(ordered) - 1, min(SHOWN, len(ordered))).astype(int)]
        photos = [result.photos[i] for i in shown]
        parts.append(page.paragraph(f"{name}: {len(shown)} of {len(members)}"))
        parts.append(
            page.gallery(
                [
                    page.thumbnail(photo.image, f"Photo {photo.name}", photo.path.name)
                    for photo in photos
                ]
            )
        )
    text = (
        "Sorted by their main difference in colour. Wrong labels in numbers confirm each other: "
        "look whether a folder holds another product."
    )
    return page.section("Every type at a glance", page.paragraph(text), *parts)
