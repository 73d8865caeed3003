"""One promise of the contract of docs/hardware_micro_ros.md, and what became of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from batsort_micro_ros.board_rig import Rig


@dataclass(frozen=True, slots=True)
class Clause:
    """One promise of the contract; `check` says what was measured, or raises Unmet."""

    name: str
    promise: str
    check: Callable[[Rig], str]


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of one clause."""

    clause: Clause
    measured: str
    good: bool


def clause(name: str, promise: str) -> Callable[[Callable[[Rig], str]], Clause]:
    """Make a check a clause."""
    return lambda check: Clause(name, promise, check)
