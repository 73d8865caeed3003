"""Messages as the cell's devices and nodes send them, for tests."""

from __future__ import annotations

import math

from batsort_graph.to_messages import time_of
from batsort_interfaces import msg as batsort

T0 = 1_800_000_000_000_000_000
EPOCH = 7
METRES_PER_COUNT = 0.0001
SPEED = 5000
"""Counts a second: 0.5 m/s."""


def stamp_at(count: int) -> int:
    """When a belt that runs at SPEED since T0 is at `count` [ns]."""
    return T0 + count * 1_000_000_000 // SPEED


def encoder(count: int, stamp: int | None = None) -> batsort.EncoderCount:
    message = batsort.EncoderCount(epoch=EPOCH, count=count)
    message.header.stamp = time_of(stamp_at(count) if stamp is None else stamp)
    return message


def edge(count: int, blocked: bool) -> batsort.BarrierEdge:
    message = batsort.BarrierEdge(epoch=EPOCH, count=count, blocked=blocked)
    message.header.stamp = time_of(stamp_at(count))
    return message


def belt_state(count: int, velocity: float = 0.5) -> batsort.BeltState:
    message = batsort.BeltState(
        epoch=EPOCH,
        count=count,
        position=count * METRES_PER_COUNT,
        velocity=velocity,
        moving=velocity != 0.0,
    )
    message.header.stamp = time_of(stamp_at(count))
    return message


def item(count: int, length: float = 0.05) -> batsort.BeltItem:
    half = round(length / METRES_PER_COUNT / 2)
    message = batsort.BeltItem(
        id=stamp_at(count - half) // 1000,
        epoch=EPOCH,
        count=count,
        position=count * METRES_PER_COUNT,
        length=length,
    )
    message.header.stamp = time_of(stamp_at(count + half))
    return message


def verdict(
    item_id: int, kind: str, confidence: float = 0.99, klarus: float = 0.0
) -> batsort.BatteryClassification:
    scores = {"Klarus": klarus, kind: confidence}
    message = batsort.BatteryClassification(
        item_id=item_id,
        type=kind,
        confidence=confidence,
        types=list(scores),
        scores=list(scores.values()),
        offset=math.nan,
        clearance=math.inf,
    )
    message.header.stamp = time_of(T0)
    return message


def reading(
    item_id: int, chemistry: str, confidence: float = 0.9, brand: str = ""
) -> batsort.PrintReading:
    message = batsort.PrintReading(
        item_id=item_id,
        chemistry=chemistry,
        confidence=confidence,
        voltage=math.nan,
        brand=brand,
        brand_confidence=1.0 if brand else 0.0,
    )
    message.header.stamp = time_of(T0)
    return message
