"""`./cell report`: what a shift was worth, from the bags that were recorded of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from batsort_bags.crops import crops
from batsort_bags.progress import followed
from batsort_bags.reader import Bag, BagError
from batsort_bags.recorded import recorded_cell
from batsort_core.cell import CellDescription
from batsort_core.item_life import ItemLives
from batsort_core.items import Outcome
from batsort_files.documents import REFUSED
from batsort_files.folders import FolderError, make_folder
from batsort_graph.names import VERDICTS
from batsort_graph.versions import versions
from batsort_interfaces.msg import BinState, BinStates
from batsort_perception.print_cache import PrintCache
from batsort_reports.attribution import counts
from batsort_reports.print_reading import Printed, Seen, read_bag, reader, refusal
from batsort_reports.report import Run, summarize
from batsort_reports.run_log import TOPICS, RunLog
from batsort_reports.run_page import Uncertain, as_page
from batsort_reports.shift import time_spent
from batsort_supervision.oee import possible_rate

SHOWN = 24
"""Uncertain items on the page."""
COMMAND, BUNDLE = "belt/command", "classifier/bundle"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write report.json and report.html; 1 where a bag is damaged or the counts don't add up."""
    options = _options(arguments)
    try:
        make_folder("--out", options.out)
        report, pictures, printed, damages = _report(options.bags, reader(options.print == "auto"))
    except (BagError, FolderError) as error:
        print(f"report: {error}", file=sys.stderr)
        return REFUSED
    folder: Path = options.out
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    names = ", ".join(bag.name for bag in options.bags)
    page = as_page(f"BatSort: {names}", report, pictures, printed.pictures)
    (folder / "report.html").write_text(page, encoding="utf-8")
    print(f"report: {folder / 'report.html'}   figures: {folder / 'report.json'}")
    for fault in (*damages, *report["faults"]):
        print(f"report: {fault}", file=sys.stderr)
    return int(bool(damages or report["faults"]))


def uncertain(
    bag: Bag, cell: CellDescription, lives: ItemLives, refused: list[str]
) -> list[Uncertain] | None:
    """The items with the least confidence, as the images of a bag show them; None without images.

    A line for each image that can't be read is added to `refused`. Raises BagError.
    """
    if not bag.has_images:
        return None
    judged = [(life.decision, life.judged) for life in lives if life.decision and life.judged]
    judged.sort(key=lambda pair: pair[1].confidence)
    least = {decision.item_id: (decision, verdict) for decision, verdict in judged[:SHOWN]}
    found: dict[int, Uncertain] = {}
    for crop in crops(
        bag, cell, least.__contains__, lambda error: refused.append(refusal(bag, error))
    ):
        d, by = least[crop.item_id]
        found[crop.item_id] = Uncertain(
            crop.pixels, by.type, by.confidence, by.novelty, d.bin, d.reason.value
        )
    return [found[item_id] for item_id in least if item_id in found]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cell report", description="Report on a shift from the bags recorded of it."
    )
    add = parser.add_argument
    add("bags", type=Path, nargs="+", metavar="BAG", help="in the order of time")
    add("--out", type=Path, default=Path("."), metavar="DIR", help="folder of the report")
    add(
        "--print",
        choices=("auto", "off"),
        default="auto",
        help="auto (the default): what is printed on the items is read in the bag's images where "
        "the cell has not read it and `./cell setup print` was run, half a second each; "
        "off: only what the cell has read",
    )
    return parser.parse_args(arguments)


def _report(
    paths: Sequence[Path], by: PrintCache | str
) -> tuple[dict[str, Any], list[Uncertain] | None, Printed, list[str]]:
    log: RunLog | None = None
    pictures: list[Uncertain] | None = None
    printed = Printed()
    damages: list[str] = []
    balances: list[list[BinStates]] = []
    velocity, bundle = 0.0, "not recorded"
    for path in paths:
        with Bag(path) as bag:
            cell = recorded_cell(bag)
            if log is None:
                first = cell
                run = Run(bin_of_type=cell.recipe.types, others=cell.recipe.others)
                log = RunLog(run, cell.belt.metres_per_count)
            if (cell.bins, cell.recipe.types) != (first.bins, first.recipe.types):
                raise BagError(
                    f"{path}: other bins or types than in {paths[0]}; allowed: bags of one cell"
                )
            balances.append([])
            seen_at: dict[int, Seen] = {}
            topics = (*TOPICS, COMMAND, BUNDLE)
            for received in followed(bag.messages(topics), path.name):
                message = bag.decode(received)
                if received.topic == COMMAND:
                    velocity = max(velocity, message.velocity)
                elif received.topic == BUNDLE:
                    bundle = message.id
                elif received.topic == "bins/state":
                    balances[-1].append(message)
                else:
                    if received.topic == VERDICTS:
                        seen_at[message.item_id] = Seen.of(message)
                    try:
                        log.hear(received.topic, message, received.stamp * 1e-9)
                    except ValueError as error:
                        damages.append(f"{path}: {received.topic}: a message is refused: {error}")
            read_bag(printed, bag, log.run, cell.recipe, seen_at, by)
            seen = uncertain(bag, cell, log.run.lives, printed.refused)
            if seen is not None:
                pictures = [*(pictures or []), *seen]
            damages += [bag.damage] if bag.damage else []
    damages += printed.refused
    assert log is not None  # one bag at least
    _balance(log.run, cell, balances)
    if pictures is not None:
        pictures = sorted(pictures, key=lambda item: item.confidence)[:SHOWN]
    report = summarize(log.run) | {
        "bundle": bundle,
        "errors": counts(log.run),
        "versions": versions(),
        "print": printed.figures(log.run, cell.recipe),
    }
    rate = possible_rate(cell, velocity or cell.belt.velocity)
    report |= time_spent(log.observed, report["outcomes"], rate)
    return report, pictures, printed, list(dict.fromkeys(damages))


def _balance(run: Run, cell: CellDescription, balances: Sequence[Sequence[BinStates]]) -> None:
    """Counts of what was heard: those of `bins/state` go back to before the shift."""
    settled = {life.id for life in run.lives if life.outcomes}
    run.earlier = frozenset(settled - set(run.items))
    outcomes = Counter(one.outcome for one in run.outcomes)
    strange: Counter[str] = Counter()
    for heard in balances:
        for before, after in pairwise(heard):
            for old, new in zip(before.bins, after.bins, strict=True):
                strange[new.name] += max(0, new.unexpected - old.unexpected)
    bins = [
        BinState(
            name=bin.name,
            count=sum(o.decided_bin == bin.name for o in run.outcomes),
            confirmed=sum(o.decided_bin == o.bin == bin.name for o in run.outcomes),
            missing=sum(o.decided_bin == bin.name and not o.bin for o in run.outcomes),
            unexpected=strange[bin.name],
        )
        for bin in cell.bins
    ]
    run.bins = BinStates(
        bins=bins,
        items_in=len(set(run.items)),
        on_belt=len(set(run.items) - settled),
        unexpected=sum(strange.values()),
        outcomes=[outcome.value for outcome in Outcome],
        outcome_counts=[outcomes[outcome] for outcome in Outcome],
    )


if __name__ == "__main__":
    sys.exit(main())
