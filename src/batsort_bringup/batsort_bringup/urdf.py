"""Print the URDF of a cell description.

./cell exec python -m batsort_bringup.urdf --cell config/cell.yaml > cell.urdf
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from batsort_bringup.installed import cell_file
from batsort_description.cell_file import load_cell
from batsort_description.urdf import urdf
from batsort_files.documents import REFUSED, ConfigurationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Print it; a description that can't be is refused in one line."""
    parser = argparse.ArgumentParser(prog="urdf", description="The URDF of a cell.")
    parser.add_argument("--cell", type=Path, metavar="FILE", help="the default one without")
    try:
        cell = load_cell(str(parser.parse_args(arguments).cell or cell_file()))
    except ConfigurationError as error:
        print(f"urdf: {error}", file=sys.stderr)
        return REFUSED
    print(urdf(cell), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
