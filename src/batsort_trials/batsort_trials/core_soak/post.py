"""Messages between the parts, each heard in its time: late, lost and repeated."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Any

from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.scene import Scene

_KEPT = 100  # messages that a late joiner is given (transient local)
_LATCHED = ("items", "verdicts", "prints", "decisions", "ends", "arrivals")
_LINKS = {
    "items": ("items>ejector", "items>bins"),
    "decisions": ("decisions>bins",),
    "readings": ("readings>ejector", "readings>bins"),
    "shots": ("shots>valves",),
    "ends": ("ends>ejector", "ends>bins"),
    "arrivals": ("arrivals>ejector", "arrivals>bins"),
}
Hear = Callable[[str, Any], None]


class Post:
    """Carries messages; a link is named `topic>part`."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.listeners: dict[str, Hear] = {}
        """By part: they take a topic and a message of it."""
        self._posts: list[tuple[float, int, str, Any]] = []
        self._posted = 0
        self._last_due: dict[str, float] = {}
        self._history: dict[str, list[Any]] = {topic: [] for topic in _LATCHED}

    @property
    def busy(self) -> bool:
        """Whether anything but a belt reading is on its way."""
        return any(not link.startswith("readings>") for _, _, link, _ in self._posts)

    def send(self, topic: str, message: Any) -> None:
        """To all that listen; each hears it in its time, in the order of its topic."""
        scene, rng = self._scene, self._scene.rng
        if topic in _LATCHED and topic != "decisions":
            self.keep(topic, message)
        for link in _LINKS[topic]:
            if scene.chance(Fault.LOST, 0.03):
                continue
            delay = rng.random() * 0.01
            if scene.chance(Fault.DELAYED, 0.1):
                delay += rng.expovariate(2.0)
            due = scene.belt.t + delay
            if not (topic == "ends" and Fault.REORDERED in scene.faults):
                due = self._last_due[link] = max(due, self._last_due.get(link, 0.0))
            self.push(due, link, message)
            if topic == "shots" and scene.chance(Fault.REPEATED, 0.3):
                self.push(due + rng.choice((0.0, 0.2, 3.0)), link, message)

    def push(self, due: float, link: str, message: Any) -> None:
        """It is heard at `due` [s]."""
        self._posted += 1
        heappush(self._posts, (due, self._posted, link, message))

    def keep(self, topic: str, message: Any) -> None:
        """For those who join late."""
        self._history[topic].append(message)

    def kept(self, topic: str) -> list[Any]:
        """What one who joins late is given, oldest first."""
        return self._history[topic][-_KEPT:]

    def deliver(self) -> None:
        """All that is due now."""
        while self._posts and self._posts[0][0] <= self._scene.belt.t:
            _, _, link, message = heappop(self._posts)
            self._scene.events += 1
            topic, _, part = link.partition(">")
            self.listeners[part](topic, message)

    def drop(self, part: str) -> None:
        """What is on its way to a part that has died is lost."""
        self._posts = [post for post in self._posts if not post[2].endswith(f">{part}")]
        self._posts.sort()


def through_json(records: Iterable[Any]) -> list[Any]:
    """As a file keeps them."""
    return [json.loads(json.dumps(record)) for record in records]
