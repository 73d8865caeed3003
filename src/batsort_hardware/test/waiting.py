"""Waits for what threads and processes do, as long as it takes and no longer."""

from __future__ import annotations

import time
from collections.abc import Callable

DEADLINE_S = 20.0


def wait(reached: Callable[[], object]) -> None:
    """Until it is so; fails where it does not become so."""
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.001)
