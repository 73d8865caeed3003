"""The pins of a Raspberry Pi as encoder, barrier, eyes, drive, valves and emergency stop.

gpiozero on lgpio, whose edges carry the kernel's stamps. docs/hardware_pi.md tells what that can
do and what not.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from gpiozero.pins import Factory

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.trouble import Trouble
from batsort_hardware.gpio_inputs import Encoder, Sensor
from batsort_hardware.gpio_pins import input_pin, open_factory, output_pin
from batsort_hardware.gpio_trigger import CameraTrigger
from batsort_hardware.gpio_wiring import Rest, Wiring, parse_wiring
from batsort_hardware.protocols import Drivers, Report, SteadyStamps
from batsort_hardware.valve_thread import ValveThread

SAMPLE_S = 0.01
_HELD_NS = 500_000_000  # [ns] for which the emergency stop counts as pressed at least


def open_drivers(document: object, cell: CellDescription, report: Report) -> Drivers:
    """Open the pins of a hardware file. Raises FieldError or ConfigurationError."""
    gpio = Gpio(parse_wiring(document, cell), open_factory(), report)
    return Drivers(gpio, gpio, gpio, gpio.trigger, gpio.figures)


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
        self._stop = input_pin(factory, stop.pin, stop.pull)
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
        self._drive = output_pin(factory, drive.pin, drive.active_high)
        self._outputs = {
            valve: output_pin(factory, pin, wiring.valves.active_high)
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


def _arrivals(bin: str, arrived: Callable[[str, int], None]) -> Callable[[int, bool], None]:
    """Only what blocks the eye arrives."""

    def changed(stamp: int, blocked: bool) -> None:
        if blocked:
            arrived(bin, stamp)

    return changed
