"""What was read on pictures, kept so that each is read once: by its content.

Lines are kept, not what they mean: rules are applied anew. An entry is of one reader (its code, the
releases that it runs on); what is damaged is read anew.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Protocol

import numpy as np

from batsort_perception import print_reader
from batsort_perception.preprocess import Image
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line, Print

PACKAGES = ("rapidocr", "onnxruntime")


class Reader(Protocol):
    """As `print_reader.PrintReader`."""

    def read(self, image: Image) -> Print:
        """What is printed in uint8[h, w, 3] RGB."""
        ...


class PrintCache:
    """Reads print where it has not been read before; a reader is made when the first is needed."""

    def __init__(self, folder: Path, make_reader: Callable[[], Reader], version: str) -> None:
        self._folder, self._make, self._version = folder, make_reader, version
        self._reader: Reader | None = None

    def read(self, content: str, picture: Callable[[], Image]) -> Print:
        """What is printed on a picture, boxes in its pixels; `content` is a hash of it, in hex.

        It is looked at only where it was not read before. Raises PrintError where print can't be
        read here, and whatever `picture` raises.
        """
        file = self._folder / f"{content}-{self._version}.json"
        kept = _lines(file)
        if kept is not None:
            return interpret(kept)
        self._reader = self._reader or self._make()
        found = self._reader.read(picture())
        _keep(file, found.lines)
        return found

    def read_pixels(self, image: Image) -> Print:
        """What is printed in uint8[h, w, 3] RGB. Raises PrintError where print can't be read."""
        content = hashlib.sha256(f"{image.shape}".encode() + image.tobytes()).hexdigest()
        return self.read(content, lambda: image)


def default_cache() -> Path:
    """Where a user's programs keep what can be had again."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "batsort" / "print"


def reader_version(*more: object) -> str:
    """Twelve hex digits: of the reader's code, the packages it runs on, and what else counts."""
    code = Path(print_reader.__file__).read_bytes()
    releases = [f"{name} {metadata.version(name)}" for name in PACKAGES]
    told = " ".join(map(str, (*releases, *more, np.__version__)))
    return hashlib.sha256(code + told.encode()).hexdigest()[:12]


def _lines(file: Path) -> list[Line] | None:
    """The lines in an entry; None where there is none, or a damaged one."""
    try:
        lines = [
            Line(str(text), float(confidence), np.array(box, np.float32))
            for text, confidence, box in json.loads(file.read_bytes())
        ]
    except (OSError, ValueError, TypeError):
        return None
    return lines if all(_sound(line) for line in lines) else None


def _sound(line: Line) -> bool:
    shaped = line.box.shape == (4, 2) and bool(np.isfinite(line.box).all())
    return shaped and 0.0 <= line.confidence <= 1.0


def _keep(file: Path, lines: Sequence[Line]) -> None:
    """Write an entry whole or not at all; a cache that can't be written costs time only."""
    part = file.with_suffix(f".{os.getpid()}")
    text = json.dumps([[line.text, line.confidence, line.box.tolist()] for line in lines])
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()
