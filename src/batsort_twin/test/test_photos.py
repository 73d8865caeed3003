"""Photos are cut from their background and laid on the belt."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from batsort_twin.events import Frame, Truth
from batsort_twin.feed import photographed
from batsort_twin.options import TwinOptions
from batsort_twin.photos import PhotoError, PhotoLibrary, cut, fitting_size, read_photo
from batsort_twin.sim import Twin

START = 1_700_000_000_000_000_000
BATTERY = (200, 60, 40)


def picture(
    angle: float = 0.0, background: tuple[int, int, int] = (255, 255, 255), length: int = 200
) -> np.ndarray:
    """uint8[300, 360, 3] RGB: a 200 x 57 battery (an AA's aspect), white print in its middle."""
    image = np.full((300, 360, 3), background, np.uint8)
    corners = cv2.boxPoints(((180, 150), (length, 57), angle))
    cv2.fillPoly(image, [np.rint(corners).astype(np.int32)], BATTERY)
    cv2.circle(image, (180, 150), 12, (255, 255, 255), -1)
    return image


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    order = cv2.COLOR_RGBA2BGRA if image.shape[2] == 4 else cv2.COLOR_RGB2BGR
    assert cv2.imwrite(str(path), cv2.cvtColor(image, order))
    return path


def covers_the_battery(cutout: np.ndarray) -> bool:
    height, width = cutout.shape[:2]
    solid = cutout[2:-2, 2:-2, 3].mean() > 250
    return abs(width / height - 200 / 57) < 0.25 and bool(solid)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 135.0])
@pytest.mark.parametrize("background", [(255, 255, 255), (236, 238, 240), (0, 0, 0)])
def test_a_battery_is_cut_from_a_plain_background_at_any_angle(angle, background):
    assert covers_the_battery(cut(picture(angle, background)))


