"""What `learn check` makes of the print on batteries."""

import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.chemistry import Chemistry
from batsort_learning import check as checking
from batsort_learning import print_cache, print_check
from batsort_learning.__main__ import main
from batsort_learning.check import CONTRADICTS, MIXED, as_page, as_text, check, print_crop
from batsort_learning.commands import check as command
from batsort_learning.commands.options import read_cell
from batsort_learning.print_cache import at_full_size, read_prints
from batsort_perception.print_cache import PrintCache, default_cache, reader_version
from batsort_perception.print_reader import PrintError, PrintReader, available
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line, Print
from batsort_training.data import read_photos
from batsort_training.label_list import LabelList
from batsort_twin.photos import read_photo

pytestmark = pytest.mark.usefixtures("no_tensorflow")

BOX = np.array([[20, 40], [120, 40], [120, 60], [20, 60]], np.float32)
NIMH, LI_ION, ALKALINE = "Ni-MH AA 1.2V 2000mAh", "INR18650 3.7V", "ALKALINE BATTERY 1.5V"


@pytest.fixture
def no_tensorflow(monkeypatch):
    monkeypatch.setattr(checking, "find_spec", lambda name: None)


class Reads:
    """Reads what it was told is printed on photos; counts."""

    def __init__(self, folder, texts):
        self.known = {
            read_photo(folder / f"{name}.png", print_cache.EDGE).tobytes(): said
            for name, said in texts.items()
        }
        self.calls = 0

    def read(self, image):
        self.calls += 1
        said = self.known.get(image.tobytes(), ())
        return interpret([Line(text, 0.99, BOX) for text in ([said] if said else [])])


