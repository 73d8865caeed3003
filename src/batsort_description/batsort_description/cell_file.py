"""The file of a cell description."""

from __future__ import annotations

from batsort_core.cell import CellDescription, CellError, parse_cell
from batsort_files.documents import ConfigurationError, load_document


def load_cell(path: str) -> CellDescription:
    """Read a cell description.

    Raises:
        ConfigurationError: no such file, no YAML, or a description that can't be.
    """
    document = load_document("cell_file", path, "cell description")
    try:
        return parse_cell(document)
    except CellError as error:
        raise ConfigurationError(f"{path}: {error}") from None
