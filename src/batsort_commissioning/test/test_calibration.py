"""Commissioning finds what is true of a cell, says how sure it is, and refuses what can't be."""

import math
import random
from dataclasses import replace

import pytest

from batsort_commissioning.calibration import (
    EDGE_SCATTER,
    LAPSE,
    CalibrationError,
    EdgeSearch,
    Feed,
    Figure,
    Sighting,
    Trial,
    Window,
    camera_line,
    common_length,
    ejectors,
    encoder_scale,
)
from batsort_core.cell import CellDescription

SURE = Figure(0.0, 0.0004)


def test_the_scale_is_metres_per_count_with_the_tapes_uncertainty() -> None:
    scale = encoder_scale([Feed(9_900, 1.0), Feed(9_905, 1.0004), Feed(9_897, 0.9998)])
    assert scale.value == pytest.approx(1.0 / 9_900, rel=2e-4)
    assert 2e-4 < scale.sigma / scale.value < 6e-4


@pytest.mark.parametrize(
    ("feeds", "word"),
    [
        ([Feed(10_000, 1.0)], "1 feeds"),
        ([Feed(10_000, 1.0), Feed(-10_000, 1.0)], "swap A and B"),
        ([Feed(10_000, 1.0), Feed(0, 1.0)], "0 counts"),
        ([Feed(10_000, 1.0), Feed(10_000, -1.0)], "on the tape"),
        ([Feed(10_000, 1.0), Feed(10_000, 1.02)], "differ by"),
    ],
)
def test_feeds_that_tell_nothing_sure_are_refused(feeds: list[Feed], word: str) -> None:
    with pytest.raises(CalibrationError, match=word):
        encoder_scale(feeds)


def sightings(cell: CellDescription, line: float, scale: float, noise: float) -> list[Sighting]:
    chance = random.Random(1)
    middle = cell.camera.image_width / 2
    return [
        Sighting(line + scale * pixels + chance.gauss(0.0, noise), middle + pixels)
        for pixels in (-90, -10, 70, 110) * 4
    ]


def test_the_camera_line_is_found_whatever_the_scale_of_the_picture(cell: CellDescription) -> None:
    found = camera_line(sightings(cell, 0.2071, 0.00038, 0.0003), cell.camera)
    assert found.distance.value == pytest.approx(0.2071, abs=0.0003)
    assert found.distance.sigma < 0.0002
    assert found.metres_per_pixel.value == pytest.approx(0.00038, rel=0.01)


def test_a_neighbour_taken_for_the_item_moves_nothing(cell: CellDescription) -> None:
    seen = sightings(cell, 0.2071, 0.0004, 0.0)
    neighbour = replace(seen[0], column=seen[0].column - 240.0)
    found = camera_line([*seen, neighbour], cell.camera)
    assert found.distance.value == pytest.approx(0.2071)
    assert len(found.errors) == len(seen)


def test_sightings_that_tell_nothing_sure_are_refused(cell: CellDescription) -> None:
    good = sightings(cell, 0.2071, 0.00038, 0.0)
    with pytest.raises(CalibrationError, match="in 5 pictures"):
        camera_line(good[:5], cell.camera)
    with pytest.raises(CalibrationError, match="in one place"):
        camera_line(good[::4] * 2, cell.camera)
    with pytest.raises(CalibrationError, match="contradict"):
        camera_line(sightings(cell, 0.2071, 0.0004, 0.003)[:6], cell.camera)
    with pytest.raises(CalibrationError, match="along the belt"):
        camera_line(sightings(cell, 0.2071, -0.0004, 0.0), cell.camera)


def test_the_kind_that_most_items_are_is_told_by_length() -> None:
    assert common_length([0.0505, 0.0445, 0.0512, 0.0444, 0.0508], 0.002) == 0.0508


