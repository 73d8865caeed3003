"""Hold the bags of the tests against this version of the core and its default bundle.

`check` replays each and says what differs. `update` shows the same difference, and then writes the
bags anew with what is decided now: for a change that is meant to decide otherwise."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from batsort_bags.comparison import summary, text, verdict
from batsort_bags.golden import golden_bags, judge, write_anew
from batsort_bags.reader import Bag, BagError
from batsort_perception.bundle import Bundle, default_bundle

FOLDER = Path("tests/golden")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("what", choices=("check", "update"), help="see above")
    parser.add_argument(
        "--folder",
        type=Path,
        default=FOLDER,
        metavar="DIR",
        help=f"of the bags (default: {FOLDER})",
    )
    parser.add_argument("--yes", action="store_true", help="update without asking")


def run(options: argparse.Namespace) -> int:
    """Check or update; returns the exit status: 0 where all bags are as they should be."""
    paths = golden_bags(options.folder)
    if not paths:
        raise BagError(f"--folder: {options.folder} has no bags; allowed: a folder of bags")
    bundle = Bundle.load(default_bundle())
    different = 0
    for path in paths:
        with Bag(path) as bag:
            replayed = judge(bag, bundle)
            if bag.damage:
                raise BagError(bag.damage)
            # Without images its verdicts are those of the bundle that it was recorded with.
            if replayed.same and (not replayed.judged or replayed.bundle_id == bundle.id):
                print(f"{path}: the same, bit for bit")
                continue
            print(f"{path}: {verdict(replayed)}\n{text(summary(replayed))}\n")
            if options.what == "update" and (options.yes or _agreed(path)):
                with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                    new = Path(folder) / path.name
                    write_anew(bag, replayed, bundle, new)
                    shutil.rmtree(path)
                    new.rename(path)
                print(f"{path}: written anew")
            else:
                different += 1
    return int(different > 0)


def _agreed(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise BagError(f"{path}: not replaced, since nobody can be asked; allowed: --yes")
    return input(f"replace {path}? [y/N] ").strip().lower() == "y"
