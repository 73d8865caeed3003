"""The parts of the simulated cell, which act on each other step by step."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from batsort_core.cell import CellDescription
from batsort_twin.barrier import Barrier
from batsort_twin.camera import Renderer
from batsort_twin.clock import STEP_NS, Clock
from batsort_twin.conditions import Conditions
from batsort_twin.drive import Drive
from batsort_twin.encoder import Encoder
from batsort_twin.leaving import Leaving
from batsort_twin.load import Load
from batsort_twin.options import TwinOptions
from batsort_twin.outbox import Outbox
from batsort_twin.scene import Scene
from batsort_twin.shutter import Shutter
from batsort_twin.valves import Valves

Pose = NDArray[np.float64]


class Machine:
    """Stands at first, its valves disabled."""

    def __init__(self, cell: CellDescription, options: TwinOptions, start_stamp: int) -> None:
        self.cell = cell
        self.enabled = False
        """Whether the valves may fire, as far as they are told."""
        self.clock = Clock(start_stamp)
        self.outbox = Outbox(self.clock)
        self.chance = np.random.default_rng([options.seed, 3])
        """Of what faults do at random."""
        self.drive = Drive(cell.belt.acceleration)
        self.encoder = Encoder(
            cell.belt.metres_per_count, options.encoder_bits, start_stamp // 1000
        )
        self.valves = Valves(
            {bin.valve: bin.distance for bin in cell.ejectors if bin.valve is not None},
            options.opening_s,
            options.opening_scatter_s,
            np.random.default_rng([options.seed, 2]),
        )
        self.load = Load(Scene(cell))
        self.barrier = Barrier(self.load, self.encoder, self.outbox)
        renderer = Renderer(cell.camera, cell.belt.width, options.seed)
        self.shutter = Shutter(
            cell.camera, renderer, self.load, self.encoder, self.outbox, self.chance
        )
        self.leaving = Leaving(cell, self.load, self.barrier, self.encoder, self.outbox)

    def switch_valves(self, wrong: Conditions) -> None:
        """Let the valves fire where they are enabled and nobody presses the emergency stop."""
        enabled = self.enabled and not wrong.estop
        self.outbox.report(self.valves.enable(enabled, self.encoder.motion(self.clock.now)))

    def step(self, wrong: Conditions, stuck: Iterable[tuple[int, Pose]]) -> None:
        """Run on for one step; bodies that are `stuck` are held at their poses, by slot."""
        started, position = self.clock.now, self.drive.position
        turned = self.drive.step(started, wrong)
        self.encoder.turn(turned, self.drive.roller_velocity, wrong.missed, self.chance)
        motion = self.encoder.motion(started + STEP_NS)
        self.outbox.report(self.valves.step(started, motion, wrong.slower_s))
        self._blow(started, wrong)
        for slot, pose in stuck:
            self.load.scene.hold(slot, pose)
        self.load.step(self.drive.velocity)
        self.clock.steps += 1
        self._aim(started, wrong)
        self.barrier.watch(started, wrong)
        self.shutter.expose(started, position, self.drive.position, wrong)
        self.leaving.watch(started, wrong)

    def _blow(self, started: int, wrong: Conditions) -> None:
        """Push what stands before open jets, for the step that begins."""
        for valve, share in self.valves.blown(started, started + STEP_NS, wrong).items():
            stuck = valve in wrong.stuck_open
            for slot in self.load.scene.blow(self.valves.nozzles[valve], share):
                self.load[slot].push(valve, started, self.clock.stamp, stuck)

    def _aim(self, started: int, wrong: Conditions) -> None:
        """Note how the jets that have opened in the step just done met their items."""
        for jet in self.valves.opened(started, self.clock.now, wrong):
            share = (jet.opens - started) / STEP_NS
            for carried in self.load:
                if carried.item_id == jet.item_id:
                    centre = self.load.between(carried, 0, share)
                    carried.aim_error = centre - self.valves.nozzles[jet.valve]
