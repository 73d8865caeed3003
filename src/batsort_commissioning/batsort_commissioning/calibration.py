"""What a new cell's commissioning finds: encoder scale, camera line, ejectors and valve lead.

Measurements in, figures with their uncertainty out. Measurements that are too few, contradict each
other or lie outside of what can be are refused by a CalibrationError, one line that names them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

import numpy as np

from batsort_core.cell import Camera

FEWEST_FEEDS = 2
TAPE_ERROR = 0.0005
"""Of a distance read from a tape, 1 sigma [m]."""
MOST_FEED_SPREAD = 0.005
"""Between the scales of two feeds, as a part."""
FEWEST_SIGHTINGS = 6
MOST_SIGHTING_ERROR = 0.002
"""Of sightings around their line, 1 sigma [m]."""
ASIDE = 0.006
"""Further from most others a sighting is one of something else [m]."""
LEAST_ALIKE = 0.75
"""Part of the sightings that are not."""
FEWEST_SHOTS = 6
"""At one edge of a window."""
SEARCH = 0.016
"""How far an edge may be from where it is expected [m]."""
INSIDE = 0.0015
"""Expected between the item's end and the nozzle's axis where the jet just blows it out [m]."""
EDGE_SCATTER = 0.001
"""Of an edge from battery to battery, scale of a logistic distribution [m]."""
EDGE_STEP = 0.0002
"""Between the places that an edge may be at [m]."""
LAPSE = 0.03
"""Chance of a shot to tell the wrong thing: a neighbour pushed the battery, its eye was passed."""
MOST_CONTRADICTION = 0.008
"""Of one shot on the wrong side of its edge [m]."""
MOST_LEAD_DIFFERENCE_S = 0.004
"""Of one valve's own lead from the lead of all."""


class CalibrationError(ValueError):
    """Measurements that tell nothing sure; one line with what was measured and what is allowed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A value and its uncertainty, 1 sigma, in the same unit."""

    value: float
    sigma: float


@dataclass(frozen=True, slots=True)
class Feed:
    """The belt was run on: `counts` by the encoder, `metres` by the tape."""

    counts: int
    metres: float


def encoder_scale(feeds: Sequence[Feed]) -> Figure:
    """Metres per count of some feeds. Raises CalibrationError."""
    if len(feeds) < FEWEST_FEEDS:
        raise CalibrationError(
            f"encoder scale: {len(feeds)} feeds; allowed: from {FEWEST_FEEDS}, to compare"
        )
    for feed in feeds:
        if feed.counts <= 0:
            raise CalibrationError(
                f"encoder scale: {feed.counts} counts while the belt ran; allowed: above 0 "
                "(swap A and B of the encoder, or see its wheel and cable)"
            )
        if not 0.0 < feed.metres < 100.0:
            raise CalibrationError(
                f"encoder scale: {feed.metres:g} m on the tape; allowed: above 0 up to 100 [m]"
            )
    scales = [feed.metres / feed.counts for feed in feeds]
    value = sum(feed.metres for feed in feeds) / sum(feed.counts for feed in feeds)
    spread = (max(scales) - min(scales)) / value
    if spread > MOST_FEED_SPREAD:
        raise CalibrationError(
            f"encoder scale: the feeds differ by {spread:.2%}; allowed: up to "
            f"{MOST_FEED_SPREAD:.1%} (read the tape again; the encoder's wheel may slip)"
        )
    read = value * TAPE_ERROR / fmean(feed.metres for feed in feeds)
    return Figure(value, max(read, stdev(scales)) / math.sqrt(len(feeds)))


@dataclass(frozen=True, slots=True)
class Sighting:
    """An item in a picture: its centre's `column` [px], and how far it was past the barrier [m]."""

    travelled: float
    column: float


@dataclass(frozen=True, slots=True)
class CameraLine:
    """Where items are that are seen in the middle of the picture."""

    distance: Figure
    """From the barrier [m]."""
    metres_per_pixel: Figure
    """As fitted, at the height of the items' ends."""
    errors: tuple[float, ...]
    """Of the sightings along the belt [m]."""


