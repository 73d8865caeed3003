"""The order of receipt, where a bag does not hold the one in which the ejector took its inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from batsort_bags.reader import Bag
from batsort_core.inputs import Input
from batsort_graph.from_messages import stamp_of
from batsort_graph.names import (
    ARRIVALS,
    BELT,
    CELL,
    DECISIONS,
    EVENTS,
    ITEMS,
    READINGS,
    RECIPE,
    VERDICTS,
)

KINDS = {
    RECIPE: Input.RECIPE,
    ITEMS: Input.ITEM,
    VERDICTS: Input.VERDICT,
    READINGS: Input.PRINT,
    BELT: Input.BELT,
    EVENTS: Input.EVENT,
    ARRIVALS: Input.ARRIVAL,
    CELL: Input.CANCEL_ALL,
}
ABORT = ("aborting", "aborted")


class Turn(NamedTuple):
    """One input's place in the order."""

    reading: int
    """Stamp of the belt reading at or after which it is taken [ns]."""
    number: int
    kind: Input
    key: int


def order_of_receipt(bag: Bag) -> Iterator[Turn]:
    """As received, but each verdict at the belt reading that its decision names.

    Raises BagError.
    """
    decided: dict[int, int] = {}
    for received in bag.messages([DECISIONS]):
        message = bag.decode(received)
        decided.setdefault(message.item_id, stamp_of(message.header.stamp))
    turns: list[tuple[int, bool, int, Input, int]] = []
    reading = 0
    for number, received in enumerate(bag.messages(KINDS)):
        message, kind = bag.decode(received), KINDS[received.topic]
        place, key = reading, stamp_of(message.header.stamp)
        match kind:
            case Input.BELT:
                place = reading = max(reading, key)
            case Input.ITEM:
                key = message.id
            case Input.EVENT:
                key = message.item_id
            case Input.CANCEL_ALL if message.state not in ABORT:
                continue
            case Input.VERDICT:
                place = decided.get(message.item_id, place)
        turns.append((place, kind is Input.VERDICT, number, kind, key))
    for number, (place, _, _, kind, key) in enumerate(sorted(turns)):
        yield Turn(place, number, kind, key)
