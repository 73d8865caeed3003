"""What cameras of several resolutions make of photos."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from batsort_core.chemistry import Chemistry
from batsort_learning.__main__ import main
from batsort_learning.camera_study import Look, as_text, field_of, figures, look
from batsort_learning.commands import camera as command
from batsort_perception.bundle import Bundle, default_bundle
from batsort_perception.engine import Engine
from batsort_perception.print_reader import PrintError
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line
from batsort_training.data import read_photos
from batsort_training.on_belt import CAMERA

BOX = np.array([[0, 0], [9, 0], [9, 5], [0, 5]], np.float32)


class Reads:
    """Reads li-ion where it sees the battery at 200 px or more."""

    def __init__(self):
        self.lengths = []

    def read(self, image):
        self.lengths.append(image.shape[1])
        return interpret([Line("INR18650", 0.99, BOX)] if image.shape[1] >= 200 else [])


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two types and an unknown one, a photo each: a coloured strip on white."""
    folder = tmp_path_factory.mktemp("photos")
    for number, name in enumerate(("Klarus", "IKEA_Alk", "Other")):
        (folder / name).mkdir()
        image = np.full((200, 800, 3), 255, np.uint8)
        image[20:180, 40:760] = np.random.default_rng(number).integers(0, 255, 3)
        assert cv2.imwrite(str(folder / name / "1.png"), image)
    return folder


def test_a_finer_camera_sees_the_same_belt():
    assert field_of(0.0004) == CAMERA
    fine = field_of(0.0002)
    assert (fine.image_width, fine.image_height) == (1280, 960)
    assert field_of(0.0003).image_width % 2 == 0


def test_every_photo_lies_in_the_same_places_before_every_camera(photos):
    reader, cameras = Reads(), [field_of(0.0004), field_of(0.0002)]
    coarse, fine = look(
        read_photos(photos), cameras, Engine(Bundle.load(default_bundle())), reader, ("Klarus",)
    )
    assert [one.label for one in coarse] == [one.label for one in fine]
    assert len(coarse) == 9
    assert [one.read_s is not None for one in coarse[:3]] == [True, False, False]
    by_photo = np.array(reader.lengths).reshape(3, 2)
    assert (by_photo[:, 1] / by_photo[:, 0]).tolist() == pytest.approx([1.9] * 3, abs=0.15)
    assert by_photo[1, 1] / 250 == pytest.approx(65 / 50.5, abs=0.1)  # Klarus, by name the second
    assert {one.chemistry for one in coarse} == {""}
    assert {one.chemistry for one in fine if one.read_s is not None} == {"li_ion"}


def test_figures_are_shares_of_the_known_and_of_the_unknown():
    one = Look("A", "A", 0.9, 0.5, 0.010, 0.4, "nimh")
    looks = [
        one,
        replace(one, chemistry="alkaline"),
        replace(one, chemistry=""),
        replace(one, type="B", read_s=None, chemistry=""),
        replace(one, confidence=0.7, read_s=None, chemistry=""),
        replace(one, label="Other", novelty=0.9, chemistry="li_ion"),
        replace(one, label="Other", novelty=1.1, read_s=None, chemistry=""),
    ]
    found = figures(looks, {"A": Chemistry.NIMH})
    assert found["accuracy"] == found["accepted"] == 0.8
    assert found["right_of_accepted"] == 0.75
    assert (found["unknown_accepted"], found["unknown_accepted_at_90"]) == (0.5, 0.0)
    assert (found["readable"], found["right_of_readable"]) == (0.6667, 0.5)
    assert (found["judged_ms"], found["read_s"]) == (10.0, 0.4)


def test_where_nothing_was_seen_nothing_is_said():
    assert set(figures([], {}).values()) == {None}
    rows = as_text([CAMERA], [figures([], {})]).splitlines()
    assert sum(row.endswith("| - |") for row in rows) == 9


def test_the_command_prints_a_table_also_without_a_reader(photos, monkeypatch, capsys):
    def none(threads):
        raise PrintError("print can't be read here")

    monkeypatch.setattr(command, "PrintReader", none)
    assert main(["camera", "--photos", str(photos), "--resolutions", "0.4", "0.25"]) == 0
    out = capsys.readouterr().out
    assert "|  | 0.4 mm/px | 0.25 mm/px |" in out
    assert "| image [px] | 640 x 480 | 1024 x 768 |" in out
    assert "| print says a chemistry | - | - |" in out
    assert out.rstrip().endswith("print can't be read here")


@pytest.mark.parametrize("text", ["0", "nan", "x", "0.05", "2"])
def test_a_resolution_that_no_camera_has_is_refused(photos, text, capsys):
    with pytest.raises(SystemExit):
        main(["camera", "--photos", str(photos), "--resolutions", text])
    assert "is refused; allowed: a number from 0.1 to 1.0" in capsys.readouterr().err
