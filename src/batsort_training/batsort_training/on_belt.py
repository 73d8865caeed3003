"""Where photos and drawings lie on the twin's belt, and what the cell is told of where they are."""

from __future__ import annotations

import math

from batsort_core.cell import Camera
from batsort_core.items import Item
from batsort_perception.view import ItemView
from batsort_twin.bodies import Decal, Wrap
from batsort_twin.camera import CameraGeometry

CAMERA = Camera(
    distance=0.20, height=0.35, metres_per_pixel=0.0004, image_width=640, image_height=480
)
"""Of the default cell."""
BELT_WIDTH = 0.08
MOST_YAW = math.radians(12)
MOST_OFFSET = 0.022
"""Of an item from the belt's middle [m]."""
MOST_PAST = 0.03
"""Of an item from the camera line [m]."""
RAIL_GAP = 0.002
"""Least between an item and the rails [m]."""


def across(skin: Wrap | Decal) -> float:
    """Its other measure beside the length [m]."""
    return skin.diameter if isinstance(skin, Wrap) else skin.width


def room(skin: Wrap | Decal) -> float:
    """How far from the belt's middle its own may lie [m]."""
    return max(0.0, min(MOST_OFFSET, (BELT_WIDTH - across(skin)) / 2 - RAIL_GAP))


def view_of(skin: Wrap | Decal, yaw: float, u: float, camera: CameraGeometry) -> ItemView:
    """What the cell is told of the only item in an image: turned by `yaw` [rad], at column `u`."""
    length = skin.length * math.cos(yaw) + across(skin) * abs(math.sin(yaw))
    half_belt = BELT_WIDTH / camera.metres_per_pixel / 2
    middle = camera.image_height / 2
    return ItemView(
        item=Item(id=0, epoch=0, count=0, length=length, stamp=0),
        u=u,
        length_px=length / camera.metres_per_pixel,
        left=0.0,
        right=float(camera.image_width),
        top=middle - half_belt,
        bottom=middle + half_belt,
        metres_per_pixel=camera.metres_per_pixel,
    )
