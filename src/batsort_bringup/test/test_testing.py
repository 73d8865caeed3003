"""What `./cell test` hands to pytest."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from batsort_bringup.bootstrap import testing
from batsort_bringup.bootstrap.steps import SetupError
from batsort_bringup.bootstrap.testing import (
    FAST_PATHS,
    NOT_FAST,
    one_thread_each,
    pytest_arguments,
)

ROOT = Path(__file__).parents[3]


@pytest.fixture
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})


DISTRIBUTED = ["--dist", "loadscope", "--no-loadscope-reorder"]


@pytest.mark.parametrize(
    "words",
    [
        ["src/batsort_core", "-x"],
        ["-q", "tests/test_graph.py::test_the_running_graph_is_the_readme_s"],
        ["-k", "belt", "src/batsort_bringup/test/test_style.py"],
    ],
)
def test_a_chosen_path_runs_by_itself(words: list[str]) -> None:
    assert pytest_arguments(words, ROOT) == (words, False)


@pytest.mark.parametrize("words", [[], ["-q", "--durations=0"], ["-k", "belt"], ["-n", "1"]])
def test_everything_runs_side_by_side_and_options_of_the_user_come_last(
    two_processors: None, words: list[str]
) -> None:
    assert pytest_arguments(words, ROOT) == (["-n", "3", *DISTRIBUTED, *words], True)


def test_the_fast_tests_are_style_and_what_needs_no_ros(two_processors: None) -> None:
    arguments, side_by_side = pytest_arguments(["--fast", "-x"], ROOT)
    assert side_by_side
    options = ["-n", "2", *DISTRIBUTED, "-x", f"--ignore={NOT_FAST}"]
    assert (ROOT / NOT_FAST).is_file()
    assert arguments[: len(options)] == options
    paths = arguments[len(options) :]
    assert "src/batsort_bringup/test/test_style.py" in paths
    assert "src/batsort_core/test" in paths
    assert all((ROOT / path).exists() for path in paths)
    assert set(paths) <= set(FAST_PATHS)


def test_fast_and_a_path_together_are_refused() -> None:
    with pytest.raises(SetupError, match="--fast: 'src/batsort_core' is refused"):
        pytest_arguments(["--fast", "src/batsort_core"], ROOT)


def test_many_processors_do_not_make_processes_without_end(monkeypatch: Any) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)))
    assert pytest_arguments([], ROOT)[0][:2] == ["-n", str(testing.MOST_PROCESSES)]


def test_libraries_of_numbers_use_one_thread_each_unless_told_otherwise() -> None:
    environ = one_thread_each({"OMP_NUM_THREADS": "4", "PATH": "/bin"})
    assert environ["OMP_NUM_THREADS"] == "4"
    assert environ["TF_NUM_INTRAOP_THREADS"] == "1"
    assert environ["PATH"] == "/bin"


def test_all_folders_of_tests_are_run() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        listed = tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]
    there = {path.parent for path in ROOT.glob("src/*/test/test_*.py")} | {ROOT / "tests"}
    assert {ROOT / path for path in listed} == there
    assert len(listed) == len(there)
