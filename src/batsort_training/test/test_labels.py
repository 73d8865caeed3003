"""The list of photos whose labels are wrong."""

import json
import os
from hashlib import sha256
from pathlib import Path
from shutil import copy

import cv2
import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from batsort_core.chemistry import Chemistry
from batsort_learning.__main__ import main
from batsort_perception.bundle import Bundle, default_bundle
from batsort_training import label_list
from batsort_training.data import DataError, read_folder, read_photos, read_readable
from batsort_training.label_list import (
    AS_PUBLISHED,
    Entry,
    LabelList,
    LabelsError,
    as_yaml,
    default_labels,
)

PUBLIC = Path(os.environ.get("BATSORT_PHOTOS", "no such folder"))
"""The photos that the list that ships is of; they may not be passed on."""


def save(path, seed):
    image = np.random.default_rng(seed).integers(0, 255, (40, 90, 3)).astype(np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for i, name in enumerate(("A/a1", "A/a2", "A/a3", "B/b1", "B/b2", "Other/o1")):
        save(folder / f"{name}.png", i)
    return folder


def write(path, text):
    path.write_text(text)
    return path


def entry(stem, field, why="seen"):
    return f"labels:\n  {stem}:\n    {field}\n    why: {why}\n"


def labels_of(photos):
    return {photo.name: photo.label for photo in photos}


def test_a_list_in_the_folder_relabels_and_leaves_out_and_says_so(photos, capsys):
    text = "labels:\n  a1: {label: Other, why: Li-ion}\n  b2: {exclude: true, why: a pack}\n"
    write(photos / "labels.yaml", text)
    read = read_photos(photos)
    assert labels_of(read) == {
        "A/a1.png": "Other",
        "A/a2.png": "A",
        "A/a3.png": "A",
        "B/b1.png": "B",
        "Other/o1.png": "Other",
    }
    line = f"2 of 6 photos relabelled or left out by {photos / 'labels.yaml'}\n"
    assert capsys.readouterr().out == line
    record = read.applied.record
    assert (record.file, record.relabelled, record.left_out) == ("labels.yaml", 1, 1)
    assert record.sha256 == sha256(text.encode()).hexdigest()


def test_without_a_list_every_photo_is_as_its_folder_says(photos, capsys):
    write(photos / "labels.yaml", entry("a1", "label: B"))
    read = read_photos(photos, AS_PUBLISHED)
    assert read.applied is None
    assert all(photo.label == photo.name.partition("/")[0] for photo in read)
    assert capsys.readouterr().out == ""


def test_another_list_may_be_named(photos, tmp_path):
    write(photos / "labels.yaml", entry("a1", "label: B"))
    other = write(tmp_path / "mine.yaml", entry("a2", "label: B"))
    read = labels_of(read_photos(photos, other))
    assert (read["A/a1.png"], read["A/a2.png"]) == ("A", "B")


def test_what_is_left_out_may_be_unreadable(photos):
    (photos / "A" / "broken.jpg").write_bytes(b"no image")
    write(photos / "labels.yaml", entry("broken", "exclude: true"))
    assert read_readable(photos)[1] == []


def test_groups_still_come_from_the_file_names(photos):
    write(photos / "labels.yaml", entry("a1", "label: B"))
    (photos / "groups.csv").write_text("file,family_group\nA/a1.png,g\nB/b1.png,g\n")
    groups = {photo.name: photo.group for photo in read_photos(photos)}
    assert groups["A/a1.png"] == groups["B/b1.png"] != groups["A/a2.png"]


def test_a_stem_with_a_hash_stands_for_that_very_file(photos, capsys):
    digits = sha256((photos / "A" / "a1.png").read_bytes()).hexdigest()[:10]
    for name in (f"A/x_{digits}.png", f"A/x_{digits}_b.png"):
        copy(photos / "A" / "a1.png", photos / name)
    copy(photos / "A" / "a2.png", photos / "B" / f"x_{digits}.png")
    entries = {stem: Entry("Other", None, "seen") for stem in (f"x_{digits}", f"x_{digits}_b")}
    write(photos / "labels.yaml", as_yaml(entries))
    read = labels_of(read_photos(photos))
    assert read[f"A/x_{digits}.png"] == read[f"A/x_{digits}_b.png"] == "Other"
    assert read[f"B/x_{digits}.png"] == "B"
    assert f"named as listed, yet another file: B/x_{digits}.png" in capsys.readouterr().out


def test_a_stem_that_no_photo_has_is_told(photos, capsys):
    write(photos / "labels.yaml", entry("a9", "label: B"))
    read_photos(photos)
    assert "0 of 6 photos" in (out := capsys.readouterr().out)
    assert "no photo has a9" in out


def test_a_stem_of_two_photos_is_refused_with_both(photos):
    copy(photos / "B" / "b1.png", photos / "B" / "a1.png")
    write(photos / "labels.yaml", entry("a1", "label: B"))
    with pytest.raises(DataError, match=r"labels\.a1: A/a1\.png and B/a1\.png; allowed: a stem"):
        read_photos(photos)


def test_a_label_that_is_no_folder_is_refused_by_name(photos):
    write(photos / "labels.yaml", entry("a1", "label: Otehr"))
    with pytest.raises(DataError, match=r"labels\.a1\.label: 'Otehr'.*allowed: A, B, Other"):
        read_photos(photos)


def test_a_list_that_leaves_out_all_is_refused(tmp_path):
    save(tmp_path / "A" / "a1.png", 0)
    write(tmp_path / "labels.yaml", entry("a1", "exclude: true"))
    with pytest.raises(DataError, match="leaves out all"):
        read_photos(tmp_path)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r":1: document: nothing is refused; allowed: fields labels"),
        ("- a\n", r":1: document: \['a'\] is refused"),
        ("labels: []\n", r":1: labels: \[\] is refused; allowed: names with values"),
        ("labels: {}\nmore: 1\n", r":2: more: unknown field; allowed: labels"),
        (entry("a1", "label: [B]"), r":3: labels\.a1\.label: \['B'\] is refused; allowed: a text"),
        (entry("a1", "labels: B"), r":3: labels\.a1\.labels: unknown field; allowed: label, excl"),
        (entry("a1", "label: B\n    label: C"), r":4: labels\.a1\.label: given twice"),
        (entry("a1", "label: B") + "  a1: {exclude: true, why: x}\n", r":5: labels\.a1: given twi"),
        (
            entry("a1", "exclude: false"),
            r":3: labels\.a1\.exclude: False .*allowed: true, or label",
        ),
        (entry("a1", "label: B\n    exclude: true"), r":2: labels\.a1: both of label and exclude"),
        (entry("a1", "label:"), r":2: labels\.a1: neither of label and exclude; allowed: one of"),
        (entry("a1", "label: B", "''"), r":4: labels\.a1\.why: '' is refused"),
        (entry("a1", "label: B", "' '"), r":4: labels\.a1\.why: ' ' is refused"),
        ("labels:\n  a1:\n    label: B\n", r":2: labels\.a1\.why: missing"),
        (entry("a1.jpg", "label: B"), r":2: labels\.a1\.jpg: 'a1\.jpg' .*the stem of a file"),
        (entry("A/a1", "label: B"), r":2: labels\.A/a1: 'A/a1' .*no folder"),
        (entry("7", "label: B"), r":2: labels\.7: 7 is refused; allowed: a text"),
        ("labels:\n  a1: {label: B\n", r":\d: document: .*allowed: YAML"),
        ("labels: !!python/object:os.system x\n", r":1: document: .*allowed: YAML"),
    ],
)
def test_what_cannot_be_is_refused_with_file_line_field_and_what_is_allowed(tmp_path, text, says):
    file = write(tmp_path / "labels.yaml", text)
    with pytest.raises(LabelsError, match=says) as refused:
        LabelList.load(file)
    assert str(refused.value).startswith(str(file))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_refused_with_the_other_words(photos, capsys):
    assert main(["check", "--photos", str(photos), "--labels", "absent.yaml"]) == 1
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith("error: labels: absent.yaml: ")
    assert error.endswith("allowed: a file, auto or none")


