import subprocess
import sys

import cv2
import numpy as np
import pytest

from batsort_perception import print_reader
from batsort_perception.print_reader import PrintError, PrintReader, available

needs_ocr = pytest.mark.skipif(bool(available()), reason=available() or "it is there")

LONG, WIDE = 460, 130


def label(*lines: str, turned: bool = False) -> np.ndarray:
    """A level battery with `lines` in black, uint8[WIDE, LONG, 3]."""
    image = np.full((WIDE, LONG, 3), (228, 214, 120), np.uint8)
    for row, line in enumerate(lines, 1):
        v = round(row * WIDE / (len(lines) + 1)) + 10
        cv2.putText(
            image, line, (30, v), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (20, 20, 30), 3, cv2.LINE_AA
        )
    return np.ascontiguousarray(image[::-1, ::-1]) if turned else image


def laid(
    battery: np.ndarray, degrees: float = 0.0, size: int = 640
) -> tuple[np.ndarray, np.ndarray]:
    """The battery turned clockwise in the middle of white paper, and the matrix that laid it."""
    turn = np.radians(degrees)
    cos, sin = np.cos(turn), np.sin(turn)
    height, width = battery.shape[:2]
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    rotation = np.array([[cos, -sin], [sin, cos]])
    shift = (size - 1) / 2 - rotation @ middle
    matrix = np.column_stack([rotation, shift])
    paper = cv2.warpAffine(battery, matrix, (size, size), borderValue=(255, 255, 255))
    return paper, matrix


@pytest.fixture(scope="module")
def reader() -> PrintReader:
    return PrintReader()


def words(found) -> str:
    return found.text.upper().replace(" ", "")


