"""A file that is refused is named with the line, and by whom it was wanted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from batsort_files.documents import ConfigurationError, document_of, load_document, read_document
from batsort_files.schema import read
from batsort_files.strict_yaml import LARGEST


@dataclass(frozen=True, slots=True)
class Wanted:
    name: str
    count: int


def test_a_field_that_is_refused_is_named_behind_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("# of a test\nname: x\ncount: many\n")
    with pytest.raises(ConfigurationError) as refused:
        read_document(file).checked(lambda value: read(Wanted, value))
    assert str(refused.value) == f"{file}:3: count: 'many' is refused; allowed: a whole number"


def test_a_document_that_fits_becomes_what_is_wanted() -> None:
    document = document_of(Path("a.yaml"), "{name: x, count: 3}")
    assert document.checked(lambda value: read(Wanted, value)) == Wanted("x", 3)


def test_what_is_refused_as_yaml_is_named_behind_file_and_line(tmp_path: Path) -> None:
    file = tmp_path / "a.yaml"
    file.write_text("name: x\nname: y\n")
    with pytest.raises(ConfigurationError, match=rf"^{file}:2: name: given twice, 'x' in line 1"):
        read_document(file)


def test_a_file_that_is_not_there_is_refused_by_the_parameter_that_names_it() -> None:
    with pytest.raises(ConfigurationError, match=r"^file: '/no/such' can't be read \(.*\)$"):
        load_document("file", "/no/such", "test")
    with pytest.raises(ConfigurationError, match=r"^file: not given; allowed: the path of a test$"):
        load_document("file", "", "test")
    with pytest.raises(ConfigurationError, match=r"^/no/such can't be read \(.*\)$"):
        read_document(Path("/no/such"))


def test_a_file_without_end_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=rf": {LARGEST + 1} bytes are refused"):
        read_document(Path("/dev/zero"))
