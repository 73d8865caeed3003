"""How `./cell test` runs the tests: many of them side by side, a chosen path by itself."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from batsort_bringup.bootstrap.steps import SetupError

FAST = "--fast"
FAST_PATHS = (
    "src/batsort_bringup/test/test_style.py",
    "src/batsort_bringup/test/test_house.py",
    *(
        f"src/batsort_{name}/test"
        for name in ("bags", "perception", "core", "files", "supervision", "description")
    ),
)
"""Style, types and what needs no ROS; the longest first."""
NOT_FAST = "src/batsort_perception/test/test_print_reader.py"
"""Reads print, with networks: a third of the time by itself."""

MOST_PROCESSES = 8
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "TF_NUM_INTRAOP_THREADS",
    "TF_NUM_INTEROP_THREADS",
)
"""What tells libraries of numbers how many threads to use."""


def pytest_arguments(words: Sequence[str], root: Path) -> tuple[list[str], bool]:
    """Give pytest's arguments for those of `./cell test`, and whether tests run side by side.

    Raises:
        SetupError: the fast tests and a path are asked for.
    """
    paths = [word for word in words if _is_path(word, root)]
    if FAST in words:
        if paths:
            raise SetupError(f"{FAST}: '{paths[0]}' is refused with it; allowed: options of pytest")
        options = [word for word in words if word != FAST]
        tests = [path for path in FAST_PATHS if (root / path).exists()]
        return [*_side_by_side(0), *options, f"--ignore={NOT_FAST}", *tests], True
    if paths:
        return list(words), False
    # One process more than there are processors: tests of nodes wait more than they compute.
    return [*_side_by_side(1), *words], True


def _is_path(word: str, root: Path) -> bool:
    return not word.startswith("-") and (root / word.partition("::")[0]).exists()


def _side_by_side(more: int) -> list[str]:
    number = min(len(os.sched_getaffinity(0)) + more, MOST_PROCESSES)
    return ["-n", str(number), "--dist", "loadscope", "--no-loadscope-reorder"]


def one_thread_each(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the environment for processes that share the processors; what is set in it stays."""
    return dict.fromkeys(ONE_THREAD, "1") | dict(environ)
