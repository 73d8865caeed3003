"""What the camera sees where."""

import cv2
import numpy as np
import pytest

from batsort_twin.bodies import Body, Decal, Wrap, lying, lying_rotation
from batsort_twin.camera import Renderer
from batsort_twin.designs import KNOWN, UNKNOWN
from batsort_twin.sizes import SIZES
from batsort_twin.things import THINGS
from batsort_twin.wraps import skin_for, texture_for

MPP = 0.0004


@pytest.fixture
def renderer(cell) -> Renderer:
    return Renderer(cell.camera, cell.belt.width, seed=0)


def asymmetric_wrap() -> Wrap:
    """Black, with a red square: towards the positive end and, read that way, in the upper half."""
    size = SIZES["AA"]
    side = np.zeros((200, 250, 3), np.uint8)
    side[70:90, 170:200] = (255, 0, 0)
    return Wrap(side, size.length, size.diameter, gloss=0.0)


def silhouette(renderer: Renderer, body: Body) -> np.ndarray:
    """bool[h, w]: where the body changes the picture, its soft shadow left out."""
    quiet = Renderer(renderer.camera, renderer.belt_width, seed=0, noise=0.0)
    empty = quiet.render([], 0.0).astype(int)
    return (quiet.render([body], 0.0).astype(int) - empty).max(axis=2) > 25


def redness(image: np.ndarray) -> tuple[float, float]:
    """Mean (u, v) of what is red."""
    red = image[..., 0].astype(int) - image[..., 1] > 60
    v, u = np.nonzero(red)
    assert u.size > 20
    return float(u.mean()) + 0.5, float(v.mean()) + 0.5


# The square's middle: 80 of 200 rows around, 185 of 250 columns along; rows grow downwards.
ROLL_THAT_SHOWS_ROW_100 = -np.pi / 2


def test_print_is_not_mirrored(renderer):
    # The half-way row of the sleeve faces up; the square lies above it and right of the middle.
    image = renderer.render(
        [lying(asymmetric_wrap(), renderer.camera.distance, roll=ROLL_THAT_SHOWS_ROW_100)], 0.0
    )
    u, v = redness(image)
    assert u > 320 + 20
    assert v < 240 - 5


def test_print_of_a_turned_battery_is_turned_not_mirrored(renderer):
    image = renderer.render(
        [
            lying(
                asymmetric_wrap(),
                renderer.camera.distance,
                yaw=np.pi,
                roll=ROLL_THAT_SHOWS_ROW_100,
            )
        ],
        0.0,
    )
    u, v = redness(image)
    assert u < 320 - 20
    assert v > 240 + 5


def test_a_decal_is_not_mirrored(renderer):
    rgba = np.zeros((60, 200, 4), np.uint8)
    rgba[..., 3] = 255
    rgba[5:25, 150:190, 0] = 255
    for yaw, sign in ((0.0, 1), (np.pi, -1)):
        body = lying(Decal(rgba, 0.05, 0.015), renderer.camera.distance, yaw=yaw)
        u, v = redness(renderer.render([body], 0.0))
        assert (u - 320) * sign > 20
        assert (240 - v) * sign > 3


@pytest.mark.parametrize("label", ["IKEA_Alk", "Exell_Yellow"])
@pytest.mark.parametrize("x", [0.14, 0.20, 0.25])
@pytest.mark.parametrize("y", [-0.01, 0.0, 0.02])
def test_an_item_is_seen_where_it_lies(renderer, label, x, y):
    size = SIZES["AA"]
    wrap = texture_for(label, size, np.random.default_rng(0))
    seen = silhouette(renderer, lying(wrap, x, y, roll=1.0))
    v, u = np.nonzero(seen)
    # Perspective on half the diameter shifts what isn't under the lens by up to a few pixels.
    assert (u.min() + u.max() + 1) / 2 == pytest.approx(320 + (x - 0.20) / MPP, abs=6)
    assert (v.min() + v.max() + 1) / 2 == pytest.approx(240 - y / MPP, abs=4)
    magnified = 0.35 / (0.35 - size.diameter / 2)
    assert u.max() + 1 - u.min() == pytest.approx(magnified * size.length / MPP, abs=8)
    assert v.max() + 1 - v.min() == pytest.approx(magnified * size.diameter / MPP, abs=6)


