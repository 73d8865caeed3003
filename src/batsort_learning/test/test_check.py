from importlib.util import find_spec
from shutil import copy

import cv2
import numpy as np
import pytest

from batsort_learning import check as checking
from batsort_learning.__main__ import main
from batsort_learning.check import check
from batsort_learning.check_report import as_page, as_text
from batsort_learning.colours import colours_along
from batsort_learning.commands import check as command
from batsort_learning.findings import (
    COLOURS,
    LABEL,
    NEAR,
    SAME,
    SCARCE_TYPE,
    SEVERAL,
    SMALL,
    TWO_TYPES,
    UNREADABLE,
)
from batsort_learning.label_doubts import out_of_fold

TYPES = {"Blue": (30, 40, 200), "Green": (30, 170, 60), "Klarus": (200, 40, 30)}


def battery(colour, seed, length=260):
    """A battery of one colour with a dark end and a pattern of its own, on white."""
    rng = np.random.default_rng(seed)
    image = np.full((120, 300, 3), 255, np.uint8)
    image[35:85, 20 : 20 + length] = np.clip(np.array(colour) + rng.normal(0, 12, 3), 0, 255)
    image[35:85, length - 20 : 20 + length] = (30, 30, 30)
    for x, y in rng.integers((30, 36), (length - 60, 66), (8, 2)):
        image[y : y + 18, x : x + 24] = rng.integers(0, 255, 3)
    return image


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))


@pytest.fixture
def photos(tmp_path):
    """Three types of twelve batteries each, nothing to be found."""
    folder = tmp_path / "photos"
    for i, (name, colour) in enumerate(TYPES.items()):
        for seed in range(12):
            save(folder / name / f"{seed:02}.png", battery(colour, 100 * i + seed))
    return folder


@pytest.fixture
def no_tensorflow(monkeypatch):
    """Nor anything that reads print, for the command."""
    monkeypatch.setattr(checking, "find_spec", lambda name: None)
    monkeypatch.setattr(command, "available", lambda: "No print is read")


def found(folder, kind, seed=0):
    """Names of the photos of each finding of the kind."""
    return [[photo.name for photo in finding.photos] for finding in check(folder, seed).of(kind)]


pytestmark = pytest.mark.usefixtures("no_tensorflow")


def test_a_good_folder_has_no_findings(photos):
    result = check(photos, 0)
    assert [finding.line for finding in result.findings] == []
    assert result.labels_checked == 36
    assert result.unchecked.startswith("TensorFlow is not installed")


def test_every_unreadable_file_is_listed_and_the_rest_is_checked(photos):
    for name in ("a.jpg", "b.jpg"):
        (photos / "Blue" / name).write_bytes(b"no image")
    result = check(photos, 0)
    assert ["a.jpg" in f.says or "b.jpg" in f.says for f in result.of(UNREADABLE)] == [True, True]
    assert len(result.photos) == 36


def test_the_same_file_is_found_and_under_two_types_it_is_pressing(photos):
    copy(photos / "Blue" / "00.png", photos / "Blue" / "copy.png")
    copy(photos / "Klarus" / "01.png", photos / "Green" / "copy.png")
    assert found(photos, SAME) == [["Blue/00.png", "Blue/copy.png"]]
    (finding,) = check(photos, 0).of(TWO_TYPES)
    assert [photo.name for photo in finding.photos] == ["Green/copy.png", "Klarus/01.png"]
    assert finding.li_ion
    assert "Li-ion: fire risk" in finding.line


def test_near_duplicates_are_found_also_beside_a_table_of_groups(photos):
    small = cv2.resize(battery(TYPES["Blue"], 3), (240, 96), interpolation=cv2.INTER_AREA)
    save(photos / "Blue" / "small.png", small)
    (photos / "groups.csv").write_text("file,family_group\nBlue/00.png,g\n")
    assert found(photos, NEAR) == [["Blue/03.png", "Blue/small.png"]]


def test_several_cells_and_a_pack_are_found(photos):
    one = battery(TYPES["Green"], 50)
    gap = np.full((40, 300, 3), 255, np.uint8)
    save(photos / "Green" / "two.png", np.vstack([one, gap, battery(TYPES["Green"], 51)]))
    pack = np.vstack([one[:85], one[35:85], one[35:85], one[35:]])
    save(photos / "Green" / "pack.png", pack)
    assert sorted(found(photos, SEVERAL)) == [["Green/pack.png"], ["Green/two.png"]]


def test_stout_cells_are_no_pack_where_all_of_their_type_are_stout(photos):
    for seed in range(12):
        save(photos / "Stout" / f"{seed}.png", battery((200, 160, 60), seed, 105))
    assert found(photos, SEVERAL) == []


