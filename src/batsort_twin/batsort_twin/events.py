"""What the simulated cell says: its sensors and valves, its emergency stop, its ground truth.

Stamps are integer nanoseconds since the Unix epoch, of the physical event. What became of a shot is
``batsort_core.firing.ShotEnd``, as every valve driver reports it.
"""

from dataclasses import dataclass

from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_twin.bodies import Image


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One exposure: uint8[height, width, 3] RGB."""

    stamp: int
    item_id: int
    """As it was requested."""
    image: Image


@dataclass(frozen=True, slots=True)
class EStopSwitched:
    """The emergency stop was pressed or released."""

    stamp: int
    pressed: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """Ground truth of one item that has left."""

    stamp: int
    index: int
    """In the stream of the infeed; of a foreign item, among the foreign ones."""
    item_id: int
    """0: it never blocked the beam on its own."""
    type: str
    label: str
    size: str
    photo: str
    photo_sha256: str
    bin: str
    """Where it landed; empty: in none."""
    length: float
    aim_error: float
    """Its centre minus the nozzle axis when the jet opened [m]; nan: no jet opened for it."""
    foreign: bool
    """Put onto the belt behind the barrier, not by the infeed."""
    place: float
    """Of its centre along the belt when it left, from the barrier [m]."""
    blown: int
    """When the jet that last pushed it first reached it [ns]; 0: none did."""


@dataclass(frozen=True, slots=True)
class FaultSwitched:
    """An injected fault began or ended."""

    stamp: int
    kind: str
    active: bool
    epoch: int
    count: int
    detail: str


Event = EncoderSample | Edge | Frame | ShotEnd | Arrival | EStopSwitched | Truth | FaultSwitched
