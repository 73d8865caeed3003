"""What must outlive a process waits, in order, while the disk takes nothing."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from rclpy.node import Node

from batsort_graph.configuration import declare
from batsort_graph.journal import JOURNAL_DIR, Journal

RECORD = {"text": "x" * 1000}


def journal(bench, newest: int | None = None) -> Journal:
    node = Node("keeper")
    declare(node, (JOURNAL_DIR,))
    bench.add(node)
    return Journal(node, newest)


@contextmanager
def full_disk(journal: Journal) -> Iterator[None]:
    """SQLite itself has no page left to write to."""
    (pages,) = journal._database.execute("PRAGMA page_count").fetchone()
    journal._database.execute(f"PRAGMA max_page_count={pages}")
    yield
    journal._database.execute("PRAGMA max_page_count=1000000")


def test_records_that_the_disk_does_not_take_wait_with_what_is_to_be_published(
    bench, tmp_path: Path
) -> None:
    bench = bench()
    kept = journal(bench)
    published: list[int] = []
    kept.append([RECORD], lambda: published.append(1))
    assert published == [1] and kept.trouble is None
    with full_disk(kept):
        kept.append([RECORD] * 20, lambda: published.append(2))
        kept.append([], lambda: published.append(3))
        assert published == [1]
        assert kept.trouble is not None and "full" in kept.trouble.cause
    bench.wait(lambda: published == [1, 2, 3])
    assert kept.trouble is None
    with closing(sqlite3.connect(tmp_path / "journal" / "keeper.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM record").fetchone() == (21,)


def test_a_journal_of_the_newest_keeps_no_others_also_of_those_before(bench) -> None:
    bench = bench()
    longer = journal(bench)
    longer.append(list(range(10)), lambda: None)
    kept = journal(bench, newest=4)
    assert list(kept) == [6, 7, 8, 9]
    for number in (10, 11):
        kept.append([number], lambda: None)
    assert list(kept) == [8, 9, 10, 11]


def test_a_long_journal_is_shortened_once_all_in_it_is_published(bench, monkeypatch) -> None:
    monkeypatch.setattr("batsort_graph.journal.LONG", 3)
    kept = journal(bench())
    kept.append([RECORD] * 2, lambda: None)
    kept.shorten(lambda: ["short"])
    assert list(kept) == [RECORD] * 2
    with full_disk(kept):
        kept.append([RECORD] * 20, lambda: None)
        kept.shorten(lambda: ["short"])
        assert list(kept) == [RECORD] * 2
        kept._write()
    kept._write()
    kept.shorten(lambda: ["short"])
    assert list(kept) == ["short"]
    kept.shorten(lambda: ["shorter"])
    assert list(kept) == ["short"]


def test_a_folder_that_can_t_be_written_is_refused_by_name(bench, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    bench = bench(journal_dir=tmp_path / "file")
    with pytest.raises(ValueError, match=r"^journal_dir: '.*file' can't be written"):
        journal(bench)
