import math
from array import array
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.chemistry import Chemistry
from batsort_core.items import PrintReading, Reason, Verdict
from batsort_core.recipe import PrintRule, Recipe, RecipeError
from batsort_core.sizes import Measured, Size

RECIPE = Recipe("others", 0.8, 1.0, {"A": "left", "B": "right", "C": "others"})
TYPES = ("A", "A2", "B", "C", "Li", "Z")
"""Of the bundle; the recipe does not name Z."""
WEIGHABLE = replace(RECIPE, types={**RECIPE.types, "A2": "left", "Li": "lithium"})
LIMIT = 1.0 - RECIPE.threshold

weights = st.dictionaries(st.sampled_from(sorted(WEIGHABLE.types)), st.floats(1.0, 1000.0))


@st.composite
def scores(draw: st.DrawFn) -> dict[str, float]:
    """As the classifier sends them, the highest first: float32, sum 1 but for rounding."""
    sure = draw(st.just(0.8) | st.floats(0.7, 1.0))
    shares = draw(st.lists(st.integers(1, 1000), min_size=5, max_size=5))
    rest = [share * (1.0 - sure) / sum(shares) for share in shares]
    return dict(zip(draw(st.permutations(TYPES)), array("f", [sure, *rest]), strict=True))


def choose(recipe: Recipe, scores: dict[str, float]) -> tuple[str, Reason]:
    """What the recipe says of the type with the highest score."""
    best = next(iter(scores))
    return recipe.choose(best, scores[best], 0.5, scores)


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
    assert RECIPE.choose(type, confidence, novelty, None) == expected


@pytest.mark.parametrize(
    ("type", "confidence", "length", "expected"),
    [
        ("A", 0.9, 0.050, ("left", Reason.SORT)),
        ("A", 0.9, 0.065, ("others", Reason.WRONG_SIZE)),
        ("A", 0.9, None, ("left", Reason.SORT)),
        ("A", 0.7, 0.065, ("others", Reason.LOW_CONFIDENCE)),
        ("B", 0.9, 0.065, ("right", Reason.SORT)),
        ("C", 0.9, 0.065, ("others", Reason.WRONG_SIZE)),
        ("C", 0.9, 0.050, ("others", Reason.BY_RECIPE)),
        ("A", 0.9, math.nan, ("others", Reason.WRONG_SIZE)),
    ],
)
def test_what_can_be_none_of_its_type_s_sizes_is_not_sorted(
    type: str, confidence: float, length: float | None, expected: tuple[str, Reason]
) -> None:
    recipe = replace(RECIPE, sizes={"A": (Size.AAA, Size.AA), "C": (Size.AA,)})
    measured = None if length is None else Measured(length, 0.002)
    assert recipe.choose(type, confidence, 0.5, None, measured) == expected


@given(st.text(), st.floats(), st.floats())
def test_only_what_the_recipe_names_is_sorted(type: str, confidence: float, novelty: float) -> None:
    bin, reason = RECIPE.choose(type, confidence, novelty, None)
    assert (reason is Reason.SORT) == (bin != "others")
    assert reason is not Reason.SORT or (type in "AB" and confidence >= 0.8 and novelty <= 1.0)


@settings(deadline=None)
@given(scores())
def test_weights_of_1_decide_as_the_threshold_alone(scores: dict[str, float]) -> None:
    ones = replace(WEIGHABLE, weights=dict.fromkeys(WEIGHABLE.types, 1.0))
    best = next(iter(scores))
    by_threshold = WEIGHABLE.choose(best, scores[best], 0.5, None)
    assert choose(ones, scores) == choose(WEIGHABLE, scores) == by_threshold


@settings(deadline=None)
@given(scores(), weights, st.sampled_from(sorted(WEIGHABLE.types)), st.floats(1.0, 1000.0))
def test_a_higher_weight_never_turns_a_rejection_into_a_shot(
    scores: dict[str, float], weights: dict[str, float], type: str, weight: float
) -> None:
    lower = choose(replace(WEIGHABLE, weights=weights), scores)
    raised = weights | {type: max(weight, weights.get(type, 1.0))}
    higher = choose(replace(WEIGHABLE, weights=raised), scores)
    assert higher == lower or higher[1] is Reason.LOW_CONFIDENCE


@settings(deadline=None)
@given(scores(), st.floats(1.001, 1000.0), st.floats(1.001, 5.0))
def test_too_high_a_chance_of_li_ion_is_never_blown_into_another_bin(
    scores: dict[str, float], weight: float, beyond: float
) -> None:
    recipe = replace(WEIGHABLE, weights={"Li": weight})
    scores["Li"] = min(beyond * LIMIT / weight, 1.0)
    for type in ("A", "A2", "B"):
        assert recipe.choose(type, 0.99, 0.5, scores) == ("others", Reason.LOW_CONFIDENCE)
    assert recipe.choose("Li", 0.99, 0.5, scores) == ("lithium", Reason.SORT)


