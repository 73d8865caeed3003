"""The twin's camera: an analytic ray-cast of what lies on the belt, in NumPy and OpenCV.

Axes: x along the belt in the sorting direction, y across to the left, z up from the belt [m]. The
image's +u is +x, +v is -y; the optical axis meets the belt at ``camera.distance`` in the middle of
the belt, at pixel ``(width / 2, height / 2)`` of continuous coordinates (pixel centres at +0.5).
All images are RGB.

    renderer = Renderer(cell.camera, belt_width=cell.belt.width, seed=0)
    image = renderer.render([lying(skin, x=0.21, y=0.0, yaw=0.1, roll=2.0)], belt_position=1.234)
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from weakref import WeakKeyDictionary

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_twin.background import rails, rubber
from batsort_twin.bodies import Body, Decal, Floats, Image, Wrap

AMBIENT, DIFFUSE, SHADOW = 0.42, 0.62, 0.55
LIGHT = np.array([0.10, 0.38, 0.92]) / np.linalg.norm([0.10, 0.38, 0.92])
SHADOW_REACH = 12
"""Of a body's shadow beyond it [px]."""

Level = TypeVar("Level", np.uint8, np.float32)


class CameraGeometry(Protocol):
    """What is read of ``batsort_core.cell.Camera``."""

    @property
    def distance(self) -> float: ...
    @property
    def height(self) -> float: ...
    @property
    def metres_per_pixel(self) -> float: ...
    @property
    def image_width(self) -> int: ...
    @property
    def image_height(self) -> int: ...


