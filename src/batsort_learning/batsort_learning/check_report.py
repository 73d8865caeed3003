"""What `learn check` found, for a screen and as a page with the photos."""

from __future__ import annotations

import textwrap
from pathlib import Path

import cv2
import numpy as np

from batsort_files import page
from batsort_learning.findings import ADVICE, CONTRADICTS, LABEL, MIXED, UNREADABLE, Check, Finding
from batsort_learning.print_cache import at_full_size
from batsort_perception.preprocess import Image, Rectangle, level
from batsort_perception.printed import Finding as Read
from batsort_training.data import LabelledPhoto
from batsort_training.label_list import FILE, as_yaml
from batsort_twin.photos import PhotoError

PRINTED = 8
"""Findings of a kind that fit on a screen."""
SHOWN = 60
"""Photos of a type that fit on a page."""

AROUND = 1.6
"""Width of a picture of print, in lengths of its line."""
FRAME, RED = 2, (220, 30, 30)
"""Around the line [px], and its colour in RGB."""
PROPOSED = "For a label list; look first, and name the right type where you know it."


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
    u, v = middle.tolist()
    part = Rectangle(u, v, AROUND * length, 2 * height + length / 2, degrees)
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
