"""The pins of a Raspberry Pi as encoder, barrier, eyes, drive, valves and emergency stop.

gpiozero on lgpio, whose edges carry the kernel's stamps. docs/hardware_pi.md tells what that can
do and what not.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpiozero import Device, OutputDevice
from gpiozero.pins import Factory, Pin

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.trouble import Trouble
from batsort_files.documents import ConfigurationError
from batsort_hardware.gpio_wiring import (
    EncoderWiring,
    Level,
    Rest,
    SensorWiring,
    TriggerWiring,
    Wiring,
    parse_wiring,
)
from batsort_hardware.protocols import Drivers, Report, SteadyStamps
from batsort_hardware.quadrature import Debounced, Latch, Quadrature
from batsort_hardware.valve_thread import ValveThread

SAMPLE_S = 0.01
_TRIGGER = 0  # its number, as if it were a valve
_PLAUSIBLE = 1_000_000_000  # [ns] by which an edge may be older than its callback
_HELD_NS = 500_000_000  # [ns] for which the emergency stop counts as pressed at least
_MISSED_NS = 10_000_000_000  # [ns] over which missed edges are counted


def open_drivers(document: object, cell: CellDescription, report: Report) -> Drivers:
    """Open the pins of a hardware file. Raises FieldError or ConfigurationError."""
    gpio = Gpio(parse_wiring(document, cell), open_factory(), report)
    return Drivers(gpio, gpio, gpio, gpio.trigger, gpio.figures)


def open_factory() -> Factory:
    """The pins of this machine, as gpiozero's default: it releases them when the process ends.

    Those of lgpio, unless gpiozero's own GPIOZERO_PIN_FACTORY names others, such as `mock`.

    Raises:
        ConfigurationError: it has none.
    """
    if Device.pin_factory is None:
        os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
        try:
            Device.ensure_pin_factory()
        except Exception as error:
            # Besides GPIOZeroError there are lgpio's own errors, which share no base.
            raise ConfigurationError(
                f"driver: 'gpio' can't be used ({error}); "
                "allowed: on a Raspberry Pi with lgpio and access to /dev/gpiochip*"
            ) from None
    return Device.pin_factory


class Gpio:
    """Belt, valves and emergency stop on the pins of one machine."""

    def __init__(self, wiring: Wiring, factory: Factory, report: Report) -> None:
        self._report = report
        self._stamps = SteadyStamps()
        self._running = False
        self._started = 0
        """When the drive was last told to run."""
        self._closed = threading.Event()
        self._pressed_at = -_HELD_NS
        stop = wiring.estop
        self._stop = _input(factory, stop.pin, stop.pull)
        self._pressed_level = stop.pull is Rest.UP
        self._encoder = Encoder(wiring.encoder, factory, self._stamps)
        self._sensors = [
            Sensor(wiring.barrier, factory, self._stamps, self._on_barrier),
            *(
                Sensor(eye, factory, self._stamps, _arrivals(bin, self._on_arrival))
                for bin, eye in wiring.confirm.items()
            ),
        ]
        drive = wiring.drive
        self._drive = _output(factory, drive.pin, drive.active_high)
        self._outputs = {
            valve: _output(factory, pin, wiring.valves.active_high)
            for valve, pin in wiring.valves.pins.items()
        }
        self._valves = ValveThread(
            self._outputs,
            lambda: self.motion,
            report,
            self._stamps.now,
            stale_s=wiring.encoder.stale_s,
            late_s=wiring.valves.late_s,
            interlock=lambda: self.pressed,
        )
        self.trigger = (
            None
            if wiring.trigger is None
            else CameraTrigger(wiring.trigger, factory, lambda: self.motion, self._stamps, wiring)
        )
        self._stop.when_changed = self._on_stop
        self._sampler = threading.Thread(target=self._sample, name="encoder", daemon=True)
        self._sampler.start()

    @property
    def motion(self) -> Motion:
        """As last counted; still where the belt stands."""
        motion = self._encoder.motion
        if self._stands:
            return Motion(self._stamps.now(), motion.epoch, motion.count, 0.0)
        return motion

    @property
    def pressed(self) -> bool:
        """Whether the emergency stop is pressed, or its line broken.

        At least for as long that all who look now and then see it: what shut the valves must not
        go unnoticed.
        """
        now = self._stamps.now()
        if now - self._pressed_at < _HELD_NS:
            return True
        try:
            pressed = bool(self._stop.state) == self._pressed_level
        except Exception:  # a pin's library may raise anything
            pressed = True
        if pressed:
            self._pressed_at = now
        return pressed

    @property
    def trouble(self) -> Trouble | None:
        fell_silent = self._encoder.silent and self._encoder.motion.velocity > 0.0
        if fell_silent and not self._stands:
            return Trouble(
                "the encoder fell silent while the belt ran",
                "check whether the belt is jammed, then the encoder's coupling and cable",
                lasting=True,
            )
        trigger = None if self.trigger is None else self.trigger.trouble
        return self._encoder.trouble or self._valves.trouble or trigger

    def figures(self) -> dict[str, object]:
        """For people."""
        missed = {} if self.trigger is None else {"camera pulses missed": self.trigger.missed}
        return missed | {
            "missed encoder edges": self._encoder.missed,
            "valve thread": "SCHED_FIFO" if self._valves.realtime else "ordinary priority",
            "longest valve overrun [ms]": round(self._valves.overrun_s * 1e3, 1),
        }

    def run(self, run: bool, velocity: float) -> None:
        """Switch the drive; its speed is set at the drive itself."""
        if run and not self._running:
            self._started = self._stamps.now()
        self._running = run
        self._drive.value = run

    def shoot(self, shot: Shot) -> None:
        """Take a shot, or its calling off."""
        self._valves.shoot(shot)

    def enable(self, enabled: bool) -> None:
        """Let valves open, or shut them all."""
        self._valves.enable(enabled)

    def close(self) -> None:
        """Shut the valves, stop the belt, release the pins."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._valves.close()
        self._running = False
        self._drive.off()
        if self.trigger is not None:
            self.trigger.close()
        self._sampler.join()
        for output in (self._drive, *self._outputs.values()):
            output.close()
        self._stop.close()
        self._encoder.close()
        for sensor in self._sensors:
            sensor.close()

    @property
    def _stands(self) -> bool:
        """Nothing was counted lately, and need not be: a belt told to run takes its time."""
        if not self._encoder.silent:
            return False
        not_yet = self._encoder.motion.stamp < self._started
        return not_yet or not self._running or self.pressed

    def _on_stop(self, ticks: float, level: int) -> None:
        if bool(level) == self._pressed_level:
            self._pressed_at = self._stamps.now()
        self._valves.enable(False)

    def _on_barrier(self, stamp: int, blocked: bool) -> None:
        here = self._encoder.at(stamp)
        self._report(Edge(stamp, here.epoch, round(here.count), blocked))

    def _on_arrival(self, bin: str, stamp: int) -> None:
        here = self._encoder.at(stamp)
        self._report(Arrival(stamp, here.epoch, bin, round(here.count)))

    def _sample(self) -> None:
        """Report the latched count; what is not counted yet at a tick belongs to the next."""
        told = before = self._stamps.now()
        while not self._closed.wait(SAMPLE_S):
            now = self._stamps.now()
            for sensor in self._sensors:
                sensor.look(now)
            motion = self._encoder.motion
            stamp = motion.stamp if motion.stamp > told else before
            if stamp > told:
                self._report(EncoderSample(stamp, motion.epoch, round(motion.count)))
                told = stamp
            before = now


