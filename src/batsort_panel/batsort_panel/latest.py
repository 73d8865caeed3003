"""The newest value of each section, handed from one thread or task to another."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any


class Latest:
    """Holds one value per name: a reader that is slow misses what was in between, and no more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}

    def put(self, values: Mapping[str, Any]) -> bool:
        """Replace these; True where nothing had been waiting, so that the reader is to be woken."""
        with self._lock:
            first = not self._values
            self._values.update(values)
            return first and bool(values)

    def take(self) -> dict[str, Any]:
        """All that waits, which then waits no more."""
        with self._lock:
            values, self._values = self._values, {}
            return values
