"""The cell description: where everything is, and which bin takes what.

Lengths in metres; distances run along the belt from the light barrier in the sorting direction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from batsort_core.recipe import Recipe
from batsort_files.schema import FieldError, Name, Range, read, refuse


class CellError(ValueError):
    """A cell description that is refused; one line with field, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Belt:
    """The belt, its encoder and its drive."""

    metres_per_count: Annotated[float, Range("m", above=0.0, most=0.01)]
    velocity: Annotated[float, Range("m/s", above=0.0, most=10.0)]
    """To run at."""
    max_velocity: Annotated[float, Range("m/s", above=0.0, most=20.0)]
    """Faster readings are a fault of the encoder."""
    acceleration: Annotated[float, Range("m/s^2", above=0.0, most=100.0)]
    width: Annotated[float, Range("m", above=0.0, most=5.0)]
    """Between the guide rails."""


@dataclass(frozen=True, slots=True)
class Barrier:
    """The light barrier at distance 0."""

    position_error: Annotated[float, Range("m", least=0.0, most=0.1)]
    """Of an edge, 1 sigma."""


@dataclass(frozen=True, slots=True)
class Camera:
    """The camera above the belt; +u of its image is the sorting direction."""

    distance: Annotated[float, Range("m", above=0.0, most=100.0)]
    """Of the image's centre column."""
    height: Annotated[float, Range("m", above=0.0, most=10.0)]
    metres_per_pixel: Annotated[float, Range("m", above=0.0, most=0.1)]
    """On the belt."""
    image_width: Annotated[int, Range("px", least=16, most=16384)]
    """Along the belt."""
    image_height: Annotated[int, Range("px", least=16, most=16384)]
    """Across the belt."""


@dataclass(frozen=True, slots=True)
class Ejection:
    """The valves and their jets."""

    lead_s: Annotated[float, Range("s", least=0.0, most=1.0)]
    """From energising a valve to the open jet."""
    nozzle_width: Annotated[float, Range("m", above=0.0, most=1.0)]
    """Of the jet, along the belt."""
    jitter_s: Annotated[float, Range("s", least=0.0, most=1.0)]
    """Of the firing moment, 1 sigma."""
    opening_scatter_s: Annotated[float, Range("s", least=0.0, most=1.0)]
    """Of the valve's opening time, 1 sigma."""
    pulse_s: Annotated[float, Range("s", above=0.0, most=1.0)]
    """For an item of pulse_length."""
    pulse_length: Annotated[float, Range("m", above=0.0, most=10.0)]
    pulse_s_per_metre: Annotated[float, Range("s/m", least=0.0, most=100.0)]
    """More for longer items."""
    pulse_min_s: Annotated[float, Range("s", above=0.0, most=1.0)]
    pulse_max_s: Annotated[float, Range("s", above=0.0, most=1.0)]
    command_margin_s: Annotated[float, Range("s", least=0.0, most=10.0)]
    """A command must reach the valve driver this long before it acts."""


@dataclass(frozen=True, slots=True)
class Confirm:
    """The confirm eyes at the bins."""

    window: Annotated[float, Range("m", above=0.0, most=100.0)]
    """How far from its place an item may cross the eye at the belt's end."""
    timeout_s: Annotated[float, Range("s", above=0.0, most=60.0)]
    """From the shot, or from the belt's end, to the confirm eye."""
    grace_s: Annotated[float, Range("s", least=0.0, most=60.0)]
    """More, since messages of different topics can overtake each other."""


@dataclass(frozen=True, slots=True)
class Tracking:
    """How far the sensors may contradict the encoder."""

    most_offset: Annotated[float, Range("m", above=0.0, most=0.1)]
    """An item seen further from its place is not tracked any more."""
    slip_corrected: Annotated[float, Range(above=0.0, most=0.5)]
    """Part of the belt's travel that the encoder may miss or invent before aims follow."""
    slip_most: Annotated[float, Range(above=0.0, most=0.5)]
    """Beyond it the cell holds."""
    lead_corrected_s: Annotated[float, Range("s", above=0.0, most=1.0)]
    """How much later than others a valve may blow before its lead follows, and it is warned of."""
    lead_most_s: Annotated[float, Range("s", above=0.0, most=1.0)]
    """Beyond it the cell holds."""


@dataclass(frozen=True, slots=True)
class ItemLimits:
    """What one item may measure along the belt."""

    min_length: Annotated[float, Range("m", above=0.0, most=10.0)]
    """Shorter ones are noise of the barrier."""
    max_length: Annotated[float, Range("m", above=0.0, most=10.0)]
    """Longer ones are items that touch: never blown."""


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin; the one without a valve is the belt's end."""

    name: Annotated[str, Name()]
    distance: Annotated[float, Range("m", above=0.0, most=1000.0)]
    """Of its nozzle axis, or of the belt's end."""
    valve: Annotated[int, Range(least=0, most=255)] | None
    capacity: Annotated[int, Range("items", least=0)]
    """Arrivals a bag holds; 0: without limit."""


