"""Where and when a shot must come: by the belt's slip, what is seen of its item, and its valve."""

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.ejection import last_command_count, pulse_s, target_count
from batsort_core.items import Item
from batsort_core.slip import SlipEstimator
from batsort_core.trouble import Trouble
from batsort_core.valve_timing import ValveTiming

_SEEN_NOISE = 0.002  # [m] that a camera may see an item off its place


class Aiming:
    """Aims by what is seen of items on their way: the slip, and how late each valve blows.

    `offset` is how far the camera saw an item off its place [m]; None: not seen.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self.judge_anew()

    def judge_anew(self) -> None:
        """From what comes now."""
        tracking = self._cell.tracking
        self.slip = SlipEstimator(tracking.slip_corrected, tracking.slip_most)
        self.timing = ValveTiming(self._cell)

    @property
    def trouble(self) -> Trouble | None:
        """What can't be corrected any more."""
        if self.slip.excessive:
            more = "further" if self.slip.slip > 0 else "less far"
            return Trouble(
                f"the belt runs {abs(self.slip.slip):.1%} {more} than the encoder counts",
                "check the encoder's wheel and the belt's tension, then start the cell",
                lasting=True,
            )
        for valve, lag in self.timing.late.items():
            if lag > self._cell.tracking.lead_most_s:
                return Trouble(
                    f"valve {valve} blows {1e3 * lag:.0f} ms later than the others",
                    "clean or replace the valve, then start the cell",
                    lasting=True,
                )
        return None

    @property
    def warnings(self) -> list[str]:
        """What is corrected, and should be mended before it is trouble."""
        found = [
            f"valve {valve} blows {1e3 * lag:.0f} ms later than the others; have it serviced"
            for valve, lag in self.timing.late.items()
        ]
        if self.slip.ratio != 1.0:
            found.append(f"slip of {self.slip.slip:+.1%} between encoder and belt is corrected")
        return found

    def astray(self, offset: float | None) -> bool:
        """Whether the item is too far from where it should be at the camera."""
        if offset is None:
            return False
        carried = (self.slip.ratio - 1.0) * self._cell.camera.distance
        return abs(offset - carried) > self._cell.tracking.most_offset

    def target(self, item: Item, bin: str, offset: float | None) -> int:
        """The belt count at which the item is before the bin's nozzle, or at the belt's end."""
        cell = self._cell
        return target_count(cell, cell.bin(bin), item, self._further(bin, offset))

    def deadline(self, item: Item, bin: str, offset: float | None, velocity: float) -> int:
        """The last count to command at, with the lead of the valve; `velocity` in m/s."""
        cell, valve = self._cell, self._cell.bin(bin).valve
        assert valve is not None
        later_s = self.timing.lead_s(valve) - cell.ejection.lead_s
        further = self._further(bin, offset)
        return last_command_count(cell, cell.bin(bin), item, velocity, further, later_s)

    def shot(self, item: Item, bin: str, offset: float | None, fire: bool) -> Shot:
        """The command that blows the item into the bin, or calls that off."""
        valve = self._cell.bin(bin).valve
        assert valve is not None
        return Shot(
            item.id,
            item.epoch,
            valve,
            fire,
            self.target(item, bin, offset),
            self.timing.lead_s(valve),
            pulse_s(self._cell.ejection, item.length),
        )

    def _further(self, bin: str, offset: float | None) -> float:
        """What the belt has to be counted on beyond the described distance [m]."""
        camera, ratio = self._cell.camera.distance, self.slip.ratio
        carried = (ratio - 1.0) * camera
        seen = offset
        if seen is None or abs(seen - carried) <= _SEEN_NOISE:
            seen = carried
        left = self._cell.bin(bin).distance - camera
        return (left - seen) / ratio - left