texts = st.text(min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and text.isprintable()
)
stems = st.from_regex(r"[\w-]{1,12}", fullmatch=True)


@given(
    st.dictionaries(
        stems,
        st.builds(Entry, texts, st.none(), texts, st.none() | st.sampled_from(Chemistry)),
        max_size=4,
    )
)
def test_what_is_written_is_read_again(tmp_path_factory, entries):
    file = tmp_path_factory.mktemp("l") / "labels.yaml"
    file.write_text(as_yaml(entries), encoding="utf-8")
    assert LabelList.load(file).entries == entries


@given(st.binary(max_size=60) | st.text(alphabet="labels:{}[]\n -&*!a1'\"", max_size=60))
def test_whatever_a_file_holds_the_answer_is_a_list_or_one_line(tmp_path_factory, content):
    file = tmp_path_factory.mktemp("l") / "labels.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    try:
        LabelList.load(file)
    except LabelsError as error:
        assert "\n" not in str(error)


def test_the_list_that_ships_is_sound_and_names_no_type_but_other():
    entries = LabelList.load(default_labels()).entries
    assert len(entries) >= 11
    assert {entry.label for entry in entries.values() if not entry.exclude} == {"Other"}
    assert sum(entry.chemistry is Chemistry.LI_ION for entry in entries.values()) == 6
    assert all(label_list.HASHED.search(stem) for stem in entries)


