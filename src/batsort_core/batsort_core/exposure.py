"""When a camera's frame was exposed, and whether it is still worth looking at."""

from collections import Counter
from dataclasses import dataclass

_NS = 1_000_000_000
_LEAST_SILENCE_S = 1.0
_SILENT_FRAMES = 10  # of a free-running camera in a row that don't come


@dataclass(frozen=True, slots=True)
class FrameStamp:
    """What a device says of one frame."""

    stamp: int
    """[ns]"""
    sequence: int
    """Counts every frame that the sensor gave, also those that did not get here."""
    at_start: bool
    """The stamp is that of the start of the exposure; else of the end of the frame."""
    damaged: bool = False
    """The device says that parts of it are missing."""


@dataclass(frozen=True, slots=True)
class Shutter:
    """How long a frame is exposed, and how long it takes to leave the sensor."""

    exposure_s: float
    readout_s: float

    def exposed_at(self, frame: FrameStamp) -> int:
        """Middle of the exposure [ns]."""
        half = self.exposure_s / 2
        after = half if frame.at_start else -self.readout_s - half
        return frame.stamp + round(after * _NS)


def longest_silence_s(rate: float) -> float:
    """Without a frame for longer, a camera that runs free at `rate` [Hz] gives none any more."""
    return max(_LEAST_SILENCE_S, _SILENT_FRAMES / rate) if rate > 0.0 else _LEAST_SILENCE_S


def least_tolerance(velocity: float, rate: float) -> float:
    """How far from any place of the belt the nearest frame may be [m].

    Of a camera that runs free at `rate` [Hz] over a belt at `velocity` [m/s].
    """
    return velocity / (2.0 * rate)


class FrameGate:
    """Lets through frames that are whole and fresh, and counts what else there was.

    Args:
        max_age_s: older frames are refused; None where each one was asked for, as of a triggered
            camera: whether it is too late is judged by where the belt was.
    """

    def __init__(self, max_age_s: float | None) -> None:
        self.counts: Counter[str] = Counter()
        self._max_age = None if max_age_s is None else round(max_age_s * _NS)
        self._last: int | None = None

    def restarted(self) -> None:
        """The device begins to count its frames anew."""
        self._last = None

    def admits(self, frame: FrameStamp, now: int) -> bool:
        """Whether a frame that is looked at at `now` [ns] is worth it; frames come in order."""
        if self._last is not None:
            self.counts["frames lost by the device"] += max(0, frame.sequence - self._last - 1)
        self._last = frame.sequence
        if frame.damaged:
            self.counts["frames damaged"] += 1
            return False
        if self._max_age is not None and now - frame.stamp > self._max_age:
            self.counts["frames too old"] += 1
            return False
        return True
