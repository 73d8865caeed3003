"""The cell that the twin's tests run."""

from collections.abc import Callable
from typing import Any

import pytest
from faulty import ITEMS, SPEED
from sorting import Run, sort

from batsort_core.cell import CellDescription, parse_cell
from batsort_twin.designs import KNOWN
from batsort_twin.fault import Fault
from batsort_twin.options import TwinOptions


@pytest.fixture(scope="session")
def cell() -> CellDescription:
    """The geometry of the default cell with one bin for each of the nine types."""
    names = [type.lower() for type in KNOWN]
    bins = [
        {"name": name, "valve": i + 1, "distance": 0.60 + 0.15 * i, "capacity": 0}
        for i, name in enumerate(names)
    ]
    return parse_cell(
        {
            "name": "test",
            "belt": {
                "metres_per_count": 0.0001,
                "velocity": 0.5,
                "max_velocity": 1.5,
                "acceleration": 2.0,
                "width": 0.08,
            },
            "barrier": {"position_error": 0.0005},
            "camera": {
                "distance": 0.20,
                "height": 0.35,
                "metres_per_pixel": 0.0004,
                "image_width": 640,
                "image_height": 480,
            },
            "ejection": {
                "lead_s": 0.010,
                "nozzle_width": 0.010,
                "jitter_s": 0.0005,
                "opening_scatter_s": 0.0005,
                "pulse_s": 0.020,
                "pulse_length": 0.050,
                "pulse_s_per_metre": 0.2,
                "pulse_min_s": 0.010,
                "pulse_max_s": 0.040,
                "command_margin_s": 0.020,
            },
            "confirm": {"window": 0.15, "timeout_s": 1.0, "grace_s": 4.0},
            "tracking": {
                "most_offset": 0.010,
                "slip_corrected": 0.004,
                "slip_most": 0.03,
                "lead_corrected_s": 0.008,
                "lead_most_s": 0.020,
            },
            "items": {"min_length": 0.010, "max_length": 0.075},
            "bins": [*bins, {"name": "others", "distance": 2.10, "capacity": 0}],
            "recipe": {
                "others": "others",
                "threshold": 0.8,
                "novelty_limit": 1.0,
                "types": dict(zip(KNOWN, names, strict=True)),
            },
        }
    )


@pytest.fixture
def run(cell: CellDescription) -> Callable[..., Run]:
    """A run of some known items with faults; every one is shot at into `into`, if any."""

    def made(*faults: Fault, into: str | None = None, **change: Any) -> Run:
        frames = change.pop("frames", False)
        tick = change.pop("each_tick", lambda twin: None)
        options = TwinOptions(items=ITEMS, rate=6.0, unknown_share=0.0, faults=faults, **change)
        return sort(cell, options, SPEED, lambda item: into, frames=frames, each_tick=tick)

    return made
