"""Judge a bundle on photos it may or may not have seen: accuracy, coverage, calibration, and what
becomes of unknown types. A folder that is no type of the bundle counts as unknown."""

from __future__ import annotations

import argparse

from batsort_learning.commands import options as shared
from batsort_learning.evaluate import evaluate
from batsort_learning.evaluation_report import as_json, as_page, as_text


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    shared.labels(parser)
    shared.bundle(parser)
    parser.add_argument(
        "--report",
        type=shared.file_to_write(".json", ".html"),
        metavar="FILE",
        help="write the figures as JSON, or a page where it ends in .html",
    )
    parser.add_argument(
        "--page",
        type=shared.file_to_write(".html"),
        metavar="FILE.html",
        help="write a page with tables, diagrams and the worst mistakes",
    )
    parser.add_argument(
        "--conditions",
        action="store_true",
        help="also judge in other light, in motion, turned, covered and on black",
    )
    shared.li_ion(parser)
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Judge, print, and write."""
    result = evaluate(
        options.bundle,
        options.photos,
        options.seed,
        options.li_ion,
        options.conditions,
        options.labels,
    )
    for file in filter(None, (options.report, options.page)):
        text = as_page(result) if file.suffix == ".html" else as_json(result)
        file.write_text(text, encoding="utf-8")
    print(as_text(result))
