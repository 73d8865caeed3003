"""What goes into a message comes out of it again, field for field; names are those of the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.decisions import Decision, Shot
from batsort_core.firing import ShotEnd
from batsort_core.inputs import Batch, Input
from batsort_core.item_life import Ejected
from batsort_core.items import EjectResult, Item, Outcome, Reason, Verdict
from batsort_description.cell_file import load_cell
from batsort_graph import names
from batsort_graph import to_messages as to
from batsort_graph.from_messages import (
    decision_of,
    ejected_of,
    item_of,
    order_of,
    reading_of,
    recipe_of,
    settled_of,
    shot_of,
    stamp_of,
)
from batsort_graph.of_items import OF_ITEMS
from batsort_graph.topics import READER, TOPICS, TWIN

STAMP = 1_700_000_000_123_456_789
RECIPE = load_cell(str(Path(__file__).parents[3] / "config" / "cell.yaml")).recipe
assert RECIPE.print is not None
VERDICT = Verdict(7, "Klarus", 0.75, 0.5, STAMP)
DECISION = Decision(7, 2, "klarus", Reason.SORT, STAMP + 5, 8123, VERDICT)
SETTLED = Settled(
    7, Outcome.SORTED_CONFIRMED, "klarus", "klarus", replace(VERDICT, image_stamp=0), STAMP + 9
)
SHOT = Shot(7, 2, 9, True, 20123, 0.01, 0.02)


@pytest.mark.parametrize(
    "told, message, read",
    [
        (
            reading := BeltReading(STAMP, 2, 8000, 0.8, 0.5, True, STAMP - 1),
            to.reading_message(reading, "belt_link"),
            reading_of,
        ),
        (item := Item(7, 2, 8000, 0.05, STAMP), to.item_message(item, 1e-4, "belt_link"), item_of),
        (DECISION, to.decision_message(DECISION), decision_of),
        (
            undecided := replace(DECISION, reason=Reason.NO_VERDICT, bin="others", verdict=None),
            to.decision_message(undecided),
            decision_of,
        ),
        (SETTLED, to.outcome_message(SETTLED), settled_of),
        (
            missing := replace(SETTLED, outcome=Outcome.MISSING, bin="", verdict=None),
            to.outcome_message(missing),
            settled_of,
        ),
        (SHOT, to.shot_message(SHOT, to.time_of(STAMP)), shot_of),
        (
            called_off := replace(SHOT, fire=False),
            to.shot_message(called_off, to.time_of(1)),
            shot_of,
        ),
        (RECIPE, to.recipe_message(RECIPE, to.time_of(STAMP)), recipe_of),
        (
            plain := replace(RECIPE, weights=None, sizes=None, brands=None, print=None),
            to.recipe_message(plain, to.time_of(STAMP)),
            recipe_of,
        ),
        (
            batch := Batch(3, ((Input.ITEM, 7), (Input.BELT, STAMP))),
            to.order_message(batch, STAMP),
            order_of,
        ),
    ],
    ids=lambda part: type(part).__name__,
)
def test_what_is_put_into_a_message_is_read_from_it(told: Any, message: Any, read: Any) -> None:
    assert read(message) == told


def test_the_end_of_a_shot_is_read_as_what_became_of_its_item() -> None:
    end = ShotEnd(SHOT, EjectResult.FIRED, STAMP, 2, 20125)
    assert ejected_of(to.end_message(end)) == Ejected(7, EjectResult.FIRED, STAMP, 20125)


@pytest.mark.parametrize("stamp", [0, 1, 999_999_999, 1_000_000_000, STAMP])
def test_stamps_keep_every_nanosecond(stamp: int) -> None:
    assert stamp_of(to.time_of(stamp)) == stamp


def test_every_name_that_bags_are_read_by_is_a_topic_of_the_table() -> None:
    named = {value for key, value in vars(names).items() if key.isupper() and key != "IMAGES"}
    known = TOPICS.keys() | READER.keys() | TWIN.keys()
    assert named | OF_ITEMS.keys() <= known
    assert {image.removesuffix("/compressed") for image in names.IMAGES} <= known
