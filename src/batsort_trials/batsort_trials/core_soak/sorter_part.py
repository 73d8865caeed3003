"""The process that decides: a sorter, its journal, and its death."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batsort_core.decisions import Decision, Shot
from batsort_core.sorter import Sorter
from batsort_trials.core_soak.post import Post, through_json
from batsort_trials.core_soak.scene import Scene

NAME = "ejector"


class SorterPart:
    """Hands over to a sorter, and sends what it says."""

    def __init__(self, scene: Scene, post: Post) -> None:
        self._scene = scene
        self._post = post
        self.sorter = Sorter(scene.cell)
        self.heard: set[int] = set()
        """Items that it was told of."""
        self._decided: list[dict[str, Any]] = []
        post.listeners[NAME] = self._hear

    def take(self, what: object, call: Callable[[], list[Decision | Shot]]) -> None:
        """`call` gives the sorter `what`."""
        scene = self._scene
        scene.promises.sorter_heard(what)
        out = call()
        scene.promises.sorter_said(what, out)
        decided = [said for said in out if isinstance(said, Decision)]
        scene.told += decided
        self._decided += [decision.to_record() for decision in decided]
        for decision in decided:
            self._post.keep("decisions", decision)
        if decided and scene.dying == NAME:
            self.restart()
            return
        for said in out:
            self._post.send("decisions" if isinstance(said, Decision) else "shots", said)

    def restart(self) -> None:
        """Its process was killed: it has its journal, and what late joiners are given."""
        scene, post = self._scene, self._post
        post.drop(NAME)
        scene.dying = ""
        self.sorter = Sorter(scene.cell)
        self.sorter.recipe = scene.recipe
        self.sorter.restore([Decision.from_record(r) for r in through_json(self._decided)])
        scene.promises.sorter_restarted()
        for topic in [*scene.rng.sample(["items", "verdicts", "ends", "arrivals"], 4), "prints"]:
            for message in post.kept(topic):
                post.push(scene.belt.t + scene.rng.random() * 0.2, f"{topic}>{NAME}", message)
        for decision in post.kept("decisions"):
            post.push(scene.belt.t, "decisions>bins", decision)

    def _hear(self, topic: str, message: Any) -> None:
        sorter = self.sorter
        match topic:
            case "items":
                self.heard.add(message.id)
                self.take(message, lambda: sorter.on_item(message))
            case "verdicts":
                self.take(message, lambda: sorter.on_verdict(message))
            case "prints":
                self.take(message, lambda: sorter.on_print(message))
            case "readings":
                self.take(message, lambda: sorter.on_belt(message))
            case "ends":
                self._scene.promises.sorter_heard_end(message.shot.item_id)
                end = (message.shot.item_id, message.result, message.stamp)
                self.take(message, lambda: sorter.on_eject_event(*end))
            case "arrivals":
                seen, epoch = message
                arrival = (seen.bin, seen.stamp, epoch, seen.count)
                self.take(message, lambda: sorter.on_arrival(*arrival))
