"""Which messages of a bag stand in for sensors and valves, and when each is due; has no clock.

Messages are due in the order of the bag, as far apart as they were received. One received before
another that is due already is due at once; where the stamps of receipt go back or leap ahead by
more than `GAP_NS`, their clock was set or nothing was heard: then the pace begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from batsort_bags.reader import Bag, BagError
from batsort_bags.storage import Received
from batsort_graph.names import BARRIER, ENCODER, EVENTS, TRUTH, VERDICTS

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
PLAYED = {
    ENCODER: "batsort_interfaces/msg/EncoderCount",
    BARRIER: "batsort_interfaces/msg/BarrierEdge",
    EVENTS: "batsort_interfaces/msg/EjectEvent",
    "bins/arrivals": "batsort_interfaces/msg/BinArrival",
    TRUTH: "batsort_interfaces/msg/ItemTruth",
}
"""Topics with their types, played as they are."""
IMAGES = {
    "camera/source": IMAGE,
    "camera/image_raw": IMAGE,
    "camera/image_raw/compressed": COMPRESSED,
}
"""Topics that can stand in for the camera; the first that has messages is played."""
OUTCOMES = (EVENTS, "bins/arrivals", "items/outcomes")
"""Topics without which only decisions can be compared."""

GAP_NS = 2_000_000_000
"""Silences of the whole bag are not longer than that."""
MOST_NS = 100_000_000
"""Most of the bag that is due at once: more would overflow the queues of whoever listens."""


class Playback:
    """The messages of an open bag, at `rate` times the speed of their receipt."""

    def __init__(self, bag: Bag, rate: float, also: Mapping[str, str]) -> None:
        """Get ready to play.

        Args:
            bag: what to play.
            rate: times real time.
            also: more topics that come with the others where they are in the bag, and their types.

        Raises:
            BagError: what can't be done without is not in the bag, or of another type or version.
        """
        self.images = next((topic for topic in IMAGES if _has(bag, topic)), "")
        """The topic that stands in for the camera."""
        missing = [topic for topic in (ENCODER, BARRIER) if not _has(bag, topic)]
        if missing:
            raise BagError(
                f"{bag.path}: {' and '.join(missing)} not in it; allowed: a bag with both topics"
            )
        if not self.images:
            hint = "; its verdicts can be replayed by ./cell replay" if _has(bag, VERDICTS) else ""
            raise BagError(
                f"{bag.path}: no images in it, so that no item can be judged; "
                f"allowed: a bag with {' or '.join(IMAGES)}{hint}"
            )
        lacking = [topic for topic in OUTCOMES if not _has(bag, topic)]
        self.decisions_only = bool(lacking)
        """Whether outcomes can't come out as they did."""
        self.notes = tuple(
            f"no {topic} in the bag: decisions are compared, not outcomes" for topic in lacking
        )
        """One line for each optional topic that is missing."""
        types = {**PLAYED, self.images: IMAGES[self.images], **also}
        for topic, kind in types.items():
            if topic in bag.topics:
                bag.check(topic, kind)
        self.rate = rate
        first = next(bag.messages([ENCODER]), None)
        self._messages = bag.messages(types)
        self._next = next(self._messages, None)
        if first is None or self._next is None:
            raise BagError(f"{bag.path}: no message of {ENCODER} can be read; {bag.damage}")
        self.first_encoder = first
        self.clock = self._next.stamp
        """Time of receipt that has been reached [ns]; it never goes back."""
        self._latest = self._next.stamp
        self._reached = 0
        self._due = 0
        self._passed = 0

    @property
    def over(self) -> bool:
        """Whether everything has been due."""
        return self._next is None

    @property
    def played_s(self) -> float:
        """How much of the bag has been due [s]."""
        return self._reached / 1e9

    @property
    def reached_rate(self) -> float:
        """Times real time so far: below `rate` where the caller could not keep up."""
        return self._reached / self._passed if self._passed else 0.0

    def wait(self, passed_ns: int) -> None:
        """So much more time has passed, in which nothing shall be due."""
        self._passed += passed_ns

    def advance(self, passed_ns: int) -> Iterator[Received]:
        """What is due after so much more time, which is not counted once all is over."""
        if self._next is None:
            return
        self._passed += passed_ns
        self._reached += min(round(passed_ns * self.rate), MOST_NS)
        while self._next is not None and self._due <= self._reached:
            message = self._next
            self.clock = max(self.clock, message.stamp)
            yield message
            self._next = next(self._messages, None)
            if self._next is not None:
                self._due += self._gap(self._next.stamp)
        if self._next is not None:
            self.clock = max(self.clock, self._latest - (self._due - self._reached))

    def _gap(self, stamp: int) -> int:
        """How much later than what was due before a message of this receipt is due [ns]."""
        gap = stamp - self._latest
        if gap > 0 or gap < -GAP_NS:
            self._latest = stamp
        return min(max(0, gap), GAP_NS)


def _has(bag: Bag, topic: str) -> bool:
    return topic in bag.topics and bag.topics[topic].count != 0
