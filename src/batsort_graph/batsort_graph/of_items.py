"""What tells of items, topic by topic: all that `batsort_core.item_life` joins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from batsort_core.item_life import Told
from batsort_graph.from_messages import (
    decision_of,
    ejected_of,
    item_of,
    print_of,
    settled_of,
    verdict_of,
)

OF_ITEMS: dict[str, Callable[[Any], Told]] = {
    "belt/items": item_of,
    "classifications": verdict_of,
    "readings": print_of,
    "items/decisions": decision_of,
    "ejector/events": ejected_of,
    "items/outcomes": settled_of,
}
"""By topic, what its message tells; raises ValueError for one that can't be."""
