"""What a cell looks like, from its description: links with frames, and the boxes they are made of.

Frames as ROS has them (REP-103: x forward, y left, z up; an optical frame z forward, x right, y
down). `cell` and `belt_link` lie on the belt's surface under the light barrier, x in the sorting
direction; the nozzles blow towards +y, where the bins are. What the description does not say, such
as the height of a bin's wall, is for the eye only.
"""

import colorsys
import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from batsort_core.cell import Bin, CellDescription

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]
"""x, y, z and w."""
Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 1."""

CELL, BELT, CAMERA, OPTICAL = "cell", "belt_link", "camera_link", "camera_optical_frame"
NONE: Vector = (0.0, 0.0, 0.0)
DOWN: Vector = (0.0, math.pi / 2, math.pi / 2)
"""Roll, pitch and yaw of a camera that looks down, so that its image's +u is the belt's +x."""
TO_OPTICAL: Vector = (-math.pi / 2, 0.0, -math.pi / 2)
ACROSS: Vector = (0.0, 0.0, math.pi / 2)
"""A nozzle's x is the way it blows."""
BELT_BEFORE, BELT_THICK = 0.30, 0.06
BIN_DEPTH, BIN_HEIGHT, BIN_BEFORE, BIN_LAST = 0.16, 0.14, 0.031, 0.15
EDGE = 0.02
"""Of the belt beside its guide rails."""
NOZZLE_HEIGHT = 0.012
RUBBER, DARK, METAL = (0.16, 0.17, 0.18), (0.1, 0.1, 0.12), (0.62, 0.65, 0.68)
GREY, BEAM = (0.55, 0.55, 0.55), (0.9, 0.1, 0.1)


@dataclass(frozen=True, slots=True)
class Box:
    """A box of `size` [m], its middle at `middle` in the frame of its link."""

    size: Vector
    middle: Vector
    colour: Colour


@dataclass(frozen=True, slots=True)
class Link:
    """A frame that is fixed to its parent's, and what stands there."""

    name: str
    parent: str
    xyz: Vector
    """Of its origin in the parent's frame [m]."""
    rpy: Vector = NONE
    """Roll, pitch and yaw in the parent's frame [rad]: about its fixed x, then y, then z."""
    boxes: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Where a frame is in `cell`."""

    xyz: NDArray[np.float64]
    axes: NDArray[np.float64]
    """float64[3, 3], one axis a column."""
    turn: Quaternion
    """The same."""


def nozzle(valve: int) -> str:
    """The name of a valve's nozzle."""
    return f"nozzle_{valve}"


def bin_link(bin: Bin) -> str:
    """The name of a bin's link: its middle, at the height of its floor."""
    return f"bin_{bin.name}"


def eye_link(bin: Bin) -> str:
    """The name of a bin's confirm eye."""
    return f"eye_{bin.name}"


def links(cell: CellDescription) -> tuple[Link, ...]:
    """Every link but `cell`, parents first."""
    belt, camera = cell.belt, cell.camera
    half, end = belt.width / 2, cell.others.distance
    length = end + BELT_BEFORE
    rail = (length, 0.006, 0.03)
    middle = end - length / 2
    post = (0.01, 0.01, 0.06)
    found = [
        Link(
            BELT,
            CELL,
            NONE,
            boxes=(
                Box((length, belt.width, BELT_THICK), (middle, 0.0, -BELT_THICK / 2), RUBBER),
                Box(rail, (middle, -half - rail[1] / 2, rail[2] / 2), METAL),
            ),
        ),
        Link(
            "barrier_link",
            BELT,
            NONE,
            boxes=(
                Box(post, (0.0, half + EDGE, 0.03), DARK),
                Box(post, (0.0, -half - EDGE, 0.03), DARK),
                Box((0.002, 2 * half + 2 * EDGE, 0.002), (0.0, 0.0, 0.01), BEAM),
            ),
        ),
        Link(
            CAMERA,
            BELT,
            (camera.distance, 0.0, camera.height),
            DOWN,
            boxes=(Box((0.05, 0.04, 0.04), (-0.025, 0.0, 0.0), DARK),),
        ),
        Link(OPTICAL, CAMERA, NONE, TO_OPTICAL),
    ]
    for bin in cell.ejectors:
        place = (bin.distance, -half - EDGE, NOZZLE_HEIGHT)
        block = Box((0.03, cell.ejection.nozzle_width, 0.02), (-0.015, 0.0, 0.0), METAL)
        found.append(Link(nozzle(bin.valve or 0), BELT, place, ACROSS, (block,)))
    colours = bin_colours(cell)
    for bin, (first, last) in zip(cell.bins, _mouths(cell), strict=True):
        at_end = bin is cell.others
        width = belt.width + 2 * EDGE if at_end else BIN_DEPTH
        y = 0.0 if at_end else half + EDGE + BIN_DEPTH / 2
        place = ((first + last) / 2, y, -BELT_THICK - BIN_HEIGHT)
        walls = _walls(last - first - 0.006, width, colours[bin.name])
        found.append(Link(bin_link(bin), BELT, place, boxes=walls))
        eye = (0.0, 0.0, BIN_HEIGHT + 0.02)
        beam = (0.002, width, 0.002) if at_end else (last - first - 0.006, 0.002, 0.002)
        found.append(Link(eye_link(bin), bin_link(bin), eye, boxes=(Box(beam, NONE, BEAM),)))
    return tuple(found)


