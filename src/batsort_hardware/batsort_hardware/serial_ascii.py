"""A sorter that speaks lines of ASCII over a serial port; also the example of a driver.

To it: `R 500` run at 500 mm/s, `S` stand, again every 0.1 s; `V 3 0.020` open valve 3 for at least
20 ms from now on, `V 3 0.000` shut it. Hearing nothing for 1 s, it stands and shuts all by itself.

From it, in the order in which it happened: `C 12345 678` the encoder's count at 678 us of its
clock, both of 32 bits, every 10 ms; `B 1 12345 678` the light barrier became blocked (0: free) and
`A 2 12345 678` eye 2 saw something, with count and time latched there; `E 1` the emergency stop is
pressed (0: not), on change and twice a second. Any other line is counted, and left alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.sensing import Arrival, Edge
from batsort_files.schema import Name, Range, read, refuse
from batsort_hardware.device_numbers import Number, check_eyes, check_valves
from batsort_hardware.linked_device import LinkedDevice
from batsort_hardware.protocols import Drivers, Report
from batsort_hardware.serial_line import BAUDS, SerialLine
from batsort_hardware.wrapped_counts import WrappedCounts

_SAID = re.compile(r"(?:C|B ([01])|A (\d{1,3})) (-?\d{1,10}) (\d{1,10})|E ([01])")


@dataclass(frozen=True, slots=True)
class Options:
    """A hardware file of the driver `serial_ascii`."""

    port: Annotated[str, Name()]
    baud: int
    late_s: Annotated[float, Range("s", least=0.0005, most=0.05)]
    """A shot later than this behind its moment does not fire."""
    valves: tuple[Number, ...]
    """Numbers that the sorter has valves for."""
    eyes: Mapping[str, Number]
    """Number of the confirm eye by the name of its bin."""


def open_drivers(document: object, cell: CellDescription, report: Report) -> Drivers:
    """The port itself may come later, and go. Raises FieldError."""
    options = read(Options, document)
    if options.baud not in BAUDS:
        refuse("baud", options.baud, f"one of {', '.join(map(str, BAUDS))}")
    check_valves(options.valves, cell)
    check_eyes(options.eyes, cell)
    driver = SerialAscii(options, cell, report)
    return Drivers(driver, driver, driver, figures=lambda: dict(driver.figures))


class SerialAscii(LinkedDevice[SerialLine]):
    """The sorter's words; what they mean for the belt and for shots is LinkedDevice's."""

    def __init__(self, options: Options, cell: CellDescription, report: Report) -> None:
        self._options = options
        self._bins = {eye: bin for bin, eye in options.eyes.items()}
        self._most_velocity = cell.belt.max_velocity / cell.belt.metres_per_count
        super().__init__(
            f"the sorter at {options.port}",
            "check its power and cable, and port and baud",
            options.valves,
            options.late_s,
            report,
        )

    def connect(self) -> SerialLine:
        self._counts = WrappedCounts(self._most_velocity)
        return SerialLine(self._options.port, self._options.baud)

    def order(self, run: bool, velocity: float) -> None:
        self.link.say(f"R {velocity * 1000:.0f}" if run else "S")

    def open(self, shot: Shot) -> None:
        self.link.say(f"V {shot.valve} {shot.pulse_s:.3f}")

    def shut(self) -> None:
        for valve in self._options.valves:
            self.link.say(f"V {valve} 0.000")

    def hear(self, within_s: float) -> None:
        for line in self.link.read(within_s):
            if not self._take_line(line):
                self.figures["lines refused"] += 1

    def _take_line(self, line: str) -> bool:
        """Whether it can be what the sorter says."""
        said = _SAID.fullmatch(line)
        if said is None:
            return False
        blocked, eye, count, time_us, pressed = said.groups()
        if pressed is not None:
            self.stop(pressed == "1")
            return True
        if eye is not None and int(eye) not in self._bins:
            return False
        if not self._counts.follow(int(count), int(time_us)):
            return False
        if blocked is eye is None:
            self._counts.hear(self.stamps.now())
        if not self._counts.settled:
            return True
        stamp, there = self._counts.stamp, self._counts.count
        if blocked is not None:
            self.report(Edge(stamp, self.epoch, there, blocked == "1"))
        elif eye is not None:
            self.report(Arrival(stamp, self.epoch, self._bins[int(eye)], there))
        else:
            self.sampled(stamp, there)
        return True