@dataclass(frozen=True, slots=True)
class CellDescription:
    """All of a cell; see the classes of its parts."""

    name: Annotated[str, Name()]
    belt: Belt
    barrier: Barrier
    camera: Camera
    ejection: Ejection
    confirm: Confirm
    tracking: Tracking
    items: ItemLimits
    bins: tuple[Bin, ...]
    """By distance, the belt's end last."""
    recipe: Recipe

    def bin(self, name: str) -> Bin:
        """The bin of that name. Raises CellError."""
        for bin in self.bins:
            if bin.name == name:
                return bin
        names = ", ".join(bin.name for bin in self.bins)
        raise CellError(f"bin: {name!r} is refused; allowed: {names}")

    @property
    def others(self) -> Bin:
        """The bin at the belt's end."""
        return self.bins[-1]

    @property
    def ejectors(self) -> tuple[Bin, ...]:
        """The bins with a valve, by distance."""
        return self.bins[:-1]

    def counts(self, metres: float) -> int:
        """A distance in encoder counts, rounded."""
        return round(metres / self.belt.metres_per_count)

    def metres(self, counts: float) -> float:
        """A number of encoder counts as a distance [m]."""
        return counts * self.belt.metres_per_count


def parse_cell(document: Mapping[str, object]) -> CellDescription:
    """The cell description of a loaded YAML document. Raises CellError naming what does not fit."""
    try:
        cell = read(CellDescription, document)
        _check_limits(cell)
        _check_bins(cell)
        _check_recipe(cell)
    except FieldError as error:
        raise CellError(str(error)) from None
    return cell


def _check_limits(cell: CellDescription) -> None:
    belt, ejection, items = cell.belt, cell.ejection, cell.items
    if belt.velocity > belt.max_velocity:
        refuse(
            "belt.velocity", belt.velocity, f"up to belt.max_velocity {belt.max_velocity:g} [m/s]"
        )
    if ejection.pulse_min_s > ejection.pulse_max_s:
        limit = f"up to ejection.pulse_max_s {ejection.pulse_max_s:g} [s]"
        refuse("ejection.pulse_min_s", ejection.pulse_min_s, limit)
    if not ejection.pulse_min_s <= ejection.pulse_s <= ejection.pulse_max_s:
        limit = f"from {ejection.pulse_min_s:g} to {ejection.pulse_max_s:g} [s], its own limits"
        refuse("ejection.pulse_s", ejection.pulse_s, limit)
    tracking = cell.tracking
    if tracking.slip_corrected > tracking.slip_most:
        limit = f"up to tracking.slip_most {tracking.slip_most:g}"
        refuse("tracking.slip_corrected", tracking.slip_corrected, limit)
    if tracking.lead_corrected_s > tracking.lead_most_s:
        limit = f"up to tracking.lead_most_s {tracking.lead_most_s:g} [s]"
        refuse("tracking.lead_corrected_s", tracking.lead_corrected_s, limit)
    if items.min_length >= items.max_length:
        limit = f"below items.max_length {items.max_length:g} [m]"
        refuse("items.min_length", items.min_length, limit)


def _check_bins(cell: CellDescription) -> None:
    if len(cell.bins) < 2:
        raise FieldError(f"bins: {len(cell.bins)} given; allowed: from 2, the belt's end last")
    names: set[str] = set()
    served: dict[int, str] = {}
    passed, place = cell.camera.distance, "the camera line"
    for i, bin in enumerate(cell.bins):
        if bin.name in names:
            raise FieldError(f"bins[{i}].name: {bin.name!r} is taken; allowed: one bin per name")
        names.add(bin.name)
        if bin.valve is None and bin is not cell.bins[-1]:
            refuse(
                f"bins[{i}].valve", None, "a valve; only the last bin, at the belt's end, has none"
            )
        if bin.valve is not None and bin is cell.bins[-1]:
            refuse(f"bins[{i}].valve", bin.valve, "nothing; the last bin is the belt's end")
        if bin.valve is not None:
            if bin.valve in served:
                raise FieldError(
                    f"bins[{i}].valve: {bin.valve} already serves bin {served[bin.valve]!r}; "
                    "allowed: one bin per valve"
                )
            served[bin.valve] = bin.name
        if bin.distance <= passed:
            limit = f"above {passed:g} [m], the distance of {place}"
            refuse(f"bins[{i}].distance", bin.distance, limit)
        passed, place = bin.distance, f"bin {bin.name!r} before it"


def _check_recipe(cell: CellDescription) -> None:
    if cell.recipe.others != cell.others.name:
        limit = f"{cell.others.name!r}, the bin without a valve"
        refuse("recipe.others", cell.recipe.others, limit)
    names = [bin.name for bin in cell.bins]
    for type_name, bin_name in cell.recipe.types.items():
        if bin_name not in names:
            refuse(f"recipe.types.{type_name}", bin_name, ", ".join(names))
    recipe = cell.recipe
    given = {
        "weights": recipe.weights,
        "sizes": recipe.sizes,
        "chemistries": recipe.chemistries,
        "brands": recipe.brands,
    }
    for field, by_type in given.items():
        for type_name in by_type or {}:
            if type_name not in recipe.types:
                refuse(f"recipe.{field}", type_name, ", ".join(recipe.types))
    if recipe.print is not None and not recipe.print.dangerous:
        refuse("recipe.print.dangerous", [], "one chemistry or more")
    if recipe.print is not None and not recipe.chemistries:
        refuse("recipe.chemistries", None, "what is inside each type, for recipe.print")
    if recipe.print is not None and recipe.brands and recipe.print.brand_confidence is None:
        limit = "a number from 0 up to 1, for recipe.brands"
        refuse("recipe.print.brand_confidence", None, limit)
    for type_name, sizes in (recipe.sizes or {}).items():
        if not sizes:
            refuse(f"recipe.sizes.{type_name}", [], "one size or more; any: leave the type out")
