import csv

import cv2
import numpy as np
import pytest

from batsort_training.data import DataError, near_duplicates, read_photos, read_readable


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


def test_a_table_of_another_encoding_is_refused_by_name(tmp_path):
    save(tmp_path / "A" / "1.png", picture(1))
    (tmp_path / "groups.csv").write_bytes("file,family_group\nA/1.png,ü\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"groups\.csv: not UTF-8"):
        read_photos(tmp_path)


def test_what_cannot_be_read_is_listed_and_the_rest_is_read(tmp_path):
    save(tmp_path / "A" / "1.png", picture(1))
    for name in ("2.jpg", "3.jpg"):
        (tmp_path / "A" / name).write_bytes(b"no image")
    photos, broken = read_readable(tmp_path)
    assert [photo.name for photo in photos] == ["A/1.png"]
    assert ["2.jpg" in str(broken[0]), "3.jpg" in str(broken[1])] == [True, True]
    with pytest.raises(DataError, match=r"2\.jpg.*\(and 1 more\)"):
        read_photos(tmp_path)


def test_near_duplicates_share_a_group_also_shrunk_and_turned():
    one, other = picture(1), picture(2)
    small = cv2.resize(one, (130, 52), interpolation=cv2.INTER_AREA)
    groups = near_duplicates([one, other, small, np.ascontiguousarray(one[::-1, ::-1])])
    assert groups[0] == groups[2] == groups[3] != groups[1]


def test_much_white_makes_no_near_duplicates():
    thin = []
    for seed in (1, 2):
        image = np.full((400, 400, 3), 255, np.uint8)
        image[190:210, 100:300] = cv2.resize(picture(seed)[20:60, 20:180], (200, 20))
        thin.append(image)
    assert len(set(near_duplicates(thin))) == 2


def test_a_moved_and_framed_copy_is_a_near_duplicate():
    framed = cv2.copyMakeBorder(picture(1), 30, 90, 70, 10, cv2.BORDER_CONSTANT, value=(255,) * 3)
    assert len(set(near_duplicates([picture(1), framed]))) == 1


def test_no_photos_have_no_groups():
    assert near_duplicates([]) == []
