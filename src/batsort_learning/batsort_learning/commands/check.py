"""Look at photos before teaching: what can't be read, is there twice, shows several cells, or may
be labelled wrong. Changes nothing: findings are advice. Only with TensorFlow are labels checked."""

from __future__ import annotations

import argparse

from batsort_learning.check import as_page, as_text, check
from batsort_learning.commands import options as shared


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.photos(parser)
    shared.labels(parser)
    parser.add_argument(
        "--report",
        type=shared.file_to_write(".html"),
        metavar="FILE.html",
        help="write a page with every finding and its photos",
    )
    shared.li_ion(parser)
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Look, print, and write the page."""
    result = check(options.photos, options.seed, options.li_ion, options.labels)
    if options.report:
        options.report.write_text(as_page(result, options.photos), encoding="utf-8")
    print(as_text(result))
    if options.report:
        print(f"\nwritten: {options.report}")
