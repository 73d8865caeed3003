import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.items import Reason
from batsort_core.recipe import Recipe, RecipeError

RECIPE = Recipe("others", 0.8, 1.0, {"A": "left", "B": "right", "C": "others"})


@pytest.mark.parametrize(
    ("type", "confidence", "novelty", "expected"),
    [
        ("A", 0.8, 1.0, ("left", Reason.SORT)),
        ("A", 0.79, 1.0, ("others", Reason.LOW_CONFIDENCE)),
        ("A", 0.99, 1.01, ("others", Reason.UNKNOWN_TYPE)),
        ("A", 0.5, 1.01, ("others", Reason.UNKNOWN_TYPE)),
        ("Z", 0.99, 0.1, ("others", Reason.UNKNOWN_TYPE)),
        ("C", 0.99, 0.1, ("others", Reason.BY_RECIPE)),
        ("C", 0.5, 0.1, ("others", Reason.LOW_CONFIDENCE)),
        ("A", math.nan, 0.1, ("others", Reason.LOW_CONFIDENCE)),
        ("A", 0.99, math.nan, ("others", Reason.UNKNOWN_TYPE)),
    ],
)
def test_the_first_reason_that_applies_is_given(
    type: str, confidence: float, novelty: float, expected: tuple[str, Reason]
) -> None:
    assert RECIPE.choose(type, confidence, novelty) == expected


@given(st.text(), st.floats(), st.floats())
def test_only_what_the_recipe_names_is_sorted(type: str, confidence: float, novelty: float) -> None:
    bin, reason = RECIPE.choose(type, confidence, novelty)
    assert (reason is Reason.SORT) == (bin != "others")
    assert reason is not Reason.SORT or (type in "AB" and confidence >= 0.8 and novelty <= 1.0)


def test_assigned_types_leave_the_bin_they_had() -> None:
    recipe = RECIPE.assign("right", ["A", "D"], ["A", "B", "C", "D"], ["left", "right", "others"])
    assert recipe.types == {"A": "right", "B": "right", "C": "others", "D": "right"}
    assert RECIPE.types["A"] == "left"


def test_an_unknown_bin_or_type_is_refused_by_name() -> None:
    with pytest.raises(RecipeError, match=r"^bin: 'up' is refused; allowed: left, right$"):
        RECIPE.assign("up", ["A"], ["A"], ["left", "right"])
    with pytest.raises(RecipeError, match=r"^types: 'Q' is refused; allowed: A, B$"):
        RECIPE.assign("left", ["A", "Q"], ["A", "B"], ["left", "right"])
