"""Runs of the simulated cell, sorted as a test says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from batsort_core.belt import ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.ejection import pulse_s
from batsort_core.sensing import Edge, EncoderSample
from batsort_twin.events import Event, Frame, Truth
from batsort_twin.feed import Item, drawn
from batsort_twin.options import TwinOptions
from batsort_twin.sim import Twin

START = 1_700_000_000_000_000_000
TICK_NS = 5_000_000


def fire(cell: CellDescription, epoch_: int, id_: int, count: int, bin: str, **change: Any) -> Shot:
    """The shot for an item whose centre passed the barrier at `count`."""
    station = cell.bin(bin)
    values: dict[str, Any] = {
        "item_id": id_,
        "epoch": epoch_,
        "valve": station.valve,
        "fire": True,
        "target_count": count + cell.counts(station.distance),
        "lead_s": cell.ejection.lead_s,
        "pulse_s": cell.ejection.pulse_s,
    }
    return Shot(**(values | change))


@dataclass
class Run:
    """What came out of a run; frames and encoder samples apart from the other events."""

    twin: Twin
    items: list[Item]
    events: list[Event] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    samples: list[EncoderSample] = field(default_factory=list)

    def of(self, kind: type) -> list:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def truths(self) -> list[Truth]:
        return sorted(self.of(Truth), key=lambda truth: truth.index)


Aim = Callable[[Item], str | None]


def sort(
    cell: CellDescription,
    options: TwinOptions,
    velocity: float,
    aim: Aim,
    frames: bool = False,
    each_tick: Callable[[Twin], None] = lambda twin: None,
) -> Run:
    """Run until every item has left: the n-th item at the barrier is shot where `aim` says."""
    twin = Twin(cell, options, START)
    items = list(drawn(options.seed, options.items, options.unknown_share, cell.recipe.types))
    run = Run(twin, items)
    detector = ItemDetector(cell.items, cell.belt.metres_per_count)
    passing: Iterator[Item] = iter(items)
    twin.set_enabled(True)
    twin.set_belt(True, velocity)
    end = START + round((options.items / options.rate + 3.0 / velocity + 5.0) * 1e9)
    while twin.left < options.items and twin.now < end:
        each_tick(twin)
        for event in twin.advance(twin.now + TICK_NS):
            if isinstance(event, Frame):
                run.frames.append(event)
            elif isinstance(event, EncoderSample):
                run.samples.append(event)
            else:
                run.events.append(event)
            if not isinstance(event, Edge):
                continue
            found = detector.on_edge(event.stamp, event.epoch, event.count, event.blocked)
            if found is None:
                continue
            if frames:
                twin.request_frame(found.id, found.count + cell.counts(cell.camera.distance))
            item = next(passing, None)
            bin = aim(item) if item is not None else None
            if bin is not None:
                pulse = pulse_s(cell.ejection, found.length)
                twin.shoot(fire(cell, event.epoch, found.id, found.count, bin, pulse_s=pulse))
    return run


def oracle(cell: CellDescription):
    """Every known item into the bin of its type."""
    return lambda item: cell.recipe.types.get(item.type)
