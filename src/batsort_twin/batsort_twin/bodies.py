"""What the camera may see: skins, and bodies at their poses; axes as in `camera`.

A body frame has its z along the battery's axis, the positive end at +z.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Wrap:
    """A battery's printed sleeve, unrolled, and its metal ends.

    ``side`` is uint8[around, along, 3] RGB: columns run from the negative to the positive end, rows
    around the axis so that print which reads properly in the array reads properly on the battery.
    """

    side: Image
    length: float
    """With the terminal [m]."""
    diameter: float
    terminal_length: float = 0.001
    terminal_diameter: float = 0.0055
    metal: tuple[int, int, int] = (196, 196, 192)
    gloss: float = 0.30


@dataclass(frozen=True, slots=True, eq=False)
class Decal:
    """A flat picture that lies on the belt: a photo, a package, a cable seen from above.

    ``rgba`` is uint8[across, along, 4], alpha straight; its columns run along the body's z.
    """

    rgba: Image
    length: float
    """Of the columns [m]."""
    width: float
    """Of the rows [m]."""


@dataclass(frozen=True, slots=True)
class Body:
    """A skin at a pose: position of the centre [m], float64[3, 3] from body to world axes."""

    skin: Wrap | Decal
    position: tuple[float, float, float]
    rotation: Floats


def lying(
    skin: Wrap | Decal, x: float, y: float = 0.0, yaw: float = 0.0, roll: float = 0.0
) -> Body:
    """The skin lying on the belt, its positive end towards ``yaw`` [rad, from +x to +y], rolled
    about its axis by ``roll`` [rad]."""
    height = skin.diameter / 2 if isinstance(skin, Wrap) else min(skin.width, 0.014) / 2
    return Body(skin, (x, y, height), lying_rotation(yaw, roll))


def lying_rotation(yaw: float, roll: float) -> Floats:
    """float64[3, 3] from body to world axes of what lies on the belt; see ``lying``."""
    axis = np.array([math.cos(yaw), math.sin(yaw), 0.0])
    side = np.array([-math.sin(yaw), math.cos(yaw), 0.0])
    first = math.cos(roll) * side + math.sin(roll) * np.array([0.0, 0.0, 1.0])
    return np.column_stack([first, np.cross(axis, first), axis])
