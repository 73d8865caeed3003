"""What rviz is to show of a cell, as plain marks in the frame `cell`. No ROS in here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np

from batsort_core.cell import CellDescription
from batsort_core.item_life import ItemLife
from batsort_core.items import Outcome
from batsort_description.layout import (
    BIN_HEIGHT,
    Colour,
    Quaternion,
    Vector,
    bin_colours,
    bin_link,
    links,
    nozzle,
    poses,
    quaternion,
)
from batsort_nodes.view_state import ViewState

UPRIGHT: Quaternion = (0.0, 0.0, 0.0, 1.0)
LYING = quaternion((0.0, math.pi / 2, 0.0))
"""A cylinder's axis along the belt."""
DIAMETER = 0.014
"""Of any item: an AA cell's, since the barrier measures the length only."""
LETTERS, SMALL = 0.016, 0.011
UNDECIDED: Colour = (0.9, 0.9, 0.9)
RED, WHITE, AIR = (1.0, 0.1, 0.1), (1.0, 1.0, 1.0), (0.6, 0.85, 1.0)


class Kind(Enum):
    """Shapes of marks."""

    CUBE = auto()
    CYLINDER = auto()
    TEXT = auto()
    LINES = auto()


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing to draw; `group` and `number` name it."""

    group: str
    number: int
    kind: Kind
    xyz: Vector
    size: Vector
    """[m]; of a text the height of its letters, of lines their width first."""
    colour: Colour
    alpha: float = 1.0
    turn: Quaternion = UPRIGHT
    text: str = ""
    points: tuple[Vector, ...] = ()
    """Ends of lines, in pairs [m]."""


class Marks:
    """Draws one cell."""

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._colours = bin_colours(cell)
        self._links = links(cell)
        self._poses = poses(self._links)

    def still(self) -> list[Mark]:
        """What never moves: belt, barrier, camera, nozzles, bins and eyes."""
        marks: list[Mark] = []
        for link in self._links:
            pose = self._poses[link.name]
            for box in link.boxes:
                middle = pose.xyz + pose.axes @ np.array(box.middle)
                see_through = 0.35 if link.name.startswith("bin_") else 1.0
                mark = Mark(
                    "cell",
                    len(marks),
                    Kind.CUBE,
                    _vector(middle),
                    box.size,
                    box.colour,
                    see_through,
                    pose.turn,
                )
                marks.append(mark)
        return marks

    def moving(self, state: ViewState) -> list[Mark]:
        """What the state shows: items, jets, outcomes, how full the bins are, what is too close."""
        return [
            *(mark for pair in enumerate(state.on_belt()) for mark in self._item(*pair)),
            *(mark for pair in enumerate(state.leaving().items()) for mark in self._left(*pair)),
            *(self._jet(valve) for valve in state.blowing()),
            *self._fills(state),
            *self._gaps(state.too_close()),
            self._state(state),
        ]

    def _item(self, number: int, placed: tuple[float, ItemLife]) -> list[Mark]:
        x, life = placed
        bin = life.decision.bin if life.decision else ""
        length = life.item.length if life.item else 0.0
        label = f"{_label(life)}\n{bin}" if bin else _label(life)
        lies = (x, 0.0, DIAMETER / 2)
        size = (DIAMETER, DIAMETER, length)
        colour = self._colours.get(bin, UNDECIDED)
        # Neighbours' labels at two heights, so that both can be read.
        above = (x, 0.0, 0.045 + 0.04 * (number % 2))
        return [
            Mark("items", number, Kind.CYLINDER, lies, size, colour, turn=LYING),
            Mark("labels", number, Kind.TEXT, above, (0, 0, SMALL), WHITE, text=label),
        ]

    def _left(self, number: int, left: tuple[str, ItemLife]) -> list[Mark]:
        bin, life = left
        if bin not in self._colours or life.settled is None:
            return []
        x, y, z = self._mouth(bin)
        outcome = life.settled.outcome
        good = outcome is Outcome.SORTED_CONFIRMED or outcome.startswith("others_")
        size = (DIAMETER, DIAMETER, life.item.length if life.item else 0.05)
        colour = self._colours[bin]
        place, above = (x, y, z), (x, y, z + 0.05)
        ink = WHITE if good else RED
        return [
            Mark("left", number, Kind.CYLINDER, place, size, colour, 0.9, LYING),
            Mark("outcomes", number, Kind.TEXT, above, (0, 0, SMALL), ink, text=outcome.value),
        ]

    def _jet(self, valve: int) -> Mark:
        start = self._poses[nozzle(valve)].xyz
        reach = self._cell.belt.width + 0.04
        middle = (float(start[0]), float(start[1]) + reach / 2, float(start[2]))
        size = (self._cell.ejection.nozzle_width, reach, 0.012)
        return Mark("jets", valve, Kind.CUBE, middle, size, AIR, 0.6)

    def _fills(self, state: ViewState) -> list[Mark]:
        marks = []
        for number, bin in enumerate(self._cell.bins):
            x, y, z = _vector(self._poses[bin_link(bin)].xyz)
            fill = state.fills.get(bin.name)
            text = bin.name if fill is None else f"{bin.name}\n{fill.count}"
            if fill is not None and fill.capacity:
                text += f" of {fill.capacity}"
                height = max(0.001, BIN_HEIGHT * min(1.0, fill.count / fill.capacity))
                place, size = (x, y, z + height / 2), (0.1, 0.1, height)
                colour = self._colours[bin.name]
                marks.append(Mark("fill", number, Kind.CUBE, place, size, colour))
            full = fill is not None and fill.full
            # Behind the bin, clear of what is told of the items before it.
            above = (x, y + 0.12, z + BIN_HEIGHT + 0.05)
            ink = RED if full else WHITE
            marks.append(Mark("bins", number, Kind.TEXT, above, (0, 0, LETTERS), ink, text=text))
        return marks

    def _gaps(self, pairs: list[tuple[float, float]]) -> list[Mark]:
        if not pairs:
            return []
        points = tuple((x, 0.0, 0.025) for pair in pairs for x in pair)
        origin = (0.0, 0.0, 0.0)
        return [Mark("gaps", 0, Kind.LINES, origin, (0.006, 0, 0), RED, points=points)]

    def _state(self, state: ViewState) -> Mark:
        speed = f"{state.reading.velocity:.2f} m/s" if state.reading else "belt not heard"
        text = f"{state.cell_state or 'cell not heard'}\n{speed}"
        return Mark("state", 0, Kind.TEXT, (0.0, 0.0, 0.16), (0, 0, 2 * LETTERS), WHITE, text=text)

    def _mouth(self, bin: str) -> Vector:
        x, y, z = _vector(self._poses[bin_link(self._cell.bin(bin))].xyz)
        return (x, y, z + BIN_HEIGHT)


def _label(life: ItemLife) -> str:
    """Type and confidence, as far as they are known."""
    verdict = life.verdict or life.judged
    return f"{verdict.type} {verdict.confidence:.0%}" if verdict and verdict.type else "?"


def _vector(values: np.ndarray) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
