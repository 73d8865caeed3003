"""The rig of the driver `gpio`: the world at gpiozero's mock pins."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from gpiozero import Device
from gpiozero.pins.mock import MockFactory, MockPin
from plc_process import CELL_FILE
from waiting import wait

from batsort_core.cell import CellDescription, parse_cell
from batsort_core.decisions import Shot
from batsort_hardware.driver_contract import LEAD_S, Opening
from batsort_hardware.gpio import open_drivers

DOCUMENT = yaml.safe_load(
    (Path(__file__).parents[3] / "config" / "hardware" / "pi" / "hardware.yaml").read_text()
)
CELL: CellDescription = parse_cell(yaml.safe_load(CELL_FILE.read_text()))


class Machine:
    """The driver, and the world at its pins: a belt that turns the encoder in a thread."""

    TURN = ((1, 1), (0, 1), (0, 0), (1, 0))

    def __init__(self, document: object = DOCUMENT, pins: type[MockPin] = MockPin) -> None:
        Device.pin_factory = self.factory = MockFactory(pin_class=pins)
        self.events: list[Any] = []
        self.a, self.b = (self.factory.pin(DOCUMENT["encoder"][line]) for line in "ab")
        self.place = 0
        self.drivers = open_drivers(document, CELL, self.events.append)
        self.pin("estop").drive_low()  # the closed contact, against the pull
        self.gpio = self.drivers.valves
        wait(lambda: not self.gpio.pressed)
        self._belt: threading.Thread | None = None
        self._stop = threading.Event()

    def pin(self, name: str) -> Any:
        return self.factory.pin(DOCUMENT[name]["pin"])

    def valve(self, number: int) -> Any:
        return self.factory.pin(DOCUMENT["valves"]["pins"][number])

    def step(self, by: int = 1) -> None:
        """Turn the encoder on by one count."""
        self.place += by
        for pin, level in zip((self.a, self.b), self.TURN[self.place % 4], strict=True):
            (pin.drive_high if level else pin.drive_low)()

    def start(self, counts_per_s: float = 2000.0) -> None:
        """Run the belt, and wait until its speed is known."""
        self._stop.clear()
        self.drivers.belt.run(True, 0.2)
        self._belt = threading.Thread(target=self._run, args=(counts_per_s,), daemon=True)
        self._belt.start()
        wait(lambda: self.drivers.belt.motion.velocity > counts_per_s / 2)

    def stop(self) -> None:
        """The belt stands still, whatever the drive was told."""
        self._stop.set()
        if self._belt is not None:
            self._belt.join()

    def close(self) -> None:
        self.stop()
        self.gpio.close()
        Device.pin_factory = None

    def of(self, kind: type) -> list[Any]:
        return [event for event in list(self.events) if isinstance(event, kind)]

    def shoot(self, ahead: float, item_id: int = 1) -> Shot:
        motion = self.drivers.belt.motion
        shot = Shot(item_id, motion.epoch, 1, True, round(motion.count + ahead), 0.01, 0.02)
        self.drivers.valves.shoot(shot)
        return shot

    def _run(self, counts_per_s: float) -> None:
        start, origin = time.monotonic(), self.place
        while not self._stop.wait(0.001):
            while self.place < origin + (time.monotonic() - start) * counts_per_s:
                self.step()


class Switched(MockPin):
    """Tells when it is switched on as an output."""

    risen: Callable[[MockPin], None] = staticmethod(lambda pin: None)

    def _change_state(self, value: bool) -> bool:
        changed = super()._change_state(value)
        if changed and value and self._function == "output":
            Switched.risen(self)
        return changed


class Rig(Machine):
    """As driver_contract.Rig has it: the belt follows the drive's pin.

    The driver is as patient as it can be, and its figures are late by what threads of a busy
    machine are.
    """

    cell = CELL
    velocity = 0.2
    bound = 150

    def __init__(self, folder: Path) -> None:
        document = copy.deepcopy(DOCUMENT)
        document["encoder"]["stale_s"] = 0.5
        document["valves"]["late_s"] = 0.05
        self.openings: list[Opening] = []
        super().__init__(document, Switched)
        Switched.risen = self._on_rise
        self._drive = self.pin("drive")
        for eye in (document["barrier"], *document["confirm"].values()):
            self.factory.pin(eye["pin"]).drive_low()
        self._stop.clear()
        self._belt = threading.Thread(target=self._follow, daemon=True)
        self._belt.start()

    def block(self, blocked: bool) -> int:
        there, pin = self.place, self.pin("barrier")
        (pin.drive_high if blocked else pin.drive_low)()
        return there

    def trip(self) -> tuple[str, int]:
        there, bin = self.place, CELL.bins[2].name
        self.factory.pin(DOCUMENT["confirm"][bin]["pin"]).drive_high()
        return bin, there

    def press(self, pressed: bool) -> None:
        pin = self.pin("estop")
        (pin.drive_high if pressed else pin.drive_low)()

    def fail(self) -> None:
        self.stop()

    def is_open(self, valve: int) -> bool:
        return bool(self.valve(valve).state)

    def _on_rise(self, pin: MockPin) -> None:
        valves = {self.valve(number): number for number in DOCUMENT["valves"]["pins"]}
        if pin in valves:
            lead = LEAD_S * self.velocity / CELL.belt.metres_per_count
            self.openings.append(Opening(valves[pin], round(self.place + lead)))

    def _follow(self) -> None:
        """A belt that slows down where this machine is too slow for its encoder."""
        left, last = 0.0, time.monotonic()
        while not self._stop.wait(0.001):
            now = time.monotonic()
            spent, last = min(now - last, 0.002), now
            if self._drive.state:
                left += spent * self.velocity / CELL.belt.metres_per_count
            while left >= 1.0:
                left -= 1.0
                self.step()
