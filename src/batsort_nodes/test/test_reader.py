"""Node `reader`: reads the print of items that the recipe wants to be sure of, and of no others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from messages import belt_state, item, stamp_at, verdict
from rclpy.lifecycle import TransitionCallbackReturn
from sensor_msgs.msg import RegionOfInterest

from batsort_core.chemistry import Chemistry
from batsort_graph.image_bridge import to_message
from batsort_graph.to_messages import recipe_message, time_of
from batsort_interfaces.msg import PrintReading
from batsort_nodes.reader import Reader
from batsort_perception.print_reader import PrintError
from batsort_perception.printed import Finding, Print

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"
CAMERA_COUNTS = 2000
BOX = np.zeros((4, 2), np.float32)


class FakePrint:
    """Reads what it is told to, when it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.let.set()
        self.pictures: list[np.ndarray] = []
        self.chemistry: Finding | None = Finding("li_ion", 0.75, "Li-ion 3.7V", BOX)
        self.brand: Finding | None = None
        self.chemistries: tuple[Finding, ...] = ()
        self.fails = False

    def read(self, picture: np.ndarray) -> Print:
        self.pictures.append(picture)
        assert self.let.wait(20.0)
        if self.fails:
            raise ValueError("the network is of cheese")
        voltage = Finding("3.7", 0.9, "Li-ion 3.7V", BOX)
        return Print(
            chemistry=self.chemistry,
            voltage=voltage,
            brand=self.brand,
            chemistries=self.chemistries,
        )


@pytest.fixture
def fake() -> FakePrint:
    return FakePrint()


@pytest.fixture
def bench(bench: Any, tmp_path: Path) -> Any:
    """With a recipe that does not want all print."""
    text = CELL_FILE.read_text()
    assert "    novelty: 0.0 " in text
    file = tmp_path / "cell.yaml"
    file.write_text(text.replace("    novelty: 0.0 ", "    novelty: 0.7 "))
    return partial(bench, cell_file=file)


def active(bench: Any, fake: Any) -> Reader:
    node = bench.add(Reader(lambda threads: fake))
    node.trigger_configure()
    node.trigger_activate()
    assert node.stage == "active"
    return node


def image(count: int) -> Any:
    """A light battery at the camera line, on a dark belt."""
    pixels = np.full((480, 640, 3), 40, np.uint8)
    pixels[222:258, 258:382] = (210, 190, 40)
    cv2.putText(pixels, "Li-ion", (270, 246), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2)
    message = to_message(pixels)
    message.header.stamp = time_of(stamp_at(count))
    return message


def judged(battery: Any, kind: str = "Klarus", novelty: float = 0.1) -> Any:
    message = verdict(battery.id, kind)
    message.novelty = novelty
    message.roi = RegionOfInterest(x_offset=258, y_offset=222, width=124, height=36)
    message.header.stamp = image(battery.count + CAMERA_COUNTS).header.stamp
    return message


def see(bench: Any, battery: Any) -> None:
    """The belt brings an item below the camera, and its image is taken."""
    at = battery.count + CAMERA_COUNTS
    bench.send("belt/items", battery)
    bench.send("belt/state", belt_state(at - 50))
    bench.send("camera/image_raw", image(at))
    bench.send("belt/state", belt_state(at + 50))


def taken(node: Reader) -> int:
    """Where the belt is for the node."""
    latest = node._belt.tracker.latest
    return latest.count if latest else 0


def drive(bench: Any, node: Reader, count: int, reached: Callable[[], bool]) -> None:
    """The belt goes on from a count until it is so."""
    sent = count

    def step() -> bool:
        nonlocal sent
        if not reached() and taken(node) == sent:
            sent += 1
            bench.send("belt/state", belt_state(sent))
        return reached()

    bench.send("belt/state", belt_state(sent))
    bench.wait(step)


def read(bench: Any, node: Reader, battery: Any) -> None:
    """An item is seen, wanted, and read."""
    see(bench, battery)
    wanted, done = node._counts["items wanted"], node._counts["items read"]
    bench.send("classifications", judged(battery))
    bench.wait(lambda: node._counts["items wanted"] > wanted)
    at = battery.count + CAMERA_COUNTS
    drive(bench, node, at + 100, lambda: node._counts["items read"] > done)


def test_a_dangerous_battery_is_read_and_told_with_its_image(bench, fake) -> None:
    bench = bench()
    node = active(bench, fake)
    readings = bench.heard("readings")
    battery = item(5000)
    read(bench, node, battery)
    bench.wait(lambda: readings)
    (reading,) = readings
    assert reading.item_id == battery.id
    assert reading.header.stamp == time_of(stamp_at(battery.count + CAMERA_COUNTS))
    assert (reading.chemistry, reading.text) == ("li_ion", "Li-ion 3.7V")
    assert (reading.confidence, reading.voltage) == (0.75, pytest.approx(3.7))
    (picture,) = fake.pictures
    assert picture.shape == (44, 132, 3) and (picture[:4] == 40).all()
    values = node._health().values
    assert (values["items wanted"], values["items read"]) == (1, 1)
    assert values["chemistries read"] == 1 and values["items left out"] == 0