def test_importing_it_loads_no_networks():
    code = (
        "import sys, batsort_perception.print_reader as r; r.available();"
        "sys.exit(bool({'rapidocr', 'onnxruntime'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("missing", ["rapidocr", "onnxruntime"])
def test_what_is_missing_is_said_in_one_sentence(missing, monkeypatch):
    found = print_reader.find_spec
    monkeypatch.setattr(
        print_reader, "find_spec", lambda name: None if name == missing else found("json")
    )
    assert available() == f"print can't be read without {missing}; install with: ./cell setup print"
    with pytest.raises(PrintError, match=missing):
        PrintReader()


def test_an_engine_that_fails_with_its_first_image_is_refused_at_start(monkeypatch):
    class Broken:
        def __init__(self, params: object) -> None:
            pass

        def __call__(self, image: object, **how: object) -> None:
            raise ImportError("no engine\nand more")

    class Module:
        RapidOCR = Broken

    monkeypatch.setattr(print_reader, "find_spec", lambda name: object())
    monkeypatch.setattr(print_reader, "import_module", lambda name: Module)
    with pytest.raises(PrintError) as caught:
        PrintReader()
    assert str(caught.value) == (
        "print can't be read, RapidOCR does not run (no engine); install with: ./cell setup print"
    )


@needs_ocr
@pytest.mark.parametrize("degrees", [0, 25, 90, -60, 135, 180])
@pytest.mark.parametrize("turned", [False, True])
def test_print_is_read_at_any_angle_and_both_ways_up(reader, degrees, turned):
    image, _ = laid(label("ALKALINE BATTERY", "LR6  1.5V", turned=turned), degrees)
    found = reader.read(image)
    assert found.chemistry is not None and found.chemistry.value == "alkaline"
    assert found.voltage is not None and found.voltage.value == "1.5"
    assert found.size is not None and found.size.value == "AA"


@needs_ocr
@pytest.mark.parametrize("degrees", [0, 30, 100, 200, 300])
@pytest.mark.parametrize("turned", [False, True])
def test_boxes_are_where_the_words_are_and_begin_where_they_begin(reader, degrees, turned):
    battery = np.full((WIDE, LONG, 3), (228, 214, 120), np.uint8)
    cv2.putText(
        battery, "ALKALINE", (200, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (20, 20, 30), 3, cv2.LINE_AA
    )
    dark = np.argwhere(battery.max(axis=2) < 90)
    (top, left), (bottom, right) = dark.min(axis=0), dark.max(axis=0)
    drawn = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    if turned:
        battery = np.ascontiguousarray(battery[::-1, ::-1])
        drawn = [LONG - 1, WIDE - 1] - drawn
    image, matrix = laid(battery, degrees)
    found = reader.read(image).chemistry
    assert found is not None
    expected = drawn @ matrix[:, :2].T + matrix[:, 2]
    assert found.box.dtype == np.float32 and found.box.shape == (4, 2)
    assert np.abs(found.box - expected).max() < 14
    assert np.abs(found.box.mean(axis=0) - expected.mean(axis=0)).max() < 4


@needs_ocr
@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_boxes_are_in_the_pixels_of_the_image_given(reader, scale):
    image, _ = laid(label("Ni-MH 1.2V", "RECHARGEABLE"))
    at_one = reader.read(image).chemistry
    resized = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found = reader.read(resized).chemistry
    assert at_one is not None and found is not None
    assert (found.value, at_one.value) == ("nimh", "nimh")
    assert found.box / scale == pytest.approx(at_one.box, abs=8)


@needs_ocr
@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("lines", [("ALKALINE BATTERY", "LR6  1.5V"), ("EXELL Ni-CD AA 1.2V",)])
def test_mirrored_print_is_not_read(reader, axis, lines):
    image, _ = laid(label(*lines), 20)
    found = reader.read(np.ascontiguousarray(np.flip(image, axis)))
    assert found.chemistries == () and found.brand is None and found.voltage is None


@needs_ocr
def test_two_labels_are_both_named_and_none_is_chosen(reader):
    image = np.full((420, 560, 3), 255, np.uint8)
    image[40:170, 50:510] = label("ALKALINE", "LR6 1.5V")
    image[240:370, 50:510] = label("Li-ion 3.7V", "ICR18650")
    found = reader.read(image)
    assert {finding.value for finding in found.chemistries} >= {"alkaline", "li_ion"}
    assert found.chemistry is None


@needs_ocr
def test_a_pack_of_one_kind_is_that_kind(reader):
    image = np.full((620, 560, 3), 255, np.uint8)
    for row in range(4):
        image[20 + 150 * row : 150 + 150 * row, 50:510] = label("DURACELL", "ALKALINE 1.5V")
    found = reader.read(image)
    assert found.chemistry is not None and found.chemistry.value == "alkaline"
    assert found.brand is not None and found.brand.value == "Duracell"


@needs_ocr
@pytest.mark.parametrize(
    "image",
    [
        laid(label())[0],
        np.full((300, 300, 3), 255, np.uint8),
        np.random.default_rng(0).integers(0, 256, (256, 256, 3)).astype(np.uint8),
        np.zeros((1, 1, 3), np.uint8),
        np.zeros((2, 900, 3), np.uint8),
        np.zeros((3000, 1, 3), np.uint8),
    ],
    ids=["no print", "paper", "noise", "one pixel", "a row", "a column"],
)
def test_where_nothing_is_printed_nothing_is_read(reader, image):
    found = reader.read(image)
    assert found.chemistries == ()
    assert (found.chemistry, found.voltage, found.brand, found.size) == (None,) * 4


@needs_ocr
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 9, 3), np.uint8),
    ],
)
def test_another_array_is_refused(reader, array):
    with pytest.raises(ValueError, match="allowed: uint8"):
        reader.read(array)


@needs_ocr
def test_the_given_image_stays_and_nothing_is_printed(reader, capfd):
    image, _ = laid(label("ALKALINE BATTERY"))
    before = image.copy()
    first, second = reader.read(image), reader.read(image)
    assert np.array_equal(image, before)
    assert (first.text, words(first)) == (second.text, "ALKALINEBATTERY")
    reader.read(np.full((64, 64, 3), 255, np.uint8))
    assert capfd.readouterr() == ("", "")