def camera_line(sightings: Sequence[Sighting], camera: Camera) -> CameraLine:
    """Fit `travelled = distance + metres_per_pixel * (column - middle)`.

    The fit makes the scale of the picture, and how high the items reach, no matter: only what is
    seen in the middle counts. Where a neighbour or a label was taken for the item, a sighting is
    left out. Raises CalibrationError.
    """
    if len(sightings) < FEWEST_SIGHTINGS:
        raise CalibrationError(
            f"camera line: an item was found in {len(sightings)} pictures; "
            f"allowed: from {FEWEST_SIGHTINGS}"
        )
    alike = _alike(sightings, camera)
    if len(alike) < LEAST_ALIKE * len(sightings):
        raise CalibrationError(
            f"camera line: {len(alike)} of {len(sightings)} sightings agree within "
            f"{ASIDE * 1e3:g} mm; allowed: from {LEAST_ALIKE:.0%} (see camera.metres_per_pixel, "
            "whether the picture's +u is along the belt, exposure, and loose batteries)"
        )
    sightings = alike
    columns = [sighting.column - camera.image_width / 2 for sighting in sightings]
    travelled = [sighting.travelled for sighting in sightings]
    middle, there = fmean(columns), fmean(travelled)
    square = sum((column - middle) ** 2 for column in columns)
    if math.sqrt(square / len(columns)) < 0.02 * camera.image_width:
        raise CalibrationError(
            "camera line: all pictures show the item in one place; allowed: at places that differ"
        )
    product = sum(
        (column - middle) * (at - there) for column, at in zip(columns, travelled, strict=True)
    )
    scale = product / square
    distance = there - scale * middle
    errors = tuple(
        at - distance - scale * column for column, at in zip(columns, travelled, strict=True)
    )
    sigma = math.sqrt(sum(error**2 for error in errors) / (len(errors) - 2))
    if sigma > MOST_SIGHTING_ERROR:
        raise CalibrationError(
            f"camera line: sightings contradict each other by {sigma * 1e3:.1f} mm; allowed: up to "
            f"{MOST_SIGHTING_ERROR * 1e3:g} mm (see exposure, belt stamps and loose batteries)"
        )
    return CameraLine(
        Figure(distance, sigma * math.sqrt(1 / len(columns) + middle**2 / square)),
        Figure(scale, sigma / math.sqrt(square)),
        errors,
    )


def _alike(sightings: Sequence[Sighting], camera: Camera) -> list[Sighting]:
    """Those that put the camera line about where most of them do."""
    lines = [seen.travelled - seen.column * camera.metres_per_pixel for seen in sightings]
    usual = median(lines)
    pairs = zip(sightings, lines, strict=True)
    return [seen for seen, line in pairs if abs(line - usual) <= ASIDE]


def common_length(lengths: Sequence[float], alike: float) -> float:
    """Of the kind of item that most are, where lengths within `alike` are of one kind [m]."""

    kinds = [[other for other in lengths if abs(other - one) <= alike] for one in lengths]
    most = max(len(kind) for kind in kinds)
    return median(next(kind for kind in kinds if len(kind) == most))


@dataclass(frozen=True, slots=True)
class Trial:
    """A shot aimed `aim` beside an item's centre [m], and whether the item came to the bin."""

    aim: float
    hit: bool


class EdgeSearch:
    """Where to aim next, to find one edge of the window in which a valve hits a battery.

    The chance of each place to be the edge is kept, all alike at first. A shot divides them by a
    logistic curve, but never wholly: a few tell the wrong thing (`LAPSE`), and one of these must
    neither lead the search astray for good nor be counted as sure. Always aimed at the median:
    that halves the range as long as nothing contradicts.
    """

    def __init__(self, length: float, shots: int) -> None:
        """`length` of the battery along the belt [m]."""
        steps = round(SEARCH / EDGE_STEP)
        self._places = length / 2 - INSIDE + EDGE_STEP * np.arange(-steps, steps + 1)
        self._chances = np.full(len(self._places), 1.0 / len(self._places))
        self._wanted = shots
        self.shots: list[Trial] = []

    @property
    def done(self) -> bool:
        """Whether all shots have been fired."""
        return len(self.shots) >= self._wanted

    @property
    def aim(self) -> float:
        """Of the next shot [m]."""
        return float(self._places[np.searchsorted(np.cumsum(self._chances), 0.5)])

    def add(self, aim: float, hit: bool) -> None:
        """A shot has been fired there."""
        self.shots.append(Trial(aim, hit))
        hits = 1.0 / (1.0 + np.exp((aim - self._places) / EDGE_SCATTER))
        told = LAPSE + (1.0 - 2.0 * LAPSE) * (hits if hit else 1.0 - hits)
        self._chances *= told
        self._chances /= self._chances.sum()

    def result(self) -> Figure:
        """Where the edge is, from the battery's centre [m]. Raises CalibrationError."""
        shots = self.shots
        hits = [shot.aim for shot in shots if shot.hit]
        misses = [shot.aim for shot in shots if not shot.hit]
        if len(shots) < FEWEST_SHOTS:
            raise CalibrationError(f"{len(shots)} shots; allowed: from {FEWEST_SHOTS}")
        if not hits:
            raise CalibrationError(
                f"none of {len(shots)} shots reached the eye; allowed: some (see air, valve and "
                f"eye; its distance may be wrong by more than {SEARCH * 1e3:g} mm)"
            )
        if not misses:
            raise CalibrationError(
                f"all of {len(shots)} shots reached the eye, also far beside the battery; allowed: "
                f"some (its distance may be wrong by more than {SEARCH * 1e3:g} mm)"
            )
        place = float(self._chances @ self._places)
        wrong = max([place - aim for aim in misses] + [aim - place for aim in hits])
        if wrong > MOST_CONTRADICTION:
            raise CalibrationError(
                f"shots contradict each other by {wrong * 1e3:.1f} mm; allowed: up to "
                f"{MOST_CONTRADICTION * 1e3:g} mm (batteries that are not alike, or air that sways)"
            )
        return Figure(place, math.sqrt(float(self._chances @ (self._places - place) ** 2)))


