"""Who stands at the cell: asked before anything goes on, and reads the tape."""

from __future__ import annotations

from typing import Protocol

from batsort_commissioning.station import RigError, Station


class Stopped(Exception):
    """The walk is not to go on; nothing is written."""


class Person(Protocol):
    """What the walk asks of whoever stands at the cell."""

    def agree(self, question: str) -> None:
        """Go on. Raises Stopped where that is not wanted."""

    def mark(self) -> None:
        """The belt stands; mark where it is."""

    def tape(self) -> float:
        """How far the mark has moved [m]."""


class Technician:
    """At the terminal."""

    def agree(self, question: str) -> None:
        """Ask until it is answered."""
        while True:
            answer = _answer(f"{question} [y/n] ").lower()
            if answer in ("y", "yes"):
                return
            if answer in ("n", "no"):
                raise Stopped

    def mark(self) -> None:
        """Wait for the Enter key."""
        _answer("Mark the belt beside a fixed edge of the frame, then press Enter. ")

    def tape(self) -> float:
        """Ask until it is a number."""
        while True:
            answer = _answer("How far has the mark moved along the frame? [m] ")
            try:
                return float(answer.replace(",", "."))
            except ValueError:
                print(f"{answer!r} is refused; allowed: metres, such as 1.003")


class Nobody:
    """Agrees to everything; the tape is read off the twin's belt."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._marked = 0.0

    def agree(self, question: str) -> None:
        """Yes."""

    def mark(self) -> None:
        """Remember the belt's travel."""
        self._marked = self._station.travel()

    def tape(self) -> float:
        """From the mark, to the half millimetre that a tape is read to."""
        return round((self._station.travel() - self._marked) * 2000) / 2000


def _answer(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        raise RigError("nobody answers; allowed: a terminal, or --yes with the twin") from None
