"""Faults as they strike: those that last, and those of a moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from batsort_trials.core_soak import bins_part, sorter_part
from batsort_trials.core_soak.belt_part import BeltPart
from batsort_trials.core_soak.bins_part import BinsPart
from batsort_trials.core_soak.control import Control
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.scene import Scene
from batsort_trials.core_soak.sorter_part import SorterPart
from batsort_trials.core_soak.valve_part import ValvePart


class Mishaps:
    """Does to the belt and the parts what a fault says."""

    def __init__(
        self,
        scene: Scene,
        belt: BeltPart,
        sorter: SorterPart,
        bins: BinsPart,
        valves: ValvePart,
        control: Control,
    ) -> None:
        self._scene = scene
        self._belt_part, self._sorter_part = belt, sorter
        self._bins_part, self._valve_part = bins, valves
        self._control = control

    def begin(self, last_x: float) -> None:
        """Those that last the whole run; `last_x`: place of the last body [m]."""
        rng, belt, faults = self._scene.rng, self._scene.belt, self._scene.faults
        names = [bin.name for bin in self._scene.cell.ejectors]
        if Fault.SLIP in faults:
            belt.slip_from = rng.uniform(0.0, last_x)
        if Fault.STUCK_SHUT in faults:
            belt.stuck_shut = rng.choice(names)
        if Fault.STUCK_OPEN in faults:
            belt.stuck_open = rng.choice(names)
        if Fault.SLOW in faults:
            belt.late_bin, belt.late_s = rng.choice(names), rng.uniform(0.005, 0.04)
        if Fault.DEAD_EYE in faults:
            belt.dead_eye = rng.choice([*names, self._scene.cell.others.name])

    def happen(self, fault: Fault) -> None:
        """One of a moment, now."""
        scene, rng, belt = self._scene, self._scene.rng, self._scene.belt
        match fault:
            case Fault.STOPS | Fault.HOLD | Fault.BACKWARDS:
                self._control.hold()
                if fault is Fault.BACKWARDS:
                    belt.velocity, belt.torn = -0.2, belt.t
            case Fault.SPEEDS:
                self._control.speed = rng.uniform(0.2, 1.3)
            case Fault.JAM:
                belt.jammed_until = belt.t + rng.uniform(0.2, 1.5)
            case Fault.JUMP:
                if rng.random() < 0.3:
                    belt.lose_counts(rng.choice((-5000, 900, 20000)))
                else:
                    jump = [rng.choice((-5000, 900, 20000))] * rng.choice((1, 2, 3, 6))
                    self._belt_part.jump = jump
            case Fault.MISSED:
                belt.lose_counts(-rng.randrange(20, 800))
            case Fault.RESET:
                belt.reset(rng.choice((0, belt.count, belt.count + 300)))
            case Fault.SILENCE:
                self._belt_part.silent_until = belt.t + rng.uniform(0.1, 1.0)
            case Fault.FROZEN:
                belt.frozen_until = belt.t + rng.uniform(0.1, 1.5)
                belt.torn = belt.frozen_until
            case Fault.CLOCK_FORWARD | Fault.CLOCK_BACK:
                back = fault is Fault.CLOCK_BACK
                belt.clock += -rng.uniform(0.05, 3.0) if back else rng.uniform(0.05, 8.0)
            case Fault.BELT_RESTART:
                self._belt_part.begin()
            case Fault.SORTER_RESTART:
                self._kill(sorter_part.NAME, self._sorter_part.restart)
            case Fault.BINS_RESTART:
                self._kill(bins_part.NAME, self._bins_part.restart)
            case Fault.VALVES_RESTART:
                self._valve_part.restart()
            case Fault.ESTOP:
                self._control.press_stop(rng.uniform(0.2, 1.5))
            case Fault.NEW_BAG:
                self._bins_part.change_bag(rng.choice(scene.cell.bins).name)
            case Fault.RECIPE:
                scene.recipe = replace(scene.recipe, threshold=rng.uniform(0.5, 0.99))
                self._sorter_part.sorter.recipe = scene.promises.recipe = scene.recipe
            case Fault.MOVED | Fault.VANISHING:
                lying = [b for b in belt.bodies if not b.gone and b.x + 0.05 < belt.travel]
                if lying:
                    body = rng.choice(lying)
                    body.gone = fault is Fault.VANISHING
                    body.x += rng.uniform(-0.03, 0.03)

    def _kill(self, name: str, restart: Callable[[], None]) -> None:
        """Now, or between the journal and the topics when it next has something to say."""
        if self._scene.rng.random() < 0.5:
            restart()
        else:
            self._scene.dying = name
