"""Whoever breaks the planner is caught: mutated cores under the soak, and which promise breaks."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from batsort_core import aiming, bin_ledger, ejection, firing, sorter
from batsort_core.belt import BeltReading, BeltTracker
from batsort_core.belt_clock import BeltClock
from batsort_core.bins import BinCounter
from batsort_core.cell import Bin, CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotQueue
from batsort_core.items import Item
from batsort_core.recipe import Recipe
from batsort_core.slip import SlipEstimator
from batsort_core.sorter import Sorter
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.promises import Promise
from batsort_trials.core_soak.run import SoakRun

MOST_RUNS = 60
Mutate = Callable[[pytest.MonkeyPatch], None]


def window_by(metres: float) -> Mutate:
    def window_moved(patch: pytest.MonkeyPatch) -> None:
        def target_count(cell: CellDescription, bin: Bin, item: Item, further: float = 0.0) -> int:
            return ejection.target_count(cell, bin, item, further) + cell.counts(metres)

        patch.setattr(aiming, "target_count", target_count)

    return window_moved


def gap_rule_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ejection, "required_gap", lambda *_: 0.0)


def neighbours_not_protected(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sorter, "_protect", lambda *_: [])


def late_check_off(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(aiming, "last_command_count", lambda *_: 1 << 60)


def lost_items_stay_known(patch: pytest.MonkeyPatch) -> None:
    def tracking_lost(item: Item, reading: BeltReading) -> bool:
        return item.epoch != reading.epoch and item.stamp < reading.stamp

    patch.setattr(sorter, "tracking_lost", tracking_lost)


def lost_shots_stand(patch: pytest.MonkeyPatch) -> None:
    call_off = Sorter._call_off

    def only_if_known(self: Sorter, track: Any) -> Any:
        assert self._reading is not None
        lost = sorter.tracking_lost(track.item, self._reading)
        return [] if lost else call_off(self, track)

    patch.setattr(Sorter, "_call_off", only_if_known)


def belt_trusted_whatever_was_moved(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BeltTracker, "distrust", lambda _: None)


def threshold_off(patch: pytest.MonkeyPatch) -> None:
    choose = Recipe.choose
    patch.setattr(
        Recipe, "choose", lambda self, *a: choose(replace(self, threshold=0.0, weights=None), *a)
    )


def print_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Recipe, "contradicts", lambda *_: False)


def sizes_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sorter, "_measured", lambda *_: None)


def decisions_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sorter, "restore", lambda *_: None)


def too_much_slip_followed(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(SlipEstimator, "excessive", False)


def ids_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(firing, "_KEPT", 0)


def calling_off_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ShotQueue, "_call_off", lambda *_: [])


def epoch_ignored(patch: pytest.MonkeyPatch) -> None:
    step = ShotQueue.step

    def any_epoch(self: ShotQueue, motion: Motion) -> Any:
        epochs = [shot.epoch for shot in self._waiting]
        return step(self, replace(motion, epoch=epochs[0] if epochs else motion.epoch))

    patch.setattr(ShotQueue, "step", any_epoch)


def enable_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ShotQueue, "enabled", property(lambda _: True, lambda *_: None), raising=False)


def lead_ignored(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(firing, "_reached", lambda shot, motion: motion.count - shot.target_count)


def wrong_valve(patch: pytest.MonkeyPatch) -> None:
    made = Sorter._shot

    def next_valve(self: Sorter, track: Any, fire: bool) -> Shot:
        shot = made(self, track, fire)
        return replace(shot, valve=shot.valve % 9 + 1)

    patch.setattr(Sorter, "_shot", next_valve)


def snapshot_empty(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BinCounter, "snapshot", lambda _: [])


def settled_forgotten(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(bin_ledger, "_KEPT", 0)


def patience_without_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(BeltClock, "overdue", lambda *_: False)


MUTATIONS: list[tuple[Mutate, Promise, tuple[Fault, ...]]] = [
    (window_by(0.010), Promise.AIM, ()),
    (window_by(-0.010), Promise.AIM, ()),
    (window_by(0.150), Promise.AIM, ()),
    (gap_rule_off, Promise.GAP, ()),
    (neighbours_not_protected, Promise.GAP, (Fault.DELAYED,)),
    (late_check_off, Promise.IN_TIME, (Fault.VERDICT_LATE,)),
    (lost_items_stay_known, Promise.KNOWN_PLACE, (Fault.JAM,)),
    (lost_shots_stand, Promise.KNOWN_PLACE, (Fault.JAM,)),
    (belt_trusted_whatever_was_moved, Promise.MOVED, (Fault.CLOCK_FORWARD,)),
    (too_much_slip_followed, Promise.AIM, (Fault.TOUCHING,)),
    (threshold_off, Promise.BY_RECIPE, (Fault.UNSURE,)),
    (print_ignored, Promise.BY_PRINT, (Fault.WRONG_TYPE,)),
    (sizes_ignored, Promise.BY_RECIPE, ()),
    (wrong_valve, Promise.OWN_VALVE, ()),
    (decisions_forgotten, Promise.DECIDED_ONCE, (Fault.SORTER_RESTART,)),
    (ids_forgotten, Promise.ENDED_ONCE, (Fault.REPEATED,)),
    (calling_off_ignored, Promise.CALLED_OFF, (Fault.JAM,)),
    (epoch_ignored, Promise.OWN_EPOCH, (Fault.RESET,)),
    (enable_ignored, Promise.ENABLED, (Fault.ESTOP,)),
    (lead_ignored, Promise.WINDOW, ()),
    (settled_forgotten, Promise.SETTLED_ONCE, (Fault.BINS_RESTART,)),
    (snapshot_empty, Promise.RESTORED, (Fault.BINS_RESTART,)),
    (patience_without_end, Promise.SETTLED, (Fault.VANISHING,)),
]


@pytest.mark.parametrize(
    ("mutate", "promise", "faults"),
    MUTATIONS,
    ids=[f"{m.__name__}-{p.name}" for m, p, _ in MUTATIONS],
)
def test_a_mutated_core_breaks_its_promise(
    sized_cell: CellDescription,
    monkeypatch: pytest.MonkeyPatch,
    mutate: Mutate,
    promise: Promise,
    faults: tuple[Fault, ...],
) -> None:
    mutate(monkeypatch)
    assert any(promise in promises_broken(sized_cell, seed, faults) for seed in range(MOST_RUNS))
    monkeypatch.undo()
    assert not any(promises_broken(sized_cell, seed, faults) for seed in range(5))


def promises_broken(cell: CellDescription, seed: int, faults: tuple[Fault, ...]) -> set[Promise]:
    run = SoakRun(cell, seed, faults)
    run.go()
    return {one.promise for one in run.promises.broken}