def test_a_decal_is_seen_where_it_lies(renderer):
    rgba = np.full((100, 300, 4), 255, np.uint8)
    pose = lying_rotation(yaw=0.4, roll=1.0)
    body = Body(Decal(rgba, 0.06, 0.02), (0.19, 0.004, 0.0), pose)
    points = np.argwhere(silhouette(renderer, body))[:, ::-1].astype(np.float32)
    (u, v), extents, _ = cv2.minAreaRect(points)
    assert (u + 0.5, v + 0.5) == pytest.approx((320 - 25, 240 - 10), abs=1)
    assert sorted(extents) == pytest.approx([0.02 / MPP - 1, 0.06 / MPP - 1], abs=2.5)


def test_the_belt_moves_with_its_position(renderer):
    quiet = Renderer(renderer.camera, renderer.belt_width, seed=0, noise=0.0)
    first, moved = quiet.render([], 0.0), quiet.render([], 0.010)
    assert (first[150:330, :-25] == moved[150:330, 25:]).all()
    assert (first[150:330] != moved[150:330]).mean() > 0.5


def test_the_same_seed_gives_the_same_pixels(cell):
    def frames(seed: int) -> bytes:
        renderer = Renderer(cell.camera, cell.belt.width, seed)
        rng = np.random.default_rng(seed)
        bodies = [lying(skin_for("Klarus", SIZES["AA"], rng), 0.2, yaw=0.1, roll=2.0)]
        return b"".join(renderer.render(bodies, 0.1 * i).tobytes() for i in range(2))

    assert frames(1) == frames(1)
    assert frames(1) != frames(2)


def test_what_lies_at_the_images_edge_is_drawn_in_part(renderer):
    wrap = asymmetric_wrap()
    for x, y in ((0.2 - 0.128, 0.0), (0.2 + 0.128, 0.0), (0.2, 0.096), (0.2, -0.096), (3.0, 0.0)):
        assert renderer.render([lying(wrap, x, y)], 0.0).shape == (480, 640, 3)


@pytest.mark.parametrize("size", ["AA", "AAA"])
def test_types_differ_more_from_each_other_than_individuals_of_one(size):
    rng = np.random.default_rng(0)

    def colours(label: str) -> np.ndarray:
        side = texture_for(label, SIZES[size], rng).side.astype(float)
        return np.concatenate([part.mean(axis=(0, 1)) for part in np.array_split(side, 4, axis=1)])

    single = [label for label in KNOWN if label not in ("Exell_Green", "Exell_Yellow")]
    means = {label: np.mean([colours(label) for _ in range(4)], axis=0) for label in single}
    for label in single:
        nearest = min(single, key=lambda other: np.linalg.norm(colours(label) - means[other]))
        assert nearest == label


@pytest.mark.parametrize("label", [*KNOWN, *UNKNOWN, *THINGS])
def test_every_label_is_drawn_and_every_individual_differs(label):
    rng = np.random.default_rng(0)
    first, second = (skin_for(label, SIZES["AAA"], rng) for _ in range(2))
    pixels = [s.rgba if isinstance(s, Decal) else s.side for s in (first, second)]
    assert pixels[0].dtype == np.uint8
    assert pixels[0].shape != pixels[1].shape or (pixels[0] != pixels[1]).any()


def test_a_label_nobody_knows_is_an_error():
    with pytest.raises(KeyError):
        skin_for("Nobody", SIZES["AA"], np.random.default_rng(0))
