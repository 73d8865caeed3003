"""How far a bag has been read, for who waits at a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Self

from tqdm import tqdm

from batsort_bags.storage import Received
from batsort_graph.from_messages import NS


class Progress:
    """A bar over the bag's seconds, on a terminal only; a context manager."""

    def __init__(self, name: str) -> None:
        self._bar = tqdm(
            unit="s", desc=name, leave=False, disable=not sys.stderr.isatty(), mininterval=0.2
        )
        self._first: int | None = None

    @property
    def seconds(self) -> int:
        """How far it is."""
        return int(self._bar.n)

    def __enter__(self) -> Self:
        return self

    def __call__(self, stamp: int) -> None:
        """The bag has been read up to what was received at `stamp` [ns]."""
        if self._first is None:
            self._first = stamp
        passed = (stamp - self._first) // NS - self.seconds
        if passed > 0:
            self._bar.update(passed)

    def __exit__(self, *exception: object) -> None:
        self._bar.close()


def followed(messages: Iterable[Received], name: str) -> Iterator[Received]:
    """The messages of a bag, with a bar of that name."""
    with Progress(name) as progress:
        for received in messages:
            progress(received.stamp)
            yield received
