"""Messages of core objects and of drivers' events; `from_messages` reads them back."""

from __future__ import annotations

from builtin_interfaces.msg import Time

from batsort_core.balance import Balance, Settled
from batsort_core.belt import BeltReading
from batsort_core.decisions import Decision, Shot
from batsort_core.firing import ShotEnd
from batsort_core.inputs import Batch
from batsort_core.items import Item
from batsort_core.recipe import Recipe
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_graph.from_messages import NS, recipe_fields
from batsort_interfaces import msg as batsort

BELT_FRAME = "belt_link"


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
        trusted_since=time_of(reading.trusted_since),
    )
    message.header.stamp = time_of(reading.stamp)
    message.header.frame_id = frame_id
    return message


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


def outcome_message(settled: Settled) -> batsort.ItemOutcome:
    message = batsort.ItemOutcome(
        item_id=settled.item_id,
        outcome=settled.outcome.value,
        bin=settled.bin,
        decided_bin=settled.decided_bin,
    )
    message.header.stamp = time_of(settled.stamp)
    if settled.verdict:
        message.type = settled.verdict.type
        message.confidence = settled.verdict.confidence
        message.novelty = settled.verdict.novelty
    return message


def balance_message(balance: Balance) -> batsort.BinStates:
    return batsort.BinStates(
        bins=[
            batsort.BinState(
                name=bin.name,
                count=bin.count,
                confirmed=bin.confirmed,
                missing=bin.missing,
                unexpected=bin.unexpected,
                in_bag=bin.in_bag,
                capacity=bin.capacity,
                full=bin.full,
            )
            for bin in balance.bins
        ],
        items_in=balance.items_in,
        on_belt=balance.on_belt,
        unexpected=balance.unexpected,
        outcomes=[outcome.value for outcome in balance.outcomes],
        outcome_counts=list(balance.outcomes.values()),
    )


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


def recipe_message(recipe: Recipe, stamp: Time) -> batsort.Recipe:
    message = batsort.Recipe(**recipe_fields(recipe))
    message.header.stamp = stamp
    return message


def order_message(batch: Batch, stamp: int) -> batsort.InputOrder:
    message = batsort.InputOrder(
        first=batch.first,
        kinds=[kind for kind, _ in batch.inputs],
        keys=[key for _, key in batch.inputs],
    )
    message.header.stamp = time_of(stamp)
    return message


def sample_message(sample: EncoderSample) -> batsort.EncoderCount:
    message = batsort.EncoderCount(epoch=sample.epoch, count=sample.count)
    message.header.stamp = time_of(sample.stamp)
    message.header.frame_id = BELT_FRAME
    return message


def edge_message(edge: Edge) -> batsort.BarrierEdge:
    message = batsort.BarrierEdge(epoch=edge.epoch, count=edge.count, blocked=edge.blocked)
    message.header.stamp = time_of(edge.stamp)
    message.header.frame_id = BELT_FRAME
    return message


def arrival_message(arrival: Arrival) -> batsort.BinArrival:
    message = batsort.BinArrival(epoch=arrival.epoch, bin=arrival.bin, count=arrival.count)
    message.header.stamp = time_of(arrival.stamp)
    return message


def end_message(end: ShotEnd) -> batsort.EjectEvent:
    message = batsort.EjectEvent(
        item_id=end.shot.item_id,
        epoch=end.epoch,
        valve=end.shot.valve,
        result=end.result.value,
        planned_count=end.shot.target_count,
        actual_count=end.actual_count,
        detail=end.detail,
    )
    message.header.stamp = time_of(end.stamp)
    return message
