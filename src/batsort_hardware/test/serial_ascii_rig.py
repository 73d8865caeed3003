"""The rig of the driver `serial_ascii`: a sorter over a pseudo terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from ascii_sorter import AsciiSorter
from plc_process import CELL_FILE, CONFIG

from batsort_description.cell_file import load_cell
from batsort_hardware.driver_contract import LEAD_S, Opening
from batsort_hardware.protocols import Event
from batsort_hardware.serial_ascii import open_drivers

CELL = load_cell(str(CELL_FILE))
HARDWARE_FILE = CONFIG / "hardware" / "serial" / "hardware.yaml"


def document(**changed: Any) -> dict[str, Any]:
    """The hardware file that comes with BatSort, with other values."""
    return yaml.safe_load(HARDWARE_FILE.read_text()) | changed


class Rig:
    """As driver_contract.Rig has it; its figures are late by what threads of a busy machine are."""

    cell = CELL
    velocity = 0.5
    bound = 300

    def __init__(self, folder: Path) -> None:
        self.sorter = AsciiSorter(folder / "tty", CELL)
        self.events: list[Event] = []
        told = document(port=str(self.sorter.port), late_s=0.05)
        self.drivers = open_drivers(told, CELL, self.events.append)

    def block(self, blocked: bool) -> int:
        return self.sorter.block(blocked)

    def trip(self) -> tuple[str, int]:
        bin = CELL.bins[2].name
        return bin, self.sorter.trip(document()["eyes"][bin])

    def press(self, pressed: bool) -> None:
        self.sorter.press(pressed)

    def fail(self) -> None:
        self.sorter.unplug()

    @property
    def openings(self) -> list[Opening]:
        lead = LEAD_S * self.velocity / CELL.belt.metres_per_count
        return [Opening(valve, round(place + lead)) for valve, place in list(self.sorter.opened)]

    def is_open(self, valve: int) -> bool:
        return self.sorter.is_open(valve)

    def close(self) -> None:
        for driver in self.drivers.each():
            driver.close()
        self.sorter.close()
