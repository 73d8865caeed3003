"""Imports every message and service of the workspace once, with its type support."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def verify(source: Path) -> int:
    """Import the interfaces of all packages below `source`; give their number.

    Raises:
        ImportError, AttributeError: one is not there.
    """
    paths = [path for kind in ("msg", "srv") for path in sorted(source.glob(f"*/{kind}/*.{kind}"))]
    for path in paths:
        kind = path.suffix[1:]
        module = importlib.import_module(f"{path.parents[1].name}.{kind}")
        getattr(module, path.stem).__class__.__import_type_support__()
    return len(paths)


if __name__ == "__main__":
    print(verify(Path(sys.argv[1])), "interfaces imported")