def test_its_brand_is_told_and_which_chemistries_it_may_be_of(bench, fake) -> None:
    bench = bench()
    fake.chemistry = None
    fake.brand = Finding("Eveready", 0.75, "EVEREADY", BOX)
    fake.chemistries = tuple(Finding(of, 0.375, "LITHIUM", BOX) for of in ("lithium", "li_ion"))
    node = active(bench, fake)
    readings = bench.heard("readings")
    read(bench, node, item(5000))
    bench.wait(lambda: readings)
    (reading,) = readings
    assert (reading.brand, reading.brand_confidence) == ("Eveready", 0.75)
    assert (reading.chemistry, list(reading.chemistries)) == ("", ["lithium", "li_ion"])
    assert (reading.confidence, reading.text) == (0.75, "LITHIUM")
    assert node._health().values["brands read"] == 1


@pytest.mark.parametrize("early", [True, False])
def test_only_what_the_recipe_wants_is_read_whichever_of_image_and_verdict_is_first(
    bench, fake, early: bool
) -> None:
    bench = bench()
    node = active(bench, fake)
    plain, doubtful = item(5000), item(6200)
    told = [judged(plain, "GP_Alk"), judged(doubtful, "GP_Alk", novelty=0.9)]
    if early:
        for one in told:
            bench.send("classifications", one)
    see(bench, plain)
    see(bench, doubtful)
    if not early:
        for one in told:
            bench.send("classifications", one)
    bench.wait(lambda: node._counts["items wanted"] == 1)
    bench.send("belt/state", belt_state(6200 + CAMERA_COUNTS + 100))
    bench.wait(lambda: fake.pictures)
    assert node._counts["items wanted"] == 1


def test_it_goes_by_the_recipe_that_the_ejector_tells(bench, fake) -> None:
    bench = bench()
    node = active(bench, fake)
    recipe = replace(node._cell.recipe, types={"GP_Alk": "gp_alk"}, weights=None)
    bench.send("ejector/recipe", recipe_message(recipe, time_of(1)))
    bench.wait(lambda: node._recipe == recipe)
    battery = item(5000)
    see(bench, battery)
    bench.send("classifications", judged(battery))
    later = item(6200)
    see(bench, later)
    bench.send("classifications", judged(later, "GP_Alk", novelty=0.9))
    bench.wait(lambda: node._counts["items wanted"] == 1)


def test_what_comes_while_it_reads_waits_and_what_can_not_be_in_time_is_left_out(
    bench, fake
) -> None:
    bench = bench()
    node = active(bench, fake)
    readings = bench.heard("readings")
    fake.let.clear()
    # The third is so far behind that no load of the machine makes it late.
    batteries = [item(5000), item(6200), item(16200)]
    for wanted, battery in enumerate(batteries):
        see(bench, battery)
        bench.send("classifications", judged(battery))
        bench.wait(lambda wanted=wanted: node._counts["items wanted"] > wanted)
        bench.send("belt/state", belt_state(battery.count + CAMERA_COUNTS + 100))
    at = batteries[2].count + CAMERA_COUNTS + 100
    bench.wait(lambda: taken(node) == at and len(fake.pictures) == 1)
    # The second is past its bin by now, the third is not.
    bench.send("belt/state", belt_state(batteries[1].count + 18000))
    bench.wait(lambda: taken(node) == batteries[1].count + 18000)
    fake.let.set()
    drive(bench, node, batteries[1].count + 18001, lambda: len(readings) == 2)
    assert [one.item_id for one in readings] == [batteries[0].id, batteries[2].id]
    assert node._queue.left_out == 1
    assert "items were left out" in node._health().warning


def test_a_reading_that_fails_is_counted_and_the_next_one_read(bench, fake) -> None:
    bench = bench()
    node = active(bench, fake)
    readings = bench.heard("readings")
    fake.fails = True
    read(bench, node, item(5000))
    bench.wait(lambda: node._counts["readings failed"] == 1)
    fake.fails = False
    read(bench, node, item(6200))
    bench.wait(lambda: len(readings) == 1)


def test_where_print_can_not_be_read_it_refuses_in_one_sentence(bench, capfd) -> None:
    bench = bench()

    def missing(threads: int) -> Any:
        raise PrintError("print can't be read without rapidocr; install with: ./cell setup print")

    node = bench.add(Reader(missing))
    assert node.trigger_configure() is TransitionCallbackReturn.FAILURE
    assert "print can't be read without rapidocr; install with" in capfd.readouterr().err


@pytest.mark.skipif(
    any(find_spec(name) is None for name in ("rapidocr", "onnxruntime")),
    reason="print can't be read here: ./cell setup print",
)
def test_the_real_reader_reads_an_image_of_the_belt(bench) -> None:
    bench = bench()
    node = bench.add(Reader())
    node.trigger_configure()
    node.trigger_activate()
    readings: list[PrintReading] = bench.heard("readings")
    battery = item(5000)
    read(bench, node, battery)
    bench.wait(lambda: readings)
    (reading,) = readings
    assert reading.item_id == battery.id
    assert reading.chemistry in ("", *Chemistry)
