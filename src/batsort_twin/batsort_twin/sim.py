"""The simulated cell: sensors, valves and ground truth around the mechanics of `scene`.

Pure: commands in by calls, events out of `advance`, in order of their stamps. The same seed and the
same commands at the same simulated moments give the same events, bit for bit. Stamps are integer
nanoseconds: start + steps x 1 ms, with edges, exposures and openings interpolated inside a step.
"""

import math

import numpy as np

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.sensing import EncoderSample
from batsort_twin.clock import STEP_NS
from batsort_twin.events import Event
from batsort_twin.fault_reading import check_faults
from batsort_twin.infeed import Infeed
from batsort_twin.injection import Injection
from batsort_twin.machine import Machine
from batsort_twin.options import TwinError, TwinOptions

ENCODER_STEPS = 10
"""Between two samples of the encoder."""


class Twin:
    """A cell that runs on simulated time; the belt stands and the valves are disabled at first.

    Raises TwinError, PhotoError, and FieldError for a fault of what the cell has not.
    """

    def __init__(self, cell: CellDescription, options: TwinOptions, start_stamp: int) -> None:
        check_faults(options.faults, cell)
        self.cell, self.options = cell, options
        self._machine = Machine(cell, options, start_stamp)
        self._infeed = Infeed(cell, options)
        self._faults = Injection(options.faults, self._machine)
        self._losses = np.random.default_rng([options.seed, 4])

    @property
    def fed(self) -> int:
        """Items that were put onto the belt by the infeed."""
        return self._infeed.fed

    @property
    def left(self) -> int:
        """Of those fed."""
        return self._machine.leaving.left

    @property
    def now(self) -> int:
        """The simulated moment [ns since the Unix epoch]."""
        return self._machine.clock.now

    @property
    def epoch(self) -> int:
        """Of the encoder's counts."""
        return self._machine.encoder.epoch

    @property
    def on_belt(self) -> int:
        """Items that have not left yet."""
        return self._machine.load.on_belt

    @property
    def travel(self) -> float:
        """How far the belt has run in all, whatever its encoder counts [m]."""
        return self._machine.drive.position

    @property
    def estop(self) -> bool:
        """Whether the emergency stop is pressed."""
        return self._faults.wrong.estop

    @property
    def stamp(self) -> int:
        """What the machine's clock shows at the simulated moment [ns]."""
        return self._machine.clock.stamp

    def set_belt(self, run: bool, velocity: float) -> None:
        """Command the drive: ramp to `velocity` [m/s], or to a stand."""
        if not (math.isfinite(velocity) and 0.0 <= velocity <= self.cell.belt.max_velocity):
            limit = self.cell.belt.max_velocity
            raise TwinError(f"velocity: {velocity} is refused; allowed: 0 to {limit:g} [m/s]")
        self._machine.drive.target = velocity if run else 0.0
        if run and velocity > 0.0:
            self._infeed.speed = velocity

    def request_frame(self, item_id: int, count: int, epoch: int | None = None) -> None:
        """Expose when the belt reaches the count; at once where it has. Ignores another epoch."""
        if epoch is None or epoch == self.epoch:
            self._machine.shutter.request(item_id, count)

    def set_enabled(self, enabled: bool) -> None:
        """Let the valves fire, or cut them off: open jets close, and none opens."""
        self._machine.enabled = enabled
        self._machine.switch_valves(self._faults.wrong)

    def shoot(self, shot: Shot) -> None:
        """Take a shot or its calling off; each item id is executed once."""
        machine = self._machine
        machine.outbox.report(machine.valves.take(shot, machine.encoder.motion(self.now)))

    def repair(self) -> list[str]:
        """End every fault that is active; their kinds.

        With a valve stuck open goes what its jet was the last to push and still lies there: whoever
        mends the valve takes it off.
        """
        return self._faults.repair()

    def loses(self, topic: str) -> bool:
        """Whether a fault takes the next message of that topic."""
        share = self._faults.wrong.lost.get(topic, 0.0)
        return share > 0.0 and float(self._losses.random()) < share

    def advance(self, until_stamp: int) -> list[Event]:
        """Run on for the whole steps up to `until_stamp` [ns]; what happened, by stamp.

        Frames that a fault delays come when they are delivered. Raises PhotoError for a broken
        image that is to be shown.
        """
        events = self._machine.outbox.delivered()
        while self.now + STEP_NS <= until_stamp:
            self._step()
            events += self._machine.outbox.delivered()
        return events

    def _step(self) -> None:
        machine, faults = self._machine, self._faults
        faults.update(self.fed)
        if self._infeed.feed(machine.drive, machine.load, machine.barrier):
            faults.update(self.fed)
            self._infeed.plan(faults.wrong)
        machine.step(faults.wrong, faults.stuck)
        faults.befall()
        if machine.clock.steps % ENCODER_STEPS == 0 and faults.wrong.encoder_linked:
            count = machine.encoder.count(1.0)
            machine.outbox.add(EncoderSample(self.now, self.epoch, count))
