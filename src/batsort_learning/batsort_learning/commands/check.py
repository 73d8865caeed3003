"""Look at photos before teaching: what is printed on a battery and contradicts its folder, what
can't be read, is there twice, shows several cells, or may be labelled wrong. Changes nothing:
findings are advice. Print is read where that was set up (`./cell setup print`), each photo once;
only with TensorFlow are labels checked by all that is seen."""

from __future__ import annotations

import argparse

from batsort_core.chemistry import Chemistry
from batsort_learning.check import check
from batsort_learning.check_report import as_page, as_text
from batsort_learning.commands import options as shared
from batsort_learning.print_cache import EDGE
from batsort_perception.bundle import Bundle
from batsort_perception.print_cache import PrintCache, default_cache, reader_version
from batsort_perception.print_reader import PrintReader, available
from batsort_training.label_list import as_yaml


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.known_photos(parser)
    parser.add_argument(
        "--report",
        type=shared.file_to_write(".html"),
        metavar="FILE.html",
        help="write a page with every finding and its photos",
    )
    parser.add_argument(
        "--propose",
        type=shared.new_file(".yaml"),
        metavar="FILE.yaml",
        help="write a label list of the photos whose print contradicts their folder",
    )
    shared.li_ion(parser)
    shared.seed(parser)


def run(options: argparse.Namespace) -> None:
    """Look, print, and write the page and the list."""
    chemistries: dict[str, Chemistry] = {}
    for stated in (Bundle.load(options.bundle), shared.read_cell(options.cell)):
        chemistries |= (stated.chemistries if stated else None) or {}
    reader = available() or PrintCache(default_cache(), PrintReader, reader_version(EDGE))
    result = check(
        options.photos, options.seed, options.li_ion, options.labels, reader, chemistries
    )
    if options.report:
        options.report.write_text(as_page(result, options.photos), encoding="utf-8")
    if options.propose:
        options.propose.write_text(as_yaml(result.proposed), encoding="utf-8")
    print(as_text(result))
    for file in filter(None, (options.report, options.propose)):
        print(f"\nwritten: {file}")
