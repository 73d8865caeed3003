import math
from collections.abc import Callable
from typing import Any

import pytest

from batsort_core.cell import CellDescription, CellError, parse_cell
from batsort_core.chemistry import Chemistry
from batsort_core.items import Reason
from batsort_core.sizes import Measured, Size, edges_error

Document = dict[str, Any]
OPTIONAL = ("weights", "sizes", "chemistries", "brands", "brand_confidence", "print")
"""Fields of the recipe."""


def test_the_default_cell_is_read_as_written(cell: CellDescription) -> None:
    assert cell.belt.metres_per_count == 0.0001
    assert cell.bin("klarus").valve == 9
    assert cell.others == cell.bin("others")
    assert cell.others not in cell.ejectors
    assert cell.counts(0.6) == 6000
    assert cell.metres(6000) == pytest.approx(0.6)
    assert cell.recipe.types["GP_Alk"] == "gp_alk"
    with pytest.raises(CellError, match=r"^bin: 'paper' is refused; allowed: duracell_alk, "):
        cell.bin("paper")


@pytest.mark.parametrize("chemistry", [Chemistry.NIMH, Chemistry.NICD])
@pytest.mark.parametrize("length", [0.0645, 0.0652, 0.0690, 0.0705])
def test_no_18650_goes_into_a_bin_of_the_default_cell_for_ni_mh_or_ni_cd(
    document: Document, chemistry: Chemistry, length: float
) -> None:
    """However surely its green sleeve is taken for theirs: it is longer than any of them."""
    cell = parse_cell(document)
    recipe = cell.recipe
    measured = Measured(length, edges_error(cell.barrier.position_error), cell.tracking.slip_most)
    names = [name for name, what in (recipe.chemistries or {}).items() if what is chemistry]
    assert names
    for name in names:
        scores = {**dict.fromkeys(recipe.types, 0.0), name: 1.0}
        assert recipe.choose(name, 1.0, 0.0, scores, measured) == (
            cell.others.name,
            Reason.WRONG_SIZE,
        )


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for key, part in value.items() for leaf in leaves(part, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, part in enumerate(value) for leaf in leaves(part, (*path, i))]
    return [path]


def named(path: tuple[Any, ...]) -> str:
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).lstrip(".")


def test_every_field_that_is_broken_is_named(document: Document) -> None:
    for path in leaves(document):
        *way, last = path
        parent: Any = document
        for key in way:
            parent = parent[key]
        good = parent[last]
        for bad in ({}, [], math.nan, math.inf, -1.0, True, None, "", "\n"):
            if path in (("recipe", "others"), ("name",)) and bad == "\n":
                continue
            if isinstance(good, str) and {"bins", "brands"} & set(path) and bad == "\n":
                continue
            if isinstance(good, bool) and isinstance(bad, bool):
                continue
            parent[last] = bad
            with pytest.raises(CellError) as error:
                parse_cell(document)
            line = str(error.value)
            # A bin's broken name or valve may first be missed elsewhere; the line names that place.
            assert line.startswith(named(path) + ":") or "valve" in line, (path, bad, line)
            assert "allowed: " in line and "\n" not in line
        parent[last] = good
    parse_cell(document)


def test_every_field_that_is_missing_or_unknown_is_named(document: Document) -> None:
    tables = [document, *(v for v in document.values() if isinstance(v, dict))]
    for table in tables:
        for key in list(table):
            if key in OPTIONAL:
                continue
            good = table.pop(key)
            with pytest.raises(CellError, match=rf"(^|\.){key}: missing; allowed: "):
                parse_cell(document)
            table[key] = good
        table["colour"] = 1
        with pytest.raises(CellError, match=r"(^|\.)colour: unknown field; allowed: "):
            parse_cell(document)
        del table["colour"]
    parse_cell(document)