def save(path, seed):
    rng = np.random.default_rng(seed)
    image = np.full((120, 300, 3), 255, np.uint8)
    image[35:85, 20:280] = rng.integers(0, 255, (50, 260, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def looked_at(tmp_path):
    """A function from texts by photo (`Folder/name`) to the check of such a folder."""

    def look(texts, **options):
        folder = tmp_path / "photos"
        for seed, name in enumerate(texts):
            save(folder / f"{name}.png", seed)
        reader = Reads(folder, texts)
        look.cache = PrintCache(tmp_path / "cache", lambda: reader, "v1")
        look.folder, look.reader = folder, reader
        return check(folder, 0, reader=look.cache, **options)

    return look


def many(label, text, count=4):
    return {f"{label}/{label}{i}": text for i in range(count)}


def names(result, kind):
    return [photo.path.stem for finding in result.of(kind) for photo in finding.photos]


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


def test_the_page_shows_the_line_framed_and_all_that_was_read(looked_at):
    result = looked_at({**many("Green", NIMH), "Green/odd": LI_ION})
    text = as_page(result, looked_at.folder)
    assert 'alt="Print on Green/odd.png"' in text
    assert "INR18650 3.7V&quot;: Li-ion" in text
    assert "Read on 5 of 5 photos" in text
    assert "li_ion (89%)" in text
    assert "3.7 (99%)" in text


@pytest.mark.parametrize("turn", [0, 90, 180, 217])
def test_the_line_is_framed_and_level_however_it_lies(tmp_path, turn):
    (tmp_path / "A").mkdir()
    assert cv2.imwrite(str(tmp_path / "A" / "1.png"), np.full((120, 300, 3), 180, np.uint8))
    (photo,) = read_photos(tmp_path)
    angle = np.radians(turn)
    about = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    box = ((BOX - BOX.mean(axis=0)) @ about.T + (150, 60)).astype(np.float32)
    read = interpret([Line(NIMH, 0.9, box)]).chemistry
    shown = print_crop(photo, read)
    red = (np.abs(shown.astype(int) - checking.RED).max(axis=2) < 40).nonzero()
    height, width = shown.shape[:2]
    assert (width, height) == (384, 216)
    for row, size in zip(red, (height, width), strict=True):
        assert abs((row.min() + row.max()) / 2 - size / 2) < 4
    assert np.ptp(red[1]) == pytest.approx(384 / checking.AROUND, abs=8)


def test_a_photo_is_read_once_and_by_its_content(looked_at):
    texts = {**many("Green", NIMH), "Green/odd": LI_ION}
    first = looked_at(texts)
    assert looked_at.reader.calls == 5
    (looked_at.folder / "Green" / "odd.png").rename(looked_at.folder / "Green" / "new.png")
    again = check(looked_at.folder, 0, reader=looked_at.cache)
    assert looked_at.reader.calls == 5
    assert names(first, CONTRADICTS) == ["odd"]
    assert names(again, CONTRADICTS) == ["new"]
    save(looked_at.folder / "Green" / "new.png", 99)
    check(looked_at.folder, 0, reader=looked_at.cache)
    assert looked_at.reader.calls == 6


def test_another_reader_reads_anew(looked_at, tmp_path):
    looked_at(many("Green", NIMH))
    check(
        looked_at.folder, 0, reader=PrintCache(tmp_path / "cache", lambda: looked_at.reader, "v2")
    )
    assert looked_at.reader.calls == 8


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[[",
        b"{}}",
        b"\xff\xfe",
        b"null",
        b"7",
        b'[["a", 0.9]]',
        b'[["a", "x", [[0,0],[1,0],[1,1],[0,1]]]]',
        b'[["a", 0.9, [[0,0],[1,0]]]]',
        b'[["a", 7, [[0,0],[1,0],[1,1],[0,1]]]]',
        b'[["a", 0.9, [[NaN,0],[1,0],[1,1],[0,1]]]]',
        b'[["a", 0.9, [[0,0],[1,0],[1,1],["b",1]]]]',
    ],
)
def test_a_damaged_entry_is_read_anew(looked_at, tmp_path, damage):
    texts = {**many("Green", NIMH), "Green/odd": LI_ION}
    looked_at(texts)
    for entry in (tmp_path / "cache").iterdir():
        entry.write_bytes(damage)
    again = check(looked_at.folder, 0, reader=looked_at.cache)
    assert looked_at.reader.calls == 10
    assert names(again, CONTRADICTS) == ["odd"]
    assert [json.loads(e.read_bytes())[0][1] for e in (tmp_path / "cache").iterdir()] == [0.99] * 5


def test_a_cache_that_cannot_be_written_costs_time_only(looked_at, tmp_path):
    looked_at(many("Green", NIMH))
    (tmp_path / "file").write_text("")
    cache = PrintCache(tmp_path / "file" / "cache", lambda: looked_at.reader, "v1")
    assert len(check(looked_at.folder, 0, reader=cache).prints) == 4


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


@pytest.fixture
def told(monkeypatch, tmp_path, looked_at):
    """The command, with a reader that was told what is printed."""
    looked_at({**many("Green", NIMH), "Green/odd": LI_ION})
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(command, "available", lambda: "")
    monkeypatch.setattr(command, "reader_version", lambda *more: "v1")
    monkeypatch.setattr(command, "PrintReader", lambda: looked_at.reader)
    return looked_at.folder


def test_the_command_proposes_and_never_overwrites(told, tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    words = ["check", "--photos", str(told), "--propose", str(mine)]
    before = {path: path.read_bytes() for path in told.rglob("*.png")}
    assert main(words) == 0
    assert list(LabelList.load(mine).entries) == ["odd"]
    assert f"written: {mine}" in capsys.readouterr().out
    assert {path: path.read_bytes() for path in told.rglob("*") if path.is_file()} == before
    assert list((tmp_path / "home" / "batsort" / "print").iterdir())
    with pytest.raises(SystemExit):
        main(words)
    assert "is there already; allowed: a new file" in capsys.readouterr().err


def test_the_cell_description_states_chemistries(told, tmp_path, capsys):
    cell = tmp_path / "cell.yaml"
    share = read_cell(None)
    assert share is not None
    assert share.chemistries["Klarus"] == Chemistry.LI_ION
    for text, says in (("a: [", "can't be read"), ("{}", "name: missing")):
        cell.write_text(text)
        assert main(["check", "--photos", str(told), "--cell", str(cell)]) == 1
        error = capsys.readouterr().err.splitlines()[-1]
        assert error.startswith(f"error: cell: {cell}")
        assert says in error


def test_without_print_the_command_says_so_in_one_sentence(told, monkeypatch, capsys):
    sentence = "Print can't be read without rapidocr; install with: ./cell setup print"
    monkeypatch.setattr(command, "available", lambda: sentence)
    assert main(["check", "--photos", str(told)]) == 0
    out = capsys.readouterr().out.replace("\n", " ")
    assert out.count(sentence) == 1
    assert CONTRADICTS not in out


def test_the_cache_is_where_users_expect_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "batsort" / "print"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "batsort" / "print"


@pytest.fixture(scope="module")
def real_reader():
    if available():
        pytest.skip(available())
    return PrintReader()


def lettered(text, shape=(300, 900)):
    """A battery with a text on it, on white."""
    image = np.full((*shape, 3), 255, np.uint8)
    image[60:240, 60:840] = (120, 200, 90)
    if text:
        cv2.putText(image, text, (110, 170), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (20, 20, 20), 5)
    return image


@pytest.mark.timeout(300)
def test_the_real_reader_finds_li_ion_among_ni_mh(real_reader, tmp_path):
    folder = tmp_path / "photos" / "Green"
    folder.mkdir(parents=True)
    texts = {f"g{i}": f"Ni-MH {1800 + 100 * i}mAh" for i in range(3)}
    texts |= {"odd": "INR18650 3.7V", "blank": ""}
    for name, text in texts.items():
        cv2.imwrite(str(folder / f"{name}.png"), lettered(text))
    cv2.imwrite(str(folder / "mirrored.png"), lettered("INR18650 3.7V")[:, ::-1])
    cache = PrintCache(tmp_path / "cache", lambda: real_reader, reader_version())
    result = check(tmp_path / "photos", 0, reader=cache)
    assert names(result, CONTRADICTS) == ["odd"]
    (finding,) = result.of(CONTRADICTS)
    image = at_full_size(finding.photos[0])
    assert (finding.read.box >= -5).all()
    assert (finding.read.box <= np.array(image.shape[1::-1]) + 5).all()
    read = zip(result.photos, result.prints, strict=True)
    said = {photo.path.stem: found.chemistry for photo, found in read}
    assert said["blank"] is said["mirrored"] is None


def test_a_print_without_lines_is_kept_too(tmp_path):
    save(tmp_path / "photos" / "A" / "1.png", 1)
    reader = Reads(tmp_path / "photos", {})
    cache = PrintCache(tmp_path / "cache", lambda: reader, "v1")
    photos = read_photos(tmp_path / "photos")
    first, again = read_prints(cache, photos), read_prints(cache, photos)
    assert first[0].lines == again[0].lines == Print().lines
    assert reader.calls == 1
