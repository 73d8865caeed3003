"""The process of the belt: its encoder, and the light barrier."""

from __future__ import annotations

from batsort_core.belt import BeltError, BeltTracker, ItemDetector
from batsort_core.belt_watch import BeltWatch
from batsort_core.items import Item
from batsort_trials.core_soak.belt import Edge
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.post import Post
from batsort_trials.core_soak.scene import Scene


class BeltPart:
    """Makes belt readings and items of what the sensors say."""

    def __init__(self, scene: Scene, post: Post) -> None:
        self._scene = scene
        self._post = post
        self.items: dict[int, Item] = {}
        """All that have passed the barrier."""
        self.jump: list[int] = []
        """Counts that the next readings are wrong by."""
        self.silent_until = 0.0
        """The encoder says nothing until then [s]."""
        self.begin()

    def begin(self) -> None:
        """A new process knows nothing of the belt."""
        cell = self._scene.cell
        self._tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self._detector = ItemDetector(cell.items, cell.belt.metres_per_count)
        self.watch = BeltWatch(cell, self._tracker, self._detector, silence_s=0.3, standing_s=0.5)
        self.imaging: list[Item] = []
        """Items on their way to the camera."""

    def encode(self) -> None:
        """The encoder is read."""
        scene, belt = self._scene, self._scene.belt
        if belt.t < self.silent_until:
            return
        count, previous = belt.count, self._tracker.latest
        if self.jump:
            count += self.jump.pop()
        scene.events += 1
        try:
            reading = self._tracker.add(belt.stamp(belt.t), belt.epoch, count)
        except BeltError as error:
            self.watch.refused(str(error))
            return
        self.watch.reading(belt.t, reading, previous)
        self._post.send("readings", reading)

    def edge(self, edge: Edge) -> None:
        """The barrier has seen an edge."""
        scene = self._scene
        if scene.chance(Fault.EDGE_LOST, 0.1):
            return
        for _ in range(2 if scene.chance(Fault.EDGE_DOUBLED, 0.2) else 1):
            scene.events += 1
            epoch = scene.belt.epoch
            self.watch.edge(epoch, edge.count, edge.blocked)
            item = self._detector.on_edge(edge.stamp, epoch, edge.count, edge.blocked)
            if item is not None:
                self.items[item.id] = item
                self.imaging.append(item)
                self._post.send("items", item)
