"""The walk itself: measure, show, ask, go on; and the page with all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from batsort_commissioning.calibration import camera_line, common_length, ejectors
from batsort_commissioning.findings import (
    Change,
    Finding,
    ejectors_finding,
    line_finding,
    scale_finding,
)
from batsort_commissioning.measuring import ALIKE, feed_encoder, see_items, shoot
from batsort_commissioning.people import Person
from batsort_commissioning.station import Station
from batsort_core.cell import Bin, CellDescription
from batsort_files.page import Html, drawing, gallery, page, paragraph, section, table

HEADER = ("figure", "was", "found", "uncertainty", "change")
SEEN = 8
"""Items that are photographed."""
Told = Callable[[str], None]


def walk(
    station: Station,
    cell: CellDescription,
    bins: Sequence[Bin],
    feeds: int,
    shots: int,
    person: Person,
    shown: Callable[[Finding], None],
) -> list[Finding]:
    """Calibrate step by step; `bins` are those whose valves are fired, by `shots` at each edge.

    Raises CalibrationError, RigError, and Stopped where it is not to go on.
    """
    findings: list[Finding] = []

    def show(finding: Finding) -> None:
        findings.append(finding)
        shown(finding)

    person.agree("Step 1 of 3, encoder scale: the belt will run by itself. Is it clear?")
    show(scale_finding(cell, feed_encoder(station, cell, person, feeds)))
    scale = findings[0].changes[0].found.value
    person.agree(
        "Step 2 of 3, camera line: the belt will run. Put batteries of one kind onto it, one after "
        "another. Go on?"
    )
    seen = see_items(station, cell, scale, SEEN)
    line = camera_line([one.sighting for one in seen], cell.camera)
    show(line_finding(cell, seen, line))
    names = ", ".join(bin.name for bin in bins)
    person.agree(
        f"Step 3 of 3, ejectors: the valves of {names} will blow, one at a time. Stand clear, turn "
        "the air on, and keep putting batteries of the same kind onto the belt. Fire?"
    )
    lengths = [item.length / cell.belt.metres_per_count * scale for item in station.items]
    length = common_length(lengths, ALIKE)
    fired = shoot(station, cell, scale, bins, length, shots, print)
    show(ejectors_finding(cell, fired, ejectors(fired.windows)))
    return findings


def changes(findings: Sequence[Finding]) -> list[Change]:
    """All that is to be written."""
    return [change for finding in findings for change in finding.changes]


def write_page(path: Path, cell: CellDescription, findings: Sequence[Finding], end: str) -> None:
    """Every step with its picture and figures in one file; `end` says what became of it."""
    parts: list[Html] = [
        paragraph(f"Cell {cell.name}, {datetime.now():%d %B %Y, %H:%M}. {end}"),
    ]
    for finding in findings:
        parts.append(
            section(
                finding.title,
                paragraph(finding.text),
                drawing(finding.drawing, finding.alt),
                *([gallery(finding.thumbnails)] if finding.thumbnails else []),
                table(
                    HEADER,
                    [change.row for change in finding.changes],
                    "Uncertainties are one standard deviation",
                ),
            )
        )
    path.write_text(page("Commissioning", *parts), encoding="utf-8")
