"""What is fed onto the belt: a seeded stream of items, drawn or photographed."""

import math
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from batsort_twin.bodies import Decal, Wrap
from batsort_twin.designs import KNOWN, UNKNOWN
from batsort_twin.photos import PhotoLibrary
from batsort_twin.sizes import SIZES, Size
from batsort_twin.things import THINGS
from batsort_twin.wraps import skin_for

T = TypeVar("T")

AAA_SHARE = 0.4
THING_SHARE = 0.3
"""Of the unknown items that are no batteries."""
MOST_YAW = math.radians(10)
MOST_OFFSET = 0.008
"""Across the belt [m]."""
WIRE_DIAMETER, WIRE_MASS = 0.0045, 0.004
PACKAGE_HEIGHT, PACKAGE_MASS = 0.009, 0.018


@dataclass(frozen=True, slots=True)
class Item:
    """One item of the stream. Its body's z runs along its length."""

    index: int
    type: str
    """True type; empty for an unknown one."""
    label: str
    size: str
    skin: Wrap | Decal
    photo: str
    photo_sha256: str
    box: bool
    """A box, else a cylinder along z."""
    half: tuple[float, float, float]
    """Half of its extents in body axes [m]."""
    mass: float
    y: float
    yaw: float
    roll: float
    scatter: float
    """Of its place in the stream, -1 to 1."""

    @property
    def length(self) -> float:
        """Along its axis [m]."""
        return 2 * self.half[2]

    @property
    def reach(self) -> float:
        """From its centre to either end along the belt, as it is fed [m]."""
        across = self.half[0] * abs(math.sin(self.yaw))
        return self.half[2] * abs(math.cos(self.yaw)) + across


def drawn(seed: int, items: int, unknown_share: float, types: Collection[str]) -> Iterator[Item]:
    """Drawn items; `items` 0: without end. A label that is none of `types` is an unknown one."""
    rng = np.random.default_rng([seed, 1])
    index = 0
    while not items or index < items:
        if rng.random() >= unknown_share:
            label = KNOWN[int(rng.integers(len(KNOWN)))]
        elif rng.random() < THING_SHARE:
            label = THINGS[int(rng.integers(len(THINGS)))]
        else:
            label = UNKNOWN[int(rng.integers(len(UNKNOWN)))]
        size = SIZES["AAA" if rng.random() < AAA_SHARE else "AA"]
        skin = skin_for(label, size, rng)
        yield _item(index, label, types, skin, size, "", "", rng)
        index += 1


def photographed(
    seed: int, items: int, library: PhotoLibrary, types: Collection[str]
) -> Iterator[Item]:
    """Photographed items: every photo once in a random order, then again in another.

    Raises PhotoError naming a broken image.
    """
    rng = np.random.default_rng([seed, 1])
    index = 0
    while True:
        for chosen in rng.permutation(len(library.photos)):
            if items and index >= items:
                return
            photo = library.photos[chosen]
            skin, size = library.show(photo)
            yield _item(index, photo.label, types, skin, size, photo.name, photo.sha256(), rng)
            index += 1


def taped(item: Item, length: float) -> Item:
    """Several of that battery taped together to a `length` [m]; it belongs into no type's bin."""
    return replace(
        item,
        type="",
        skin=replace(item.skin, length=length),
        half=(*item.half[:2], length / 2),
        mass=item.mass * length / item.length,
    )


def _item(
    index: int,
    label: str,
    types: Collection[str],
    skin: Wrap | Decal,
    size: Size,
    photo: str,
    photo_sha256: str,
    rng: np.random.Generator,
) -> Item:
    name, mass, box = size.name, size.mass, False
    half = (size.diameter / 2, size.diameter / 2, size.length / 2)
    if label == "wire" and isinstance(skin, Decal):
        name, mass = "wire", WIRE_MASS
        half = (WIRE_DIAMETER / 2, WIRE_DIAMETER / 2, skin.length / 2)
    elif label == "package" and isinstance(skin, Decal):
        name, mass, box = "package", PACKAGE_MASS, True
        half = (skin.width / 2, PACKAGE_HEIGHT / 2, skin.length / 2)
    turned = math.pi if rng.random() < 0.5 else 0.0
    return Item(
        index=index,
        type=label if label in types else "",
        label=label,
        size=name,
        skin=skin,
        photo=photo,
        photo_sha256=photo_sha256,
        box=box,
        half=half,
        mass=mass,
        y=float(rng.uniform(-MOST_OFFSET, MOST_OFFSET)),
        yaw=float(rng.uniform(-MOST_YAW, MOST_YAW)) + turned,
        roll=0.0 if box else float(rng.uniform(0.0, 2 * math.pi)),
        scatter=float(rng.uniform(-1.0, 1.0)),
    )


def ahead(stream: Iterator[T], depth: int = 4) -> Iterator[T]:
    """The same stream, made by a thread up to `depth` elements ahead: pictures take their time."""
    with ThreadPoolExecutor(1, "feed") as pool:
        end = object()
        waiting: list[Future[object]] = [pool.submit(next, stream, end) for _ in range(depth)]
        while (made := waiting.pop(0).result()) is not end:
            waiting.append(pool.submit(next, stream, end))
            yield made  # type: ignore[misc]