class CameraTrigger:
    """Pulses the camera's trigger by belt count, as a valve is opened; no interlock holds it."""

    def __init__(
        self,
        wiring: TriggerWiring,
        factory: Factory,
        motion: Callable[[], Motion | None],
        stamps: SteadyStamps,
        machine: Wiring,
    ) -> None:
        self.missed = 0
        """Requests without a pulse: too late, or the belt's place was not known."""
        self._pulse_s = wiring.pulse_s
        self._output = _output(factory, wiring.pin, wiring.active_high)
        self._thread = ValveThread(
            {_TRIGGER: self._output},
            motion,
            self._ended,
            stamps.now,
            stale_s=machine.encoder.stale_s,
            late_s=machine.valves.late_s,
        )
        self._thread.enable(True)

    @property
    def trouble(self) -> Trouble | None:
        """Why it can't be pulsed any more."""
        if self._thread.trouble is None:
            return None
        cure = "check its pin, then restart the hardware node"
        return Trouble("the camera's trigger can't be pulsed", cure, lasting=True)

    def expose(self, item_id: int, epoch: int, count: int) -> None:
        """Pulse it when the belt is at `count`, once for each item."""
        self._thread.shoot(Shot(item_id, epoch, _TRIGGER, True, count, 0.0, self._pulse_s))

    def close(self) -> None:
        """End its thread and release the pin."""
        self._thread.close()
        self._output.close()

    def _ended(self, end: ShotEnd) -> None:
        self.missed += end.result is not EjectResult.FIRED


class Encoder:
    """Two pins in quadrature."""

    def __init__(self, wiring: EncoderWiring, factory: Factory, stamps: SteadyStamps) -> None:
        self._stamps = stamps
        self._stale = round(wiring.stale_s * 1e9)
        self._limit = wiring.missed_limit
        self._missed_at: deque[int] = deque(maxlen=wiring.missed_limit + 1)
        self._a = _input(factory, wiring.a, wiring.pull)
        self._b = _input(factory, wiring.b, wiring.pull)
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
        self._pin = _input(factory, wiring.pin, wiring.pull)
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


def _arrivals(bin: str, arrived: Callable[[str, int], None]) -> Callable[[int, bool], None]:
    """Only what blocks the eye arrives."""

    def changed(stamp: int, blocked: bool) -> None:
        if blocked:
            arrived(bin, stamp)

    return changed


def _input(factory: Factory, number: int, pull: str) -> Pin:
    with _claiming(number):
        pin = factory.pin(number)
        pin.input_with_pull(pull)
        pin.edges = "both"
        return pin


def _output(factory: Factory, number: int, active_high: bool) -> OutputDevice:
    with _claiming(number):
        return OutputDevice(number, active_high=active_high, pin_factory=factory)


@contextmanager
def _claiming(number: int) -> Iterator[None]:
    """Raises ConfigurationError that names the pin, as lgpio's own errors don't."""
    try:
        yield
    except Exception as error:
        # As in open_factory: these share no base.
        raise ConfigurationError(
            f"pin {number}: can't be used ({error}); allowed: one that nothing else has taken"
        ) from None


def _stamp(stamps: SteadyStamps, ticks: float) -> int:
    """Of an edge; kernels before 5.7 stamp by the system's clock: then the callback's moment."""
    now, edge = time.monotonic_ns(), round(ticks * 1e9)
    return stamps.at(edge if 0 <= now - edge <= _PLAUSIBLE else now)
