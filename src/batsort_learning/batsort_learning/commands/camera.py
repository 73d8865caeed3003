"""What a finer camera would buy: the photos on the twin's belt as cameras of several resolutions
see them, judged by a bundle and, where that was set up (`./cell setup print`), their print read.
The twin's lens is sharp and nothing moves. Some ten minutes for 300 photos with print."""

from __future__ import annotations

import argparse

from batsort_learning.camera_study import as_text, field_of, figures, look
from batsort_learning.commands import options as shared
from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine
from batsort_perception.print_reader import PrintError, PrintReader
from batsort_training.data import li_ion_types, read_photos

FINEST, COARSEST = 0.1, 1.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.known_photos(parser)
    shared.li_ion(parser)
    parser.add_argument(
        "--resolutions",
        type=resolution,
        nargs="+",
        default=[0.4, 0.3, 0.2],
        metavar="MM_PER_PX",
        help="on the belt [mm/px] (default: 0.4 0.3 0.2)",
    )


def resolution(text: str) -> float:
    """A resolution [mm/px], for `type=`."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not FINEST <= value <= COARSEST:
        raise argparse.ArgumentTypeError(
            f"{text!r} is refused; allowed: a number from {FINEST} to {COARSEST}"
        )
    return value


def run(options: argparse.Namespace) -> None:
    """Look, and print the table."""
    bundle = Bundle.load(options.bundle)
    recipe = shared.read_cell(options.cell)
    stated = {**(bundle.chemistries or {}), **((recipe.chemistries if recipe else None) or {})}
    photos = read_photos(options.photos, options.labels)
    li_ion = li_ion_types(options.li_ion, sorted({photo.label for photo in photos}))
    cameras = [field_of(value / 1e3) for value in options.resolutions]
    reader, unread = None, ""
    try:
        reader = PrintReader(threads=2)
    except PrintError as error:
        unread = f"\n\n{error}"
    found = look(photos, cameras, Engine(bundle), reader, li_ion)
    table = as_text(cameras, [figures(looks, stated) for looks in found])
    print(f"{table}\n\n{len(photos)} photos, judged by {bundle.id}{unread}")
