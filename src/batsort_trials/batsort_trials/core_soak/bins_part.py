"""The process that counts: a bin counter, its journal, and its death."""

from __future__ import annotations

from typing import Any

from batsort_core.balance import Settled
from batsort_core.bins import BinCounter
from batsort_trials.core_soak.post import Post, through_json
from batsort_trials.core_soak.promises import Promise
from batsort_trials.core_soak.scene import Scene

NAME = "bins"


class BinsPart:
    """Hands over to a bin counter, and notes what it says."""

    def __init__(self, scene: Scene, post: Post) -> None:
        self._scene = scene
        self._post = post
        self.counter = BinCounter(scene.cell)
        self.heard: set[int] = set()
        """Items that it was told of."""
        self._journal: list[dict[str, Any]] = []
        post.listeners[NAME] = self._hear

    def change_bag(self, bin: str) -> None:
        """A new bag is at the bin."""
        self.counter.new_bag(bin)
        self._counted([])

    def restart(self) -> None:
        """Its process was killed: its journal has to give the same counts, also a short one."""
        scene, promises = self._scene, self._scene.promises
        self._post.drop(NAME)
        scene.dying = ""
        before = self.counter.balance
        counter = BinCounter(scene.cell)
        known = counter.restore(through_json(self._journal))
        if counter.balance != before:
            promises.found(Promise.RESTORED, f"{before} became {counter.balance}")
        told = promises.settled
        untold = [one for one in known if one.item_id not in told]
        if any(told[one.item_id] != one for one in known if one not in untold):
            promises.found(Promise.RESTORED, "outcomes changed")
        scene.told += untold
        promises.counted(untold, counter.balance)
        if scene.rng.random() < 0.5:
            self._journal = counter.snapshot()
            short = BinCounter(scene.cell)
            short.restore(through_json(self._journal))
            if short.balance != before:
                promises.found(Promise.RESTORED, f"{before} shortened to {short.balance}")
        self.counter = counter
        for topic in ("items", "decisions", "ends", "arrivals"):
            for message in self._post.kept(topic):
                self._post.push(scene.belt.t, f"{topic}>{NAME}", message)

    def _hear(self, topic: str, message: Any) -> None:
        counter = self.counter
        match topic:
            case "items":
                self.heard.add(message.id)
                self._counted(counter.on_item(message))
            case "decisions":
                self._counted(counter.on_decision(message))
            case "readings":
                self._counted(counter.on_belt(message))
            case "ends":
                item_id, count = message.shot.item_id, message.actual_count
                self._counted(counter.on_eject_event(item_id, message.result, message.stamp, count))
            case "arrivals":
                seen, epoch = message
                self._counted(counter.on_arrival(seen.bin, seen.stamp, epoch, seen.count))

    def _counted(self, settled: list[Settled]) -> None:
        records = self.counter.drain()
        if not records and not settled:
            return
        self._journal += records
        if self._scene.dying == NAME:
            self.restart()
            return
        self._scene.told += settled
        self._scene.promises.counted(settled, self.counter.balance)
