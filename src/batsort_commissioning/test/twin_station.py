"""The walk's station on a twin in this process, as fast as it can be simulated."""

from __future__ import annotations

from typing import Any

from batsort_commissioning.station import Station
from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.items import Item
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_twin.events import Frame
from batsort_twin.options import TwinOptions
from batsort_twin.sim import Twin

START = 1_700_000_000_000_000_000
MOMENT_NS = 10_000_000


class TwinStation(Station):
    """`truth` is what the twin is, `cell` what the walk believes."""

    def __init__(self, cell: CellDescription, truth: CellDescription, **options: Any) -> None:
        super().__init__(cell)
        options = {"opening_s": truth.ejection.lead_s, "items": 0, "unknown_share": 0.0} | options
        self._twin = Twin(truth, TwinOptions(**options), START)

    def run(self, velocity: float) -> None:
        self._twin.set_belt(velocity > 0.0, velocity)

    def arm(self, armed: bool) -> None:
        self._twin.set_enabled(armed)

    def expose(self, item: Item, count: int, number: int) -> None:
        self._twin.request_frame(item.id + number, count, item.epoch)

    def shoot(self, shot: Shot) -> None:
        self._twin.shoot(shot)

    def travel(self) -> float:
        return self._twin.travel

    def pause(self, silent: bool = False) -> float:
        for event in self._twin.advance(self._twin.now + MOMENT_NS):
            match event:
                case EncoderSample():
                    self.sampled(event)
                case Edge():
                    self.crossed(event)
                case Arrival():
                    self.arrivals.append(event)
                case ShotEnd():
                    self.ends[event.shot.item_id] = event
                case Frame():
                    self.pictures.append((event.stamp, event.image))
        return MOMENT_NS * 1e-9
