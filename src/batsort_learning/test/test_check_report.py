"""How the print that speaks is shown."""

import cv2
import numpy as np
import pytest
from printed_photos import BOX, LI_ION, NIMH, many

from batsort_learning import check_report
from batsort_learning.check_report import as_page, print_crop
from batsort_perception.print_text import interpret
from batsort_perception.printed import Line
from batsort_training.data import read_photos

pytestmark = pytest.mark.usefixtures("no_tensorflow")


def test_the_page_shows_the_line_framed_and_all_that_was_read(looked_at):
    result = looked_at({**many("Green", NIMH), "Green/odd": LI_ION})
    text = as_page(result, looked_at.folder)
    assert 'alt="Print on Green/odd.png"' in text
    assert "INR18650 3.7V&quot;: Li-ion" in text
    assert "Read on 5 of 5 photos" in text
    assert "li_ion (89%)" in text
    assert "3.7 (99%)" in text


@pytest.mark.parametrize("turn", [0, 90, 180, 217])
def test_the_line_is_framed_and_level_however_it_lies(tmp_path, turn):
    (tmp_path / "A").mkdir()
    assert cv2.imwrite(str(tmp_path / "A" / "1.png"), np.full((120, 300, 3), 180, np.uint8))
    (photo,) = read_photos(tmp_path)
    angle = np.radians(turn)
    about = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    box = ((BOX - BOX.mean(axis=0)) @ about.T + (150, 60)).astype(np.float32)
    read = interpret([Line(NIMH, 0.9, box)]).chemistry
    shown = print_crop(photo, read)
    red = (np.abs(shown.astype(int) - check_report.RED).max(axis=2) < 40).nonzero()
    height, width = shown.shape[:2]
    assert (width, height) == (384, 216)
    for row, size in zip(red, (height, width), strict=True):
        assert abs((row.min() + row.max()) / 2 - size / 2) < 4
    assert np.ptp(red[1]) == pytest.approx(384 / check_report.AROUND, abs=8)
