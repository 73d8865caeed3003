"""What print says of a battery, and what it does not."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from print_samples import BOX, CHEMISTRIES, chemistry, read, value

from batsort_core.chemistry import Chemistry
from batsort_perception.print_text import interpret
from batsort_perception.printed import FLOOR, Line


@pytest.mark.parametrize(
    ("text", "wanted"), [(text, name) for name, texts in CHEMISTRIES.items() for text in texts]
)
def test_a_chemistry_is_read_from_its_words(text, wanted):
    assert chemistry(text) == wanted


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (("18650", "3.7V", "2600mAh"), "li_ion"),
        (("14500", "3.6 V"), "li_ion"),
        (("21700", "5000mAh"), "li_ion"),
        (("18650 1500mAh", "3.2V"), "lifepo4"),
        (("Lithium", "3.7V"), "li_ion"),
        (("LITHIUM", "RECHARGEABLE"), "li_ion"),
        (("LITHIUM", "3.2V"), "lifepo4"),
        (("LITHIUM", "1,5V"), "lithium"),
        (("RECHARGEABLE", "1.2V 2000mAh"), "nimh"),
        (("KLARUS", "2600mAh"), "li_ion"),
        (("KLARUS", "Micro-USB"), "li_ion"),
        (("3.6V 12.96Wh",), "li_ion"),
        (("ALKALINE 0% Hg",), "alkaline"),
        (("No mercury added, alkaline",), "alkaline"),
        (("CAUTION: Do not mix old and new batteries.", "ALKALINE"), "alkaline"),
        (("ALKALINE BATTERY", "R6 1.5V"), "alkaline"),
        (("ALKALINE", "Do not recharge"), "alkaline"),
        (("Ni-MH", "Use Ni-MH/Ni-Cd charger only"), "nimh"),
        (("Ni-MH", "Do not mix with alkaline,", "zinc carbon or Ni-Cd batteries."), "nimh"),
    ],
)
def test_a_chemistry_is_read_from_what_is_printed_together(texts, wanted):
    assert chemistry(*texts) == wanted
    assert chemistry(*texts[::-1]) == wanted or "mix" in " ".join(texts)


@pytest.mark.parametrize(
    "texts",
    [
        ("",),
        ("DURACELL",),
        ("Energizer", "INDUSTRIAL"),
        ("0% Cadmium",),
        ("0% Cadmium/Mercury",),
        ("0% Cadmium", "RECHARGEABLE"),
        ("Cd 0%",),
        ("No Hg / Cd / Pb Added",),
        ("NO MERCURY ADDED", "no cadmium"),
        ("ohne Cadmium",),
        ("sans mercure, sans cadmium",),
        ("cadmium-free",),
        ("not alkaline",),
        ("no lithium-ion",),
        ("non alcaline",),
        ("alkaline free",),
        ("lasts longer than alkaline",),
        ("Do not mix with alkaline or zinc carbon batteries",),
        ("DO NOT MIX WITH", "ALKALINE OR CARBON ZINC"),
        ("replaces Ni-Cd",),
        ("no lithium", "1.5V"),
        ("Not for use with lithium", "3V"),
        ("Nicht mit Alkaline mischen",),
        ("may explode if recharged",),
        ("Do not recharge",),
        ("NOT RECHARGEABLE", "1.2V"),
        ("HIGH VOLTAGE",),
        ("RELIGHTABLE",),
        ("MILLION", "STALLION", "lion"),
        ("alkazar", "alchemy", "ALGAE"),
        ("Carmine", "discipline", "Caroline"),
        ("R6",),
        ("LR", "6", "HR"),
        ("LR6500", "CLR61X", "HR2000"),
        ("18650",),
        ("3.6V",),
        ("1.5V AA",),
        ("1.2V AA 2000mAh",),
        ("Lithium",),
        ("CR18650",),
        ("Klarus",),
        ("INPUT 5V/1A Micro-USB",),
        ("2026-11", "12-2030", "14500 units"),
        ("MAX",),
        ("MAXIMUM", "Energizer"),
        ("щелочная",),
        ("無汞",),
        ("AA", "+|AA", "SIZE D"),
    ],
)
def test_nothing_is_guessed(texts):
    assert chemistry(*texts) is None


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (("LITHIUM", "ION"), "li_ion"),
        (("Li-", "ion 3.7V"), "li_ion"),
        (("NICKEL", "METAL HYDRIDE"), "nimh"),
        (("Ni-", "MH 1.2V"), "nimh"),
        (("NICKEL", "CADMIUM"), "nicd"),
    ],
)
def test_a_name_may_go_on_in_the_next_line(texts, wanted):
    assert chemistry(*texts) == wanted


def test_a_denied_word_is_not_even_among_what_was_found():
    assert read("Do not mix with Ni-Cd, alkaline").chemistries == ()


def test_two_labels_in_one_picture_are_both_named_and_none_is_chosen():
    found = read("ALKALINE BATTERY", "Ni-MH 1.2V")
    assert found.chemistry is None
    assert {finding.value for finding in found.chemistries} == {"alkaline", "nimh"}


@pytest.mark.parametrize("other", ["ALKALINE", "Ni-MH", "Ni-Cd", "ZINC CARBON", "LR6"])
@pytest.mark.parametrize("lithium", ["Li-ion", "3.7V", "LiFePO4", "CR123A", "LITHIUM"])
def test_what_may_be_lithium_is_never_called_anything_else(lithium, other):
    found = read(other, lithium)
    assert value(found.chemistry) in (None, "li_ion", "lifepo4", "lithium")
    assert {finding.value for finding in found.chemistries} & {"li_ion", "lifepo4", "lithium"}


def test_lithium_alone_may_be_either():
    found = read("LITHIUM")
    assert found.chemistry is None
    assert {finding.value for finding in found.chemistries} == {"lithium", "li_ion"}
    assert found.said[1:] == (pytest.approx(0.99), "LITHIUM")


def test_a_pack_of_one_kind_is_that_kind():
    assert chemistry(*["DURACELL", "ALKALINE BATTERY", "LR6 1.5V"] * 4) == "alkaline"


def test_a_line_read_badly_says_nothing():
    assert chemistry("ALKALINE BATTERY", confidence=FLOOR - 0.01) is None
    assert read("DURACELL 1.5V AA", confidence=FLOOR - 0.01).brand is None
    assert chemistry("LR6", confidence=0.8) is None
    assert chemistry("ALKALINE", confidence=0.8) == "alkaline"


def test_a_finding_says_where_and_how_surely():
    line = Line("PILE ALCALINE", 0.9, BOX + 7)
    found = interpret([Line("DURACELL", 1.0, BOX), line]).chemistry
    assert found is not None
    assert (found.text, found.confidence) == ("PILE ALCALINE", pytest.approx(0.9))
    assert found.box is line.box


def test_words_outrank_designations_and_designations_what_follows_from_others():
    strengths = [read(text).chemistries[0].confidence for text in ("Li-ion", "IMR18650", "3.7V")]
    assert strengths == sorted(strengths, reverse=True)
    assert len(set(strengths)) == 3


def test_the_text_is_all_lines():
    assert read("DURACELL", "1.5V").text == "DURACELL / 1.5V"
    assert read().text == ""


def letters(alphabet: str, most: int) -> st.SearchStrategy[str]:
    """Drawn one by one: `st.text` would also try the strings that it finds in our own modules."""
    return st.lists(st.sampled_from(alphabet), max_size=most).map("".join)


numbers = st.floats(allow_nan=True, allow_infinity=True)
text = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from(
            [w for texts in CHEMISTRIES.values() for w in texts]
            + ["no", "0%", "free", "mix", "1.5V", "3.7V", "AA", ".", "/", "18650", "mAh"]
        ),
        max_size=5,
    ).map(" ".join),
)


@given(st.lists(st.tuples(text, numbers), max_size=6))
def test_it_never_raises_and_findings_are_sure(pairs):
    found = interpret([Line(words, confidence, BOX) for words, confidence in pairs])
    assert len(found.lines) == len(pairs)
    values = [finding.value for finding in found.chemistries]
    assert len(values) == len(set(values))
    assert all(value in set(Chemistry) for value in values)
    said, sure, line = found.said
    assert set(said) <= set(values)
    assert 0 <= sure <= 1 and (sure == 0) == (not found.chemistries) == (not line)
    if found.chemistry is not None:
        assert found.chemistry is found.chemistries[0]
    for finding in (found.voltage, found.brand, found.size, *found.chemistries):
        if finding is not None:
            assert 0 < finding.confidence <= 1 and math.isfinite(finding.confidence)
            assert any(finding.text == line.text for line in found.lines)


@settings(max_examples=300)
@given(st.lists(letters("abcdefghijklmnopqrstuvwxyz0123456789 -./", 12), max_size=8))
def test_random_letters_have_no_chemistry(texts):
    """But by a designation of few letters, such as lr6, that came by chance."""
    found = read(*texts)
    assert found.chemistry is None or any(letter.isdigit() for letter in found.chemistry.text)


@given(letters("bcdfgjpqstvwxyz 0123456789.,-", 40))
def test_a_chemistry_needs_letters_that_say_so(words):
    """Without a, e, h, i, k, l, m, n, o and r only a voltage speaks."""
    found = read(words).chemistry
    assert found is None or "v" in found.text
