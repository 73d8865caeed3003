"""Every item that is not where it belongs is counted, with its own cause."""

from __future__ import annotations

from batsort_core.decisions import Decision
from batsort_core.items import Reason
from batsort_interfaces.msg import ItemTruth
from batsort_reports.attribution import counts
from batsort_reports.report import Run
from batsort_reports.scenario_report import Observed, summarize_scenario


def a_run(*truths: ItemTruth) -> Run:
    """Of items that were all taken for an unknown type; foreign ones were not judged at all."""
    run = Run(bin_of_type={"Klarus": "klarus", "GP": "gp"}, others="others", truths=list(truths))
    for truth in truths:
        if not truth.foreign:
            reason = Reason.UNKNOWN_TYPE
            run.lives.take(Decision(truth.item_id, 1, "others", reason, 0, 0, None))
    return run


def lost(item_id: int, index: int = 0, **more: object) -> ItemTruth:
    return ItemTruth(item_id=item_id, index=index, type="Klarus", bin="others", **more)


def test_items_of_two_bags_have_a_cause_each_though_their_streams_count_alike():
    assert counts(a_run(lost(1, index=0), lost(2, index=0))) == {"classify": 2}


def test_a_foreign_item_has_a_cause_of_its_own():
    foreign = ItemTruth(type="GP", bin="klarus", foreign=True)
    run = a_run(lost(1), foreign)
    assert counts(run) == {"infeed": 1, "classify": 1}
    (wrong,) = summarize_scenario(run, Observed())["wrong_bin"]
    assert (wrong["bin"], wrong["cause"]) == ("klarus", "infeed")
    other = a_run(foreign, lost(1))
    assert summarize_scenario(other, Observed())["wrong_bin"] == [wrong]
