"""What cameras of several resolutions make of photos that the twin lays on the belt.

Each photo lies in the same places before every camera. The twin's lens is sharp and nothing moves
while it exposes, so the figures are bounds; photos that the bundle was taught with are known to it,
so that only its rejection of unknown ones is of what it has not seen.
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from batsort_core.cell import Camera
from batsort_core.chemistry import Chemistry
from batsort_learning.print_cache import at_full_size
from batsort_perception.crop import crop_item, judged_part
from batsort_perception.engine import Engine
from batsort_perception.preprocess import Image
from batsort_perception.print_cache import Reader
from batsort_perception.view import ItemView
from batsort_training.calibration import COVERAGE, NOVELTY_LIMIT, THRESHOLD
from batsort_training.data import UNKNOWN_FOLDER, LabelledPhoto
from batsort_training.on_belt import BELT_WIDTH, CAMERA, MOST_PAST, MOST_YAW, room, view_of
from batsort_twin.bodies import Decal, lying
from batsort_twin.camera import Renderer
from batsort_twin.photos import WIDEST, PhotoError, cut, fitting_size

PLACES = 3
"""On the belt, for each photo; print is read at the first."""
LONGEST = 0.065
"""Of an 18650 [m]: the twin has no size for it."""
BARRIER_ERROR = 0.0005
"""Of where the barrier says an item is, 1 sigma [m]."""


@dataclass(frozen=True, slots=True)
class Look:
    """What became of one photo at one place."""

    label: str
    type: str
    confidence: float
    novelty: float
    judged_s: float
    """From the image to the verdict."""
    read_s: float | None = None
    """None: print was not read."""
    chemistry: str = ""


def field_of(metres_per_pixel: float) -> Camera:
    """A camera that sees as much of the belt as the default cell's, in as fine pixels."""
    scale = CAMERA.metres_per_pixel / metres_per_pixel
    width, height = (
        2 * round(scale * edge / 2) for edge in (CAMERA.image_width, CAMERA.image_height)
    )
    return Camera(CAMERA.distance, CAMERA.height, metres_per_pixel, width, height)


def look(
    photos: Sequence[LabelledPhoto],
    cameras: Sequence[Camera],
    engine: Engine,
    reader: Reader | None,
    li_ion: Sequence[str],
) -> list[list[Look]]:
    """What each camera makes of all photos; types of `li_ion` lie there as long as an 18650."""
    renderers = [Renderer(camera, BELT_WIDTH, 1000) for camera in cameras]
    found: list[list[Look]] = [[] for _ in cameras]
    for photo in tqdm(photos, "looking", unit="photo"):
        try:
            decal = _decal(photo, photo.label in li_ion)
        except PhotoError:  # gone since it was read small
            continue
        for renderer, looks in zip(renderers, found, strict=True):
            for place in range(PLACES):
                first = reader if place == 0 else None
                looks.append(_look(photo, decal, renderer, place, engine, first))
    return found


def _decal(photo: LabelledPhoto, long: bool) -> Decal:
    cutout = cut(at_full_size(photo))
    height, width = cutout.shape[:2]
    length = LONGEST if long else fitting_size(width / height).length
    length = min(length, WIDEST * width / height)
    return Decal(cutout, length, length * height / width)


def _look(
    photo: LabelledPhoto,
    decal: Decal,
    renderer: Renderer,
    place: int,
    engine: Engine,
    reader: Reader | None,
) -> Look:
    frame, view = _seen(decal, renderer, [zlib.crc32(photo.name.encode()), place])
    began = time.perf_counter()
    crop = crop_item(frame, view)
    measured = engine.classify(crop.pixels)
    judged_s = time.perf_counter() - began
    verdict = (photo.label, measured.type, measured.confidence, measured.novelty, judged_s)
    if reader is None:
        return Look(*verdict)
    part = judged_part(frame, crop.x, crop.y, crop.width, crop.height)
    began = time.perf_counter()
    said = reader.read(part).chemistry
    return Look(*verdict, time.perf_counter() - began, said.value if said else "")