def test_white_print_on_the_battery_is_not_cut_out():
    cutout = cut(picture())
    height, width = cutout.shape[:2]
    assert (cutout[height // 2, width // 2] == 255).all()


def test_of_two_cells_lying_apart_the_larger_remains():
    image = picture(length=150)
    image[20:40, 20:60] = (0, 120, 0)
    cutout = cut(image)
    assert cutout.shape[1] / cutout.shape[0] == pytest.approx(150 / 57, abs=0.25)


def test_a_busy_background_gives_the_object_in_the_middle():
    rng = np.random.default_rng(0)
    image = picture(20.0, (90, 120, 80))
    noisy = np.clip(image + rng.normal(0, 25, image.shape), 0, 255).astype(np.uint8)
    cutout = cut(noisy)
    shown = cutout[cutout[..., 3] > 250][:, :3].mean(axis=0)
    assert np.linalg.norm(shown - BATTERY) < 40


def test_an_image_of_one_colour_is_shown_whole():
    assert cut(np.full((80, 120, 3), 255, np.uint8)).shape == (80, 120, 4)


def test_alpha_is_laid_on_white(tmp_path):
    rgba = np.dstack([picture(background=(0, 0, 0)), np.zeros((300, 360), np.uint8)])
    rgba[120:180, 100:260, 3] = 255
    image = read_photo(save(tmp_path / "a.png", rgba))
    assert (image[0, 0] == 255).all()
    assert np.abs(image[150, 120].astype(int) - BATTERY).max() <= 2


def test_webp_and_grey_images_are_read(tmp_path):
    assert read_photo(save(tmp_path / "a.webp", picture())).shape == (300, 360, 3)
    cv2.imwrite(str(tmp_path / "g.png"), picture()[..., 1])
    assert read_photo(tmp_path / "g.png").shape == (300, 360, 3)


def test_sixteen_bit_images_are_read(tmp_path):
    cv2.imwrite(str(tmp_path / "deep.png"), picture()[..., ::-1].astype(np.uint16) * 257)
    image = read_photo(tmp_path / "deep.png")
    assert np.abs(image[150, 120].astype(int) - BATTERY).max() <= 1


def test_a_palette_with_transparency_is_laid_on_white(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    image = pillow.fromarray(picture(background=(0, 0, 255))).convert("P")
    image.save(tmp_path / "p.png", transparency=image.getpixel((0, 0)))
    read = read_photo(tmp_path / "p.png")
    assert (read[0, 0] == 255).all()
    assert (read[150, 120] == np.asarray(image.convert("RGB"))[150, 120]).all()


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_an_image_is_turned_as_its_exif_says(tmp_path, suffix):
    pillow = pytest.importorskip("PIL.Image")
    exif = pillow.Exif()
    exif[0x0112] = 6
    image = picture()
    image[:40, :40] = (0, 200, 0)
    pillow.fromarray(image).save(tmp_path / f"e.{suffix}", exif=exif)
    turned = read_photo(tmp_path / f"e.{suffix}")
    assert turned.shape == (360, 300, 3)
    assert np.abs(turned[20, -20].astype(int) - (0, 200, 0)).max() <= 12


@pytest.mark.parametrize("turn", range(1, 9))
def test_alpha_is_turned_with_its_image(tmp_path, turn):
    pillow = pytest.importorskip("PIL.Image")
    operations = pytest.importorskip("PIL.ImageOps")
    exif = pillow.Exif()
    exif[0x0112] = turn
    rgba = np.dstack([picture(), np.full((300, 360), 255, np.uint8)])
    rgba[:90, :40] = 0
    pillow.fromarray(rgba).save(tmp_path / "e.png", exif=exif)
    upright = operations.exif_transpose(pillow.open(tmp_path / "e.png"))
    upright = np.asarray(upright)
    expected = np.where(upright[..., 3:] > 0, upright[..., :3], 255)
    assert np.array_equal(read_photo(tmp_path / "e.png"), expected)


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_printers_colours_are_read(tmp_path, suffix):
    pillow = pytest.importorskip("PIL.Image")
    pillow.fromarray(picture()).convert("CMYK").save(tmp_path / f"c.{suffix}")
    assert np.abs(read_photo(tmp_path / f"c.{suffix}")[150, 120].astype(int) - BATTERY).max() <= 4


@pytest.mark.parametrize(
    ("suffix", "error"), [("bmp", 0), ("tif", 0), ("jp2", 2), ("avif", 8), ("gif", 48)]
)
def test_every_usual_format_is_found_and_read(tmp_path, suffix, error):
    path = save(tmp_path / "A" / f"a.{suffix}", picture())
    assert [photo.path for photo in PhotoLibrary(tmp_path).photos] == [path]
    assert np.abs(read_photo(path)[150, 120].astype(int) - BATTERY).max() <= error


def test_of_an_animation_the_first_image_is_read(tmp_path):
    pillow = pytest.importorskip("PIL.Image")
    first, second = pillow.fromarray(picture()), pillow.new("RGB", (360, 300), (0, 0, 255))
    first.save(tmp_path / "a.gif", save_all=True, append_images=[second])
    assert np.abs(read_photo(tmp_path / "a.gif")[150, 120].astype(int) - BATTERY).max() <= 2


def test_the_content_counts_where_the_suffix_lies(tmp_path):
    path = save(tmp_path / "a.webp", picture())
    assert read_photo(path.rename(tmp_path / "a.jpg")).shape == (300, 360, 3)


def test_heic_is_refused_with_advice(tmp_path):
    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(PhotoError, match=r"a\.heic: HEIC, convert it first; allowed: JPEG"):
        read_photo(path)


def test_large_images_are_made_small(tmp_path):
    large = cv2.resize(picture(), (1600, 1200))
    assert max(read_photo(save(tmp_path / "l.png", large)).shape) <= 360
    assert max(read_photo(tmp_path / "l.png", 1000).shape) == 1000
    assert max(read_photo(tmp_path / "l.png", 2000).shape) == 1600


@pytest.mark.parametrize(
    ("aspect", "size"), [(4.2, "AAA"), (3.45, "AA"), (3.7, "AA"), (1.2, "C"), (2.0, "CR123A")]
)
def test_the_size_is_that_of_the_nearest_aspect(aspect, size):
    assert fitting_size(aspect).name == size


def test_a_type_is_shown_at_one_of_its_sizes_where_the_twin_has_any():
    assert fitting_size(2.1, ("AAA", "AA", "C", "D")).name == "C"
    assert fitting_size(2.1, ("16340", "18650")).name == "CR123A"


@pytest.fixture
def folder(tmp_path) -> Path:
    for label in ("Klarus", "IKEA_Alk", "Other", "Strange"):
        for i in range(3):
            save(tmp_path / label / f"{i}.png", picture(angle=20.0 * i))
    (tmp_path / "Klarus" / "notes.txt").write_text("no photo")
    return tmp_path


def test_every_photo_is_shown_once_before_any_is_shown_again(folder, cell):
    library = PhotoLibrary(folder)
    items = list(photographed(0, 24, library, cell.recipe.types))
    names = [item.photo for item in items]
    assert sorted(names[:12]) == sorted(names[12:]) == sorted(p.name for p in library.photos)
    assert names[:12] != names[12:]
    assert all(item.size == "AA" for item in items)


def test_a_folder_that_is_no_type_of_the_recipe_is_an_unknown_type(folder, cell):
    items = list(photographed(0, 12, PhotoLibrary(folder), cell.recipe.types))
    assert {(item.label, item.type) for item in items} == {
        ("Klarus", "Klarus"),
        ("IKEA_Alk", "IKEA_Alk"),
        ("Other", ""),
        ("Strange", ""),
    }


def test_photos_are_seen_by_the_camera_and_named_in_the_truth(folder, cell):
    twin = Twin(cell, TwinOptions(items=2, photos=folder), START)
    twin.set_belt(True, 1.0)
    twin.request_frame(1, 3300)
    events = twin.advance(START + 5_000_000_000)
    (frame,) = [e for e in events if isinstance(e, Frame)]
    red = (frame.image[..., 0].astype(int) - frame.image[..., 1]) > 80
    assert 3000 < np.count_nonzero(red) < 12000
    truths = [e for e in events if isinstance(e, Truth)]
    library = {photo.name: photo for photo in PhotoLibrary(folder).photos}
    assert [t.photo_sha256 for t in truths] == [library[t.photo].sha256() for t in truths]


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 cut short"])
def test_a_broken_image_is_named_in_one_line(folder, content):
    (folder / "Klarus" / "broken.jpg").write_bytes(content)
    with pytest.raises(PhotoError) as error:
        PhotoLibrary(folder).check()
    assert "Klarus/broken.jpg" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_truncated_image_is_broken(folder):
    path = save(folder / "Klarus" / "half.jpg", picture())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PhotoError, match=r"half\.jpg"):
        read_photo(path)


def test_whole_photos_pass_the_check(folder):
    PhotoLibrary(folder).check()


@pytest.mark.parametrize("make", [lambda p: p / "nowhere", lambda p: p])
def test_a_folder_without_photos_is_refused(tmp_path, make):
    with pytest.raises(PhotoError, match=r"^photos: .* allowed: a folder"):
        PhotoLibrary(make(tmp_path))
