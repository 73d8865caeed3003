"""Two runs held against each other: what is the same, what is not, and what a few ms explain."""

from __future__ import annotations

import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from batsort_bags.outcomes import Run, compare
from batsort_core.cell import CellDescription, parse_cell
from batsort_graph.from_messages import NS

T0 = 1_800_000_000
SINCE = T0 * NS
LAST = 1000 + 6000 - round(0.5 * 0.030 / 0.0001)
"""The last count for a shot at the first bin, of an item at count 1000, at 0.5 m/s."""
MS = 5
"""Counts in a millisecond."""


@pytest.fixture
def cell() -> CellDescription:
    file = Path(__file__).parents[3] / "config" / "cell.yaml"
    return parse_cell(yaml.safe_load(file.read_text()))


def at(stamp_ns: int) -> Any:
    return SimpleNamespace(stamp=SimpleNamespace(sec=stamp_ns // NS, nanosec=stamp_ns % NS))


def hear(run: Run, number: int, decided: int, reason: str = "sort", **told: str) -> None:
    """All that is said of an item: the verdict is always that of the first bin's type."""
    item_id, stamp = T0 * 1_000_000 + number, SINCE + number * NS
    bin = told.get("decided_bin", "duracell_alk" if reason == "sort" else "others")
    run.take(
        "belt/items",
        SimpleNamespace(header=at(stamp), id=item_id, epoch=1, count=1000, length=0.05),
    )
    judged = {"item_id": item_id, "type": "Duracell_Alk", "confidence": 0.9, "novelty": 0.1}
    seen = {"types": [], "scores": [], "offset": 0.0, "clearance": math.inf}
    run.take("classifications", SimpleNamespace(header=at(stamp), **judged, **seen))
    run.take("belt/state", SimpleNamespace(header=at(stamp), velocity=0.5))
    run.take(
        "items/decisions",
        SimpleNamespace(
            header=at(stamp),
            epoch=1,
            bin=bin,
            reason=reason,
            decided_count=decided,
            image_stamp=at(stamp).stamp,
            **judged,
        ),
    )
    if told.get("outcome"):
        run.take(
            "items/outcomes",
            SimpleNamespace(
                header=at(stamp),
                outcome=told["outcome"],
                bin=told.get("bin", bin),
                decided_bin=bin,
                **judged,
            ),
        )


def sorted_run(cell: CellDescription, count: int, margin_ms: int = 100) -> Run:
    run = Run(cell)
    for number in range(count):
        hear(run, number, LAST - margin_ms * MS, outcome="sorted_confirmed")
    return run


def test_runs_with_the_same_fates_are_the_same_whatever_their_margins(
    cell: CellDescription,
) -> None:
    compared = compare(sorted_run(cell, 3, 100), sorted_run(cell, 3, 250), SINCE)
    assert compared.good
    assert compared.same == 3
    assert compared.counts == {"sorted_confirmed": (3, 3)}
    assert compared.least_margin_ms == pytest.approx((100.0, 250.0))


@pytest.mark.parametrize(("then_ms", "now_ms"), [(100, -30), (12, -30), (100, -15)])
def test_only_what_was_near_its_deadline_may_differ(
    cell: CellDescription, then_ms: int, now_ms: int
) -> None:
    then, now = sorted_run(cell, 2, then_ms), sorted_run(cell, 1)
    hear(now, 1, LAST - now_ms * MS, "late", outcome="others_late")
    compared = compare(then, now, SINCE)
    (difference,) = compared.differences
    assert difference.now.margin_ms == pytest.approx(now_ms)
    assert compared.good == difference.near == (then_ms <= 20 or now_ms >= -20)
    assert compared.counts == {"others_late": (0, 1), "sorted_confirmed": (2, 1)}
    assert ("within 20 ms" in str(difference)) == difference.near


def test_another_bin_is_a_difference_though_the_outcome_is_the_same(cell: CellDescription) -> None:
    then, now = sorted_run(cell, 1), Run(cell)
    hear(now, 0, LAST - 500, outcome="sorted_confirmed", decided_bin="klarus")
    compared = compare(then, now, SINCE)
    assert not compared.good
    assert "to klarus" in str(compared.differences[0])


def test_decisions_alone_are_compared_where_outcomes_cannot_be_the_same(
    cell: CellDescription,
) -> None:
    then, now = sorted_run(cell, 1), Run(cell)
    hear(now, 0, LAST - 500, outcome="missing")
    assert not compare(then, now, SINCE).good
    compared = compare(then, now, SINCE, decisions_only=True)
    assert compared.good
    assert compared.counts == {"sort": (1, 1)}


def test_what_was_lost_is_said(cell: CellDescription) -> None:
    then, now = sorted_run(cell, 3), sorted_run(cell, 1)
    compared = compare(then, now, SINCE)
    assert not compared.good
    assert [id % 1_000_000 for id in compared.lost_items] == [1, 2]
    assert compared.lost_verdicts == compared.lost_items
    assert compared.counts == {"none": (0, 2), "sorted_confirmed": (3, 1)}
    assert any(line.startswith("lost: 2 items") for line in compared.lines())


def test_an_item_that_the_record_ends_on_is_on_the_belt_and_no_difference(
    cell: CellDescription,
) -> None:
    then, now = sorted_run(cell, 1), sorted_run(cell, 1)
    hear(then, 1, LAST - 500)
    hear(now, 1, LAST - 500, outcome="missing")
    hear(now, 2, LAST - 500)
    compared = compare(then, now, SINCE)
    assert compared.good
    assert [id % 1_000_000 for id in compared.on_belt] == [1, 2]


def test_an_item_older_than_the_first_edge_played_is_left_out(cell: CellDescription) -> None:
    then = sorted_run(cell, 2)
    now = Run(cell)
    hear(now, 1, LAST - 500, outcome="sorted_confirmed")
    compared = compare(then, now, SINCE + 1000)
    assert compared.good
    assert compared.same == 1


def test_an_item_made_up_is_a_difference(cell: CellDescription) -> None:
    compared = compare(sorted_run(cell, 1), sorted_run(cell, 2), SINCE)
    assert not compared.good
    assert compared.differences[0].then.outcome == ""


def test_nothing_to_compare_is_not_good(cell: CellDescription) -> None:
    compared = compare(Run(cell), Run(cell), SINCE)
    assert not compared.good
    assert any("nothing to compare" in line for line in compared.lines())


def test_settings_that_are_not_those_of_then_are_named(cell: CellDescription) -> None:
    then, now = sorted_run(cell, 1), sorted_run(cell, 1)
    for run, hash in ((then, "a"), (now, "b")):
        run.take("classifier/bundle", SimpleNamespace(network_sha256=hash, description_sha256=""))
        run.take("cell/info", SimpleNamespace(description="the same"))
    assert compare(then, now, SINCE).changed == ("classifier/bundle",)


def test_the_report_is_json(cell: CellDescription) -> None:
    then, now = sorted_run(cell, 2), sorted_run(cell, 1)
    report = json.loads(json.dumps(compare(then, now, SINCE).report()))
    assert report["good"] is False
    assert report["differences"][0]["then"]["bin"] == "duracell_alk"
    assert report["counts"]["sorted_confirmed"] == {"then": 2, "now": 1}