def searched(at: float, scatter: float, shots: int, seed: int, lapse: float = 0.0) -> EdgeSearch:
    """With edges of batteries scattered logistically, and some shots that tell the wrong thing."""
    chance = random.Random(seed)
    search = EdgeSearch(0.050, shots)
    while not search.done:
        aim, share = search.aim, chance.random()
        hit = aim < at + scatter * math.log(share / (1.0 - share))
        search.add(aim, hit != (chance.random() < lapse))
    return search


def test_twelve_shots_find_an_edge_that_is_sharp_to_half_a_millimetre() -> None:
    for at in (0.0112, 0.0200, 0.0235, 0.0310, 0.0361):
        assert searched(at, 0.0, 12, 0).result().value == pytest.approx(at, abs=0.0005)


@pytest.mark.parametrize("shots", [6, 8, 12])
def test_the_uncertainty_of_an_edge_covers_what_it_is_off_by(shots: int) -> None:
    off = []
    for seed in range(400):
        at = 0.0235 + random.Random(-seed).uniform(-0.008, 0.008)
        try:
            found = searched(at, EDGE_SCATTER, shots, seed, LAPSE).result()
        except CalibrationError:
            continue
        off.append(abs(found.value - at) / found.sigma)
    assert len(off) > 380
    within = [sum(one < sigmas for one in off) / len(off) for sigmas in (1.0, 2.0, 4.0)]
    assert 0.6 < within[0] < 0.9
    assert within[1] > 0.93
    assert within[2] > 0.99


def test_a_first_shot_that_tells_the_wrong_thing_is_made_good_by_those_after_it() -> None:
    for at, wrong in ((0.0275, False), (0.0195, True)):
        search = EdgeSearch(0.050, 12)
        search.add(search.aim, wrong)
        while not search.done:
            search.add(search.aim, search.aim < at)
        assert search.result().value == pytest.approx(at, abs=0.001)


@pytest.mark.parametrize(
    ("shots", "word"),
    [
        ([Trial(0.01, True)] * 5, "5 shots"),
        ([Trial(0.01, False)] * 8, "none of 8"),
        ([Trial(0.01, True)] * 8, "all of 8"),
        ([Trial(0.014, True), Trial(0.02, False)] * 3 + [Trial(0.029, True)], "contradict"),
    ],
)
def test_shots_that_tell_nothing_sure_are_refused(shots: list[Trial], word: str) -> None:
    search = EdgeSearch(0.050, len(shots))
    for shot in shots:
        search.add(shot.aim, shot.hit)
    with pytest.raises(CalibrationError, match=word):
        search.result()


def window(velocity: float, distance: float, lead_s: float, half: float = 0.024) -> Window:
    centre = distance - velocity * lead_s
    return Window(velocity, Figure(centre - half, SURE.sigma), Figure(centre + half, SURE.sigma))


def test_lead_and_distance_are_told_apart_by_two_speeds() -> None:
    """Windows of another width, as of batteries of another length, change nothing."""
    found = ejectors(
        {
            "one": [window(0.4, 0.003, 0.0021), window(1.2, 0.003, 0.0021, half=0.021)],
            "two": [window(0.4, -0.005, 0.0021, half=0.02), window(1.2, -0.005, 0.0021)],
        }
    )
    assert found.lead_s.value == pytest.approx(0.0021)
    assert found.distance["one"].value == pytest.approx(0.003)
    assert found.distance["two"].value == pytest.approx(-0.005)
    assert found.lead_s.sigma < found.own_lead_s["one"].sigma


def test_a_valve_that_opens_apart_from_the_others_is_refused() -> None:
    windows = {name: [window(0.4, 0.0, 0.0), window(1.2, 0.0, 0.0)] for name in ("a", "b", "c")}
    windows["d"] = [window(0.4, 0.0, 0.008), window(1.2, 0.0, 0.008)]
    with pytest.raises(CalibrationError, match="d: its valve opens"):
        ejectors(windows)


def test_one_speed_does_not_tell_lead_from_distance() -> None:
    with pytest.raises(CalibrationError, match="belt speeds"):
        ejectors({"one": [window(0.5, 0.0, 0.0), window(0.6, 0.0, 0.0)]})
