"""What a bag says of its cell and its model bundle."""

from __future__ import annotations

import yaml

from batsort_bags.reader import Bag, BagError
from batsort_core.cell import CellDescription, CellError, parse_cell
from batsort_graph.names import BUNDLE, INFO
from batsort_perception.bundle import Bundle

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def recorded_cell(bag: Bag) -> CellDescription:
    """The cell description in a bag. Raises BagError where there is none or it is refused."""
    for received in bag.messages([INFO]):
        try:
            return parse_cell(yaml.load(bag.decode(received).description, LOADER))
        except (yaml.YAMLError, CellError, AttributeError) as error:
            raise BagError(f"{bag.path}: {INFO}: {error}") from None
    raise BagError(f"{bag.path}: no {INFO} in it, which has the cell description")


def is_recorded(bag: Bag, bundle: Bundle) -> bool:
    """Whether a bag's verdicts, at its end, are those of `bundle`. Raises BagError."""
    recorded = None
    for received in bag.messages([BUNDLE]):
        message = bag.decode(received)
        recorded = message.network_sha256, message.description_sha256
    return recorded == (bundle.network.sha256, bundle.description_sha256)