@pytest.mark.parametrize(
    ("scores", "bin"),
    [
        ({"A": 0.94, "B": 0.03, "Li": 0.03}, "left"),
        ({"A": 0.94, "B": 0.01, "Li": 0.05}, "others"),
        ({"A": 0.85, "B": 0.11, "Li": 0.04}, "others"),
        ({"A": 0.85, "A2": 0.11, "Li": 0.039}, "left"),
        ({"A": 0.94, "Li": math.nan}, "others"),
        ({"A": 0.94, "B": math.nan, "Li": 0.0}, "others"),
        ({"A": 0.94}, "others"),
    ],
)
def test_weighted_scores_of_other_bins_count_against_a_shot(
    scores: dict[str, float], bin: str
) -> None:
    recipe = replace(WEIGHABLE, weights={"Li": 5.0})
    assert recipe.choose("A", scores["A"], 0.5, scores)[0] == bin


READ = replace(
    WEIGHABLE,
    chemistries={
        "A": Chemistry.ALKALINE,
        "A2": Chemistry.NIMH,
        "C": Chemistry.ALKALINE,
        "Li": Chemistry.LI_ION,
    },
    print=PrintRule(
        veto=True,
        dangerous=(Chemistry.LI_ION, Chemistry.LIFEPO4),
        novelty=0.7,
        score=0.02,
        confidence=0.8,
        margin=0.05,
    ),
)


def says(chemistry: Chemistry | None, confidence: float = 0.9) -> PrintReading:
    return PrintReading(1, 0, chemistry, confidence)


def brand(name: str, confidence: float = 0.95, of: Chemistry | None = None) -> PrintReading:
    return PrintReading(1, 0, of, 0.9, brand=name, brand_confidence=confidence)


def may_be(*chemistries: Chemistry, confidence: float = 0.9) -> PrintReading:
    return PrintReading(1, 0, None, confidence, chemistries=chemistries)


BRANDED = replace(
    READ,
    brands={"A": ("Duracell",), "A2": ("IKEA", "LADDA"), "B": ("GP",), "C": ("GP",)},
    print=replace(READ.print, brand_confidence=0.9) if READ.print else None,
)


@pytest.mark.parametrize(
    ("type", "confidence", "novelty", "li", "wants"),
    [
        ("A", 0.95, 0.5, 0.0, False),
        ("A", 0.95, 0.5, 0.02, True),  # may be dangerous
        ("A", 0.95, 0.7, 0.0, True),  # nearly too novel
        ("A", 0.95, 1.1, 0.0, False),  # not sorted anyway
        ("A", 0.5, 0.9, 0.0, False),
        ("Li", 0.95, 0.1, 0.95, True),  # dangerous itself
        ("B", 0.95, 0.9, 0.03, False),  # nothing stated that print could contradict
        ("C", 0.95, 0.9, 0.03, False),  # others by recipe
        ("Z", 0.95, 0.9, 0.03, False),
        ("A", math.nan, 0.9, 0.03, False),
    ],
)
def test_print_is_wanted_of_what_would_be_sorted_and_must_be_sure(
    type: str, confidence: float, novelty: float, li: float, wants: bool
) -> None:
    verdict = Verdict(1, type, confidence, novelty, 0, {type: confidence, "Li": li})
    assert READ.wants_print(verdict) is wants
    assert not replace(READ, print=None).wants_print(verdict)


@pytest.mark.parametrize(
    ("type", "reading", "reason"),
    [
        ("A", says(Chemistry.LI_ION), Reason.BY_PRINT),
        ("A", says(Chemistry.NIMH), Reason.BY_PRINT),
        ("A", says(Chemistry.ALKALINE), Reason.SORT),
        ("A", says(Chemistry.LI_ION, 0.79), Reason.SORT),
        ("A", says(Chemistry.LI_ION, math.nan), Reason.SORT),
        ("A", says(None), Reason.SORT),
        ("A", None, Reason.SORT),
        ("B", says(Chemistry.LI_ION), Reason.SORT),
        ("C", says(Chemistry.LI_ION), Reason.BY_RECIPE),
    ],
)
def test_print_that_contradicts_the_chemistry_of_a_type_keeps_it_from_being_sorted(
    type: str, reading: PrintReading | None, reason: Reason
) -> None:
    assert READ.choose(type, 0.95, 0.5, None, None, reading)[1] is reason
    assert READ.print is not None
    harmless = replace(READ, print=replace(READ.print, veto=False))
    assert harmless.choose(type, 0.95, 0.5, None, None, reading) == READ.choose(
        type, 0.95, 0.5, None
    )