@dataclass(slots=True)
class Renderer:
    """Renders frames of one camera; the same calls in the same order give the same pixels."""

    camera: CameraGeometry
    belt_width: float = 0.08
    seed: int = 0
    noise: float = 1.6
    """Of the sensor, 1 sigma [grey levels]."""
    _belt: Image = field(init=False)
    _surround: Image = field(init=False)
    _rows: slice = field(init=False)
    _noise: tuple[Image, Image] = field(init=False)
    """What the sensor adds and what it takes away."""
    _rng: np.random.Generator = field(init=False)
    _sleeves: "WeakKeyDictionary[Wrap, tuple[tuple[int, int], Image]]" = field(
        init=False, default_factory=WeakKeyDictionary
    )

    def __post_init__(self) -> None:
        rng = np.random.default_rng([self.seed, 0xCA3E])
        width, height = self.camera.image_width, self.camera.image_height
        half = round(self.belt_width / 2 / self.camera.metres_per_pixel)
        self._rows = slice(max(0, height // 2 - half), min(height, height // 2 + half))
        belt = rubber(rng, self._rows.stop - self._rows.start, 2 * width)
        self._belt = np.concatenate([belt, belt[:, :width]], axis=1)
        self._surround = rails(height, width, self._rows)
        noise = np.rint(rng.normal(0.0, self.noise, (height + 64, width + 64, 3)))
        self._noise = (noise.clip(0).astype(np.uint8), (-noise).clip(0).astype(np.uint8))
        self._rng = rng

    def render(self, bodies: Sequence[Body], belt_position: float) -> Image:
        """The frame, uint8[height, width, 3] RGB, with the belt at ``belt_position`` [m]."""
        image = self._background(belt_position)
        patches = [patch for body in bodies for patch in self._patches(body)]
        for patch in patches:
            _cast_shadow(image, patch)
        for patch in patches:
            _lay_over(image, patch)
        height, width = image.shape[:2]
        row, column = self._rng.integers(0, 64, 2)
        more, less = (part[row : row + height, column : column + width] for part in self._noise)
        return np.asarray(cv2.subtract(cv2.add(image, more), less), np.uint8)

    def pixel(self, x: float, y: float, z: float = 0.0) -> tuple[float, float]:
        """Where the point [m] appears: (u, v) in continuous pixels."""
        camera = self.camera
        scale = camera.height / (camera.height - z) / camera.metres_per_pixel
        u = camera.image_width / 2 + scale * (x - camera.distance)
        return u, camera.image_height / 2 - scale * y

    def _background(self, belt_position: float) -> Image:
        image = self._surround.copy()
        width = image.shape[1]
        period = self._belt.shape[1] - width
        start = -round(belt_position / self.camera.metres_per_pixel) % period
        image[self._rows] = self._belt[:, start : start + width]
        return image

    def _patches(self, body: Body) -> "list[_Patch]":
        if isinstance(body.skin, Decal):
            return self._decal(body, body.skin)
        return self._battery(body, body.skin)

    def _frame(self, corners: Floats, margin: int) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom [px] around float64[n, 3] points, as far as the image goes."""
        camera = self.camera
        x, y, z = corners.T
        if z.max() >= 0.9 * camera.height:
            return None
        scale = camera.height / (camera.height - z) / camera.metres_per_pixel
        u = camera.image_width / 2 + scale * (x - camera.distance)
        v = camera.image_height / 2 - scale * y
        left, right = math.floor(u.min()) - margin, math.ceil(u.max()) + margin
        top, bottom = math.floor(v.min()) - margin, math.ceil(v.max()) + margin
        left, top = max(0, left), max(0, top)
        right, bottom = min(camera.image_width, right), min(camera.image_height, bottom)
        return (left, top, right, bottom) if left < right and top < bottom else None

    def _decal(self, body: Body, decal: Decal) -> "list[_Patch]":
        # A flat picture isn't rolled: only the heading of its axis counts.
        along = body.rotation[:2, 2]
        norm = math.hypot(*along)
        if norm < 1e-6:
            return []
        along = along / norm
        across = np.array([-along[1], along[0]])
        x, y, z = body.position
        a, b = along * decal.length / 2, across * decal.width / 2
        edges = np.array([x, y]) + np.array([a + b, a - b, b - a, -a - b])
        frame = self._frame(np.column_stack([edges, np.full(4, z)]), 2)
        if frame is None:
            return []
        left, top, right, bottom = frame
        scale = self.camera.height / (self.camera.height - z) / self.camera.metres_per_pixel
        rgba = decal.rgba.astype(np.float32)
        rgba[..., :3] *= rgba[..., 3:] / 255.0
        rgba = _shrunk(rgba, decal.length * scale, decal.width * scale)
        height, width = rgba.shape[:2]
        per_column, per_row = scale * decal.length / width, scale * decal.width / height
        u, v = self.pixel(x, y, z)
        # Columns of the matrix: motion in the image per decal column and per decal row.
        matrix = np.array(
            [
                [along[0] * per_column, -across[0] * per_row, 0.0],
                [-along[1] * per_column, across[1] * per_row, 0.0],
            ]
        )
        middle = matrix[:, :2] @ ((width - 1) / 2, (height - 1) / 2)
        matrix[:, 2] = np.array([u - left - 0.5, v - top - 0.5]) - middle
        warped = cv2.warpAffine(rgba, matrix, (right - left, bottom - top), flags=cv2.INTER_LINEAR)
        alpha = warped[..., 3] * np.float32(1 / 255)
        colour = warped[..., :3] / np.maximum(alpha, np.float32(1e-3))[..., None]
        return [_Patch(left, top, np.minimum(colour, 255.0).astype(np.uint8), alpha)]

    def _battery(self, body: Body, wrap: Wrap) -> "list[_Patch]":
        axis = body.rotation[:, 2]
        can = (wrap.length - wrap.terminal_length) / 2
        shift = -wrap.terminal_length / 2
        parts: list[tuple[float, float, float, Wrap | None]] = [
            (wrap.terminal_diameter / 2, wrap.terminal_length / 2, can, None),
            (wrap.diameter / 2, can, shift, wrap),
        ]
        # Nearest last: the terminal hides the can only where the camera looks at the positive end.
        eye = np.array([self.camera.distance, 0.0, self.camera.height])
        if axis @ (eye - body.position) > can:
            parts.reverse()
        patches = []
        for radius, half, offset, sleeve in parts:
            centre = np.array(body.position) + offset * axis
            frame = self._frame(_box(centre, axis, radius, half), 1)
            if frame is not None:
                patches.append(
                    self._cylinder(body.rotation, centre, radius, half, sleeve, wrap.metal, frame)
                )
        return patches

    def _sleeve(self, wrap: Wrap, columns: float, rows: float) -> Image:
        """The sleeve shrunk to the pixels it covers; kept, as it is seen in several frames."""
        size, side = self._sleeves.get(wrap, ((0, 0), wrap.side))
        if size != (round(columns), round(rows)):
            side = _shrunk(wrap.side, columns, rows)
            self._sleeves[wrap] = ((round(columns), round(rows)), side)
        return side

    def _cylinder(
        self,
        rotation: Floats,
        centre: Floats,
        radius: float,
        half: float,
        sleeve: Wrap | None,
        metal: tuple[int, int, int],
        frame: tuple[int, int, int, int],
    ) -> "_Patch":
        """One cylinder over `frame`; plain metal without a sleeve.

        Rays in body axes, a quadratic for the side, a plane for the cap that the camera can see.
        """
        camera = self.camera
        left, top, right, bottom = frame
        pixel = camera.metres_per_pixel * (1 - float(centre[2]) / camera.height)
        eye = np.array([camera.distance, 0.0, camera.height])
        to_body = rotation.T
        ox, oy, oz = (np.float32(v) for v in to_body @ (eye - centre))
        # Directions are scaled so that they meet the belt at t = 1.
        columns = np.arange(left, right) + (0.5 - camera.image_width / 2)
        rows = np.arange(top, bottom) + (0.5 - camera.image_height / 2)
        steps = to_body * (camera.metres_per_pixel, -camera.metres_per_pixel, -camera.height)
        dx, dy, dz = (
            (s[0] * columns + s[2]).astype(np.float32)[None, :]
            + (s[1] * rows).astype(np.float32)[:, None]
            for s in steps
        )
        a = dx * dx + dy * dy
        b = ox * dx + oy * dy
        inner = b * b / a
        off_axis = np.sqrt(np.maximum(ox * ox + oy * oy - inner, 0))
        depth = np.sqrt(np.maximum(inner - (ox * ox + oy * oy - np.float32(radius**2)), 0) / a)
        t = -b / a - depth
        z = oz + t * dz
        # Coverage from the distance to the silhouette, in pixels: no supersampling is needed.
        alpha = np.clip((radius - off_axis) / pixel + 0.5, 0, 1)
        alpha *= np.clip((half - np.abs(z)) / pixel + 0.5, 0, 1)
        side: Image
        if sleeve is None:
            side, gloss = np.full((16, 2, 3), metal, np.uint8), 0.5
        else:
            side = self._sleeve(sleeve, 2 * half / pixel, 2 * math.pi * radius / pixel)
            gloss = sleeve.gloss
        height, width = side.shape[:2]
        # Seen from outside with z to the right, the angle grows downwards: rows must grow with it,
        # or all print comes out mirrored.
        around = cv2.phase(ox + t * dx, oy + t * dy) * np.float32(height / (2 * math.pi))
        along = (z + np.float32(half)) * np.float32(width / (2 * half)) - np.float32(0.5)
        colour = cv2.remap(
            _lit(side, to_body, gloss),
            np.clip(along, 0, width - 1),
            around - np.float32(0.5),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_WRAP,
        )
        if abs(oz) > half:
            toward = math.copysign(1.0, oz)
            t = (np.float32(toward * half) - oz) / np.where(np.abs(dz) < 1e-9, np.float32(1e-9), dz)
            off_axis = np.sqrt((ox + t * dx) ** 2 + (oy + t * dy) ** 2)
            # Half a pixel wider than it is: the belt must not shine through the seam to the side.
            cap = np.clip((radius - off_axis) / pixel + 1.0, 0, 1) * (t > 0)
            shade = AMBIENT + DIFFUSE * max(0.0, toward * float(rotation[:, 2] @ LIGHT))
            shown = (cap > 0) & (alpha < 0.5)
            rim = np.where(off_axis[shown] > 0.82 * radius, 0.62, 0.9) * shade
            colour[shown] = np.minimum(rim[:, None] * np.array(metal), 255.0)
            alpha = np.maximum(alpha, cap)
        return _Patch(left, top, np.asarray(colour, np.uint8), np.asarray(alpha, np.float32))


_HALF_WAY = LIGHT + np.array([0.0, 0.0, 1.0])
_HALF_WAY /= np.linalg.norm(_HALF_WAY)
_SIGNS = np.array([(i & 1, i >> 1 & 1, i >> 2 & 1) for i in range(8)]) * 2.0 - 1.0


@dataclass(frozen=True, slots=True)
class _Patch:
    """A part of the image: uint8[h, w, 3] RGB and its coverage float32[h, w], 0 to 1."""

    left: int
    top: int
    colour: Image
    alpha: NDArray[np.float32]


def _lit(side: Image, to_body: Floats, gloss: float) -> Image:
    """The sleeve in the light: Lambert and a highlight, which depend on the angle alone."""
    angle = (np.arange(side.shape[0]) + 0.5) * (2 * math.pi / side.shape[0])
    normals = np.column_stack([np.cos(angle), np.sin(angle)])
    shade = AMBIENT + DIFFUSE * np.maximum(normals @ (to_body @ LIGHT)[:2], 0.0)
    shine = 255.0 * gloss * np.maximum(normals @ (to_body @ _HALF_WAY)[:2], 0.0) ** 36
    lit: NDArray[np.float32] = side * shade.astype(np.float32)[:, None, None]
    lit += shine.astype(np.float32)[:, None, None]
    return np.minimum(lit, 255.0).astype(np.uint8)


def _box(centre: Sequence[float] | Floats, axis: Floats, radius: float, half: float) -> Floats:
    """Corners float64[8, 3] of the upright box around a cylinder."""
    reach = half * np.abs(axis) + radius * np.sqrt(np.clip(1 - axis * axis, 0, 1))
    return np.asarray(centre) + _SIGNS * reach


def _shrunk(image: NDArray[Level], columns: float, rows: float) -> NDArray[Level]:
    """The picture no larger than the pixels it covers, so that sampling it doesn't alias."""
    height, width = image.shape[:2]
    size = (max(2, min(width, round(columns))), max(2, min(height, round(rows))))
    if size == (width, height):
        return image
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), image.dtype)


