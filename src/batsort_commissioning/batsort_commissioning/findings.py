"""What a step of the walk has found: figures, what changes in the description, and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from batsort_commissioning.calibration import CameraLine, Ejectors, Feed, Figure, encoder_scale
from batsort_commissioning.cell_file import Key, written
from batsort_commissioning.measuring import Seen, Shots
from batsort_core.cell import CellDescription
from batsort_files.page import ACCENT, Html, axes, thumbnail

HIT, MISS = "#2a7f62", "#c8553d"
THUMBNAILS = 6


@dataclass(frozen=True, slots=True)
class Change:
    """One figure of the description; `text` is what is written."""

    key: Key
    name: str
    was: float
    found: Figure
    text: str
    unit: str
    """In thousandths of SI, as it is shown."""
    digits: int = 2

    @property
    def row(self) -> tuple[str, str, str, str, str]:
        """Name, what it was, what was found, its uncertainty, the change."""
        was, found, sigma = (
            f"{value * 1e3:.{self.digits}f}"
            for value in (self.was, self.found.value, self.found.sigma)
        )
        change = (self.found.value - self.was) * 1e3
        return (
            self.name,
            f"{was} {self.unit}",
            f"{found} {self.unit}",
            f"± {sigma}",
            f"{change:+.{self.digits}f}",
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """Of one step."""

    name: str
    """Of its picture's file."""
    title: str
    text: str
    changes: tuple[Change, ...]
    drawing: Drawing
    alt: str
    thumbnails: tuple[Html, ...] = ()


def _metres(key: Key, name: str, was: float, found: Figure) -> Change:
    return Change(key, name, was, found, f"{found.value:.4f}", "mm")


def scale_finding(cell: CellDescription, feeds: Sequence[Feed]) -> Finding:
    """Metres per count. Raises CalibrationError."""
    found = encoder_scale(feeds)
    drawing, plot = axes("feed", "mm per 1000 counts")
    numbers = range(1, len(feeds) + 1)
    plot.scatter(numbers, [f.metres / f.counts * 1e6 for f in feeds], color=ACCENT, label="feeds")
    plot.axhline(found.value * 1e6, color=ACCENT, label="found")
    low, high = ((found.value + s * found.sigma) * 1e6 for s in (-1, 1))
    plot.axhspan(low, high, color=ACCENT, alpha=0.15)
    plot.axhline(cell.belt.metres_per_count * 1e6, color=MISS, linestyle="--", label="description")
    plot.set_xticks(list(numbers))
    plot.ticklabel_format(useOffset=False)
    plot.legend(frameon=False)
    change = Change(
        ("belt", "metres_per_count"),
        "belt.metres_per_count",
        cell.belt.metres_per_count,
        found,
        written(found.value, digits=6),
        "mm",
        digits=6,
    )
    part = found.value / cell.belt.metres_per_count - 1.0
    text = (
        f"{len(feeds)} feeds of about one metre: a count is {found.value * 1e3:.6f} mm "
        f"± {found.sigma / found.value:.3%}, {part:+.2%} against the description."
    )
    alt = "Scale of each feed, their mean and its uncertainty, and the description's"
    return Finding("1_encoder", "Encoder scale", text, (change,), drawing, alt)


