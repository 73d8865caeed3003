"""The file of a cell description."""

from __future__ import annotations

from pathlib import Path

from batsort_core.cell import CellDescription, CellError, parse_cell
from batsort_files.documents import Document, load_document, read_document


def load_cell(path: str) -> CellDescription:
    """Read the cell description that the parameter `cell_file` gives the path of.

    Raises:
        ConfigurationError: not given, or as `read_cell` does.
    """
    return described(load_document("cell_file", path, "cell description"))


def read_cell(file: Path) -> CellDescription:
    """Read a cell description.

    Raises:
        ConfigurationError: no such file, no YAML, or a description that can't be.
    """
    return described(read_document(file))


def described(document: Document) -> CellDescription:
    """The cell that a document describes.

    Raises:
        ConfigurationError: a description that can't be.
    """
    return document.checked(parse_cell, CellError)
