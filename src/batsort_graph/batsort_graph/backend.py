"""What every backend does alike: what it tells on which topic, and which shots it takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batsort_core.decisions import Shot
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_graph.from_messages import shot_of, stamp_of
from batsort_graph.to_messages import arrival_message, edge_message, end_message, sample_message
from batsort_interfaces.msg import EjectCommand

EVENTS: dict[type, tuple[str, Callable[[Any], Any]]] = {
    EncoderSample: ("belt/encoder", sample_message),
    Edge: ("belt/barrier", edge_message),
    Arrival: ("bins/arrivals", arrival_message),
    ShotEnd: ("ejector/events", end_message),
}
"""Topic and message of each event of a device, in the order of an item's way."""


def shot_since(message: EjectCommand, began: int) -> Shot | None:
    """The shot of a command; None where it was commanded before this process `began` [ns].

    The process before may have executed it.
    """
    return shot_of(message) if stamp_of(message.header.stamp) >= began else None