@dataclass(frozen=True, slots=True)
class Window:
    """The aims at which a valve hits, at one belt speed.

    Aims are distances of the battery's centre past the nozzle's described place, when the jet is
    halfway through its pulse as far as its described lead goes [m].
    """

    velocity: float
    """[m/s]"""
    early: Figure
    late: Figure

    @property
    def centre(self) -> Figure:
        """The middle of both edges [m]."""
        early, late = self.early, self.late
        return Figure((early.value + late.value) / 2, math.hypot(early.sigma, late.sigma) / 2)


@dataclass(frozen=True, slots=True)
class Ejectors:
    """How far the description is from what was found: to be added to it."""

    lead_s: Figure
    """Of all valves."""
    own_lead_s: Mapping[str, Figure]
    """Of each bin's valve alone."""
    distance: Mapping[str, Figure]
    """Of each bin [m]."""


def ejectors(windows: Mapping[str, Sequence[Window]]) -> Ejectors:
    """Tell lead from distance by windows at two or more belt speeds, by the bin's name.

    The window's middle is where the battery's centre is before the nozzle halfway through the
    pulse: `centre = distance error - velocity * lead error`. Neither the battery's length nor its
    flight to the eye are in it, and half the pulse is in the aims. One lead is fitted for all
    valves; each has its distance. Raises CalibrationError.
    """
    own = {name: _own_lead(name, seen) for name, seen in windows.items()}
    lead = _weighted(own.values())
    for name, figure in own.items():
        apart = abs(figure.value - lead.value)
        if apart > max(MOST_LEAD_DIFFERENCE_S, 3.0 * figure.sigma):
            raise CalibrationError(
                f"{name}: its valve opens {(figure.value - lead.value) * 1e3:+.1f} ms apart from "
                f"the others; allowed: up to {MOST_LEAD_DIFFERENCE_S * 1e3:g} ms "
                "(see its hose, its air and its wiring)"
            )
    distance = {}
    for name, seen in windows.items():
        at = _weighted(
            [Figure(w.centre.value + w.velocity * lead.value, w.centre.sigma) for w in seen]
        )
        carried = fmean(window.velocity for window in seen) * lead.sigma
        distance[name] = Figure(at.value, math.hypot(at.sigma, carried))
    return Ejectors(lead, own, distance)


def _own_lead(name: str, windows: Sequence[Window]) -> Figure:
    """By the line through the centres over the velocities."""
    velocities = [window.velocity for window in windows]
    if len(windows) < 2 or max(velocities) < 1.5 * min(velocities):
        told = ", ".join(f"{velocity:.2f}" for velocity in velocities)
        raise CalibrationError(
            f"{name}: shot at belt speeds {told} m/s; allowed: two of which one is 1.5 times the "
            "other, to tell lead from distance"
        )
    middle = fmean(velocities)
    square = sum((velocity - middle) ** 2 for velocity in velocities)
    parts = [(window.velocity - middle) / square for window in windows]
    return Figure(
        -sum(part * window.centre.value for part, window in zip(parts, windows, strict=True)),
        math.hypot(*(p * window.centre.sigma for p, window in zip(parts, windows, strict=True))),
    )


def _weighted(figures: Iterable[Figure]) -> Figure:
    """Mean by certainty."""
    known = list(figures)
    weights = [1.0 / figure.sigma**2 for figure in known]
    total = sum(weights)
    value = sum(weight * figure.value for weight, figure in zip(weights, known, strict=True))
    return Figure(value / total, 1.0 / math.sqrt(total))
