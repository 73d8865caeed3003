"""Node `replay`: a recorded bag in the place of sensors and valves, and what became of its items.

It plays while the cell runs, and waits while it does not: time on /clock stands then, and the
encoder says again where it was, a nanosecond later each time, so that the cell can come up and a
hold costs nothing. In the same way it waits for a verdict or a reading that was there by then when
the bag was recorded: what is compared does not hang on how busy the machine is. It has no valve
driver; what valves did comes from the bag.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from rosgraph_msgs.msg import Clock as ClockMessage

from batsort_bags import outcomes
from batsort_bags.playback import COMPRESSED, IMAGES, PLAYED, Playback
from batsort_bags.reader import Bag, BagError
from batsort_bags.storage import Received
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError, path_of
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import stamp_of
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.image_bridge import to_message
from batsort_graph.images import ImageError, decompressed
from batsort_graph.names import BARRIER, ENCODER, READINGS, VERDICTS
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import QUIET, READER, TOPICS, Topic, publisher, subscription
from batsort_interfaces.msg import BeltCommand, CellState, EncoderCount

PARAMETERS = (
    CELL_FILE,
    Parameter("bag", "", "What to play: a folder or file of rosbag2, MCAP or SQLite."),
    Parameter("bag_namespace", "", "Which cell of the bag, where it has several."),
    Parameter("rate", 1.0, "Times real time.", 0.1, 20.0),
    Parameter(
        "wait", True, "Whether recorded time stands until a verdict is there that was there then."
    ),
    Parameter("report", "", "File for the comparison (JSON); empty: none."),
)
CLOCK = Topic("/clock", ClockMessage, 1, "replay", (), reliable=False)
PERIOD_S = 0.005
CLOCK_STEPS = 2
"""/clock is sent every so many periods: 100 times a second of wall time, whatever the rate."""
STANDING_S = 0.25
"""An encoder that is silent for so long says its count again."""
BEFORE_NS = 10_000_000
"""How long before its first count the encoder says it, while the cell comes up."""
PATIENCE_S = 2.0
"""Longest wait for verdicts that were there then; without them it goes on."""
SETTLED_S = 1.5
"""The cell is done when it has decided and settled nothing for so long after the bag's end."""


