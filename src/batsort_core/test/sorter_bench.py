"""A sorter and the belt under it, for tests."""

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.ejection import pulse_s, required_gap
from batsort_core.items import Item, Verdict
from batsort_core.sorter import Sorter

MS = 1_000_000


def item(id: int, count: int, length: float = 0.05, epoch: int = 1, stamp: int = 0) -> Item:
    return Item(id, epoch, count, length, stamp)


def verdict(id: int, type: str = "Klarus", confidence: float = 0.9) -> Verdict:
    return Verdict(id, type, confidence, 0.5, 0, {"Klarus": 0.0, type: confidence})


class Bench:
    """A sorter and the belt under it."""

    def __init__(self, cell: CellDescription) -> None:
        self.cell = cell
        self.sorter = Sorter(cell)
        self.stamp = 0

    def belt(self, count: int, velocity: float = 0.5, epoch: int = 1) -> list[Decision | Shot]:
        self.stamp += 20 * MS
        return self.sorter.on_belt(
            BeltReading(self.stamp, epoch, count, count * 1e-4, velocity, velocity != 0.0)
        )


def reasons(out: list[Decision | Shot]) -> list[tuple[int, str]]:
    return [(d.item_id, d.reason.value) for d in out if isinstance(d, Decision)]


def cancelled(out: list[Decision | Shot]) -> list[int]:
    return [s.item_id for s in out if isinstance(s, Shot) and not s.fire]


def fired(out: list[Decision | Shot]) -> list[int]:
    return [s.item_id for s in out if isinstance(s, Shot) and s.fire]


def too_close(cell: CellDescription, a: Item, b: Item, speed: float = 0.5) -> bool:
    needed = max(
        required_gap(cell, speed, i.length, pulse_s(cell.ejection, i.length)) for i in (a, b)
    )
    free = abs(a.count - b.count) * 1e-4 - (a.length + b.length) / 2
    return free < needed - 1e-9