def _cast_shadow(image: Image, patch: _Patch) -> None:
    """Darken the belt around the patch: blurred contact shadow, off to the side of the light."""
    alpha = cv2.convertScaleAbs(patch.alpha, alpha=255)
    reach = SHADOW_REACH
    padded = cv2.copyMakeBorder(alpha, reach + 3, reach - 3, reach, reach, cv2.BORDER_CONSTANT)
    top, left = max(0, patch.top - reach), max(0, patch.left - reach)
    bottom, right = patch.top + alpha.shape[0] + reach, patch.left + alpha.shape[1] + reach
    region = image[top:bottom, left:right]
    # The image may end before the shadow does.
    first = (top - patch.top + reach, left - patch.left + reach)
    last = (first[0] + region.shape[0], first[1] + region.shape[1])
    soft = cv2.blur(cv2.blur(padded, (9, 9)), (7, 7))[first[0] : last[0], first[1] : last[1]]
    kept = cv2.cvtColor(255 - cv2.convertScaleAbs(soft, alpha=SHADOW), cv2.COLOR_GRAY2BGR)
    region[:] = cv2.multiply(region, kept, scale=1 / 255)


def _lay_over(image: Image, patch: _Patch) -> None:
    height, width = patch.alpha.shape
    region = image[patch.top : patch.top + height, patch.left : patch.left + width]
    region[:] = cv2.blendLinear(patch.colour, region.copy(), patch.alpha, 1 - patch.alpha)
