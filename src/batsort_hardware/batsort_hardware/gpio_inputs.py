"""What is read at pins: the encoder, and inputs that are blocked or free; stamped by the kernel."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from gpiozero.pins import Factory

from batsort_core.firing import Motion
from batsort_core.trouble import Trouble
from batsort_hardware.gpio_pins import input_pin
from batsort_hardware.gpio_wiring import EncoderWiring, Level, SensorWiring
from batsort_hardware.protocols import SteadyStamps
from batsort_hardware.quadrature import Debounced, Latch, Quadrature

_PLAUSIBLE = 1_000_000_000  # [ns] by which an edge may be older than its callback
_MISSED_NS = 10_000_000_000  # [ns] over which missed edges are counted


class Encoder:
    """Two pins in quadrature."""

    def __init__(self, wiring: EncoderWiring, factory: Factory, stamps: SteadyStamps) -> None:
        self._stamps = stamps
        self._stale = round(wiring.stale_s * 1e9)
        self._limit = wiring.missed_limit
        self._missed_at: deque[int] = deque(maxlen=wiring.missed_limit + 1)
        self._a = input_pin(factory, wiring.a, wiring.pull)
        self._b = input_pin(factory, wiring.b, wiring.pull)
        self._quadrature = Quadrature(bool(self._a.state), bool(self._b.state))
        now = stamps.now()
        self._latch = Latch(now // 1000, now)
        self._a.when_changed = self._on_a
        self._b.when_changed = self._on_b

    @property
    def motion(self) -> Motion:
        """As last counted."""
        return self._latch.motion

    @property
    def silent(self) -> bool:
        """Whether nothing was counted lately."""
        return self._stamps.now() - self._latch.motion.stamp > self._stale

    @property
    def missed(self) -> int:
        """Edges that were not seen, since the start."""
        return self._quadrature.missed

    @property
    def trouble(self) -> Trouble | None:
        at = self._missed_at
        if len(at) > self._limit and self._stamps.now() - at[0] < _MISSED_NS:
            return Trouble(
                f"more than {self._limit} encoder edges were missed in ten seconds",
                "run the belt slower, or count with a microcontroller (docs/hardware_pi.md)",
                lasting=True,
            )
        return None

    def at(self, stamp: int) -> Motion:
        """Where the belt was at `stamp`, lately: edges come in order, later counts are none yet."""
        motion = self._latch.motion
        return motion.at(min(stamp, motion.stamp))

    def close(self) -> None:
        """Release the pins."""
        self._a.close()
        self._b.close()

    def _on_a(self, ticks: float, level: int) -> None:
        before = self._quadrature.missed
        self._quadrature.edge_a(bool(level))
        self._counted(ticks, before)

    def _on_b(self, ticks: float, level: int) -> None:
        before = self._quadrature.missed
        self._quadrature.edge_b(bool(level))
        self._counted(ticks, before)

    def _counted(self, ticks: float, missed: int) -> None:
        stamp = _stamp(self._stamps, ticks)
        self._latch.count(stamp, self._quadrature.count)
        if self._quadrature.missed != missed:
            self._missed_at.append(stamp)


class Sensor:
    """A light barrier or an eye: tells its debounced changes with their stamps."""

    def __init__(
        self,
        wiring: SensorWiring,
        factory: Factory,
        stamps: SteadyStamps,
        changed: Callable[[int, bool], None],
    ) -> None:
        self._stamps = stamps
        self._blocked = wiring.blocked is Level.HIGH
        self._pin = input_pin(factory, wiring.pin, wiring.pull)
        self._debounced = Debounced(self._is_blocked(self._pin.state), wiring.settle_s, changed)
        self._lock = threading.Lock()
        self._pin.when_changed = self._on_edge

    def look(self, now: int) -> None:
        """Tell a change that came while it bounced; to be called now and then."""
        with self._lock:
            self._debounced.look(now)

    def close(self) -> None:
        """Release the pin."""
        self._pin.close()

    def _on_edge(self, ticks: float, level: int) -> None:
        with self._lock:
            self._debounced.edge(_stamp(self._stamps, ticks), self._is_blocked(level))

    def _is_blocked(self, level: float) -> bool:
        return bool(level) == self._blocked


def _stamp(stamps: SteadyStamps, ticks: float) -> int:
    """Of an edge; kernels before 5.7 stamp by the system's clock: then the callback's moment."""
    now, edge = time.monotonic_ns(), round(ticks * 1e9)
    return stamps.at(edge if 0 <= now - edge <= _PLAUSIBLE else now)