def line_finding(cell: CellDescription, seen: Sequence[Seen], line: CameraLine) -> Finding:
    """The camera line."""
    camera = cell.camera
    columns = [one.sighting.column for one in seen]
    drawing, plot = axes("column of the item's centre [px]", "its centre past the barrier [mm]")
    plot.scatter(
        columns, [s.sighting.travelled * 1e3 for s in seen], s=14, color=ACCENT, label="pictures"
    )
    ends = [min(columns), max(columns)]
    middle = camera.image_width / 2
    for distance, scale, colour, style, label in (
        (line.distance.value, line.metres_per_pixel.value, ACCENT, "-", "found"),
        (camera.distance, camera.metres_per_pixel, MISS, "--", "description"),
    ):
        places = [(distance + scale * (column - middle)) * 1e3 for column in ends]
        plot.plot(ends, places, color=colour, linestyle=style, label=label)
    plot.axvline(middle, color="#7a7a7a", linewidth=0.8, linestyle=":")
    plot.legend(frameon=False)
    scatter = max(abs(error) for error in line.errors) * 1e3
    text = (
        f"{len(seen)} pictures of {len({one.item.id for one in seen})} items: what is seen in the "
        f"picture's middle is {line.distance.value * 1e3:.2f} mm "
        f"± {line.distance.sigma * 1e3:.2f} mm past the barrier. The furthest picture is "
        f"{scatter:.2f} mm off the line. A pixel is {line.metres_per_pixel.value * 1e3:.4f} mm on "
        f"the items, {camera.metres_per_pixel * 1e3:.4f} mm on the belt as described."
    )
    change = _metres(("camera", "distance"), "camera.distance", camera.distance, line.distance)
    alt = "Places of items over the columns at which they are seen, with the line found"
    thumbnails = tuple(
        thumbnail(one.crop.pixels, "item as found", f"column {one.sighting.column:.0f}")
        for one in seen[:THUMBNAILS]
    )
    return Finding("2_camera", "Camera line", text, (change,), drawing, alt, thumbnails)


def ejectors_finding(cell: CellDescription, shots: Shots, found: Ejectors) -> Finding:
    """Ejectors' distances and the valves' lead."""
    names = list(shots.windows)
    speeds = len(shots.windows[names[0]])
    drawing, plot = axes("battery's centre past the nozzle, halfway through the pulse [mm]", "")
    labels = []
    for i, name in enumerate(names):
        for j, (velocity, trials) in enumerate(shots.trials[name]):
            row = i * (speeds + 0.5) + j
            labels.append((row, f"{name}\n{velocity:.2f} m/s"))
            for hit, colour, marker, label in (
                (True, HIT, "o", "reached the eye"),
                (False, MISS, "x", "missed"),
            ):
                aims = [shot.aim * 1e3 for shot in trials if shot.hit == hit]
                label = label if row == 0 else ""
                plot.scatter(
                    aims, [row] * len(aims), s=16, color=colour, marker=marker, label=label
                )
            window = shots.windows[name][j]
            edges = [window.early.value * 1e3, window.late.value * 1e3]
            plot.plot(edges, [row, row], color=HIT, linewidth=5, alpha=0.25)
            middle, label = window.centre.value * 1e3, "" if row else "middle of the window"
            plot.plot([middle] * 2, [row - 0.3, row + 0.3], color=ACCENT, label=label)
    rows, texts = zip(*labels, strict=True)
    plot.set_yticks(rows, texts, fontsize=7)
    plot.invert_yaxis()
    drawing.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    plot.axvline(0.0, color="#7a7a7a", linewidth=0.8, linestyle=":")
    drawing.set_size_inches(6.4, 1.6 + 0.45 * len(labels))
    lead = Figure(cell.ejection.lead_s + found.lead_s.value, found.lead_s.sigma)
    changes = [
        Change(
            ("ejection", "lead_s"),
            "ejection.lead_s",
            cell.ejection.lead_s,
            lead,
            f"{lead.value:.4f}",
            "ms",
        )
    ]
    for i, bin in enumerate(cell.bins):
        if bin.name in found.distance:
            error = found.distance[bin.name]
            distance = Figure(bin.distance + error.value, error.sigma)
            name = f"{bin.name}: distance"
            changes.append(_metres(("bins", i, "distance"), name, bin.distance, distance))
    count = sum(len(trials) for seen in shots.trials.values() for _, trials in seen)
    own = ", ".join(
        f"{name} {(cell.ejection.lead_s + figure.value) * 1e3:.1f} ± {figure.sigma * 1e3:.1f}"
        for name, figure in found.own_lead_s.items()
    )
    text = (
        f"{count} shots: the jets open {lead.value * 1e3:.2f} ms ± {lead.sigma * 1e3:.2f} ms "
        f"after their valves are energised. Each valve by itself [ms]: {own}. In the picture the "
        "middle of each window is where the description is wrong: alike at both speeds where its "
        "distance is, further with speed where the lead is."
    )
    alt = "Shots that hit and missed by their aim, with the window of each valve and its middle"
    return Finding("3_ejectors", "Ejectors and valve lead", text, tuple(changes), drawing, alt)
