"""What is told of items is joined item by item, in whatever order it comes."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

from batsort_core.balance import Settled
from batsort_core.bin_journal import Ejected
from batsort_core.decisions import Decision
from batsort_core.item_life import ItemLife, ItemLives, Told
from batsort_core.items import EjectResult, Item, Outcome, PrintReading, Reason, Verdict

ITEM = Item(7, 1, 1000, 0.05, 1)
VERDICT = Verdict(7, "Klarus", 0.97, 0.1, 2, {"Klarus": 0.97})
BY = replace(VERDICT, scores=None)
PRINT = PrintReading(7, 2, None, 0.0)
DECISION = Decision(7, 1, "klarus", Reason.SORT, 3, 1200, BY)
EJECTED = Ejected(7, EjectResult.FIRED, 4, 7000)
SETTLED = Settled(7, Outcome.SORTED_CONFIRMED, "klarus", "klarus", BY, 5)


def told(*all: Told) -> ItemLife:
    """The life of item 7."""
    lives = ItemLives()
    for one in all:
        lives.take(one)
    life = lives.get(7)
    assert life is not None
    return life


def test_a_life_is_the_same_in_whatever_order_it_is_told() -> None:
    whole = ItemLife(7, ITEM, VERDICT, PRINT, DECISION, EJECTED, [SETTLED])
    for order in permutations((ITEM, VERDICT, PRINT, DECISION, EJECTED, SETTLED)):
        assert told(*order) == whole


def test_a_part_of_a_life_says_what_is_not_told_yet() -> None:
    life = told(VERDICT)
    assert life == ItemLife(7, verdict=VERDICT)
    assert (life.judged, life.blown, life.settled) == (None, False, None)
    assert told(DECISION).judged == BY
    assert ItemLives().get(7) is None


def test_the_first_word_counts() -> None:
    others = replace(DECISION, bin="others", reason=Reason.LATE)
    assert told(DECISION, others).decision == DECISION
    assert told(EJECTED, replace(EJECTED, result=EjectResult.LATE)).blown
    assert told(VERDICT, replace(VERDICT, type="GP_Alk")).verdict == VERDICT


def test_what_is_said_again_is_one_outcome_and_another_is_kept_as_a_second() -> None:
    missing = replace(SETTLED, outcome=Outcome.MISSING)
    life = told(SETTLED, SETTLED, missing, missing)
    assert life.settled == SETTLED
    assert life.outcomes == [SETTLED, missing]


def test_a_shot_that_was_called_off_has_blown_nothing() -> None:
    assert not told(replace(EJECTED, result=EjectResult.CANCELLED)).blown


def test_of_more_items_than_the_limit_the_oldest_are_forgotten() -> None:
    lives = ItemLives(3)
    for number in range(5):
        lives.take(replace(ITEM, id=number))
        lives.take(replace(VERDICT, item_id=number))
    assert [life.id for life in lives] == [2, 3, 4]
    assert len(lives) == 3 and all(life.verdict for life in lives)
    unbounded = ItemLives()
    for number in range(5000):
        unbounded.take(replace(ITEM, id=number))
    assert len(unbounded) == 5000


def test_lives_are_looked_at_as_they_are_while_more_is_told() -> None:
    lives = ItemLives()
    lives.take(ITEM)
    for _ in lives:
        lives.take(replace(ITEM, id=8))
    assert [life.id for life in lives] == [7, 8]
