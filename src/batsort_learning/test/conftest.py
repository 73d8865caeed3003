"""Folders that are checked, with what is printed on their photos."""

import pytest
from printed_photos import Reads, save

from batsort_learning import check as checking
from batsort_learning.check import check
from batsort_perception.print_cache import PrintCache


@pytest.fixture
def no_tensorflow(monkeypatch):
    monkeypatch.setattr(checking, "find_spec", lambda name: None)


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
