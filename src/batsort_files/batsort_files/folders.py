"""Folders that commands write their reports into."""

from __future__ import annotations

import tempfile
from pathlib import Path


class FolderError(ValueError):
    """A folder that can't be written: one line with option, folder and what is allowed."""


def make_folder(option: str, folder: Path) -> None:
    """Make it where it is not there, before anything is done that it is to hold the report of.

    Raises:
        FolderError: it can't be made, or no file can be written into it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FolderError(
            f"{option}: {folder} can't be written ({error.strerror}); allowed: a folder"
        ) from None
