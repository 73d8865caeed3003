import csv

import cv2
import numpy as np
import pytest

from batsort_learning.data import DataError, near_duplicates, read_photos


def picture(seed):
    """A coloured bar with a pattern of its own on white."""
    rng = np.random.default_rng(seed)
    image = np.full((80, 200, 3), 255, np.uint8)
    pattern = rng.integers(0, 220, (3, 6, 3)).astype(np.uint8)
    image[20:60, 20:180] = cv2.resize(pattern, (160, 40), interpolation=cv2.INTER_NEAREST)
    return image


def save(path, image):
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image)


def test_photos_are_read_with_type_hash_and_group(tmp_path):
    save(tmp_path / "A" / "1.png", picture(1))
    save(tmp_path / "B" / "2.png", picture(2))
    with (tmp_path / "groups.csv").open("w", newline="") as file:
        rows = [("file", "family_group"), ("A/1.png", "x"), ("B/2.png", "x")]
        csv.writer(file).writerows(rows)
    first, second = read_photos(tmp_path)
    assert (first.label, first.name) == ("A", "A/1.png")
    assert len(first.sha256) == 64
    assert first.group == second.group


def test_a_photo_that_the_table_does_not_know_is_a_group_of_its_own(tmp_path):
    for i in range(3):
        save(tmp_path / "A" / f"{i}.png", picture(i))
    (tmp_path / "groups.csv").write_text("file,family_group\nA/0.png,g\n")
    assert len({photo.group for photo in read_photos(tmp_path)}) == 3


def test_a_table_without_the_column_is_refused_by_name(tmp_path):
    save(tmp_path / "A" / "1.png", picture(1))
    (tmp_path / "groups.csv").write_text("file,type\nA/1.png,A\n")
    with pytest.raises(DataError, match="family_group"):
        read_photos(tmp_path)


def test_a_folder_without_photos_or_a_broken_photo_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match="absent"):
        read_photos(tmp_path / "absent")
    (tmp_path / "A").mkdir()
    (tmp_path / "A" / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(DataError, match=r"broken\.jpg"):
        read_photos(tmp_path)


def test_near_duplicates_share_a_group_also_shrunk_and_turned():
    one, other = picture(1), picture(2)
    small = cv2.resize(one, (130, 52), interpolation=cv2.INTER_AREA)
    groups = near_duplicates([one, other, small, np.ascontiguousarray(one[::-1, ::-1])])
    assert groups[0] == groups[2] == groups[3] != groups[1]
