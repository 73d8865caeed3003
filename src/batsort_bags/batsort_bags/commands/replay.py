"""Replay a recorded bag through the cell's own decisions, as fast as the machine can, and compare
with what was decided then.

Without changes every decision must come out the same, bit for bit: the exit status is 0 only then,
else the first item and event that differ are named. With --cell, --bundle or --threshold it says
what would have been decided on the same batteries; the exit status is 0 where the bag could be
replayed faithfully."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import cv2

from batsort_bags.comparison import report, summary, text, verdict
from batsort_bags.crops import Cropped, crops
from batsort_bags.progress import Progress
from batsort_bags.reader import Bag, BagError
from batsort_bags.recorded import is_recorded
from batsort_bags.replay import replay
from batsort_bags.replayed import Changes, Replayed
from batsort_bags.where import FIELDS, where
from batsort_core.cell import CellDescription
from batsort_description.cell_file import read_cell
from batsort_files.documents import ConfigurationError
from batsort_perception.bundle import Bundle, default_bundle
from batsort_perception.engine import Engine

UNKNOWN_FOLDER = "Other"
"""Where crops of unknown things go: what `batsort_learning` takes for no type."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    add("bag", type=Path, metavar="BAG", help="folder of a rosbag2 bag, or one of its files")
    add("--cell", type=Path, metavar="FILE", help="another cell description: geometry, recipe")
    add("--bundle", type=Path, metavar="DIR", help="another model bundle: judges all images anew")
    add("--threshold", type=float, metavar="X", help="another least confidence, 0 to 1")
    add("--recompute", action="store_true", help="judge the images anew with the bag's own bundle")
    add("--threads", type=int, default=2, metavar="N", help="of the network (default: 2)")
    for name, what in (("--from", "first"), ("--to", "last")):
        add(
            name,
            dest=what,
            type=float,
            metavar="T",
            help=f"{what} second of the bag whose items are compared",
        )
    add("--namespace", metavar="NAME", help="of the cell, where the bag holds several")
    add("--report", type=Path, metavar="DIR", help="folder for replay.json and replay.html")
    add("--crops", type=Path, metavar="DIR", help="write pictures of items, one folder per type")
    add(
        "--where",
        metavar="CONDITION",
        help=f"which items: 'confidence < 0.8 and changed'; fields: {', '.join(FIELDS)}",
    )


def run(options: argparse.Namespace) -> int:
    """Replay, print, write; returns the exit status. Raises BagError and others of one line."""
    _check(options)
    chosen = where(options.where) if options.where else lambda replayed, item_id: True
    with Bag(options.bag, options.namespace) as bag:
        changes = _changes(options, bag)
        began = time.perf_counter()
        replayed = _replayed(options, bag, changes)
        took = time.perf_counter() - began
        found = summary(replayed)
        told = _told(options)
        length = found["duration_s"]
        print(f"{bag.path}: {length:.1f} s, cell {replayed.cell.name}, {replayed.bundle_id}")
        print(f"replayed in {took:.2f} s, {length / took:.0f} times real time; changes: {told}")
        print(text(found))
        if options.report:
            _write_report(options.report, bag, replayed, found, told)
        if options.crops:
            wanted = {i for i in replayed.now if chosen(replayed, i)}
            print(_write_crops(options.crops, bag, replayed, wanted))
        if changes.any:
            if replayed.missing:
                print(verdict(replayed))
            return int(bool(replayed.missing or bag.damage))
        cut_short = replayed.same and bag.damage
        print("the same as far as the bag can be read" if cut_short else verdict(replayed))
        return int(not replayed.same or bool(bag.damage))


def _check(options: argparse.Namespace) -> None:
    first, last = options.first or 0.0, options.last
    for name, value, good, allowed in (
        (
            "--threshold",
            options.threshold,
            options.threshold is None or 0.0 <= options.threshold <= 1.0,
            "0 to 1",
        ),
        ("--from", first, first >= 0.0, "0 or more [s]"),
        ("--to", last, last is None or last > first, f"more than --from {first:g} [s]"),
        ("--threads", options.threads, 1 <= options.threads <= 64, "1 to 64"),
        ("--where", options.where, not options.where or bool(options.crops), "beside --crops"),
    ):
        if not good:
            raise BagError(f"{name}: {value} is refused; allowed: {allowed}")


def _changes(options: argparse.Namespace, bag: Bag) -> Changes:
    cell = _cell(options.cell) if options.cell else None
    if not (options.bundle or options.recompute):
        return Changes(cell, options.threshold)
    bundle = Bundle.load(options.bundle or default_bundle())
    same = is_recorded(bag, bundle)
    if options.recompute and not options.bundle and not same:
        raise BagError(
            f"--recompute: {bundle.id} is not the bundle that was recorded; give that with "
            "--bundle, or any other"
        )
    return Changes(cell, options.threshold, Engine(bundle, options.threads), same)


def _cell(path: Path) -> CellDescription:
    try:
        return read_cell(path)
    except ConfigurationError as error:
        raise BagError(f"--cell: {error}") from None


def _replayed(options: argparse.Namespace, bag: Bag, changes: Changes) -> Replayed:
    window = None
    if options.first is not None or options.last is not None:
        last = options.last if options.last is not None else float("inf")
        window = (options.first or 0.0, last)
    with Progress("replay") as progress:
        return replay(bag, changes, window, progress)


def _told(options: argparse.Namespace) -> str:
    words = {
        "cell": options.cell,
        "bundle": options.bundle,
        "threshold": options.threshold,
    }
    told = ", ".join(f"{name} {value}" for name, value in words.items() if value is not None)
    return told or "none"


def _write_report(
    folder: Path, bag: Bag, replayed: Replayed, found: dict[str, Any], told: str
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "replay.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    changed = set(replayed.changed)
    pictures = _pictures(bag, replayed, changed)
    title = f"Replay of {bag.path.resolve().name}"
    html = report(title, found, f"Changes: {told}", pictures)
    (folder / "replay.html").write_text(html, encoding="utf-8")
    print(f"report: {folder / 'replay.html'}, {folder / 'replay.json'}")


def _pictures(bag: Bag, replayed: Replayed, wanted: set[int]) -> list[Cropped]:
    if not wanted or not bag.has_images:
        return []
    return list(crops(bag, replayed.cell, wanted.__contains__))


def _write_crops(folder: Path, bag: Bag, replayed: Replayed, wanted: set[int]) -> str:
    if not bag.has_images:
        raise BagError(f"{bag.path}: no images in it: no pictures of items can be cut out")
    written = 0
    for picture in crops(bag, replayed.cell, wanted.__contains__):
        decision = replayed.now[picture.item_id]
        named = decision.verdict.type if decision.verdict else ""
        label = replayed.truths.get(picture.item_id, named) or UNKNOWN_FOLDER
        target = folder / label / f"{picture.item_id}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        pixels = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2BGR)
        if not cv2.imwrite(str(target), pixels):
            raise BagError(f"{target}: can't be written; allowed: a folder with free space")
        written += 1
    return f"{written} pictures of {len(wanted)} chosen items: {folder}"
