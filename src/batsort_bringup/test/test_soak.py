"""The table of a soak: one row for all runs of a scenario."""

from typing import Any

import pytest

from batsort_bringup.soak import COLUMNS, markdown, table

CAUSE = "held: belt: it stands; start the cell"


def row(seed: int, **changed: Any) -> dict[str, Any]:
    report = {
        "wrong_bin": [{"after_standing": False}] * seed,
        "noticed_after_m": 0.1 * (seed + 1),
        "noticed_after_s": 1.0,
        "operator_reads": [CAUSE],
    }
    return {
        "scenario": "belt_jam",
        "seed": seed,
        "kept": True,
        "said": [],
        "items_in": 10,
        "outcomes": {"sorted_confirmed": 8, "cancelled": 2, "fault": 0},
        "report": report,
        "identity": True,
    } | changed


def cells(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    lines = [line.strip("| ").split(" | ") for line in markdown(rows).splitlines()]
    return [dict(zip(COLUMNS, line, strict=True)) for line in lines[2:]]


def test_all_runs_of_a_scenario_make_one_row() -> None:
    first, other = cells([row(0), row(1), row(0, scenario="slip")])
    assert first == {
        "scenario": "belt_jam",
        "kept": "2 of 2",
        "items": "20",
        "outcomes": "16 sorted_confirmed, 4 cancelled",
        "wrong bin": "1, after 0",
        "identity": "holds",
        "noticed": "0.10 to 0.20 m, 1.0 s",
        "operator reads": CAUSE,
    }
    assert (other["scenario"], other["noticed"]) == ("slip", "0.10 m, 1.0 s")


@pytest.mark.parametrize(
    ("changed", "column", "said"),
    [
        ({"kept": False}, "kept", "1 of 2"),
        ({"identity": False}, "identity", "BROKEN"),
        ({"report": None, "said": ["demo: no node"]}, "operator reads", f"{CAUSE} / demo: no node"),
    ],
)
def test_one_bad_run_shows(changed: dict[str, Any], column: str, said: str) -> None:
    (found,) = cells([row(0), row(1, **changed)])
    assert found[column] == said


def test_a_scenario_that_sorts_on_was_not_noticed() -> None:
    report = row(0)["report"] | {"noticed_after_m": None, "noticed_after_s": None}
    (found,) = cells([row(0, report=report)])
    assert found["noticed"] == "-"


def test_the_table_fits_a_wide_terminal() -> None:
    assert max(map(len, table([row(0), row(1)]))) <= 160
