"""What `learn check` makes of the print on batteries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from printed_photos import ALKALINE, BOX, LI_ION, NIMH, many, names

from batsort_core.chemistry import Chemistry
from batsort_learning import print_check
from batsort_learning.check import check
from batsort_learning.check_report import as_text
from batsort_learning.findings import CONTRADICTS, MIXED
from batsort_perception.print_cache import PrintCache
from batsort_perception.print_reader import PrintError
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line
from batsort_training.label_list import LabelList

pytestmark = pytest.mark.usefixtures("no_tensorflow")


def test_li_ion_among_ni_mh_is_a_fire_risk_and_comes_first(looked_at):
    texts = {**many("Green", NIMH), "Green/odd": LI_ION, **many("Red", ALKALINE)}
    texts |= {"Red/other": NIMH}
    result = looked_at(texts)
    assert names(result, CONTRADICTS) == ["odd", "other"]
    fire, other = result.of(CONTRADICTS)
    assert fire.line == (
        'Green/odd.png reads "INR18650 3.7V": Li-ion (89% sure); Green is Ni-MH [Li-ion: fire risk]'
    )
    assert not other.li_ion
    assert [f.kind for f in result.findings][:4] == [CONTRADICTS, CONTRADICTS, MIXED, MIXED]
    mixed = result.of(MIXED)[0].line
    assert mixed.startswith("Green: 4 Ni-MH, 1 Li-ion [Li-ion: fire risk]; look at Green/odd.png")


def test_a_stated_chemistry_outweighs_the_many(looked_at):
    texts = {**many("Green", LI_ION), "Green/g": NIMH}
    assert names(looked_at(texts), CONTRADICTS) == ["g"]
    result = looked_at(texts, chemistries={"Green": Chemistry.NIMH})
    assert sorted(names(result, CONTRADICTS)) == [f"Green{i}" for i in range(4)]
    assert all(finding.li_ion for finding in result.of(CONTRADICTS))


def test_a_folder_without_a_usual_chemistry_is_mixed_only(looked_at):
    result = looked_at({**many("Box", LI_ION, 3), "Box/a": NIMH, "Box/b": ALKALINE, "Box/c": NIMH})
    assert result.of(CONTRADICTS) == []
    (mixed,) = result.of(MIXED)
    assert mixed.says == "Box: 3 Li-ion, 2 Ni-MH, 1 alkaline"
    assert sorted(names(result, MIXED)) == ["a", "b", "c"]
    assert result.proposed == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Made in China",
        "VH-IN",
        "2000mAh",
        "AA",
        "Do not mix with alkaline batteries",
        "可充电电池",
        "Ni-MH and Li-ion",
        "EVOLTA",
    ],
)
def test_what_does_not_say_a_chemistry_plainly_contradicts_nothing(looked_at, text):
    result = looked_at({**many("Green", NIMH), "Green/odd": text})
    assert result.of(CONTRADICTS) == []
    assert names(result, MIXED) == []


def test_lithium_alone_contradicts_what_is_none_but_no_lithium(looked_at):
    texts = {**many("Green", NIMH), "Green/odd": "LITHIUM", **many("Klarus", LI_ION)}
    result = looked_at(texts | {"Klarus/k": "LITHIUM"})
    (finding,) = result.of(CONTRADICTS)
    assert finding.photos[0].path.stem == "odd"
    assert "Li-ion or lithium primary" in finding.says
    assert finding.li_ion


def test_voltage_and_size_speak_where_they_can_be_of_nothing_else(looked_at):
    texts = {**many("Green", NIMH), **many("Red", ALKALINE)}
    texts |= {"Green/size": "18650", "Red/rechargeable": "1.2V", "Green/multiple": "2.4V"}
    result = looked_at(texts | {"Green/primary": "1.5V"})
    assert {f.photos[0].path.stem: f.li_ion for f in result.of(CONTRADICTS)} == {
        "size": True,
        "rechargeable": False,
        "primary": False,
    }


def test_another_brand_speaks_where_nearly_all_are_of_one(looked_at):
    texts = many("Copper", "DURACELL", 5) | {"Copper/odd": "PANASONIC", "Copper/none": "AA"}
    result = looked_at(texts)
    (finding,) = result.of(CONTRADICTS)
    assert 'reads "PANASONIC": Panasonic' in finding.line


def test_few_photos_have_no_brand(looked_at):
    assert looked_at({"Mixed/a": "DURACELL", "Mixed/b": "PANASONIC"}).of(CONTRADICTS) == []


def test_other_has_no_chemistry(looked_at):
    texts = {**many("Other", NIMH), "Other/odd": LI_ION, "Green/g": NIMH}
    result = looked_at(texts, chemistries={"Other": Chemistry.NIMH})
    assert result.of(CONTRADICTS) == result.of(MIXED) == []


def test_a_photo_on_the_label_list_is_judged_by_its_label(looked_at, tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text("labels:\n  odd: {label: Other, why: seen}\n")
    result = looked_at({**many("Green", NIMH), "Green/odd": LI_ION}, labels=mine)
    assert result.of(CONTRADICTS) == result.of(MIXED) == []


def test_proposed_lines_are_a_label_list_that_settles_it(looked_at, tmp_path):
    result = looked_at({**many("Green", NIMH), "Green/odd": LI_ION})
    text = as_text(result)
    assert all(len(line) <= 100 for line in text.splitlines())
    mine = tmp_path / "mine.yaml"
    mine.write_text(text[text.index("labels:\n") :])
    assert LabelList.load(mine).entries == result.proposed
    assert result.proposed["odd"].label == "Other"
    again = check(looked_at.folder, 0, labels=mine, reader=looked_at.cache)
    assert again.of(CONTRADICTS) == []


def test_two_photos_of_one_stem_are_not_proposed(looked_at):
    texts = {**many("Green", NIMH), "Green/odd": LI_ION, "Red/odd": ALKALINE}
    result = looked_at(texts)
    assert names(result, CONTRADICTS) == ["odd"]
    assert result.proposed == {}


def test_where_print_cannot_be_read_one_sentence_says_so(looked_at, tmp_path):
    looked_at(many("Green", NIMH))

    def broken():
        raise PrintError("No network runs here")

    cache = PrintCache(tmp_path / "other", broken, "v1")
    for reader in ("No network runs here.", cache):
        result = check(looked_at.folder, 0, reader=reader)
        assert result.prints == []
        assert "No network runs here. " in as_text(result).replace("\n", " ")


@given(st.lists(st.tuples(st.sampled_from("AB"), st.text(max_size=12)), max_size=6))
def test_whatever_is_read_the_answer_is_findings(lines):
    class Photo:
        def __init__(self, label):
            self.label, self.name = label, label

    photos = [Photo(label) for label, _ in lines]
    prints = [interpret([Line(text, 0.95, BOX)]) for _, text in lines]
    known = print_check.chemistries_of(photos, prints, {"A": Chemistry.NIMH})
    found = print_check.contradictions(photos, prints, known)
    assert len(found) <= len(lines)
    assert len(print_check.mixtures(photos, prints, known)) <= 2


def test_unread_prints_say_nothing():
    assert print_check.chemistries_of([], [], {"A": Chemistry.NIMH}) == {}
    assert print_check.contradictions([], [], {}) == print_check.mixtures([], [], {}) == []