@pytest.mark.parametrize(
    ("type", "reading", "reason"),
    [
        ("A", brand("Panasonic"), Reason.BY_PRINT),
        ("A", brand("Panasonic", of=Chemistry.ALKALINE), Reason.BY_PRINT),
        ("A", brand("Duracell"), Reason.SORT),
        ("A", brand("DURACELL"), Reason.SORT),
        ("A", brand("duracell", of=Chemistry.NIMH), Reason.BY_PRINT),
        ("A", brand("Panasonic", 0.89), Reason.SORT),
        ("A", brand("Panasonic", math.nan), Reason.SORT),
        ("A", brand(""), Reason.SORT),
        ("A2", brand("ladda"), Reason.SORT),
        ("A2", brand("Duracell"), Reason.BY_PRINT),
        ("B", brand("Duracell"), Reason.BY_PRINT),  # of any chemistry
        ("Li", brand("Duracell"), Reason.SORT),  # of any brand
        ("C", brand("Duracell"), Reason.BY_RECIPE),
    ],
)
def test_print_of_another_brand_keeps_a_type_from_being_sorted(
    type: str, reading: PrintReading, reason: Reason
) -> None:
    assert BRANDED.choose(type, 0.95, 0.5, None, None, reading)[1] is reason
    if reading.chemistry is None:
        assert READ.choose(type, 0.95, 0.5, None, None, reading) == READ.choose(type, 0.95, 0.5, {})


def test_without_a_limit_no_brand_contradicts() -> None:
    assert READ.print is not None
    unlimited = replace(BRANDED, print=READ.print)
    assert not unlimited.contradicts("A", brand("Panasonic", 1.0))


@pytest.mark.parametrize(
    ("type", "reading", "contradicts"),
    [
        ("A", may_be(Chemistry.LITHIUM, Chemistry.LI_ION), True),
        ("A", may_be(Chemistry.LITHIUM, Chemistry.LI_ION, confidence=0.79), False),
        ("Li", may_be(Chemistry.LITHIUM, Chemistry.LI_ION), False),
        ("A", may_be(Chemistry.LITHIUM, Chemistry.ALKALINE), False),
        ("B", may_be(Chemistry.LITHIUM, Chemistry.LI_ION), False),
    ],
)
def test_print_that_may_mean_several_contradicts_what_is_none_of_them(
    type: str, reading: PrintReading, contradicts: bool
) -> None:
    assert READ.contradicts(type, reading) is contradicts
    assert not READ.agrees(type, reading)


@given(
    st.sampled_from(TYPES), st.sampled_from([None, *Chemistry]), st.floats(0.0, 1.0), st.booleans()
)
def test_one_that_it_may_mean_is_the_one_that_it_says(
    type: str, chemistry: Chemistry | None, confidence: float, stated: bool
) -> None:
    recipe = READ if stated else replace(READ, chemistries=None)
    alone = may_be(*([chemistry] if chemistry else []), confidence=confidence)
    said = says(chemistry, confidence)
    assert recipe.contradicts(type, alone) == recipe.contradicts(type, said)


@pytest.mark.parametrize(
    ("type", "reading", "agrees"),
    [
        ("A", says(Chemistry.ALKALINE, 0.1), True),
        ("A", brand("DURACELL", 0.1), True),
        ("A", brand("Panasonic", 0.1), False),
        ("A", says(None), False),
        ("B", brand("GP"), True),
        ("B", says(None), False),
        ("Li", brand("GP"), False),
    ],
)
def test_print_agrees_by_chemistry_or_brand(type: str, reading: PrintReading, agrees: bool) -> None:
    assert BRANDED.agrees(type, reading) is agrees
    assert not BRANDED.contradicts(type, reading)


def test_print_is_wanted_of_a_type_whose_brand_alone_is_stated() -> None:
    verdict = Verdict(1, "B", 0.95, 0.9, 0, {"B": 0.95, "Li": 0.0})
    assert BRANDED.wants_print(verdict) and not READ.wants_print(verdict)


def test_assigned_types_leave_the_bin_they_had() -> None:
    recipe = RECIPE.assign("right", ["A", "D"], ["A", "B", "C", "D"], ["left", "right", "others"])
    assert recipe.types == {"A": "right", "B": "right", "C": "others", "D": "right"}
    assert RECIPE.types["A"] == "left"


def test_an_unknown_bin_or_type_is_refused_by_name() -> None:
    with pytest.raises(RecipeError, match=r"^bin: 'up' is refused; allowed: left, right$"):
        RECIPE.assign("up", ["A"], ["A"], ["left", "right"])
    with pytest.raises(RecipeError, match=r"^types: 'Q' is refused; allowed: A, B$"):
        RECIPE.assign("left", ["A", "Q"], ["A", "B"], ["left", "right"])