def test_weights_sizes_chemistries_brands_and_print_are_optional(document: Document) -> None:
    for key in OPTIONAL:
        document["recipe"].pop(key, None)
    recipe = parse_cell(document).recipe
    assert (recipe.weights, recipe.sizes, recipe.chemistries) == (None, None, None)
    assert recipe.brands is None and recipe.print is None


def test_a_type_may_have_one_brand_or_several(document: Document) -> None:
    document["recipe"]["brands"] = {"Klarus": "Klarus", "IKEA_Alk": ["IKEA", "LADDA"]}
    brands = parse_cell(document).recipe.brands
    assert brands == {"Klarus": ("Klarus",), "IKEA_Alk": ("IKEA", "LADDA")}


def test_names_of_sizes_may_be_written_as_numbers(document: Document) -> None:
    document["recipe"]["sizes"] = {"Klarus": [18650, "14500"]}
    assert parse_cell(document).recipe.sizes == {"Klarus": (Size.LI_18650, Size.LI_14500)}


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            lambda d: d["bins"][3].update(valve=2),
            "bins[3].valve: 2 already serves bin 'energizer_alk'; allowed: one bin per valve",
        ),
        (
            lambda d: d["bins"][3].update(name="klarus"),
            "bins[8].name: 'klarus' is taken; allowed: one bin per name",
        ),
        (
            lambda d: d["bins"][2].update(distance=0.75),
            "bins[2].distance: 0.75 is refused; allowed: above 0.75 [m], "
            "the distance of bin 'energizer_alk' before it",
        ),
        (
            lambda d: d["bins"][0].update(distance=0.2),
            "bins[0].distance: 0.2 is refused; allowed: above 0.2 [m], "
            "the distance of the camera line",
        ),
        (
            lambda d: d["bins"][9].update(valve=10),
            "bins[9].valve: 10 is refused; allowed: nothing; the last bin is the belt's end",
        ),
        (
            lambda d: d["bins"][4].pop("valve"),
            "bins[4].valve: nothing is refused; allowed: a valve; "
            "only the last bin, at the belt's end, has none",
        ),
        (lambda d: d.update(bins=[]), "bins: 0 given; allowed: from 2, the belt's end last"),
        (
            lambda d: d["recipe"].update(others="klarus"),
            "recipe.others: 'klarus' is refused; allowed: 'others', the bin without a valve",
        ),
        (
            lambda d: d["recipe"]["types"].update(Klarus="paper"),
            "recipe.types.Klarus: 'paper' is refused; allowed: duracell_alk, energizer_alk, "
            "energizer_ind, energizer_li, exell_green, exell_yellow, gp_alk, ikea_alk, klarus, "
            "others",
        ),
        (
            lambda d: d["recipe"]["weights"].update(Klarus=0.5),
            "recipe.weights.Klarus: 0.5 is refused; allowed: a number from 1 up to 1000",
        ),
        (
            lambda d: d["recipe"]["weights"].update(Paper=2.0),
            "recipe.weights: 'Paper' is refused; allowed: Duracell_Alk, Energizer_Alk, "
            "Energizer_Ind, Energizer_Li, Exell_Green, Exell_Yellow, GP_Alk, IKEA_Alk, Klarus",
        ),
        (
            lambda d: d["recipe"]["sizes"].update(Paper=["AA"]),
            "recipe.sizes: 'Paper' is refused; allowed: Duracell_Alk, Energizer_Alk, "
            "Energizer_Ind, Energizer_Li, Exell_Green, Exell_Yellow, GP_Alk, IKEA_Alk, Klarus",
        ),
        (
            lambda d: d["recipe"]["sizes"].update(Klarus=["AA", 18651]),
            "recipe.sizes.Klarus[1]: 18651 is refused; allowed: one of AAAA, AAA, AA, C, D, N, "
            "A23, CR2, CR123A, 10440, 14500, 16340, 18350, 18500, 18650, 20700, 21700, 26650, "
            "32700",
        ),
        (
            lambda d: d["recipe"]["sizes"].update(Klarus=[]),
            "recipe.sizes.Klarus: [] is refused; allowed: one size or more; any: leave the type "
            "out",
        ),
        (
            lambda d: d["recipe"]["chemistries"].update(Klarus="water"),
            "recipe.chemistries.Klarus: 'water' is refused; allowed: one of li_ion, lifepo4, "
            "lithium, nimh, nicd, alkaline, zinc_carbon",
        ),
        (
            lambda d: d["recipe"].pop("chemistries"),
            "recipe.chemistries: nothing is refused; allowed: what is inside each type, for "
            "recipe.print",
        ),
        (
            lambda d: d["recipe"]["print"].update(dangerous=[]),
            "recipe.print.dangerous: [] is refused; allowed: one chemistry or more",
        ),
        (
            lambda d: d["recipe"]["chemistries"].update(Paper="nimh"),
            "recipe.chemistries: 'Paper' is refused; allowed: Duracell_Alk, Energizer_Alk, "
            "Energizer_Ind, Energizer_Li, Exell_Green, Exell_Yellow, GP_Alk, IKEA_Alk, Klarus",
        ),
        (
            lambda d: d["recipe"]["brands"].update(Paper="GP"),
            "recipe.brands: 'Paper' is refused; allowed: Duracell_Alk, Energizer_Alk, "
            "Energizer_Ind, Energizer_Li, Exell_Green, Exell_Yellow, GP_Alk, IKEA_Alk, Klarus",
        ),
        (
            lambda d: d["recipe"]["brands"].update(Klarus=[]),
            "recipe.brands.Klarus: [] is refused; allowed: a list of one or more, or one alone",
        ),
        (
            lambda d: d["recipe"]["brands"].update(Klarus=["Klarus", 3]),
            "recipe.brands.Klarus[1]: 3 is refused; allowed: a text that is not empty",
        ),
        (
            lambda d: d["recipe"]["brands"].update(Klarus=""),
            "recipe.brands.Klarus: '' is refused; allowed: a text that is not empty",
        ),
        (
            lambda d: d["recipe"]["print"].pop("brand_confidence"),
            "recipe.print.brand_confidence: nothing is refused; allowed: a number from 0 up to 1, "
            "for recipe.brands",
        ),
        (
            lambda d: d["belt"].update(velocity=1.6),
            "belt.velocity: 1.6 is refused; allowed: up to belt.max_velocity 1.5 [m/s]",
        ),
        (
            lambda d: d["ejection"].update(pulse_s=0.05),
            "ejection.pulse_s: 0.05 is refused; allowed: from 0.01 to 0.04 [s], its own limits",
        ),
        (
            lambda d: d["ejection"].update(pulse_min_s=0.05),
            "ejection.pulse_min_s: 0.05 is refused; allowed: up to ejection.pulse_max_s 0.04 [s]",
        ),
        (
            lambda d: d["tracking"].update(slip_corrected=0.04),
            "tracking.slip_corrected: 0.04 is refused; allowed: up to tracking.slip_most 0.03",
        ),
        (
            lambda d: d["tracking"].update(lead_corrected_s=0.03),
            "tracking.lead_corrected_s: 0.03 is refused; allowed: "
            "up to tracking.lead_most_s 0.02 [s]",
        ),
        (
            lambda d: d["tracking"].update(most_offset=0.0),
            "tracking.most_offset: 0.0 is refused; allowed: a number above 0 up to 0.1 [m]",
        ),
        (
            lambda d: d["items"].update(min_length=0.08),
            "items.min_length: 0.08 is refused; allowed: below items.max_length 0.075 [m]",
        ),
        (
            lambda d: d["belt"].update(width="80 mm"),
            "belt.width: '80 mm' is refused; allowed: a number above 0 up to 5 [m]",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_line(
    document: Document, change: Callable[[Document], None], line: str
) -> None:
    change(document)
    with pytest.raises(CellError) as error:
        parse_cell(document)
    assert str(error.value) == line
