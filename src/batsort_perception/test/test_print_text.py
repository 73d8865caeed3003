import math
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.cell import parse_cell
from batsort_core.chemistry import Chemistry
from batsort_perception.print_text import FLOOR, Line, Print, distance, fold, interpret

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"
BOX = np.array([[0, 0], [10, 0], [10, 5], [0, 5]], np.float32)


def read(*texts: str, confidence: float = 0.99) -> Print:
    return interpret([Line(text, confidence, BOX) for text in texts])


def chemistry(*texts: str, confidence: float = 0.99) -> str | None:
    found = read(*texts, confidence=confidence).chemistry
    return found and found.value


def value(finding: object) -> str | None:
    return getattr(finding, "value", None)


CHEMISTRIES = {
    "li_ion": [
        "Li-ion",
        "LI-ION",
        "Li-lon",
        "Li-1on",
        "Liion",
        "Li Ion 3.7V",
        "Lithium-Ion",
        "Lithium lon",
        "LITHIUMION",
        "Lithium-Ionen-Akku",
        "batterie lithium-ion rechargeable",
        "ion de litio",
        "batería de iones de litio",
        "ioni di litio",
        "Li-Po 3.7V",
        "Lithium Polymer",
        "ICR18650-26F",
        "INR18650-25R",
        "INR 21700",
        "1NR18650",
        "IMR18650",
        "ICR 18/65",
        "INR19/66",
        "CMICR18650F5",
        "NCR18650B",
        "US18650VTC6",
        "LIR14500",
        "18650UR26",
        "Rechargeable Li-ion Battery with Protection",
        "锂离子电池",
        "1.5V Li-ion AA",
        "full charge 4.2V",
        "4.2V and 2.75V",
    ],
    "lifepo4": [
        "LiFePO4",
        "LiFePo4 3.2V",
        "LIFEP04",
        "Li-FePO4",
        "IFR18650",
        "IFR26650 3.2V",
        "IFR14500",
        "Lithium Iron Phosphate",
        "Lithium-Eisen-Phosphat",
    ],
    "lithium": [
        "ULTIMATE LITHIUM",
        "ULTIMATELITHIUM",
        "LITHIUM 1.5V",
        "Lithium battery 3V",
        "CR123A",
        "CR2032 3V",
        "CR2",
        "CR17345",
        "2CR5",
        "FR6",
        "FR03 1.5V",
        "BR-2/3A",
        "BR2032",
        "ER14505",
        "LS14500",
        "Li/FeS2",
        "Li-MnO2",
        "Li-SOCl2 3.6V",
        "Energizer LITHIUM",
        "Energizer L91",
    ],
    "nimh": [
        "Ni-MH",
        "NiMH",
        "NIMH AA2000mAh 1.2V",
        "NL-MH",
        "Ni MH",
        "2100mAhNiMH",
        "Nickel-Metal Hydride",
        "NICKEL METAL HYDRIDE",
        "Nickel-Metallhydrid",
        "NICKEL-HYDRURE MÉTALLIQUE",
        "HR6",
        "HRO3/NIMH.1.2V/900mAh",
        "HR6 1.2V",
        "HR15/51",
        "HHR-450A",
        "Rechargeable 1.2V",
        "wiederaufladbar 1,2 V",
        "eneloop",
        "LADDA 2450",
    ],
    "nicd": [
        "Ni-Cd",
        "NiCd AA1000mAh 1.2V",
        "EXELL Ni-CD AA1000MAh 1.2V",
        "NICAD",
        "Nickel Cadmium",
        "NICKEL-CADMIUM BATTERY (KR)",
        "Nickel-Kadmium",
        "KR6",
        "Cadnica",
    ],
    "alkaline": [
        "ALKALINE BATTERY",
        "Alkaline",
        "ALCALINE",
        "PILE ALCALINE",
        "PILA ALCALINA",
        "Alkali-Mangan",
        "Alkalisch",
        "ALKALISK",
        "PILLALCALINE",
        "ULKALINEBATTERY",
        "ALKA1INE",
        "DURACELLALKALINE",
        "Rechargeable alkaline 1.5V",
        "LR6",
        "LR03",
        "LRO3",
        "LR14",
        "LR20",
        "1.5VLR6",
        "15A LR6 SIZE/FORMAT AA 1.5V",
        "6LR61",
        "MN1500",
        "MN2400",
        "Energizer E91",
        "Energizer MAX",
        "Energizer MAXPLUS",
        "DURACELL PLUS",
        "碱性电池",
        "アルカリ乾電池",
    ],
    "zinc_carbon": [
        "ZINC CARBON",
        "Carbon Zinc",
        "Carbone-Zinc",
        "Zink-Kohle",
        "zinc chloride",
        "SUPER HEAVY DUTY",
        "R6P 1.5V",
        "UM-3 1.5V",
    ],
}


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
    assert found.one_of == (pytest.approx(0.99), "LITHIUM")


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


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1.5V", "1.5"),
        ("1,5 V", "1.5"),
        ("1.SV", "1.5"),
        ("l.5V", "1.5"),
        ("1 5V", "1.5"),
        ("1.5 VOLTS", "1.5"),
        ("1.5Volts", "1.5"),
        ("1.5VLR6", "1.5"),
        ("15A LR6 SIZE AA 1.5V", "1.5"),
        ("3.7VDC", "3.7"),
        ("3..6V", "3.6"),
        ("3.6V 11.2Wh", "3.6"),
        ("3.0V", "3"),
        ("3V", "3"),
        ("9V", "9"),
        ("12V", "12"),
        ("1.2V 2000mAh", "1.2"),
        ("EXELL Ni-CD AA1000MAh 1.2V", "1.2"),
        ("1.2v", "1.2"),
        ("5V/1A Micro-USB", None),
        ("4.2V and 2.5V", None),
        ("13.5V", None),
        ("21.5V", None),
        ("AAV", None),
        ("2000mAh", None),
        ("1.5 Very", None),
        ("V", None),
    ],
)
def test_the_voltage_is_one_that_batteries_have(text, wanted):
    assert value(read(text).voltage) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("DURACELL®", "Duracell"),
        ("DURACELE", "Duracell"),
        ("Energizer.", "Energizer"),
        ("Enorgizer", "Energizer"),
        ("EXELL Ni-CD AA1000mAh", "Exell"),
        ("GP Ultra", "GP"),
        ("IKEA", "IKEA"),
        ("LADDA", "LADDA"),
        ("K1ARUS", "Klarus"),
        ("Panasonic", "Panasonic"),
        ("EVOLTA", "EVOLTA"),
        ("OLIGHT", "Olight"),
        ("eneloop pro", "eneloop"),
        ("HIGH VOLTAGE", None),
        ("VOLTA", None),
        ("RELIGHTABLE", None),
        ("LIGHT", None),
        ("FLIGHT", None),
        ("HIGH ENERGY", None),
        ("ALGAE", None),
        ("GPS", None),
        ("www.gpbatteries.com", None),
        ("ANSWER", None),
        ("DURABLE", None),
    ],
)
def test_a_brand_is_a_whole_word(text, wanted):
    assert value(read(text).brand) == wanted


