"""Commissioning changes figures in a cell description, and nothing else of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from batsort_commissioning.cell_file import edited, write, written
from batsort_description.cell_file import described
from batsort_files.documents import ConfigurationError, document_of

DEFAULT = (Path(__file__).parents[3] / "config" / "cell.yaml").read_text(encoding="utf-8")


def test_figures_change_and_comments_and_order_stay() -> None:
    text = edited(
        DEFAULT,
        {
            ("belt", "metres_per_count"): "0.000101234",
            ("camera", "distance"): "0.2071",
            ("bins", 1, "distance"): "0.7532",
        },
    )
    wanted = yaml.safe_load(DEFAULT)
    wanted["belt"]["metres_per_count"] = 0.000101234
    wanted["camera"]["distance"] = 0.2071
    wanted["bins"][1]["distance"] = 0.7532
    assert yaml.safe_load(text) == wanted
    old, new = DEFAULT.splitlines(), text.splitlines()
    assert [line.partition("#")[2] for line in new] == [line.partition("#")[2] for line in old]
    assert sum(a != b for a, b in zip(old, new, strict=True)) == 3


def test_a_comment_keeps_its_column_where_there_is_room() -> None:
    assert edited("a: 0.20     # of it\n", {("a",): "0.2071"}) == "a: 0.2071   # of it\n"
    assert edited("a: 0.20 # of it\n", {("a",): "0.2071"}) == "a: 0.2071 # of it\n"


@pytest.mark.parametrize("key", [("belt", "speed"), ("bins", 99, "distance"), ("belt",)])
def test_a_place_that_is_not_there_is_named(key: tuple[str | int, ...]) -> None:
    with pytest.raises(KeyError, match=str(key[0])):
        edited(DEFAULT, {key: "1.0"})


@pytest.mark.parametrize("value", [5e-05, 0.0001, 0.000101234, 0.01])
def test_a_figure_is_written_as_it_is_read_back(value: float) -> None:
    text = edited(DEFAULT, {("belt", "metres_per_count"): written(value, digits=6)})
    assert described(document_of(Path("cell.yaml"), text)).belt.metres_per_count == value


def test_the_old_file_is_kept_beside_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(DEFAULT, encoding="utf-8")
    text = edited(DEFAULT, {("camera", "distance"): "0.21"})
    kept = write(path, text)
    assert kept is not None and kept.read_text(encoding="utf-8") == DEFAULT
    assert path.read_text(encoding="utf-8") == text
    assert sorted(tmp_path.iterdir()) == sorted([path, kept])


def test_a_description_that_is_refused_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "cell.yaml"
    path.write_text(DEFAULT, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"bins\[0\].distance"):
        write(path, edited(DEFAULT, {("camera", "distance"): "0.70"}))
    assert path.read_text(encoding="utf-8") == DEFAULT
    assert list(tmp_path.iterdir()) == [path]