def test_too_small_a_battery_is_found_with_its_length(photos):
    image = cv2.resize(battery(TYPES["Blue"], 60), (150, 60), interpolation=cv2.INTER_AREA)
    save(photos / "Blue" / "far.png", image)
    (finding,) = check(photos, 0).of(SMALL)
    assert finding.photos[0].name == "Blue/far.png"
    assert "131 px" in finding.says or "130 px" in finding.says


def test_a_scarce_type_is_found_by_name(photos):
    for seed in range(4):
        save(photos / "Rare" / f"{seed}.png", battery((120, 60, 160), seed + 500))
    (finding,) = check(photos, 0).of(SCARCE_TYPE)
    assert finding.says == "Rare: 4 photos of 4 batteries; the largest type: 12"


def test_odd_colours_are_found_with_the_type_they_are_of(photos):
    save(photos / "Green" / "odd.png", battery(TYPES["Klarus"], 70))
    (finding,) = check(photos, 0).of(COLOURS)
    assert finding.photos[0].name == "Green/odd.png"
    assert finding.says.startswith("has the colours of Klarus")
    assert finding.li_ion


def test_colours_are_the_same_either_end_first():
    opaque = np.full((50, 260, 1), 255, np.uint8)
    cutout = np.dstack([battery(TYPES["Blue"], 1)[35:85, 20:280], opaque])
    turned = np.ascontiguousarray(cutout[::-1, ::-1])
    assert colours_along(cutout) == pytest.approx(colours_along(turned), abs=3)
    other = np.dstack([battery(TYPES["Green"], 1)[35:85, 20:280], opaque])
    assert np.abs(colours_along(cutout) - colours_along(other)).max() > 30


def test_wrong_labels_of_one_group_do_not_confirm_each_other():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    features = (4 * np.eye(3, 6)[truth] + rng.normal(0, 1, (60, 6))).astype(np.float32)
    labels, groups = truth.copy(), np.arange(60)
    labels[:3], groups[:3] = 1, 0
    scores = out_of_fold(features, labels, groups, 0)
    assert scores.sum(axis=1) == pytest.approx(np.ones(60))
    assert (scores[:3].argmax(axis=1) == 0).all()
    assert (scores.argmax(axis=1) == truth).mean() > 0.95


def test_labels_of_one_type_or_of_one_battery_each_are_not_checked(tmp_path):
    for name in ("A", "B"):
        save(tmp_path / name / "1.png", battery(TYPES["Blue"], ord(name)))
    result = check(tmp_path, 0)
    assert result.labels_checked == 0
    assert result.unchecked.startswith("that takes two types or more")


def test_the_report_shows_every_finding_with_its_photo(photos, tmp_path, capsys):
    copy(photos / "Blue" / "00.png", photos / "Blue" / "copy.png")
    (photos / "Blue" / "b&d.jpg").write_bytes(b"no image")
    report = tmp_path / "check.html"
    assert main(["check", "--photos", str(photos), "--report", str(report)]) == 0
    out = capsys.readouterr().out
    assert all(len(line) <= 100 for line in out.splitlines() if str(tmp_path) not in line)
    assert "Blue/00.png = Blue/copy.png" in out
    text = report.read_text()
    assert "b&amp;d.jpg" in text
    assert text.count('alt="Photo Blue/copy.png"') == 2
    assert text.count("<img") == 2 + 37


def test_a_folder_of_unreadable_files_has_a_page_too(tmp_path):
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "1.jpg").write_bytes(b"no image")
    result = check(tmp_path, 0)
    assert "1.jpg" in as_page(result, tmp_path)
    assert "unreadable files: 1" in as_text(result)


@pytest.mark.parametrize("arguments", [["--photos", "absent"], ["--photos", "."]])
def test_a_folder_without_photos_is_refused_in_one_line(arguments, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["check", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: photos: ")
    assert error.count("\n") == 1


@pytest.mark.skipif(find_spec("tensorflow") is None, reason="TensorFlow is not installed")
@pytest.mark.timeout(400)
def test_a_wrong_label_is_found_with_the_type_it_is_of(photos, monkeypatch):
    monkeypatch.setattr(checking, "find_spec", find_spec)
    save(photos / "Green" / "wrong.png", battery(TYPES["Blue"], 70))
    result = check(photos, 0)
    surest = result.of(LABEL)[0]
    assert surest.photos[0].name == "Green/wrong.png"
    assert surest.says.startswith("looks like Blue")
    assert result.unchecked == ""
