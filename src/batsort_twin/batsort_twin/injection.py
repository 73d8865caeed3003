"""Carries faults out: what follows when they begin and end, and what they do to items."""

from collections.abc import Iterable
from dataclasses import replace

from batsort_core.sensing import Arrival
from batsort_twin.conditions import Conditions
from batsort_twin.events import EStopSwitched, FaultSwitched
from batsort_twin.fault import Fault, OnPassing
from batsort_twin.faults import (
    ClockStep,
    EncoderReset,
    EncoderWrap,
    EStop,
    ItemFromSide,
    ItemJam,
    ItemVanishes,
    SlipJump,
    ValveStuckOpen,
)
from batsort_twin.feed import drawn
from batsort_twin.load import Carried
from batsort_twin.machine import Machine, Pose
from batsort_twin.scene import STEP_S
from batsort_twin.schedule import Active, Schedule

NARROW_BITS = 16


class Injection:
    """Faults of one machine."""

    def __init__(self, faults: Iterable[Fault], machine: Machine) -> None:
        self._machine = machine
        self._schedule = Schedule(faults, machine.clock.now)
        self._stuck: dict[Active, tuple[int, Pose]] = {}
        self._slipped: dict[Active, float] = {}
        self._foreign = 0

    @property
    def wrong(self) -> Conditions:
        """What is wrong at the moment."""
        return self._schedule.conditions

    @property
    def stuck(self) -> Iterable[tuple[int, Pose]]:
        """Bodies that are held at their poses, by slot."""
        return self._stuck.values()

    def update(self, fed: int) -> None:
        """Begin and end what is due now, after so many items fed."""
        self._switch(self._schedule.update(self._machine.clock.now, fed))

    def repair(self) -> list[str]:
        """End every fault that is active; their kinds.

        With a valve stuck open goes what its jet was the last to push and still lies there: whoever
        mends the valve takes it off.
        """
        ended = self._schedule.end(self._schedule.active)
        self._switch(ended)
        faults = [fault for fault, _ in ended]
        mended = [fault.valve for fault in faults if isinstance(fault, ValveStuckOpen)]
        for carried in [one for one in self._machine.load if one.blown_by in mended]:
            self._machine.leaving.take_off(carried, self.wrong)
        return [fault.kind for fault in faults]

    def befall(self) -> None:
        """What active faults do to items on the belt in the step just done, and false arrivals."""
        machine = self._machine
        for active in list(self._schedule.active):
            fault = active.fault
            if isinstance(fault, SlipJump):
                since = self._slipped.setdefault(active, machine.drive.slipped)
                if machine.drive.slipped - since >= fault.distance:
                    self._switch(self._schedule.end([active]))
            elif isinstance(fault, OnPassing) and active not in self._stuck:
                carried = machine.load.passing(fault.x)
                if carried is not None and self._catch(active, carried):
                    self._switch(self._schedule.end([active]))
        for bin, rate in self.wrong.blinking.items():
            for _ in range(int(machine.chance.poisson(rate * STEP_S))):
                count = machine.encoder.count(1.0)
                machine.outbox.add(Arrival(machine.clock.now, machine.encoder.epoch, bin, count))

    def _switch(self, changes: list[tuple[Fault, bool]]) -> None:
        """What follows at once from faults that begin and end."""
        if not changes:
            return
        machine, encoder, now = self._machine, self._machine.encoder, self._machine.clock.now
        for fault, begins in changes:
            if begins:
                self._strike(fault)
            count = encoder.count(1.0)
            machine.outbox.add(
                FaultSwitched(now, fault.kind, begins, encoder.epoch, count, fault.detail)
            )
        self._stuck = {a: held for a, held in self._stuck.items() if a in self._schedule.active}
        encoder.linked = self.wrong.encoder_linked
        if any(isinstance(fault, EStop) for fault, _ in changes):
            machine.outbox.add(EStopSwitched(now, self.wrong.estop))
            machine.switch_valves(self.wrong)
        machine.barrier.look_again(self.wrong)

    def _strike(self, fault: Fault) -> None:
        """What a fault does in the moment that it begins."""
        machine = self._machine
        match fault:
            case EncoderReset():
                machine.encoder.reset(machine.clock.stamp // 1000)
                machine.shutter.clear()
            case EncoderWrap():
                machine.encoder.begin_before_wrap(fault.counts, NARROW_BITS)
            case ClockStep():
                machine.clock.shift += round(fault.by_s * 1e9)

    def _catch(self, active: Active, carried: Carried) -> bool:
        """The item has come to the place of a fault, which may have done its work by that."""
        machine, load = self._machine, self._machine.load
        match active.fault:
            case ItemJam():
                self._stuck[active] = (carried.slot, load.scene.pose[carried.slot].copy())
                return False
            case ItemVanishes():
                machine.leaving.take_off(carried, self.wrong)
                return True
            case ItemFromSide() if not load.full:
                seed = int(machine.chance.integers(2**31))
                (item,) = drawn(seed, 1, 0.0, machine.cell.recipe.types)
                item = replace(item, index=self._foreign, y=active.fault.y, yaw=0.0)
                x, reach = load.scene.pose[carried.slot, 0], load.scene.reach(carried.slot)
                behind = float(x) - reach - active.fault.behind - item.reach
                load.put(item, behind, machine.drive.velocity, foreign=True)
                self._foreign += 1
                return True
        return False
