"""A device's counts and times of 32 bits: made endless, believed only where they can be. Pure."""

from __future__ import annotations

from batsort_core.belt import unwrapped
from batsort_hardware.device_clock import LeastDelay

_BITS = 32
_SETTLING = 10
"""Samples that the device's clock is judged by before anything is stamped with it."""
_MOST_APART_US = 1_000_000
_NOISE = 20
"""Counts that a plausible one may be off."""


class WrappedCounts:
    """Follows what a device latches, in its order: on an endless count and on the cell's clock."""

    def __init__(self, most_velocity: float) -> None:
        """`most_velocity` is the belt's [counts/s]."""
        self.count = 0
        """The last one, endless; the first is taken as it is."""
        self._most = most_velocity * 1e-6
        self._time_us: int | None = None
        self._clock = LeastDelay()
        self._settling = _SETTLING

    @property
    def settled(self) -> bool:
        """Whether anything can be stamped."""
        return self._settling == 0

    @property
    def stamp(self) -> int:
        """When the last one was latched [ns], on the clock of who hears it; once settled."""
        assert self._time_us is not None
        return self._clock.stamp(self._time_us * 1000)

    def follow(self, count: int, time_us: int) -> bool:
        """Whether these can come after the last ones; else they are left alone."""
        if self._time_us is None:
            self.count, self._time_us = count, time_us
            return True
        count = unwrapped(count, self.count, _BITS)
        time_us = unwrapped(time_us, self._time_us, _BITS)
        spent = time_us - self._time_us
        most = self._most * spent + _NOISE
        if not 0 <= spent <= _MOST_APART_US or abs(count - self.count) > most:
            return False
        self.count, self._time_us = count, time_us
        return True

    def hear(self, received: int) -> None:
        """The last one was said at once, and came at `received` [ns]."""
        assert self._time_us is not None
        self._clock.hear(self._time_us * 1000, received)
        self._settling -= self._settling > 0
