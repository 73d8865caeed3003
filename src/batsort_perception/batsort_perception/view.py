"""Which item an image shows, and where: belt counts to pixels.

Axes of the image: +u is the sorting direction, the camera line is the column `image_width / 2`, the
belt's middle is the row `image_height / 2`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from batsort_core.cell import CellDescription
from batsort_core.items import Item


@dataclass(frozen=True, slots=True)
class ItemView:
    """One item in one image; all lengths in pixels."""

    item: Item
    u: float
    """Column of its centre."""
    length_px: float
    """Along the belt, as the barrier measured it."""
    left: float
    """First column that is this item's own: half-way to its neighbour."""
    right: float
    """End of its own columns."""
    top: float
    """First row of the belt."""
    bottom: float
    """End of the belt's rows."""
    metres_per_pixel: float
    """On the belt."""

    @property
    def item_id(self) -> int:
        """Id of the item."""
        return self.item.id


def item_on_line(
    cell: CellDescription, belt_count: float, epoch: int, items: Iterable[Item]
) -> ItemView | None:
    """Return the item that lies on the camera line, or None where none does.

    One beside it is never taken for it: it may not have been announced yet.
    `belt_count` is the belt's position at the exposure. Items of another epoch are left out.
    """
    camera = cell.camera

    def column(item: Item) -> float:
        past_line = cell.metres(belt_count - item.count) - camera.distance
        return camera.image_width / 2 + past_line / camera.metres_per_pixel

    seen = [(column(item), item) for item in items if item.epoch == epoch]
    if not seen:
        return None
    u, item = min(seen, key=lambda pair: abs(pair[0] - camera.image_width / 2))
    half = item.length / camera.metres_per_pixel / 2
    if abs(u - camera.image_width / 2) > half:
        return None
    left, right = 0.0, float(camera.image_width)
    for other_u, other in seen:
        other_half = other.length / camera.metres_per_pixel / 2
        if not -other_half < other_u < camera.image_width + other_half:
            # Whether an item out of sight has been announced yet must not change a verdict.
            continue
        if other_u < u:
            left = max(left, min(u - half, (u - half + other_u + other_half) / 2))
        elif other_u > u:
            right = min(right, max(u + half, (u + half + other_u - other_half) / 2))
    half_belt = cell.belt.width / camera.metres_per_pixel / 2
    middle = camera.image_height / 2
    return ItemView(
        item=item,
        u=u,
        length_px=2 * half,
        left=left,
        right=right,
        top=max(0.0, middle - half_belt),
        bottom=min(float(camera.image_height), middle + half_belt),
        metres_per_pixel=camera.metres_per_pixel,
    )
