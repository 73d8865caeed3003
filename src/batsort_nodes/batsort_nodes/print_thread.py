"""A thread that reads print, one picture at a time, beside whoever has to keep listening."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from batsort_perception.preprocess import Image

T = TypeVar("T")
NICE = 10


class PrintThread(Generic[T]):
    """Reads what it is given, and keeps what it found until that is taken."""

    def __init__(self, read: Callable[[Image], Any]) -> None:
        """`read` takes uint8[h, w, 3] RGB; it is called by this thread only, after this."""
        self._read = read
        self._changed = threading.Condition()
        self._task: tuple[T, Image] | None = None
        self._done: tuple[T, Any] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="print", daemon=True)
        self._thread.start()

    def begin(self, name: T, picture: Image) -> None:
        """Read a picture; what is under way is to be taken first."""
        with self._changed:
            self._task = (name, picture)
            self._changed.notify()

    @property
    def busy(self) -> bool:
        """Whether something is under way, or done and not taken."""
        with self._changed:
            return self._task is not None or self._done is not None

    def take(self) -> tuple[T, Any] | None:
        """What was found, or the exception that reading ended with; None: nothing yet."""
        with self._changed:
            done, self._done = self._done, None
            return done

    def close(self) -> None:
        """End the thread, when it has read what it is at."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        # On Linux, of this thread only: whoever judges images comes first.
        os.nice(NICE)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._task is not None)
                if self._closed:
                    return
                assert self._task is not None
                name, picture = self._task
            try:
                found: Any = self._read(picture)
            except Exception as error:  # told by whoever takes it
                found = error
            with self._changed:
                self._task, self._done = None, (name, found)