def test_the_list_that_ships_does_not_touch_other_photos(photos, capsys):
    assert read_photos(photos).applied is None
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(not PUBLIC.is_dir(), reason="BATSORT_PHOTOS is not their folder")
def test_the_list_that_ships_is_of_the_public_photos(capsys):
    read = read_photos(PUBLIC)
    assert read.applied.source.shipped
    assert read.applied.other_files == []
    assert read.applied.absent == ()
    assert len(read) + len(read.applied.left_out) == read.applied.photos
    assert f"of {read.applied.photos} photos relabelled" in capsys.readouterr().out


def test_a_taught_folder_leaves_out_what_is_of_another_type(photos, capsys):
    write(photos / "labels.yaml", entry("a1", "label: B"))
    assert [photo.name for photo in read_folder(photos / "A", "A")] == ["a2.png", "a3.png"]
    assert "left out, by labels.yaml@" in capsys.readouterr().out
    assert len(read_folder(photos / "A", "A", AS_PUBLISHED)) == 3


def test_an_evaluation_says_by_what_list(photos, tmp_path, capsys):
    write(photos / "labels.yaml", entry("a1", "label: Other"))
    report = tmp_path / "report.json"
    command = ["evaluate", "--photos", str(photos), "--report", str(report)]
    assert main(command) == 0
    labels = json.loads(report.read_text())["labels"]
    assert (labels["file"], labels["relabelled"], labels["left_out"]) == ("labels.yaml", 1, 0)
    assert "Labels by labels.yaml@" in capsys.readouterr().out
    assert main([*command, "--labels", "none"]) == 0
    assert json.loads(report.read_text())["labels"] is None


def test_a_bundle_of_older_make_has_no_list_and_one_may_be_told(tmp_path):
    for file in default_bundle().iterdir():
        copy(file, tmp_path)
    document = yaml.safe_load((tmp_path / "bundle.yaml").read_text())
    document["training"].pop("labels", None)
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(document))
    assert Bundle.load(tmp_path).training.labels is None
    document["training"]["labels"] = {
        "file": "labels.yaml",
        "sha256": "0" * 64,
        "relabelled": 3,
        "left_out": 1,
    }
    (tmp_path / "bundle.yaml").write_text(yaml.safe_dump(document))
    assert Bundle.load(tmp_path).training.labels.relabelled == 3
