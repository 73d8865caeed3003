"""The whole repository passes its style and type checks, and imports go the way they may."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAMS = Path(sys.executable).parent


@pytest.mark.parametrize("words", ["ruff check", "ruff format --check", "mypy", "lint-imports"])
def test_the_repository_passes(words: str) -> None:
    program, *options = words.split()
    # Sources, not what of them is installed.
    packages = map(str, sorted((ROOT / "src").glob("batsort_*")))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(packages)}
    result = subprocess.run(
        [PROGRAMS / program, *options],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}{result.stderr}"
