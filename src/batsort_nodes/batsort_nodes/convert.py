"""Messages to core objects and back; nothing is decided here."""

from __future__ import annotations

import math

from batsort_core.belt import BeltReading
from batsort_core.items import Item, Verdict
from batsort_core.sorter import Decision, Shot
from batsort_interfaces import msg as batsort
from builtin_interfaces.msg import Time

NS = 1_000_000_000


def stamp_of(time: Time) -> int:
    """Nanoseconds since the Unix epoch."""
    return time.sec * NS + time.nanosec


def time_of(stamp: int) -> Time:
    """The message for nanoseconds since the Unix epoch."""
    return Time(sec=stamp // NS, nanosec=stamp % NS)


def reading_message(reading: BeltReading, frame_id: str) -> batsort.BeltState:
    message = batsort.BeltState(
        epoch=reading.epoch,
        count=reading.count,
        position=reading.position,
        velocity=reading.velocity,
        moving=reading.moving,
    )
    message.header.stamp = time_of(reading.stamp)
    message.header.frame_id = frame_id
    return message


def reading_of(message: batsort.BeltState) -> BeltReading:
    return BeltReading(
        stamp=stamp_of(message.header.stamp),
        epoch=message.epoch,
        count=message.count,
        position=message.position,
        velocity=message.velocity,
        moving=message.moving,
    )


def item_message(item: Item, metres_per_count: float, frame_id: str) -> batsort.BeltItem:
    message = batsort.BeltItem(
        id=item.id,
        epoch=item.epoch,
        count=item.count,
        position=item.count * metres_per_count,
        length=item.length,
    )
    message.header.stamp = time_of(item.stamp)
    message.header.frame_id = frame_id
    return message


def item_of(message: batsort.BeltItem) -> Item:
    return Item(
        id=message.id,
        epoch=message.epoch,
        count=message.count,
        length=message.length,
        stamp=stamp_of(message.header.stamp),
    )


def verdict_of(message: batsort.BatteryClassification) -> Verdict:
    return Verdict(
        item_id=message.item_id,
        type=message.type,
        confidence=message.confidence,
        novelty=message.novelty,
        image_stamp=stamp_of(message.header.stamp),
    )


def decision_message(decision: Decision) -> batsort.SortDecision:
    message = batsort.SortDecision(
        item_id=decision.item_id,
        epoch=decision.epoch,
        bin=decision.bin,
        reason=decision.reason.value,
        decided_count=decision.decided_count,
    )
    message.header.stamp = time_of(decision.stamp)
    if decision.verdict:
        message.image_stamp = time_of(decision.verdict.image_stamp)
        message.type = decision.verdict.type
        message.confidence = decision.verdict.confidence
        message.novelty = decision.verdict.novelty
    return message


def shot_message(shot: Shot, stamp: Time) -> batsort.EjectCommand:
    message = batsort.EjectCommand(
        item_id=shot.item_id,
        epoch=shot.epoch,
        valve=shot.valve,
        action=batsort.EjectCommand.FIRE if shot.fire else batsort.EjectCommand.CANCEL,
        target_count=shot.target_count,
        lead_s=shot.lead_s,
        pulse_s=shot.pulse_s,
    )
    message.header.stamp = stamp
    return message


def finite(value: float) -> float:
    """A number that a consumer may plot: NaN becomes 0."""
    return value if math.isfinite(value) else 0.0