class Replay(Node):
    """Ends the process when all is compared: 0 where every item fared as in the bag, else 1."""

    def __init__(self) -> None:
        super().__init__("replay")
        declare(self, PARAMETERS)
        cell = load_cell(self.get_parameter("cell_file").value)
        self._report = _report_file(self.get_parameter("report").value)
        self._bag, self._playback = self._open()
        self._then, self._now = outcomes.Run(cell), outcomes.Run(cell)
        self._since: int | None = None
        self._state, self._command = CellState(), BeltCommand()
        self._started = False
        self._waits = self.get_parameter("wait").value
        # Topic and stamp of the image.
        self._awaited: set[tuple[str, int]] = set()
        self._judged: set[tuple[str, int]] = set()
        self._waiting_since: float | None = None
        self._waited_s = 0.0
        self._last_encoder: bytes = self._bag.cdr(self._playback.first_encoder)
        self._standing_ns = -BEFORE_NS
        self._played: Counter[str] = Counter()
        self._heard: Counter[str] = Counter()
        self._steps = 0
        self._stepped = self._encoder_sent = self._settled = time.monotonic()
        self._out = {topic: publisher(self, topic) for topic in PLAYED if topic in TOPICS}
        self._out["twin/truth"] = publisher(self, "twin/truth")
        self._images = publisher(self, "camera/source")
        self._clock_publisher = self.create_publisher(
            CLOCK.type,
            CLOCK.name,
            CLOCK.qos,
            event_callbacks=PublisherEventCallbacks(**QUIET),
        )
        subscription(self, "cell/state", partial(setattr, self, "_state"))
        subscription(self, "belt/command", partial(setattr, self, "_command"))
        for topic in ("camera/request", "ejector/commands"):
            subscription(self, topic, self._count(topic))
        for topic in outcomes.TOPICS:
            self._listen(topic)
        for note in self._playback.notes:
            self.get_logger().warning(note)
        self.create_timer(PERIOD_S, self._step, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._heartbeat = Heartbeat(self, self._health)

    def _open(self) -> tuple[Bag, Playback]:
        path = self.get_parameter("bag").value
        if not path:
            raise ConfigurationError("bag: not given; allowed: the path of a recorded bag")
        try:
            bag = Bag(path_of("bag", path), self.get_parameter("bag_namespace").value or None)
            rate = self.get_parameter("rate").value
            return bag, Playback(bag, rate, outcomes.TOPICS)
        except BagError as error:
            raise ConfigurationError(f"bag: {error}") from None

    def _listen(self, topic: str) -> None:
        row = (TOPICS | READER)[topic]
        # Deeper than what is published for the cell: this node is busy when it plays fast.
        qos = QoSProfile(depth=1000, durability=row.qos.durability)
        self.create_subscription(
            row.type,
            row.name,
            partial(self._hear, topic),
            qos,
            event_callbacks=SubscriptionEventCallbacks(**QUIET),
        )

    def _hear(self, topic: str, message: Any) -> None:
        self._now.take(topic, message)
        if topic in (VERDICTS, READINGS):
            self._judged.add((topic, stamp_of(message.header.stamp)))
        if topic != "belt/state":
            self._settled = time.monotonic()

    def _count(self, topic: str) -> Callable[[Any], None]:
        def count(_: Any) -> None:
            self._heard[topic] += 1

        return count

    def _step(self) -> None:
        now = time.monotonic()
        passed, self._stepped = now - self._stepped, now
        if self._state.belt_enabled and self._command.run and not self._playback.over:
            if not self._started:
                self._start()
            if self._awaits(now):
                self._waited_s += passed
                self._playback.wait(round(passed * 1e9))
            else:
                self._advance(round(passed * 1e9))
            self._settled = now
        else:
            self._waiting_since = None
        if now - self._encoder_sent > STANDING_S:
            self._stand()
        self._steps += 1
        if self._steps % CLOCK_STEPS == 0:
            self._clock_publisher.publish(ClockMessage(clock=time_of(self._playback.clock)))
        if self._playback.over and now - self._settled > SETTLED_S:
            self._finish()

    def _awaits(self, now: float) -> bool:
        """Whether a verdict, or a reading where somebody reads, is missing that was there then."""
        self._awaited -= self._judged
        if not self._awaited:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = now
        elif now - self._waiting_since > PATIENCE_S:
            self._awaited.clear()
            self._waiting_since = None
        return bool(self._awaited)

    def _advance(self, passed_ns: int) -> None:
        try:
            for message in self._playback.advance(passed_ns):
                self._play(message)
        except BagError as error:
            raise ConfigurationError(f"bag: {error}") from None

    def _start(self) -> None:
        if any(life.decision or life.outcomes for life in self._now.lives):
            raise ConfigurationError(
                "journal_dir: its journal has decisions of another run; allowed: none, or a new "
                "folder"
            )
        if self.count_publishers("/clock") > 1:
            raise ConfigurationError(
                "use_sim_time: somebody else publishes /clock; allowed: one replay in a network"
            )
        self._started = True
        self.get_logger().info(
            f"playing {self._bag.path} at {self._playback.rate:g} times its pace"
        )

    def _play(self, message: Received) -> None:
        topic = message.topic
        if topic in outcomes.TOPICS:
            recorded = self._bag.decode(message)
            try:
                self._then.take(topic, recorded)
            except ValueError as error:
                raise BagError(f"{self._bag.path}: {topic}: {error}") from None
            read = topic == READINGS and self.count_publishers(topic) > 0
            if self._waits and (topic == VERDICTS or read):
                self._awaited.add((topic, stamp_of(recorded.header.stamp)))
            return
        self._played[topic] += 1
        if topic == self._playback.images:
            self._play_image(message)
            return
        data = self._bag.cdr(message)
        self._out[topic].publish(data)
        if topic == ENCODER:
            self._last_encoder, self._standing_ns = data, 0
            self._encoder_sent = time.monotonic()
        elif topic == BARRIER and self._since is None:
            self._since = stamp_of(self._bag.decode(message).header.stamp)

    def _play_image(self, message: Received) -> None:
        if IMAGES[message.topic] != COMPRESSED:
            self._images.publish(self._bag.cdr(message))
            return
        compressed = self._bag.decode(message)
        try:
            image = to_message(decompressed(compressed))
        except ImageError as error:
            self._heard["images refused"] += 1
            self.get_logger().warning(f"{message.topic}: refused: {error}")
            return
        image.header.stamp = time_of(stamp_of(compressed.header.stamp))
        image.header.frame_id = compressed.header.frame_id
        self._images.publish(image)

    def _stand(self) -> None:
        message = deserialize_message(self._last_encoder, EncoderCount)
        self._standing_ns += 1
        message.header.stamp = time_of(stamp_of(message.header.stamp) + self._standing_ns)
        self._out[ENCODER].publish(message)
        self._encoder_sent = time.monotonic()

    def _finish(self) -> None:
        playback = self._playback
        compared = outcomes.compare(
            self._then, self._now, self._since or playback.clock, playback.decisions_only
        )
        published = ", ".join(f"{count} {topic}" for topic, count in self._played.items())
        for line in (
            f"played {playback.played_s:.1f} s at rate {playback.reached_rate:.2f} "
            f"of {playback.rate:g}, {self._waited_s:.1f} s waited for verdicts: {published}",
            *((self._bag.damage,) if self._bag.damage else ()),
            *compared.lines(),
        ):
            print(line, flush=True)
        if self._report is not None:
            report = {
                "bag": str(self._bag.path),
                "damage": self._bag.damage,
                "lacking": list(playback.notes),
                "rate": playback.rate,
                "reached_rate": round(playback.reached_rate, 3),
                "played_s": round(playback.played_s, 3),
                "waited_s": round(self._waited_s, 3),
                "published": dict(self._played),
                **compared.report(),
            }
            try:
                self._report.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
            except OSError as error:
                print(f"report: {str(self._report)!r} can't be written ({error})", file=sys.stderr)
                sys.exit(1)
        sys.exit(0 if compared.good else 1)

    def _health(self) -> Health:
        values = {
            "played [s]": f"{self._playback.played_s:.1f}",
            "rate reached": f"{self._playback.reached_rate:.2f}",
            **{f"published {topic}": count for topic, count in self._played.items()},
            **{f"heard {topic}": count for topic, count in self._heard.items()},
        }
        return Health(values, warning=self._bag.damage)


def _report_file(path: str) -> Path | None:
    """Raises ConfigurationError."""
    if not path:
        return None
    file = path_of("report", path)
    if not file.parent.is_dir() or file.is_dir():
        raise ConfigurationError(f"report: {path!r} is refused; allowed: a file in a folder")
    return file


def main() -> None:
    sys.exit(run(Replay))
