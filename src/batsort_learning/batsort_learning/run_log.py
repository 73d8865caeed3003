"""Finished runs of a study in a file, so that a study that was cut off goes on where it was."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from batsort_training.data import DataError

NAME = "runs.jsonl"


class RunLog:
    """One JSON object a line in `runs.jsonl` of a folder; all of them with the same settings.

    Raises DataError naming the first setting that differs from what is there.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._settings = folder / NAME, dict(settings)
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
        if lines and not lines[-1].endswith(b"\n"):
            # Cut off while it was written.
            os.truncate(self._path, sum(len(line) for line in lines[:-1]))
            del lines[-1]
        self.runs: list[dict[str, Any]] = []
        for number, line in enumerate(lines, 1):
            try:
                run = json.loads(line)
                self._check(run["settings"])
            except (ValueError, KeyError, TypeError) as error:
                if isinstance(error, DataError):
                    raise
                where = f"{self._path}:{number}"
                raise DataError(f"{where}: not a run; allowed: lines of `reproduce`") from None
            self.runs.append(run)

    def append(self, run: Mapping[str, Any]) -> None:
        """Add a finished run; it is on the disk when this returns."""
        line = {"settings": self._settings, **run}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.runs.append(line)

    def _check(self, others: Mapping[str, Any]) -> None:
        for name, value in self._settings.items():
            if others.get(name) != value:
                allowed = f"{others.get(name)!r} as in {self._path}, or another --out"
                raise DataError(f"{name}: {value!r} is refused; allowed: {allowed}")