def test_brands_of_the_default_cell_are_among_those_that_are_read():
    stated = parse_cell(yaml.safe_load(CELL_FILE.read_text())).recipe.brands
    assert stated is not None and len(stated) == 9
    for brand in {one for brands in stated.values() for one in brands}:
        assert value(read(brand.upper()).brand) == brand


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        (("DURACELL", "DURACELL", "PROCELL"), "Procell"),
        (("PROCELL", "DURACELL"), "Procell"),
        (("IKEA", "LADDA"), "LADDA"),
        (("Panasonic", "eneloop pro"), "eneloop"),
        (("DURACELL", "Panasonic", "DURACELL"), "Duracell"),
        (("Energizer", "EVEREADY BATTERY CO., ST. LOUIS"), "Energizer"),
        (("©Eveready Battery Company",), None),
        (("EVEREADY", "HEAVY DUTY BATTERY"), "Eveready"),
    ],
)
def test_a_brand_is_told_from_who_made_it(texts, wanted):
    assert value(read(*texts).brand) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("AA", "AA"),
        ("+|AA", "AA"),
        ("AAA", "AAA"),
        ("Size AAA", "AAA"),
        ("AAAA", "AAAA"),
        ("AA2000mAh", "AA"),
        ("SIZE C", "C"),
        ("SIZE D", "D"),
        ("LR6", "AA"),
        ("1.5VLR6", "AA"),
        ("HR6", "AA"),
        ("FR6", "AA"),
        ("LRO3", "AAA"),
        ("HR03", "AAA"),
        ("LR14", "C"),
        ("LR20", "D"),
        ("LR1", "N"),
        ("MN1500", "AA"),
        ("6LR61", "9V"),
        ("9V", "9V"),
        ("18650", "18650"),
        ("IMR18650", "18650"),
        ("2600mAh14500", "14500"),
        ("Lir21700", "21700"),
        ("CR123A", "CR123A"),
        ("CR2032", "CR2032"),
        ("C", None),
        ("D", None),
        ("BAAD", None),
        ("AAH", None),
        ("4/5AA", None),
        ("18888", None),
        ("1186500", None),
    ],
)
def test_a_size_is_a_whole_token(text, wanted):
    assert value(read(text).size) == wanted


def test_the_text_is_all_lines():
    assert read("DURACELL", "1.5V").text == "DURACELL / 1.5V"
    assert read().text == ""


def test_folding_keeps_other_scripts_and_drops_accents():
    assert fold("Élément ﾆｯｹﾙ水素 Li\u2013Ion") == "element ニッケル水素 li-ion"


def test_distance_is_to_the_best_part():
    assert distance("alkaline", "xxalkalinexx") == 0
    assert distance("alkaline", "ulkalinebattery") == 1
    assert distance("abc", "") == 3


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
    sure, line = found.one_of
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
