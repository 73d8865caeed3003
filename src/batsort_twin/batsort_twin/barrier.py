"""The light barrier: what stands in its beam, and what it says of it."""

from batsort_core.sensing import Edge
from batsort_twin.conditions import Conditions
from batsort_twin.encoder import Encoder
from batsort_twin.load import Carried, Load
from batsort_twin.outbox import Outbox


class Barrier:
    """At x = 0; tells edges with the encoder's count."""

    def __init__(self, load: Load, encoder: Encoder, outbox: Outbox) -> None:
        self.approaching: list[Carried] = []
        """Items that have not passed it yet, in the order in which they were fed."""
        self._scene, self._encoder = load.scene, encoder
        self._outbox, self._clock = outbox, outbox.clock
        self._blocking = 0
        self._blocked = False
        """As it says."""

    def watch(self, started: int, wrong: Conditions) -> None:
        """Tell the edges of the step just done, which began at `started` [ns]."""
        edges: list[tuple[float, bool, Carried]] = []
        for carried in self.approaching:
            x, reach = float(self._scene.pose[carried.slot, 0]), self._scene.reach(carried.slot)
            lead, trail = x + reach, x - reach
            if carried.lead < 0.0 <= lead:
                edges.append((carried.lead / (carried.lead - lead), True, carried))
            if carried.trail < 0.0 <= trail:
                edges.append((carried.trail / (carried.trail - trail), False, carried))
            carried.lead, carried.trail = lead, trail
        for share, blocked, carried in sorted(edges, key=lambda edge: edge[0]):
            self._blocking += 1 if blocked else -1
            moment = self._clock.within(started, share)
            self._say(moment, self._encoder.count(share), carried, wrong)
            if not blocked:
                self.approaching.remove(carried)

    def look_again(self, wrong: Conditions) -> None:
        """Something else is wrong now: tell the beam anew where it shows another state."""
        standing = (one for one in self.approaching if one.trail < 0.0 <= one.lead)
        self._say(self._clock.now, self._encoder.count(1.0), next(standing, None), wrong)

    def forget(self, carried: Carried, wrong: Conditions) -> None:
        """It is gone, maybe out of the beam."""
        if carried not in self.approaching:
            return
        self.approaching.remove(carried)
        if carried.lead >= 0.0:
            self._blocking -= 1
            self._say(self._clock.now, self._encoder.count(1.0), None, wrong)

    def _say(self, moment: int, count: int, by: Carried | None, wrong: Conditions) -> None:
        """What it says of its beam, where that has changed; blocked by that item, if it is."""
        blocked = self._blocking > 0 or wrong.barrier_stuck
        if wrong.barrier_dead or blocked == self._blocked:
            return
        self._blocked = blocked
        if wrong.encoder_linked:
            self._outbox.add(Edge(moment, self._encoder.epoch, count, blocked))
            if blocked and by is not None:
                by.item_id = (moment + self._clock.shift) // 1000
