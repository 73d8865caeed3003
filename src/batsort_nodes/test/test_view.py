"""What a viewer draws, from what it heard, without ROS."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.bin_journal import Ejected
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, Outcome, Reason, Verdict
from batsort_description.cell_file import load_cell
from batsort_description.layout import bin_colours
from batsort_nodes.view_figures import SPAN_NS, FigureWatch
from batsort_nodes.view_image import Caption, annotate
from batsort_nodes.view_marks import RED, UNDECIDED, Kind, Mark, Marks
from batsort_nodes.view_state import FLASH_NS, KEPT, SHOWN_NS, Fill, ViewState

CELL = load_cell(str(Path(__file__).parents[3] / "config" / "cell.yaml"))
COLOURS = bin_colours(CELL)
NOW = 1_800_000_000_000_000_000
KLARUS = Verdict(7, "Klarus", 0.97, 0.1, NOW)


def reading(metres: float, stamp: int = NOW) -> BeltReading:
    count = CELL.counts(metres)
    return BeltReading(stamp, 1, count, metres, 0.5, True)


def item(id: int, metres: float = 0.0) -> Item:
    return Item(id, 1, CELL.counts(metres), 0.05, NOW)


def planned(id: int, bin: str = "klarus") -> Decision:
    return Decision(id, 1, bin, Reason.SORT, NOW, 0, replace(KLARUS, item_id=id))


def settled(id: int, outcome: Outcome, stamp: int = NOW, sure: float = 0.97) -> Settled:
    """What became of an item that was meant for the bin `klarus`."""
    bin = "klarus" if outcome is Outcome.SORTED_CONFIRMED else ""
    verdict = replace(KLARUS, item_id=id, confidence=sure)
    return Settled(id, outcome, bin, "klarus", verdict, stamp)


def state_at(metres: float, *items: Item) -> ViewState:
    state = ViewState(CELL, reading(metres))
    for one in items:
        state.lives.take(one)
    return state


def drawn(state: ViewState, group: str) -> list[Mark]:
    return [mark for mark in Marks(CELL).moving(state) if mark.group == group]


def test_an_item_is_drawn_where_the_belt_has_carried_it_with_what_is_known() -> None:
    state = state_at(1.2, item(7, 0.9))
    (body,), (label,) = drawn(state, "items"), drawn(state, "labels")
    assert body.xyz[0] == pytest.approx(0.3)
    assert (body.colour, label.text) == (UNDECIDED, "?")
    state.lives.take(KLARUS)
    assert drawn(state, "labels")[0].text == "Klarus 97%"
    state.lives.take(planned(7))
    (body,), (label,) = drawn(state, "items"), drawn(state, "labels")
    assert body.colour == COLOURS["klarus"]
    assert label.text == "Klarus 97%\nklarus"


def test_a_decision_tells_the_verdict_to_who_came_late() -> None:
    state = state_at(1.0, item(7))
    state.lives.take(planned(7))
    assert drawn(state, "labels")[0].text.startswith("Klarus 97%")


def test_an_item_of_another_epoch_or_past_the_end_is_not_drawn() -> None:
    assert drawn(state_at(1.0, replace(item(7), epoch=2)), "items") == []
    assert drawn(state_at(CELL.others.distance + 0.01, item(7)), "items") == []


def test_a_blown_item_leaves_the_belt_with_a_flash_and_shows_its_outcome_for_a_while() -> None:
    state = state_at(1.8, item(7))
    state.lives.take(planned(7))
    state.on_ejected(Ejected(7, EjectResult.FIRED, NOW, 0), 9)
    assert drawn(state, "items") == []
    (jet,) = drawn(state, "jets")
    assert jet.xyz[0] == pytest.approx(1.8)
    state.lives.take(settled(7, Outcome.SORTED_CONFIRMED))
    (outcome,) = drawn(state, "outcomes")
    assert outcome.text == "sorted_confirmed" and outcome.colour != RED
    state.reading = reading(1.9, NOW + FLASH_NS)
    assert drawn(state, "jets") == []
    state.reading = reading(2.6, NOW + SHOWN_NS)
    assert drawn(state, "outcomes") == []


def test_of_items_that_left_into_one_bin_the_last_one_is_shown() -> None:
    state = state_at(1.8, item(7), item(8))
    state.lives.take(settled(8, Outcome.MISSING))
    state.lives.take(settled(7, Outcome.SORTED_CONFIRMED, NOW - 1))
    assert [mark.text for mark in drawn(state, "outcomes")] == ["missing"]


def test_what_went_wrong_is_red() -> None:
    state = state_at(1.8, item(7))
    state.lives.take(settled(7, Outcome.MISSING))
    assert drawn(state, "outcomes")[0].colour == RED
    state.fills = {"klarus": Fill(5, 5, True), "gp_alk": Fill(1, 5, False)}
    texts = {mark.text: mark.colour for mark in drawn(state, "bins")}
    assert texts["klarus\n5 of 5"] == RED != texts["gp_alk\n1 of 5"]
    heights = [mark.size[2] for mark in drawn(state, "fill")]
    assert max(heights) == pytest.approx(5 * min(heights))


def test_too_little_room_between_two_items_is_a_red_line_between_them() -> None:
    close = state_at(1.0, item(7), item(8, 0.055))
    (line,) = drawn(close, "gaps")
    assert line.kind is Kind.LINES and line.colour == RED
    assert [x for x, _, _ in line.points] == pytest.approx([0.97, 0.975])
    assert drawn(state_at(1.0, item(7), item(8, 0.2)), "gaps") == []


def test_what_never_moves_has_every_nozzle_and_bin_in_its_colour() -> None:
    still = Marks(CELL).still()
    assert set(COLOURS.values()) <= {mark.colour for mark in still}
    assert len({(mark.group, mark.number) for mark in still}) == len(still)


def test_marks_of_one_moment_have_names_of_their_own() -> None:
    state = state_at(1.0, *(item(i, 0.1 * i) for i in range(1, 8)))
    state.lives.take(settled(9, Outcome.MISSING))
    marks = Marks(CELL).moving(state)
    assert len({(mark.group, mark.number) for mark in marks}) == len(marks)


def test_of_many_items_the_newest_are_kept() -> None:
    state = state_at(0.0, *(item(i) for i in range(KEPT + 5)))
    assert [life.id for life in state.lives] == list(range(5, KEPT + 5))


def test_an_image_gets_its_box_and_a_bar_as_long_as_the_confidence() -> None:
    pixels = np.full((480, 640, 3), 90, np.uint8)
    green = (0.0, 1.0, 0.0)

    def bar(confidence: float) -> int:
        caption = Caption((200, 100, 150, 80), "Klarus", confidence, "klarus (sort)", green)
        image = annotate(pixels, caption, 0.8)
        assert tuple(image[100, 275]) == (0, 255, 0)
        return int(np.sum(np.all(image[464, :213] == (0, 255, 0), axis=1)))

    assert bar(0.0) < bar(0.25) < bar(0.5)
    assert bar(0.5) == pytest.approx(2 * bar(0.25), abs=2)
    assert np.all(pixels == 90), "the camera's own image is left as it is"


def test_an_image_of_any_size_can_be_annotated_with_or_without_a_verdict() -> None:
    for shape in ((24, 32, 3), (1080, 1440, 3)):
        blank = np.zeros(shape, np.uint8)
        assert annotate(blank, None, 0.8).shape == shape
        caption = Caption((0, 0, 2000, 2000), "Klarus", 1.4, "klarus", (1.0, 0.0, 0.0))
        assert annotate(blank, caption, 0.8).shape == shape


def test_figures_are_the_rate_of_the_last_seconds_the_latency_and_the_expected_purity() -> None:
    watch = FigureWatch()
    assert all(np.isnan(watch.figures(NOW)[1:])) and watch.figures(NOW).rate == 0.0
    for number in range(10):
        watch.on_verdict(NOW, NOW + (number + 1) * 10_000_000)
        watch.on_outcome(settled(number, Outcome.SORTED_CONFIRMED, sure=0.9 + number / 100))
    watch.on_outcome(settled(10, Outcome.OTHERS_LOW_CONFIDENCE, sure=0.2))
    figures = watch.figures(NOW)
    assert figures == pytest.approx((2.2, 0.05, 0.1, 0.945))
    assert watch.figures(NOW + SPAN_NS).rate == 0.0
