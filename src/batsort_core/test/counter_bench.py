"""A bin counter and the belt under it, for tests."""

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.bins import BinCounter
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, Reason, Verdict

MS = 1_000_000


END = 21000  # counts from the barrier to the belt's end


STATION = 18000  # of klarus, the last ejector


PATIENCE = 1500  # [ms]


ALL_HEARD = 2020  # [ms] after the start


def item(id: int, count: int, epoch: int = 1, stamp: int = 0) -> Item:
    return Item(id, epoch, count, 0.05, stamp)


def decision(id: int, reason: Reason = Reason.SORT) -> Decision:
    bin = "klarus" if reason is Reason.SORT else "others"
    verdict = None if reason is Reason.NO_VERDICT else Verdict(id, "Klarus", 0.9, 0.5, 0)
    return Decision(id, 1, bin, reason, 0, 0, verdict)


class Bench:
    """A counter, and a belt that runs at 10 counts a millisecond (1 m/s) or stands."""

    def __init__(self, cell: CellDescription) -> None:
        self.cell = cell
        self.counter = BinCounter(cell)
        self.ms = self.count = 0
        self.epoch = 1
        self.trusted_since = 0

    @property
    def stamp(self) -> int:
        return self.ms * MS

    def run(self, ms: int, speed: int = 10) -> list[Settled]:
        out = []
        for _ in range(ms // 20):
            self.ms, self.count = self.ms + 20, self.count + 20 * speed
            position = self.count * 1e-4
            reading = BeltReading(
                self.stamp, self.epoch, self.count, position, speed / 10, True, self.trusted_since
            )
            out += self.counter.on_belt(reading)
        return out

    def run_to(self, count: int) -> list[Settled]:
        return self.run((count - self.count) // 10)

    def arrive(self, bin: str) -> list[Settled]:
        return self.counter.on_arrival(bin, self.stamp, self.epoch, self.count)

    def eject(self, id: int, result: EjectResult) -> list[Settled]:
        return self.counter.on_eject_event(id, result, self.stamp, self.count)

    def tally(self, name: str) -> tuple[int, int, int, int]:
        bin = next(b for b in self.counter.balance.bins if b.name == name)
        return bin.count, bin.confirmed, bin.missing, bin.unexpected


def outcomes(settled: list[Settled]) -> list[tuple[int, str, str]]:
    return [(s.item_id, s.outcome.value, s.bin) for s in settled]


def with_one_item(cell: CellDescription) -> Bench:
    """Item 1 is at the barrier when the belt starts."""
    bench = Bench(cell)
    bench.counter.on_item(item(1, 0))
    return bench
