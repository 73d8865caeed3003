"""The page on a run: every figure, nothing from elsewhere, nothing unescaped."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import write

from batsort_bags.reader import Bag
from batsort_bringup.installed import default_cell
from batsort_core.balance import Settled
from batsort_core.decisions import Decision
from batsort_core.items import Item, Outcome, Reason, Verdict
from batsort_files.documents import REFUSED
from batsort_interfaces.msg import BinState, BinStates, CellState, ItemTruth
from batsort_reports import bag_report
from batsort_reports.report import Run, summarize
from batsort_reports.run_page import Uncertain, as_page
from batsort_reports.run_picture import draw
from batsort_reports.scenario_report import Observed
from batsort_reports.shift import effectiveness, timeline

GOLDEN = Path(__file__).parents[3] / "tests" / "golden" / "fast" / "fast.mcap"
PRINT: dict[str, Any] = {
    "read": 0,
    "read_by_cell": 0,
    "stated_types": 9,
    "readable": 0,
    "li_ion": 0,
    "li_ion_out_of_place": 0,
    "contradicting": 0,
    "unread": ["Print was not read."],
    "items": [],
}
RECIPE = {"Klarus": "klarus", "<b>Cell</b>": "cells"}


def seen() -> Observed:
    """Sorting for 30 s, held for 10 s, sorting for 20 s."""
    states = [
        (0.0, CellState(state="execute")),
        (130.0, CellState(state="held", reason="jam & <more>", cure="clear it")),
        (140.0, CellState(state="execute")),
    ]
    return Observed(states=states, belt=[(100.0, 0.0, True), (160.0, 20.0, True)])


def a_run() -> Run:
    run = Run(bin_of_type=RECIPE, others="others")
    for number, (kind, bin) in enumerate(
        [("Klarus", "klarus"), ("<b>Cell</b>", "cells"), ("", "others"), ("Klarus", "others")]
    ):
        item_id = number + 1
        outcome = Outcome.SORTED_CONFIRMED if bin != "others" else Outcome.OTHERS_UNKNOWN_TYPE
        verdict = Verdict(item_id, kind, 0.0, 0.0, 1) if kind else None
        for told in (
            Item(item_id, 1, 0, 0.05, 1),
            Decision(item_id, 1, bin, Reason.SORT, 1, 0, verdict),
            Settled(item_id, outcome, bin, bin, verdict, 0),
        ):
            run.lives.take(told)
        run.truths.append(ItemTruth(item_id=item_id, index=number, type=kind, bin=bin))
    run.latencies_s, run.fire_errors = [0.03, 0.05], [0.001]
    run.bins = BinStates(
        bins=[BinState(name=name, count=1, confirmed=1) for name in ("klarus", "cells", "others")],
        items_in=4,
        outcomes=["sorted_confirmed", "others_unknown_type"],
        outcome_counts=[2, 2],
    )
    return run


def a_report(run: Run, observed: Observed) -> dict[str, Any]:
    report = summarize(run) | {
        "bundle": "default@1",
        "errors": {"classify": 1},
        "versions": {"batsort_core": "0.1.0"},
        "print": PRINT,
        "states": timeline(observed),
    }
    report["oee"] = effectiveness(report["states"], report["outcomes"], 1.0)
    return json.loads(json.dumps(report))


def words(page: str) -> str:
    """What a reader sees, without the drawings."""
    body = re.sub(r"<svg.*?</svg>", "", page.split("</style>", 1)[1], flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


def test_it_shows_the_balance_purity_recovery_and_every_bin_and_outcome() -> None:
    text = words(as_page("Run", a_report(a_run(), seen()), None))
    assert "4 items in = 4 out + 0 on the belt" in text
    assert re.search(r"purity 100\.0% 34\.2%.to.100\.0%", text)
    assert re.search(r"recovery 66\.7% 20\.8%.to.93\.8%", text)
    for name in ("klarus", "cells", "others", "sorted confirmed", "others unknown type"):
        assert name in text
    assert "classify 1" in text


def test_time_that_was_lost_is_named_with_its_cause_and_makes_the_availability() -> None:
    report = a_report(a_run(), seen())
    assert report["oee"]["availability"] == pytest.approx(50 / 60, abs=1e-4)
    text = words(as_page("Run", report, None))
    assert "held: jam &amp; &lt;more&gt; 10.0 1" in text
    assert "50 s sorting of 60 s planned" in text
    assert "clear it" in text


def test_a_page_needs_nothing_from_elsewhere_and_escapes_what_it_is_given() -> None:
    odd = Uncertain(np.zeros((4, 4, 3), np.uint8), "<i>x</i>", 0.4, 1.2, "others", "gap")
    page = as_page("<script>", a_report(a_run(), seen()), [odd])
    # Names of vocabularies in the drawings are no addresses that are fetched.
    fetched = re.findall(r"(?:src|href)=\"(?!data:|#)[^\"]*", page)
    assert fetched == []
    assert "<script" not in page and "<i>x" not in page and "<b>Cell" not in page
    assert "40%, novelty 1.20: others (gap)" in page


def test_print_that_says_something_against_an_item_stands_high_up_with_its_picture() -> None:
    listed = {
        "item_id": 77,
        "text": "ICR <18650>",
        "chemistry": "Li-ion",
        "confidence": 0.89,
        "type": "Exell_Green",
        "stated": "Ni-MH",
        "bin": "exell_green",
        "confirmed": True,
        "outcome": "sorted_confirmed",
        "li_ion": True,
        "contradicts": True,
        "in_place": False,
    }
    other = listed | {"item_id": 78, "type": "", "stated": "", "confirmed": False, "outcome": ""}
    found = PRINT | {"read": 9, "readable": 4, "li_ion": 2, "li_ion_out_of_place": 2}
    found |= {"contradicting": 1, "unread": [], "items": [listed, other]}
    report = a_report(a_run(), seen()) | {"print": found}
    page = as_page("Run", report, None, {77: np.zeros((20, 60, 3), np.uint8)})
    text = words(page)
    assert (
        "Print was looked for on 9 items; it says what 4 of them are. Li-ion: 2, 2 of them outside "
        "its own bins: fire risk. Contradicting their verdicts: 1." in text
    )
    assert "ICR &lt;18650&gt; Li-ion (89%) Exell_Green: Ni-MH exell_green sorted confirmed" in text
    assert "78 no picture ICR" in text and "none exell_green (decided) not known" in text
    assert 'alt="Print on item 77"' in page
    assert text.index("Print on the batteries") < text.index("Bins and outcomes")


def test_print_of_which_nothing_came_is_a_line() -> None:
    found = PRINT | {"read": 9, "read_by_cell": 9, "readable": 4, "unread": [], "stated_types": 0}
    text = words(as_page("Run", a_report(a_run(), seen()) | {"print": found}, None))
    assert (
        "Print was looked for on 9 items by the cell; it says what 4 of them are. The cell "
        "description states no chemistries that it could contradict. None says Li-ion, and none "
        "contradicts its verdict." in text
    )


def test_print_that_was_not_read_says_so_and_how_to() -> None:
    text = words(as_page("Run", a_report(a_run(), seen()), None))
    assert "Print on the batteries Print was not read. Bins and outcomes" in text


def test_where_no_item_was_there_the_page_says_so() -> None:
    found = PRINT | {"unread": []}
    text = words(as_page("Run", a_report(a_run(), seen()) | {"print": found}, None))
    assert "There was no item with a verdict whose print could be read." in text


def test_a_long_list_of_print_is_cut() -> None:
    listed = dict.fromkeys(("text", "chemistry", "type", "stated", "bin", "outcome"), "")
    items = [{**listed, "item_id": i, "confidence": 1.0, "confirmed": False} for i in range(70)]
    found = PRINT | {"read": 70, "items": items}
    text = words(as_page("Run", a_report(a_run(), seen()) | {"print": found}, None))
    assert "10 more are in report.json" in text


def test_the_picture_takes_names_as_they_are(tmp_path: Path) -> None:
    run = a_run()
    run.bins.bins[0].name = r"$\nickel$"
    draw(run, a_report(run, seen()), tmp_path / "run.png")
    assert (tmp_path / "run.png").is_file()


def test_counts_that_do_not_add_up_are_said_first() -> None:
    run = a_run()
    run.lives.take(Item(5, 1, 0, 0.05, 1))
    text = words(as_page("Run", a_report(run, seen()), None))
    assert text.index("The counts do not add up") < text.index("purity")


@pytest.mark.parametrize("pictures", [None, []])
def test_a_run_in_which_nothing_happened_gives_a_page(pictures: list[Uncertain] | None) -> None:
    empty = Run(bin_of_type=RECIPE, others="others")
    text = words(as_page("Run", a_report(empty, Observed()), pictures))
    assert "0 items in = 0 out" in text and "not measured" in text


def test_without_truth_the_table_is_of_bins_decided_and_bins_reached() -> None:
    run = a_run()
    run.truths.clear()
    assert a_report(run, seen())["confusion"]["klarus"] == {"klarus": 1}


def test_a_bag_gives_figures_that_add_up(tmp_path: Path) -> None:
    assert bag_report.main([str(GOLDEN), "--out", str(tmp_path)]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["items_in"] == report["items_out"] + report["on_belt"] > 0
    assert report["bundle"] in (tmp_path / "report.html").read_text()


def test_a_damaged_bag_is_reported_up_to_its_damage_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.mcap"
    data = GOLDEN.read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    assert bag_report.main([str(cut), "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "cut.mcap" in line and ("as far as it goes" in line or "read up to there" in line)


def test_a_message_that_can_t_be_is_left_out_of_the_report_and_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Bag(GOLDEN) as bag:
        told = [(one.topic, one.stamp, bag.decode(one)) for one in bag.messages(list(bag.topics))]
    for topic, _, message in told:
        if topic == "items/decisions":
            message.reason = "mood"
    bag = write(tmp_path / "bag", told)
    assert bag_report.main([str(bag), "--out", str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    said = "a message is refused: 'mood' is not a valid Reason"
    assert line == f"report: {bag}: items/decisions: {said}"
    assert json.loads((tmp_path / "report.json").read_text())["items_in"] > 0


def test_what_is_no_bag_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bag_report.main([str(tmp_path / "none")]) == REFUSED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("report: ") and "not there; allowed: a bag" in line


def test_a_folder_that_can_t_be_written_is_refused_before_the_bags_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "out"
    assert bag_report.main([str(GOLDEN), "--out", str(out)]) == REFUSED
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"report: --out: {out} can't be written")


def test_bags_of_cells_with_other_bins_are_not_made_one_shift(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = default_cell()
    cells = iter([mine, replace(mine, bins=(replace(mine.bins[0], name="cells"), *mine.bins[1:]))])
    monkeypatch.setattr(bag_report, "recorded_cell", lambda bag: next(cells))
    assert bag_report.main([str(GOLDEN)] * 2 + ["--out", str(tmp_path)]) == REFUSED
    (line,) = capsys.readouterr().err.splitlines()
    assert "other bins or types than in" in line
