"""What the camera asks of a video device; it can't tell which one runs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from batsort_core.exposure import FrameStamp


class VideoError(Exception):
    """What a video device could not do: one line."""


class Control(StrEnum):
    """What can be set at a device, where it has it, in the device's own units."""

    AUTO_EXPOSURE = "automatic exposure"
    """0 automatic, 1 manual"""
    EXPOSURE = "exposure"
    """[100 us]"""
    AUTO_GAIN = "automatic gain"
    GAIN = "gain"
    AUTO_WHITE_BALANCE = "automatic white balance"
    WHITE_BALANCE = "white balance"
    """[K]"""
    AUTO_FOCUS = "automatic focus"
    TRIGGER = "trigger mode"
    """0 free-running, 1 a frame for each pulse"""


@dataclass(frozen=True, slots=True)
class Span:
    """Values that a control takes."""

    least: int
    most: int
    step: int


@dataclass(frozen=True, slots=True)
class Format:
    """Of a stream of images."""

    width: int
    """[px]"""
    height: int
    """[px]"""
    pixels: str
    """Four characters, as V4L2 names pixel formats."""
    rate: float
    """[Hz]; 0: the device does not say."""


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One frame as it left the device."""

    stamp: FrameStamp
    """On the steady clock."""
    data: NDArray[np.uint8]
    """uint8[bytes]"""
    row_bytes: int
    """From one row to the next; 0 where it is compressed."""


class VideoDevice(Protocol):
    """One open camera. All but `name` raise VideoError where the device can't, or is gone."""

    @property
    def name(self) -> str:
        """As the device calls itself."""

    def span(self, control: Control) -> Span | None:
        """What a control takes; None where the device has none."""

    def get(self, control: Control) -> int:
        """Read a control."""

    def set(self, control: Control, value: int) -> None:
        """Write a control; the device may keep another value."""

    def ask(self, wanted: Format) -> Format:
        """Ask for a format; returns the one that the device gives."""

    def start(self) -> None:
        """Begin to stream."""

    def read(self, timeout_s: float) -> RawFrame | None:
        """The next frame, in order; None where none came in time."""

    def close(self) -> None:
        """Release it. May be called twice."""
