"""The camera's trigger at a pin."""

from __future__ import annotations

from collections.abc import Callable

from gpiozero.pins import Factory

from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_core.trouble import Trouble
from batsort_hardware.gpio_pins import output_pin
from batsort_hardware.gpio_wiring import TriggerWiring, Wiring
from batsort_hardware.protocols import SteadyStamps
from batsort_hardware.valve_thread import ValveThread

_TRIGGER = 0  # its number, as if it were a valve


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
        self._output = output_pin(factory, wiring.pin, wiring.active_high)
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
