"""A device's clock on the cell's: by the answer that was the least late. Pure."""

from __future__ import annotations

from collections import deque

_SPAN_NS = 500_000_000
_SPANS = 8
_SLEW = 500
"""The estimate moves by one part of so many of the time that passes: stamps never go back."""


class LeastDelay:
    """Every answer comes late, by a delay nobody knows; the least one of 4 s is taken for none.

    What remains is that least delay (a request's way, and up to one refresh of the device), and
    what the two clocks drift apart within the 4 s (0.4 ms at 100 ppm).
    """

    def __init__(self) -> None:
        self._least: deque[tuple[int, int]] = deque(maxlen=_SPANS)
        """When each span began, and the least difference of the clocks in it [ns]."""
        self._offset: int | None = None
        self._last = 0
        self._settled = False

    def hear(self, device: int, received: int) -> None:
        """A moment on the device's clock, and when its answer was here [ns]."""
        difference = received - device
        if self._least and received - self._least[-1][0] < _SPAN_NS:
            began, least = self._least[-1]
            self._least[-1] = (began, min(least, difference))
        else:
            self._least.append((received, difference))
        aim = min(least for began, least in self._least if received - began < _SPANS * _SPAN_NS)
        if self._offset is None or not self._settled:
            self._offset = aim
        else:
            most = max(0, device - self._last) // _SLEW
            self._offset += max(-most, min(most, aim - self._offset))
        self._last = device

    def stamp(self, device: int) -> int:
        """A moment on the device's clock on ours [ns]; from the first one on, it only slews."""
        assert self._offset is not None
        self._settled = True
        return device + self._offset
