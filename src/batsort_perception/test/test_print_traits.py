"""The voltage, the brand and the size that print tells."""

from pathlib import Path

import pytest
import yaml
from print_samples import read, value

from batsort_core.cell import parse_cell

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"


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
