"""The supervisor over the parts, and somebody who starts the cell again and again."""

from __future__ import annotations

from batsort_supervision.packml import (
    Command,
    IllegalTransition,
    State,
    belt_enabled,
    looked_at,
    valves_enabled,
)
from batsort_supervision.supervision import Supervision
from batsort_trials.core_soak.belt_part import BeltPart
from batsort_trials.core_soak.bins_part import BinsPart
from batsort_trials.core_soak.scene import Scene
from batsort_trials.core_soak.sorter_part import SorterPart
from batsort_trials.core_soak.valve_part import ValvePart


class Control:
    """Runs and stops the belt, enables the valves, and mends what makes the cell stand."""

    def __init__(
        self, scene: Scene, belt: BeltPart, sorter: SorterPart, bins: BinsPart, valves: ValvePart
    ) -> None:
        self._scene = scene
        self._belt_part, self._sorter_part = belt, sorter
        self._bins_part, self._valve_part = bins, valves
        self._supervision = Supervision(
            members=("belt", "ejector", "bins"),
            managed=frozenset(),
            silence_s=2.0,
            bringup_s=30.0,
            coast_s=3.0,
            autostart=True,
            resume=True,
        )
        self.speed = scene.cell.belt.velocity
        """That the belt is told to run at [m/s]."""
        self.troubled = False
        """Some part had trouble at some time."""
        self._pressed_until = 0.0
        self._operator_at = 0.0

    def press_stop(self, for_s: float) -> None:
        """Somebody presses the emergency stop; it cuts the valves off at once."""
        self._pressed_until = self._scene.belt.t + for_s
        self._valve_part.enable(False)

    def hold(self) -> None:
        """Somebody holds the cell, if it runs."""
        if self._supervision.packml.state is State.EXECUTE:
            self._supervision.command(Command.HOLD, "held")

    def step(self) -> None:
        """Look at all parts, and act."""
        belt, supervision, sorter = self._scene.belt, self._supervision, self._sorter_part.sorter
        t = belt.t
        troubles = {
            "belt": self._belt_part.watch.trouble(t),
            "ejector": sorter.trouble,
            "bins": self._bins_part.counter.trouble,
        }
        for name, trouble in troubles.items():
            self.troubled |= trouble is not None
            supervision.heartbeat(t, name, "", trouble)
        supervision.estop(t, t < self._pressed_until, "button")
        supervision.step(t)
        self._operate(t, supervision.packml.state)
        state = supervision.packml.state
        run = belt_enabled(state)
        if run and belt.told == 0.0 and supervision.moved:
            self._valve_part.moved = frozenset(self._belt_part.items), belt.travel
        belt.told = self.speed if run else 0.0
        belt.braking = state in (State.ABORTING, State.ABORTED)
        self._belt_part.watch.command(run, self.speed, supervision.moved)
        self._valve_part.enable(valves_enabled(state) and t >= self._pressed_until)
        supervision.belt(belt.velocity > 0.001)
        if belt.braking:
            self._sorter_part.take("abort", sorter.cancel_all)
        if looked_at(state):
            if sorter.trouble is not None:
                self._sorter_part.take("acknowledge", sorter.acknowledge)
            self._bins_part.counter.acknowledge()

    def _operate(self, t: float, state: State) -> None:
        """Somebody who starts the cell again and again, and changes full bags."""
        counter = self._bins_part.counter
        if (trouble := counter.trouble) is not None and trouble.outside:
            for bin in counter.balance.bins:
                if bin.full:
                    self._bins_part.change_bag(bin.name)
        wanted = {
            State.HELD: Command.UNHOLD,
            State.ABORTED: Command.CLEAR,
            State.STOPPED: Command.RESET,
            State.IDLE: Command.START,
        }.get(state)
        if wanted is None:
            self._operator_at = t + self._scene.rng.uniform(0.1, 0.8)
        elif t >= self._operator_at:
            try:
                self._supervision.command(wanted, "")
            except IllegalTransition:
                self._operator_at = t + 0.2