def _mouths(cell: CellDescription) -> list[tuple[float, float]]:
    """From where to where each bin takes items, along the belt [m]; the last behind its end."""
    edges = [bin.distance - BIN_BEFORE for bin in cell.ejectors]
    pitch = min((b - a for a, b in pairwise(edges)), default=BIN_LAST)
    end = cell.others.distance
    return [*pairwise([*edges, min(edges[-1] + pitch, end)]), (end, end + BIN_LAST)]


def _walls(along: float, across: float, colour: Colour) -> tuple[Box, ...]:
    thick, height = 0.004, BIN_HEIGHT
    return (
        Box((along, across, thick), (0.0, 0.0, thick / 2), colour),
        Box((thick, across, height), (along / 2, 0.0, height / 2), colour),
        Box((thick, across, height), (-along / 2, 0.0, height / 2), colour),
        Box((along, thick, height), (0.0, across / 2, height / 2), colour),
    )


def bin_colours(cell: CellDescription) -> dict[str, Colour]:
    """A colour for each bin by name, as far apart as so many can be; `others` is grey."""
    count = len(cell.ejectors)
    colours = {
        bin.name: colorsys.hls_to_rgb(i / count, 0.45 if i % 2 else 0.6, 0.75)
        for i, bin in enumerate(cell.ejectors)
    }
    return {**colours, cell.others.name: GREY}


def rotation(rpy: Vector) -> NDArray[np.float64]:
    """The axes of a frame turned by roll, pitch and yaw, float64[3, 3], one a column."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(rpy), np.sin(rpy)
    return np.array(
        [
            [cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr],
            [sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr],
            [-sp, cp * sr, cp * cr],
        ]
    )


def quaternion(rpy: Vector) -> Quaternion:
    """The same turn as a quaternion."""
    (cr, cp, cy), (sr, sp, sy) = np.cos(np.divide(rpy, 2)), np.sin(np.divide(rpy, 2))
    turn = (
        sr * cp * cy - cr * sp * sy,
        cr * sp * cy + sr * cp * sy,
        cr * cp * sy - sr * sp * cy,
        cr * cp * cy + sr * sp * sy,
    )
    x, y, z, w = (float(part) for part in turn)
    return x, y, z, w


def _after(first: Quaternion, then: Quaternion) -> Quaternion:
    """The turn `then` in the frame that `first` makes (Hamilton product)."""
    a, b, c, d = first
    x, y, z, w = then
    return (
        d * x + a * w + b * z - c * y,
        d * y - a * z + b * w + c * x,
        d * z + a * y - b * x + c * w,
        d * w - a * x - b * y - c * z,
    )


def poses(chain: tuple[Link, ...]) -> dict[str, Pose]:
    """Where each link is in `cell`, by name; parents come first in `chain`."""
    found = {CELL: Pose(np.zeros(3), np.eye(3), quaternion(NONE))}
    for link in chain:
        parent = found[link.parent]
        xyz = parent.xyz + parent.axes @ np.array(link.xyz)
        turn = _after(parent.turn, quaternion(link.rpy))
        found[link.name] = Pose(xyz, parent.axes @ rotation(link.rpy), turn)
    return found
