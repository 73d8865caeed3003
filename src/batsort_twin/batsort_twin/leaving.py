"""How items leave: over the belt's end, into a bin, or by hand; and the truth about each."""

import numpy as np

from batsort_core.cell import CellDescription
from batsort_core.sensing import Arrival
from batsort_twin.barrier import Barrier
from batsort_twin.conditions import Conditions
from batsort_twin.encoder import Encoder
from batsort_twin.events import Truth
from batsort_twin.load import Carried, Load
from batsort_twin.outbox import Outbox
from batsort_twin.scene import CATCH


class Leaving:
    """The confirm eyes of the bins, and the account of what has left."""

    def __init__(
        self, cell: CellDescription, load: Load, barrier: Barrier, encoder: Encoder, outbox: Outbox
    ) -> None:
        self.left = 0
        """Of those fed."""
        self._others = cell.others.name
        self._load, self._barrier, self._scene = load, barrier, load.scene
        self._encoder, self._outbox = encoder, outbox

    def watch(self, started: int, wrong: Conditions) -> None:
        """What has left in the step just done, which began at `started` [ns]."""
        pose, end, eye = self._scene.pose, self._scene.belt_end, self._scene.eye
        furthest = pose[:, :3].max(axis=0)
        if furthest[0] >= end:
            for slot in np.flatnonzero(pose[:, 0] >= end).tolist():
                carried = self._load[slot]
                if not carried.left and pose[slot, 2] > CATCH:
                    share = self._load.share(carried, 0, end)
                    self._arrive(carried, self._others, started, share, wrong)
        if furthest[1] >= eye or pose[:, 2].min() < CATCH:
            beside = (pose[:, 1] >= eye) | (pose[:, 2] < CATCH)
            for slot in np.flatnonzero(beside).tolist():
                carried = self._load[slot]
                if not carried.left:
                    bin = self._scene.bin_at(*pose[slot, :2].tolist())
                    axis, line = (1, eye) if pose[slot, 1] >= eye else (2, CATCH)
                    share = self._load.share(carried, axis, line)
                    self._arrive(carried, bin, started, share, wrong)
                self._remove(carried, wrong)

    def take_off(self, carried: Carried, wrong: Conditions) -> None:
        """By hand: it comes into no bin."""
        if not carried.left:
            self._leave(carried, "", self._outbox.clock.now, 1.0)
        self._remove(carried, wrong)

    def _arrive(
        self, carried: Carried, bin: str, started: int, share: float, wrong: Conditions
    ) -> None:
        """It has come into the bin at that share of the step."""
        moment, count = self._outbox.clock.within(started, share), self._encoder.count(share)
        if bin and bin not in wrong.dead_eyes:
            self._outbox.add(Arrival(moment, self._encoder.epoch, bin, count))
        self._leave(carried, bin, moment, share)

    def _leave(self, carried: Carried, bin: str, moment: int, share: float) -> None:
        item = carried.item
        truth = Truth(
            moment,
            item.index,
            carried.item_id,
            item.type,
            item.label,
            item.size,
            item.photo,
            item.photo_sha256,
            bin,
            item.length,
            carried.aim_error,
            carried.foreign,
            self._load.between(carried, 0, share),
            carried.blown,
        )
        self._outbox.add(truth)
        carried.left = True
        self.left += not carried.foreign

    def _remove(self, carried: Carried, wrong: Conditions) -> None:
        self._load.remove(carried)
        self._barrier.forget(carried, wrong)
