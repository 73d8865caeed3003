"""The other end of the driver `serial_ascii`: a sorter that speaks over a pseudo terminal."""

from __future__ import annotations

import os
import select
import threading
import time
import tty
from pathlib import Path

from batsort_core.cell import CellDescription

HALF = 1 << 31
STEP_S = 0.002
SILENCE_S = 1.0


class AsciiSorter:
    """Its port is a link that leads to a new terminal each time it is plugged in.

    Its counter and its clock wrap a moment after its start, and its barrier, eyes and emergency
    stop do as they are told.
    """

    def __init__(self, port: Path, cell: CellDescription) -> None:
        self.port = port
        self.position = HALF - 2000.0
        """Of the belt [counts]."""
        self.opened: list[tuple[int, float]] = []
        """Every valve that was opened, and where the belt was."""
        self.pressed = self.mute = False
        self.heard: list[str] = []
        self._cell = cell
        self._speed = 0.0
        self._open_until: dict[int, float] = {}
        self._lock = threading.RLock()
        self._terminal: int | None = None
        self._own: int | None = None
        self._rest = b""
        self._commanded = self._told = self._stopped_told = 0.0
        self._began = time.monotonic() - (2 * HALF * 1e-6 - 1.0)
        self.plug()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def plug(self) -> None:
        """Connect it by a new terminal."""
        with self._lock:
            self._terminal, self._own = os.openpty()
            tty.setraw(self._own)
            os.set_blocking(self._terminal, False)
            self.port.unlink(missing_ok=True)
            self.port.symlink_to(os.ttyname(self._own))

    def unplug(self) -> None:
        """Pull its cable."""
        with self._lock:
            assert self._terminal is not None and self._own is not None
            os.close(self._own)
            os.close(self._terminal)
            self._terminal = self._own = None

    def restart(self) -> None:
        """Its program begins anew, and so do its counter and its clock."""
        with self._lock:
            self.position, self._began = 0.0, time.monotonic()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        if self._terminal is not None:
            self.unplug()

    def block(self, blocked: bool) -> int:
        """Block or free the light barrier; the belt's count there."""
        return self._latch(f"B {int(blocked)}")

    def trip(self, eye: int) -> int:
        """Let an eye see something; the belt's count there."""
        return self._latch(f"A {eye}")

    def press(self, pressed: bool) -> None:
        with self._lock:
            self.pressed = pressed
            self.say(f"E {int(pressed)}")

    def is_open(self, valve: int) -> bool:
        with self._lock:
            return time.monotonic() < self._open_until.get(valve, 0.0)

    def say(self, line: str) -> None:
        """Send a line, good or bad."""
        with self._lock:
            if self._terminal is not None and not self.mute:
                os.write(self._terminal, line.encode("latin-1") + b"\r\n")

    def _latch(self, what: str) -> int:
        with self._lock:
            count = round(self.position)
            raw = (count + HALF) % (2 * HALF) - HALF
            time_us = round((time.monotonic() - self._began) * 1e6) % (2 * HALF)
            self.say(f"{what} {raw} {time_us}")
            return count

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.is_set():
            with self._lock:
                self._hear()
                now = time.monotonic()
                if now - self._commanded > SILENCE_S:
                    self._speed = 0.0
                    self._open_until.clear()
                self.position += self._speed * (now - last)
                last = now
                if now - self._told >= 0.01:
                    self._told = now
                    self._latch("C")
                if now - self._stopped_told >= 0.4:
                    self._stopped_told = now
                    self.press(self.pressed)
                terminal = self._terminal
            if terminal is None:
                self._ended.wait(STEP_S)
            else:
                select.select([terminal], [], [], STEP_S)

    def _hear(self) -> None:
        if self._terminal is None:
            return
        try:
            new = os.read(self._terminal, 4096)
        except BlockingIOError:
            return
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            self._obey(line.decode())

    def _obey(self, line: str) -> None:
        self._commanded = time.monotonic()
        self.heard.append(line)
        what, *values = line.split()
        if what == "R":
            self._speed = int(values[0]) / 1000 / self._cell.belt.metres_per_count
        elif what == "S":
            self._speed = 0.0
        elif what == "V":
            valve, pulse = int(values[0]), float(values[1])
            shuts = self._open_until.get(valve, 0.0) if pulse else 0.0
            self._open_until[valve] = max(shuts, self._commanded + pulse)
            if pulse:
                self.opened.append((valve, self.position))
        else:
            raise AssertionError(line)
