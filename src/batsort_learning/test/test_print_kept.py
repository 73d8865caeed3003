"""Print on photos is read once, by their content."""

import json

import pytest
from printed_photos import LI_ION, NIMH, Reads, many, names, save

from batsort_learning.check import check
from batsort_learning.findings import CONTRADICTS
from batsort_learning.print_cache import read_prints
from batsort_perception.print_cache import PrintCache, default_cache
from batsort_perception.printed import Print
from batsort_training.data import read_photos

pytestmark = pytest.mark.usefixtures("no_tensorflow")


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


def test_the_cache_is_where_users_expect_it(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "batsort" / "print"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "batsort" / "print"


def test_a_print_without_lines_is_kept_too(tmp_path):
    save(tmp_path / "photos" / "A" / "1.png", 1)
    reader = Reads(tmp_path / "photos", {})
    cache = PrintCache(tmp_path / "cache", lambda: reader, "v1")
    photos = read_photos(tmp_path / "photos")
    first, again = read_prints(cache, photos), read_prints(cache, photos)
    assert first[0].lines == again[0].lines == Print().lines
    assert reader.calls == 1
