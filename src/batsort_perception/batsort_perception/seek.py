"""An item in a picture, where nobody knows yet how far the camera is from the barrier."""

from __future__ import annotations

import numpy as np

from batsort_core.cell import CellDescription
from batsort_core.items import Item
from batsort_perception.crop import Crop, crop_item
from batsort_perception.preprocess import Image
from batsort_perception.view import ItemView


def seek_item(image_rgb: Image, cell: CellDescription, item: Item) -> tuple[float, Crop] | None:
    """Column of the item's centre in uint8[h, w, 3], and what was found there; None: it is not.

    Of several things of its length the one nearest to the picture's middle is taken. Raises
    ValueError where `image_rgb` is not uint8[h, w, 3].
    """
    camera = cell.camera
    length = item.length / camera.metres_per_pixel
    half_belt = cell.belt.width / camera.metres_per_pixel / 2
    height, width = image_rgb.shape[:2]
    found: list[tuple[float, Crop]] = []
    for u in np.arange(length / 2, width - length / 2, length / 2).tolist():
        view = ItemView(
            item=item,
            u=u,
            length_px=length,
            left=0.0,
            right=float(width),
            top=max(0.0, height / 2 - half_belt),
            bottom=min(float(height), height / 2 + half_belt),
            metres_per_pixel=camera.metres_per_pixel,
        )
        crop = crop_item(image_rgb, view)
        if crop.offset is None:
            continue
        centre = u + crop.offset / camera.metres_per_pixel
        if length / 2 < centre < width - length / 2:
            found.append((centre, crop))
    return min(found, key=lambda seen: abs(seen[0] - width / 2)) if found else None
