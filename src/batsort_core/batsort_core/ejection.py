"""Planning of a shot: how long, how far from its neighbours, and until when it can be commanded."""

import math

from batsort_core.cell import Bin, CellDescription, Ejection
from batsort_core.items import Item


def pulse_s(ejection: Ejection, length: float) -> float:
    """How long the jet stays open for an item of `length` [m], within its limits [s].

    `pulse_s + (length - pulse_length) * pulse_s_per_metre`
    """
    pulse = ejection.pulse_s + (length - ejection.pulse_length) * ejection.pulse_s_per_metre
    return min(max(pulse, ejection.pulse_min_s), ejection.pulse_max_s)


def required_gap(cell: CellDescription, velocity: float, length: float, pulse_s: float) -> float:
    """Least free belt on either side of an item of `length` that is to be blown alone [m].

    `nozzle width + |velocity| * (2 jitter + opening scatter) + 2 position errors
    + max(0, |velocity| * pulse - length)`: the jet's width, the spread of the moment it opens (two
    sigma of the firing, one of the valve), two edges' errors, and what passes below the jet while
    it is open, beyond the item itself. SI units.
    """
    ejection, speed = cell.ejection, abs(velocity)
    return (
        ejection.nozzle_width
        + speed * (2 * ejection.jitter_s + ejection.opening_scatter_s)
        + 2 * cell.barrier.position_error
        + max(0.0, speed * pulse_s - length)
    )


def needed_gap(cell: CellDescription, item: Item, velocity: float) -> float:
    """Free belt that a jet at this item needs on either side [m].

    At the faster of the belt's set speed and `velocity` [m/s], so that a belt that is just starting
    counts as running.
    """
    speed = max(cell.belt.velocity, abs(velocity))
    return required_gap(cell, speed, item.length, pulse_s(cell.ejection, item.length))


def too_close(cell: CellDescription, item: Item, other: Item, velocity: float) -> bool:
    """Whether one of the two could not be blown without touching the other; see `needed_gap`."""
    if item.id == other.id or item.epoch != other.epoch:
        return False
    needed = max(needed_gap(cell, one, velocity) for one in (item, other))
    lengths = cell.counts(item.length) + cell.counts(other.length)
    twice_free = 2 * abs(item.count - other.count) - lengths
    return twice_free < 2 * math.ceil(needed / cell.belt.metres_per_count)


def target_count(cell: CellDescription, bin: Bin, item: Item, further: float = 0.0) -> int:
    """The belt count at which the item's centre is at the bin's nozzle axis, or the belt's end.

    `further` is what the belt has to be counted on for it beyond the described distance [m].
    """
    return item.count + cell.counts(bin.distance + further)


def last_command_count(
    cell: CellDescription,
    bin: Bin,
    item: Item,
    velocity: float,
    further: float = 0.0,
    later_s: float = 0.0,
) -> int:
    """The last belt count at which a shot can be commanded, or called off; later is LATE.

    `target - velocity * (lead_s + command_margin_s) / metres_per_count`, rounded towards safety. A
    belt that stands, or runs backwards, has until the target itself. `later_s` is how much later
    than described the valve blows.
    """
    ahead_s = cell.ejection.lead_s + later_s + cell.ejection.command_margin_s
    ahead = math.ceil(max(0.0, velocity) * ahead_s / cell.belt.metres_per_count)
    return target_count(cell, bin, item, further) - ahead
