"""Which items' print is to be looked at, and reading it in a bag's own pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import header, made, write

from batsort_bags.reader import Bag
from batsort_bringup.installed import default_cell
from batsort_core.balance import Settled
from batsort_core.chemistry import Chemistry
from batsort_core.decisions import Decision
from batsort_core.items import Outcome, Reason, Verdict
from batsort_graph.from_messages import stamp_of
from batsort_graph.names import IMAGES
from batsort_interfaces.msg import PrintReading
from batsort_perception.print_reader import PrintError
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line, Print
from batsort_reports import bag_report, print_reading
from batsort_reports.print_reading import framed, heard
from batsort_reports.print_review import Said, judge, review, said_by, said_in
from batsort_reports.report import Run

GOLDEN = Path(__file__).parents[3] / "tests" / "golden"
PHOTOGRAPHED = GOLDEN / "photographed" / "photographed.mcap"
RECIPE = default_cell().recipe
BOX = np.array([[20, 10], [90, 10], [90, 30], [20, 30]], np.float32)
C = Chemistry


def said(*chemistries: Chemistry, confidence: float = 0.9) -> Said:
    return Said(chemistries, confidence, "some text")


@pytest.mark.parametrize(
    ("read", "stated", "li_ion", "contradicts"),
    [
        (said(), C.NIMH, False, False),
        (said(C.NIMH), C.NIMH, False, False),
        (said(C.NIMH), None, False, False),
        (said(C.ALKALINE), C.NIMH, False, True),
        (said(C.ALKALINE, confidence=0.5), C.NIMH, False, False),
        (said(C.LI_ION), C.NIMH, True, True),
        (said(C.LI_ION, confidence=0.5), C.NIMH, True, False),
        (said(C.LIFEPO4), None, True, False),
        (said(C.LI_ION), C.LI_ION, True, False),
        (said(C.ALKALINE), C.LI_ION, False, True),
        (said(C.LITHIUM), C.ALKALINE, False, True),
        (said(C.LITHIUM, C.LI_ION, confidence=0.5), C.NIMH, True, True),
        (said(C.LITHIUM, C.LI_ION, confidence=0.5), C.LITHIUM, False, False),
        (said(C.LITHIUM, C.LI_ION, confidence=0.5), None, True, False),
    ],
)
def test_an_item_is_listed_for_li_ion_and_for_what_contradicts_its_verdict(
    read: Said, stated: Chemistry | None, li_ion: bool, contradicts: bool
) -> None:
    judged = judge(read, stated)
    assert (judged.li_ion, judged.contradicts) == (li_ion, contradicts)


@pytest.mark.parametrize(
    ("confidence", "own", "contradicts"),
    [(0.9, False, True), (0.7, False, False), (0.9, True, False), (0.9, None, False)],
)
def test_a_brand_that_its_type_does_not_have_contradicts(
    confidence: float, own: bool | None, contradicts: bool
) -> None:
    for chemistries in ((), (C.NIMH,)):
        read = Said(chemistries, 0.9, brand="Varta", brand_confidence=confidence)
        judged = judge(read, C.NIMH, own)
        assert judged.contradicts == judged.by_brand == contradicts
        assert not judged.li_ion


def a_run(reason: Reason = Reason.SORT, **fates: tuple[str, str, str]) -> Run:
    """Type, bin decided and bin reached of items, by `i<id>`."""
    run = Run(bin_of_type=RECIPE.types, others="others")
    for name, (type, decided, reached) in fates.items():
        item_id = int(name[1:])
        if decided:
            verdict = Verdict(item_id, type, 0.9, 0.1, 1)
            run.lives.take(Decision(item_id, 1, decided, reason, 1, 0, verdict))
        if reached:
            run.lives.take(Settled(item_id, Outcome.SORTED_CONFIRMED, reached, decided, None, 1))
    return run


def test_li_ion_in_a_bin_of_others_comes_first_and_li_ion_at_home_last() -> None:
    run = a_run(
        i1=("Klarus", "klarus", "klarus"),
        i2=("GP_Alk", "others", "others"),
        i3=("Energizer_Alk", "others", "others"),
        i4=("Exell_Green", "exell_green", "exell_green"),
        i5=("Exell_Green", "exell_green", ""),
        i6=("Exell_Yellow", "exell_yellow", "exell_yellow"),
        i7=("Klarus", "klarus", "klarus"),
    )
    read = {
        1: said(C.LI_ION),
        2: said(C.NIMH),
        3: said(C.LI_ION),
        4: said(C.ALKALINE),
        5: said(C.LI_ION, confidence=0.7),
        6: said(C.LI_ION, confidence=0.8),
        7: said(C.ALKALINE),
        8: said(C.LI_ION),
        9: said(C.NIMH),
    }
    listed = review(read, run, RECIPE)
    assert [one.item_id for one in listed] == [6, 5, 4, 7, 3, 8, 2, 1]
    by_id = {one.item_id: one for one in listed}
    assert by_id[1].in_place and not any(by_id[i].in_place for i in (3, 5, 6, 7, 8))
    assert (by_id[5].bin, by_id[5].confirmed, by_id[5].outcome) == ("exell_green", False, "")
    assert (by_id[8].type, by_id[8].bin) == ("", "")
    assert (by_id[4].chemistry, by_id[4].stated) == ("alkaline", "Ni-MH")


def test_a_bin_that_takes_other_types_too_is_no_place_for_li_ion() -> None:
    mixed = replace(RECIPE, types={**RECIPE.types, "Exell_Green": "klarus"})
    (one,) = review({1: said(C.LI_ION)}, a_run(i1=("Klarus", "klarus", "klarus")), mixed)
    assert not one.in_place


def test_what_was_not_decided_has_no_type_that_print_could_contradict() -> None:
    (one,) = review({1: said(C.LI_ION), 2: said(C.ALKALINE)}, a_run(), RECIPE)
    assert (one.item_id, one.type, one.bin, one.contradicts) == (1, "", "", False)


def test_nothing_is_contradicted_where_no_chemistry_is_stated() -> None:
    run = a_run(i1=("Exell_Green", "exell_green", "exell_green"))
    assert review({1: said(C.ALKALINE)}, run, replace(RECIPE, chemistries=None)) == []


def lines(*texts: str) -> Print:
    return interpret([Line(text, 0.99, BOX) for text in texts])


def test_lithium_that_may_be_li_ion_is_said_as_both() -> None:
    assert said_by(lines("INR18650 3.7V")).chemistries == (C.LI_ION,)
    assert set(said_by(lines("LITHIUM")).chemistries) == {C.LITHIUM, C.LI_ION}
    assert said_by(lines("LITHIUM")).confidence == pytest.approx(0.99)
    assert said_by(lines("Made in China")) == said_by(Print()) == Said()


def test_what_the_cell_read_counts_as_it_was_told() -> None:
    assert said_in(PrintReading(chemistry="nimh", confidence=0.9, text="HR6")) == Said(
        (C.NIMH,), 0.9, "HR6"
    )
    assert said_in(PrintReading()) == said_in(PrintReading(chemistry="cheese")) == Said()
    assert said_in(PrintReading(brand="Varta")) == Said(text="Varta", brand="Varta")
    several = PrintReading(chemistries=["lithium", "li_ion"], confidence=0.5, text="LITHIUM")
    assert said_in(several) == Said((C.LITHIUM, C.LI_ION), 0.5, "LITHIUM")
    several.chemistries = ["alkaline", "nimh"]
    assert said_in(several).chemistries == ()


def test_an_item_of_another_brand_is_listed_with_it() -> None:
    run = a_run(**{f"i{i}": ("GP_Alk", "gp_alk", "gp_alk") for i in range(1, 5)})
    read = {
        1: said_by(lines("ALKALINE", "EVEREADY GOLD")),
        2: said_by(lines("EVEREADY GOLD", "1.5V")),
        3: said_by(lines("ALKALINE", "GP ultra")),
        4: said_in(PrintReading(brand="Eveready", brand_confidence=0.9)),
    }
    listed = {one.item_id: one for one in review(read, run, RECIPE)}
    assert {i: one.text for i, one in listed.items()} == {
        1: "ALKALINE; Eveready",
        2: "EVEREADY GOLD",
        4: "Eveready",
    }
    assert all(one.contradicts and not one.li_ion for one in listed.values())
    assert (listed[1].chemistry, listed[2].chemistry) == ("alkaline", "")
    assert review(read, run, replace(RECIPE, brands=None)) == []


def test_what_the_cell_sent_away_by_its_print_is_listed_whatever_it_says() -> None:
    run = a_run(Reason.BY_PRINT, i1=("Exell_Green", "others", "others"))
    run.lives.take(Decision(2, 1, "others", Reason.LOW_CONFIDENCE, 1, 0, None))
    (one,) = review({1: Said(text="Varta"), 2: Said(text="Varta")}, run, RECIPE)
    assert (one.item_id, one.text, one.chemistry, one.contradicts) == (1, "Varta", "", True)


def test_a_picture_has_a_frame_around_its_line_and_is_turned_upright() -> None:
    part = np.zeros((40, 100, 3), np.uint8)
    part[:, :50] = 90
    found = lines("INR18650")
    shown = framed(part, found, "INR18650")
    assert max(shown.shape) == 384
    assert (shown == print_reading.RED).all(axis=2).sum() > 300
    turned = framed(part, Print((Line("x", 0.9, np.roll(BOX, 2, axis=0)),)), "x")
    assert turned[20, 380].tolist() == [90, 90, 90]
    assert not (framed(part, found, "another") == print_reading.RED).all(axis=2).any()


class Reads:
    """Finds Li-ion on the first picture that it is shown, an alkaline name on the second."""

    def __init__(self) -> None:
        self.calls = 0

    def read(self, image: Any) -> Print:
        self.calls += 1
        assert image.dtype == np.uint8 and image.shape[2] == 3
        texts = {1: ("INR18650 3.7V",), 2: ("ALKALINE",)}
        return lines(*texts.get(self.calls, ()))


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reads:
    """`./cell report` reads with this reader."""
    reads = Reads()
    monkeypatch.setattr(print_reading, "available", lambda: "")
    monkeypatch.setattr(print_reading, "reader_version", lambda: "v1")
    monkeypatch.setattr(print_reading, "default_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(print_reading, "PrintReader", lambda threads: reads)
    return reads


def report(bag: Path, out: Path, *words: str) -> tuple[int, dict[str, Any], str]:
    status = bag_report.main([str(bag), "--out", str(out), *words])
    return (
        status,
        json.loads((out / "report.json").read_text())["print"],
        (out / "report.html").read_text(),
    )


def test_print_is_read_in_the_pictures_of_a_bag_and_kept(reads: Reads, tmp_path: Path) -> None:
    status, found, page = report(PHOTOGRAPHED, tmp_path)
    assert status == 0
    assert (found["read"], found["readable"], found["li_ion"]) == (5, 2, 1)
    (listed,) = found["items"]
    assert (listed["text"], listed["chemistry"]) == ("INR18650 3.7V", "Li-ion")
    assert f'alt="Print on item {listed["item_id"]}"' in page
    assert "Print was looked for on 5 items; it says what 2 of them are." in page
    assert report(PHOTOGRAPHED, tmp_path)[1] == found
    assert reads.calls == 5


@pytest.mark.parametrize(
    ("words", "missing", "says"),
    [
        (("--print", "off"), "", "by `--print off`"),
        ((), "print can't be read here; install with: ./cell setup print", "./cell setup print"),
    ],
)
def test_print_that_is_not_read_says_why(
    reads: Reads,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    words: tuple[str, ...],
    missing: str,
    says: str,
) -> None:
    monkeypatch.setattr(print_reading, "available", lambda: missing)
    status, found, page = report(PHOTOGRAPHED, tmp_path, *words)
    assert (status, found["read"], found["items"], reads.calls) == (0, 0, [], 0)
    assert found["unread"] and says in found["unread"][0] and says in page


def test_a_reader_that_does_not_run_is_said(
    reads: Reads, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def broken(threads: int) -> Reads:
        raise PrintError("no network runs here")

    monkeypatch.setattr(print_reading, "PrintReader", broken)
    status, found, _ = report(PHOTOGRAPHED, tmp_path)
    assert (status, found["unread"]) == (0, ["Print was not read: no network runs here."])


def test_reading_that_is_interrupted_leaves_a_report(
    reads: Reads, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    read = reads.read

    def interrupted(image: Any) -> Print:
        if reads.calls == 2:
            raise KeyboardInterrupt
        return read(image)

    monkeypatch.setattr(reads, "read", interrupted)
    status, found, _ = report(PHOTOGRAPHED, tmp_path)
    assert (status, found["read"], len(found["items"])) == (0, 2, 1)
    assert (
        "3 of the 5 items with a verdict in photographed.mcap were not read" in found["unread"][0]
    )


def test_a_bag_without_images_says_so(reads: Reads, tmp_path: Path) -> None:
    status, found, _ = report(changed(tmp_path / "bag", lambda topic, message: None), tmp_path)
    assert (status, found["read"], reads.calls) == (0, 0, 0)
    assert "not read in bag, since it has no images" in found["unread"][0]


@pytest.mark.parametrize("data", [b"", b"no picture"])
def test_an_image_that_can_t_be_read_is_said_and_left_out(
    reads: Reads, tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    broken: list[int] = []

    def breaks(topic: str, message: Any) -> Any:
        broken.append(stamp_of(message.header.stamp))
        return replace(message, data=np.frombuffer(data, np.uint8)) if len(broken) == 2 else message

    status, found, page = report(changed(tmp_path / "bag", breaks), tmp_path)
    assert (status, found["read"], found["li_ion"]) == (1, 4, 1)
    assert "Batteries the cell was unsure of" in page
    (line,) = capsys.readouterr().err.splitlines()
    assert "an image can't be read and is left out: data: " in line


def test_what_the_cell_has_read_itself_counts(reads: Reads, tmp_path: Path) -> None:
    ids = items_of(PHOTOGRAPHED)
    readings = [
        made("PrintReading", item_id=ids[0], chemistry="nimh", confidence=0.9, text="Ni-MH"),
        made("PrintReading", item_id=ids[1], chemistry="li_ion", confidence=0.9, text="3.7V"),
    ]
    bag = changed(tmp_path / "bag", lambda topic, message: message, readings)
    status, found, page = report(bag, tmp_path)
    assert (status, found["read"], found["read_by_cell"], found["readable"]) == (0, 2, 2, 2)
    assert [item["item_id"] for item in found["items"]] == [ids[1]]
    assert f'alt="Print on item {ids[1]}"' in page
    assert "on 2 items by the cell" in page
    assert reads.calls == 1  # for the frame
    assert report(bag, tmp_path, "--print", "off")[1] == found


def test_a_demo_tells_what_its_cell_has_read_or_how_to_read_it() -> None:
    run = a_run(i1=("Exell_Green", "exell_green", "exell_green"))
    assert "./cell report" in heard(run).figures(run, RECIPE)["unread"][0]
    run.readings[1] = PrintReading(item_id=1, chemistry="li_ion", confidence=0.9, text="3.7 V")
    found = heard(run).figures(run, RECIPE)
    assert (found["li_ion_out_of_place"], found["contradicting"], found["unread"]) == (1, 1, [])


def items_of(path: Path) -> list[int]:
    with Bag(path) as bag:
        return [bag.decode(one).item_id for one in bag.messages(["classifications"])]


def changed(
    folder: Path, image: Callable[[str, Any], Any], readings: list[Any] | None = None
) -> Path:
    """The photographed bag with other images, where there is one, and with readings of print."""
    told = []
    with Bag(PHOTOGRAPHED) as bag:
        for one in bag.messages(list(bag.topics)):
            message = bag.decode(one)
            if one.topic in IMAGES:
                message = image(one.topic, message)
            if message is not None:
                told.append((one.topic, one.stamp, message))
    last = told[-1][1]
    for reading in readings or ():
        told.append(("readings", last, replace(reading, header=header(last), voltage=math.nan)))
    return write(folder, told)