def _seen(decal: Decal, renderer: Renderer, seed: Sequence[int]) -> tuple[Image, ItemView]:
    """The decal somewhere near the camera line, at the same place [m] for the same seed."""
    rng, camera = np.random.default_rng(seed), renderer.camera
    free = room(decal)
    past, y = rng.uniform(-MOST_PAST, MOST_PAST), rng.uniform(-free, free)
    yaw = rng.uniform(-MOST_YAW, MOST_YAW)
    turned = yaw + math.pi * int(rng.integers(2))
    frame = renderer.render([lying(decal, camera.distance + past, y, turned)], rng.uniform())
    believed = past + rng.normal(0, BARRIER_ERROR)
    u = camera.image_width / 2 + believed / camera.metres_per_pixel
    return frame, view_of(decal, yaw, u, camera)


def figures(looks: Sequence[Look], stated: Mapping[str, Chemistry]) -> dict[str, float | None]:
    """Shares of what one camera saw; None where there is nothing to take a share of.

    accuracy, accepted, right_of_accepted    of known photos, with the recipe's usual limits
    unknown_accepted                         of the others, with the same limits
    unknown_accepted_at_90                   with the novelty that accepts 90 % of the known
    readable                                 of known photos: print says a chemistry
    right_of_readable                        of these: the one `stated` for the type
    judged_ms, read_s                        medians, from the image on
    """
    known = [one for one in looks if one.label != UNKNOWN_FOLDER]
    unknown = [one for one in looks if one.label == UNKNOWN_FOLDER]
    novelties = [one.novelty for one in known]
    limit = float(np.quantile(novelties, COVERAGE)) if known else NOVELTY_LIMIT
    accepted = [one for one in known if _accepted(one)]
    read = [one for one in known if one.read_s is not None]
    says = [one for one in read if one.chemistry]
    told = [one for one in says if one.label in stated]
    seconds = [one.read_s for one in looks if one.read_s is not None]
    return {
        "accuracy": _share(one.type == one.label for one in known),
        "accepted": _share(map(_accepted, known)),
        "right_of_accepted": _share(one.type == one.label for one in accepted),
        "unknown_accepted": _share(map(_accepted, unknown)),
        "unknown_accepted_at_90": _share(one.novelty <= limit for one in unknown),
        "readable": _share(bool(one.chemistry) for one in read),
        "right_of_readable": _share(one.chemistry == stated[one.label] for one in told),
        "judged_ms": _median([1e3 * one.judged_s for one in looks]),
        "read_s": _median(seconds),
    }


NAMES = {
    "accuracy": "right type",
    "accepted": "known accepted",
    "right_of_accepted": "right of these",
    "unknown_accepted": "unknown accepted",
    "unknown_accepted_at_90": "unknown accepted at 90 % coverage",
    "readable": "print says a chemistry",
    "right_of_readable": "the right one",
    "judged_ms": "image to verdict, median [ms]",
    "read_s": "print read, median [s]",
}


def as_text(cameras: Sequence[Camera], found: Sequence[Mapping[str, float | None]]) -> str:
    """A table in Markdown, a column per camera."""
    names = [f"{1e3 * camera.metres_per_pixel:.2g} mm/px" for camera in cameras]
    rows = [
        ("image [px]", *(f"{c.image_width} x {c.image_height}" for c in cameras)),
        ("image, 24 bits a pixel [MB]", *(f"{_megabytes(c):.1f}" for c in cameras)),
        *((name, *(_cell(key, one[key]) for one in found)) for key, name in NAMES.items()),
    ]
    lines = [("", *names), ("---",) * (len(names) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _megabytes(camera: Camera) -> float:
    return 3 * camera.image_width * camera.image_height / 1e6


def _cell(key: str, value: float | None) -> str:
    if value is None:
        return "-"
    if key in ("judged_ms", "read_s"):
        return f"{value:.2g}"
    return f"{value:.1%}".replace("%", " %")


def _accepted(one: Look) -> bool:
    return one.novelty <= NOVELTY_LIMIT and one.confidence >= THRESHOLD


def _share(values: Iterator[bool] | map[bool]) -> float | None:
    listed = list(values)
    return round(float(np.mean(listed)), 4) if listed else None


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
