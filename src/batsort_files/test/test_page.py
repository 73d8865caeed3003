import base64
import re

import cv2
import numpy as np
import pytest

from batsort_files import page


def test_text_is_escaped_and_html_is_not():
    cell = page.paragraph("a < b")
    made = page.page("A & B", "x > y", page.section("<s>", page.table(("<h>",), [("<c>",)]), cell))
    assert "<title>A &amp; B</title>" in made
    assert "x &gt; y" in made
    assert all(f"&lt;{name}&gt;" in made for name in "shc")
    assert "<p>a &lt; b</p>" in made


def test_a_page_needs_nothing_from_outside():
    figure, axes = page.axes("x", "y")
    axes.plot([0, 1], [0, 1])
    image = np.full((40, 90, 3), 200, np.uint8)
    made = page.page(
        "All", page.drawing(figure, "a line"), page.thumbnail(image, "Photo a.png", "a.png")
    )
    assert "<script" not in made
    assert not re.search(r"<link|@import|url\((?!#)", made)
    assert set(re.findall(r'(?:src|href)="(.{5})', made)) <= {"data:"} | {
        found for found in re.findall(r'href="(.{5})', made) if found.startswith("#")
    }


def test_a_page_follows_light_and_dark_and_drawings_follow_the_page():
    figure, axes = page.axes("confidence", "named right")
    axes.plot([0, 1], [0, 1], color=page.INK)
    made = page.page("Both", page.drawing(figure, "Reliability"))
    assert "prefers-color-scheme: dark" in made
    assert "currentColor" in made
    assert page.INK not in made
    assert "named right" in made
    assert 'role="img" aria-label="Reliability"' in made


@pytest.mark.parametrize(("shape", "size"), [((300, 600), (64, 128)), ((30, 20), (30, 20))])
def test_a_thumbnail_is_small_and_says_what_it_shows(shape, size):
    image = np.full((*shape, 3), (200, 60, 40), np.uint8)
    made = page.thumbnail(image, "Photo <1>", "one & only")
    assert 'alt="Photo &lt;1&gt;"' in made
    assert "one &amp; only" in made
    data = re.search(r"base64,([^\"]+)", made).group(1)
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert shown.shape[:2] == size
    assert np.abs(shown[5, 5].astype(int) - (200, 60, 40)).max() < 12


def test_a_picture_is_large_enough_to_read_and_code_is_as_it_is():
    image = np.full((300, 900, 3), 200, np.uint8)
    data = re.search(r"base64,([^\"]+)", page.picture(image, "Print", "reads")).group(1)
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape[:2] == (128, 384)
    assert page.code("a <\n  b") == "<pre>a &lt;\n  b</pre>"


def test_numbers_of_a_table_stand_to_the_right():
    made = page.table(("name", "count"), [("a", 3), ("b", 12)], "Counts")
    assert made.count('class="number"') == 3
    assert "<caption>Counts</caption>" in made


def test_a_matrix_is_shaded_by_row_and_leaves_zeros_out():
    made = page.matrix(("A", "B"), ("A", "B"), np.array([[3, 1], [0, 0]]), "folder")
    shades = [int(share) for share in re.findall(r"var\(--accent\) (\d+)%", made)]
    assert shades == [56, 19, 0, 0]
    assert re.findall(r">(\d*)</td>", made) == ["3", "1", "", ""]


def test_the_same_drawing_gives_the_same_page():
    def made() -> str:
        figure, axes = page.axes("x", "y")
        axes.plot([0, 1, 2], [0, 2, 1], marker="o")
        return page.drawing(figure, "a line")

    assert made() == made()
