"""The rig of the driver `modbus`: the reference PLC in a process, over a link that can fail."""

from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any

from bad_link import BadLink
from plc_process import CELL_FILE, PlcProcess, document
from waiting import wait

from batsort_core.decisions import Shot
from batsort_description.cell_file import load_cell
from batsort_hardware.driver_contract import Opening
from batsort_hardware.modbus import ModbusDriver
from batsort_hardware.modbus_map import Bits
from batsort_hardware.modbus_options import read_options
from batsort_hardware.protocols import Drivers, Event, ShotEnd

CELL = load_cell(str(CELL_FILE))
SPEED = 10_000
"""Counts a second: 1 m/s."""
PITCH, LENGTH = 1500, 500
"""Of the items on the reference PLC's belt [counts]."""


class Rig:
    """A driver, a link that can fail, and a PLC; also as driver_contract.Rig has it."""

    cell = CELL
    velocity = 1.0
    bound = 2

    def __init__(self, folder: Path) -> None:
        self.plc = PlcProcess(folder / "plc.log")
        self.link = BadLink(self.plc.port, seed=5)
        self.events: list[Event] = []
        self.driver = self.open()

    def open(self, **changed: Any) -> ModbusDriver:
        told = document(port=self.link.port, **changed)
        return ModbusDriver(read_options(told, CELL), CELL, self.events.append)

    def close(self) -> None:
        self.driver.close()
        self.link.close()
        self.plc.kill()

    def of(self, kind: type) -> list[Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    @property
    def ends(self) -> dict[int, list[ShotEnd]]:
        found: dict[int, list[ShotEnd]] = {}
        for end in self.of(ShotEnd):
            found.setdefault(end.shot.item_id, []).append(end)
        return found

    def start(self, velocity: float = 0.5) -> None:
        self.driver.run(True, velocity)
        self.driver.enable(True)
        counts = velocity / CELL.belt.metres_per_count
        wait(lambda: self.driver.motion is not None and self.driver.motion.velocity >= counts)

    def wait_taken(self, shots: int = 1) -> None:
        """Until so many wait at the PLC."""
        wait(lambda: self.driver.figures()["shots waiting"] == shots)

    def shot(self, item_id: int, ahead: float, fire: bool = True, valve: int = 1) -> Shot:
        """One whose target is `ahead` counts from where the belt is now."""
        motion = self.driver.motion
        assert motion is not None
        target = round(motion.at(self.driver._stamps.now()).count + ahead)
        return Shot(item_id, motion.epoch, valve, fire, target, 0.010, 0.020)

    @property
    def drivers(self) -> Drivers:
        driver = self.driver
        return Drivers(driver, driver, driver, driver, driver.figures)

    def block(self, blocked: bool) -> int:
        return self._pass(0 if blocked else LENGTH)

    def trip(self) -> tuple[str, int]:
        others = CELL.others
        return others.name, self._pass(CELL.counts(others.distance) + LENGTH // 2)

    def press(self, pressed: bool) -> None:
        assert pressed != (Bits.ESTOP in self.plc.status().bits)
        self.plc.process.send_signal(signal.SIGUSR1)

    def fail(self) -> None:
        self.link.cut()

    @property
    def openings(self) -> list[Opening]:
        """The PLC's witness knows items; their valves are those of the shots' ends."""
        valves = {item_id: ends[0].shot.valve for item_id, ends in self.ends.items()}
        return [Opening(valves.get(item_id, -1), count) for item_id, count in self.plc.opened]

    def is_open(self, valve: int) -> bool:
        """The PLC times no pulse: a valve is open from its shot until valves are disabled."""
        fired = any(opening.valve == valve for opening in self.openings)
        return fired and Bits.VALVES_ENABLED in self.plc.status().bits

    def _pass(self, offset: int) -> int:
        """Wait until a piece has come so far past the barrier; where the belt was."""
        assert self.driver.motion is not None
        piece = max(0, math.floor((self.driver.motion.count - offset) / PITCH) + 1)
        there = piece * PITCH + offset
        wait(lambda: self.driver.motion is not None and self.driver.motion.count > there)
        return there
