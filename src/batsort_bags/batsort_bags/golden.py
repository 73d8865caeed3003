"""Small bags that tests replay: written anew where this version is meant to decide otherwise.

A golden bag holds what a replay needs and nothing else. Its inputs never change; only verdicts,
decisions and shots are put in the place of those that were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from batsort_bags.reader import Bag
from batsort_bags.recorded import is_recorded
from batsort_bags.replay import replay
from batsort_bags.replayed import Changes, Replayed
from batsort_bags.types import typestore
from batsort_bags.writer import BagWriter
from batsort_core.decisions import Decision, Shot
from batsort_core.items import Verdict
from batsort_graph import names
from batsort_graph.from_messages import CANCEL, FIRE, NS, seen_fields, stamp_of
from batsort_graph.names import BUNDLE, DECISIONS, IMAGES, READINGS, SHOTS, VERDICTS
from batsort_perception.bundle import Bundle
from batsort_perception.engine import Engine

LATCHED = (names.INFO, BUNDLE, names.RECIPE, names.ITEMS, VERDICTS, READINGS, DECISIONS)
KEPT = (
    *(*LATCHED, names.ENCODER, names.BARRIER, names.BELT, names.EVENTS, names.ORDER, SHOTS),
    *(names.ARRIVALS, names.TRUTH, *IMAGES),
)
DEPTH = 100


def golden_bags(folder: Path) -> list[Path]:
    """The bags in a folder, by name."""
    return sorted(file.parent for file in folder.glob("*/metadata.yaml"))


def judge(bag: Bag, bundle: Bundle, threads: int = 2) -> Replayed:
    """Replay as this version decides; a bag with images is judged anew with `bundle`."""
    if not bag.has_images:
        return replay(bag, Changes())
    same = is_recorded(bag, bundle)
    return replay(bag, Changes(engine=Engine(bundle, threads), same_bundle=same))


def write_anew(bag: Bag, replayed: Replayed, bundle: Bundle, out: Path) -> None:
    """Write the bag to `out`, a new folder, with what `replayed` has decided."""
    writer = BagWriter(out)
    connections = {
        topic: writer.add(bag.topics[topic].name, bag.topics[topic].type, DEPTH, topic in LATCHED)
        for topic in KEPT
        if topic in bag.topics
    }
    for topic, stamp, message in _told(bag, replayed, bundle):
        data = message
        if not isinstance(message, bytes):
            data = bytes(typestore().serialize_cdr(message, bag.topics[topic].type))
        writer.write(connections[topic], stamp, data)
    writer.close()


def _told(bag: Bag, replayed: Replayed, bundle: Bundle) -> Iterator[tuple[str, int, Any]]:
    """Topic, stamp of receipt and message, or its bytes where nothing changes."""
    shots = {item_id: list(shots) for item_id, shots in replayed.shots_now.items()}
    for received in bag.messages(KEPT):
        topic, stamp, _ = received
        if topic == BUNDLE and replayed.judged:
            yield topic, stamp, _bundle_message(bag.decode(received), bundle)
        elif topic == VERDICTS and replayed.judged:
            message = bag.decode(received)
            verdict = replayed.judged.get(message.item_id)
            if verdict is not None and verdict.image_stamp == stamp_of(message.header.stamp):
                message = _verdict_message(message, verdict, bundle)
            yield topic, stamp, message
        elif topic == DECISIONS:
            message = bag.decode(received)
            now = replayed.now.get(message.item_id)
            if now is None:
                continue
            yield topic, stamp, _decision_message(message, now)
            if SHOTS in bag.topics:
                for shot in shots.pop(now.item_id, []):
                    yield SHOTS, stamp, _shot_message(message.header, shot)
        elif topic != SHOTS:
            yield topic, stamp, bag.cdr(received)


def _bundle_message(message: Any, bundle: Bundle) -> Any:
    return replace(
        message,
        id=bundle.id,
        network_sha256=bundle.network.sha256,
        description_sha256=bundle.description_sha256,
        types=list(bundle.types),
    )


def _verdict_message(message: Any, verdict: Verdict, bundle: Bundle) -> Any:
    scores = verdict.scores or {}
    return replace(
        message,
        type=verdict.type,
        confidence=verdict.confidence,
        novelty=verdict.novelty,
        types=list(scores),
        scores=np.array(list(scores.values()), np.float32),
        bundle_id=bundle.id,
        **seen_fields(verdict),
    )


def _decision_message(message: Any, decision: Decision) -> Any:
    judged = decision.verdict
    return replace(
        message,
        header=replace(message.header, stamp=_time(decision.stamp)),
        bin=decision.bin,
        reason=decision.reason.value,
        decided_count=decision.decided_count,
        image_stamp=_time(judged.image_stamp if judged else 0),
        type=judged.type if judged else "",
        confidence=judged.confidence if judged else 0.0,
        novelty=judged.novelty if judged else 0.0,
    )


def _shot_message(header: Any, shot: Shot) -> Any:
    kind = typestore().types["batsort_interfaces/msg/EjectCommand"]
    return kind(
        header=header,
        item_id=shot.item_id,
        epoch=shot.epoch,
        valve=shot.valve,
        action=FIRE if shot.fire else CANCEL,
        target_count=shot.target_count,
        lead_s=shot.lead_s,
        pulse_s=shot.pulse_s,
    )


def _time(stamp: int) -> Any:
    return typestore().types["builtin_interfaces/msg/Time"](*divmod(stamp, NS))
