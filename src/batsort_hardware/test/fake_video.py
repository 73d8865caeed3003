"""A video device that does what a test says, behind the protocol that the camera speaks."""

from __future__ import annotations

import queue
import time
from dataclasses import replace

import numpy as np

from batsort_core.exposure import FrameStamp
from batsort_hardware.video_device import Control, Format, RawFrame, Span, VideoError

GONE = "No such device"


class FakeVideo:
    """A camera on a cable. What it does with values that it is told is in `keeps` and `gives`."""

    name = "Fake"

    def __init__(self) -> None:
        self.controls = {
            control: 0 if control is Control.AUTO_EXPOSURE else 1 for control in Control
        }
        self.keeps: dict[Control, int] = {}
        """Controls that stay at a value, whatever they are told."""
        self.gives: dict[str, object] = {}
        """Fields of the format that it gives instead of what is asked."""
        self.plugged = True
        self.opened = 0
        self._sequence = 0
        self._frames: queue.SimpleQueue[RawFrame] = queue.SimpleQueue()
        self._format = Format(640, 480, "RGB3", 30.0)

    def open(self) -> FakeVideo:
        self._check()
        self.opened += 1
        return self

    def pull(self) -> None:
        """The cable; what the device was told is lost."""
        self.plugged = False
        self.controls = dict.fromkeys(self.controls, 1) | {Control.AUTO_EXPOSURE: 0}

    def plug(self) -> None:
        self.plugged = True

    def expose(self, age_s: float = 0.0, lost: int = 0, **changed: object) -> int:
        """Give a frame; returns its stamp on the steady clock [ns]."""
        stamp = time.monotonic_ns() - round(age_s * 1e9)
        self._sequence += 1 + lost
        values = {"stamp": stamp, "sequence": self._sequence, "at_start": True} | changed
        noise = np.random.default_rng(self._sequence)
        size = self._format.width * self._format.height * 3
        data = noise.integers(50, 200, size, np.uint8)
        self._frames.put(RawFrame(FrameStamp(**values), data, self._format.width * 3))
        return stamp

    def span(self, control: Control) -> Span | None:
        self._check()
        return Span(0, 1000, 1) if control in self.controls else None

    def get(self, control: Control) -> int:
        self._check()
        return self.controls[control]

    def set(self, control: Control, value: int) -> None:
        self._check()
        self.controls[control] = self.keeps.get(control, value)

    def ask(self, wanted: Format) -> Format:
        self._check()
        self._format = replace(wanted, **self.gives)
        return self._format

    def start(self) -> None:
        self._check()

    def read(self, timeout_s: float) -> RawFrame | None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            self._check()
            try:
                return self._frames.get(timeout=0.01)
            except queue.Empty:
                continue
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _check(self) -> None:
        if not self.plugged:
            raise VideoError(GONE)
