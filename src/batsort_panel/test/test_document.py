"""What a browser is shown, without ROS and network."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.cell import parse_cell
from batsort_core.decisions import Decision
from batsort_core.items import Item, Outcome, Reason, Verdict
from batsort_core.recipe import RecipeError
from batsort_core.recipe_edit import RecipeEdit
from batsort_files.schema import FieldError
from batsort_panel.document import CELL_SILENCE_S, SHOWN_AFTER_S, Document

CELL = parse_cell(yaml.safe_load((Path(__file__).parents[3] / "config" / "cell.yaml").read_text()))


@pytest.fixture
def document() -> Document:
    return Document(CELL)


def state(word: str, reason: str = "", cure: str = "") -> Any:
    shares = dict.fromkeys(("availability", "performance", "quality", "oee"), 0.5)
    return SimpleNamespace(state=word, reason=reason, cure=cure, **shares)


def verdict(item_id: int, confidence: float = 0.9) -> Verdict:
    rest = {"Duracell_Alk": confidence, "GP_Alk": 1.0 - confidence, "Klarus": 0.0}
    return Verdict(item_id, "Duracell_Alk", confidence, 0.1, 1, rest)


def test_only_what_has_changed_is_given_again(document: Document) -> None:
    document.on_cell(state("execute"), 0.0, 0.0)
    assert {"layout", "cell", "recipe"} <= set(document.changes(0.1))
    assert document.changes(0.2) == {}
    document.on_cell(state("held", "a jam", "remove it"), 0.3, 0.0)
    changed = document.changes(0.4)
    assert set(changed) == {"cell", "events"}
    assert changed["events"][-1]["text"] == "the cell is held: a jam; remove it"


@pytest.mark.parametrize(
    ("word", "buttons"),
    [
        ("execute", ["hold", "stop"]),
        ("held", ["start", "stop"]),
        ("stopped", ["reset"]),
        ("idle", ["start", "stop"]),
        ("aborted", ["clear"]),
        ("aborting", []),
    ],
)
def test_an_operator_is_offered_what_the_state_allows(
    document: Document, word: str, buttons: list[str]
) -> None:
    document.on_cell(state(word), 0.0, 0.0)
    assert list(document.buttons(0.1)) == buttons
    assert document.buttons(CELL_SILENCE_S + 0.1) == ()


def test_a_silent_cell_is_told_as_such(document: Document) -> None:
    document.on_cell(state("execute"), 0.0, 0.0)
    assert document.changes(0.1)["cell"]["heard"]
    assert not document.changes(CELL_SILENCE_S + 0.1)["cell"]["heard"]


def test_an_item_is_shown_from_the_barrier_until_after_its_outcome(document: Document) -> None:
    document.on_belt(BeltReading(1, 7, 3000, 0.3, 0.5, True, 0), 0.0)
    document.on_item(Item(5, 7, 1000, 0.05, 1))
    document.on_verdict(verdict(5))
    document.on_decision(Decision(5, 7, "duracell_alk", Reason.SORT, 1, 3000, verdict(5)))
    (shown,) = document.changes(0.1)["items"]
    assert (shown["type"], shown["bin"], shown["confidence"]) == (
        "Duracell_Alk",
        "duracell_alk",
        0.9,
    )
    bin = "duracell_alk"
    settled = Settled(5, Outcome.SORTED_CONFIRMED, bin, bin, verdict(5), 1)
    document.on_outcome(settled, 1.0, 0.0)
    assert document.changes(1.1)["items"][0]["outcome"] == "sorted_confirmed"
    assert document.changes(1.1 + SHOWN_AFTER_S)["items"] == []
    document.on_item(Item(5, 7, 1000, 0.05, 1))
    assert "items" not in document.changes(1.2 + SHOWN_AFTER_S)


def test_what_is_shown_is_bounded(document: Document) -> None:
    for number in range(2000):
        document.on_item(Item(number, 7, number, 0.05, 1))
        document.on_verdict(verdict(number))
        document.log(0.0, "info", str(number))
    sections = document.changes(0.0)
    assert len(sections["items"]) == 200
    assert len(sections["events"]) == 60
    assert sections["recipe"]["verdicts"] == 500


def test_a_warning_that_names_a_valve_is_shown_at_the_valve(document: Document) -> None:
    document.on_node("ejector", 1, "slip; valve 3 blows 12 ms later than the others", 0.0, 0.0)
    valves = document.changes(0.0)["valves"]
    assert [v["valve"] for v in valves if v["level"] == "warning"] == [3]
    document.on_node("ejector", 0, "ok", 1.0, 0.0)
    assert all(valve["level"] == "ok" for valve in document.changes(1.0)["valves"])


def test_a_preview_says_what_a_threshold_would_have_done(document: Document) -> None:
    for number, confidence in enumerate((0.70, 0.85, 0.90, 0.99)):
        document.on_verdict(verdict(number, confidence))
    found = document.preview(RecipeEdit(threshold=0.88))
    assert (found.verdicts, found.sorted_before, found.sorted_after) == (4, 3, 2)
    assert (found.to_others, found.from_others) == (1, 0)
    assert found.bins == {"duracell_alk": -1, "others": 1}


@pytest.mark.parametrize(
    ("edit", "named"),
    [
        (RecipeEdit(types={"GP_Alk": "nowhere"}), "types.GP_Alk: 'nowhere' is refused; allowed: "),
        (RecipeEdit(types={"Unheard": "gp_alk"}), "types: 'Unheard' is refused; allowed: "),
    ],
)
def test_a_recipe_that_can_not_be_is_refused_by_name(
    document: Document, edit: RecipeEdit, named: str
) -> None:
    with pytest.raises((FieldError, RecipeError)) as error:
        document.edited(edit)
    assert str(error.value).startswith(named)


def test_a_cell_in_a_namespace_within_is_another_cell(document: Document) -> None:
    document.changes(0.0)
    document.on_node("left/bins", 2, "valve 1 does not blow", 0.0, 0.0)
    assert document.changes(0.0) == {}
    document.on_node("bins", 2, "valve 1 does not blow", 0.0, 0.0)
    assert {"nodes", "valves", "events"} <= document.changes(0.0).keys()
