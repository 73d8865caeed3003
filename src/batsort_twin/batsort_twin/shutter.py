"""The camera's exposures: which are asked for, when the belt comes to them, what they show."""

import mujoco
import numpy as np

from batsort_core.cell import Camera
from batsort_twin.bodies import Body, Image
from batsort_twin.camera import Renderer
from batsort_twin.conditions import Conditions
from batsort_twin.encoder import Encoder
from batsort_twin.events import Frame
from batsort_twin.load import Load
from batsort_twin.outbox import Outbox

BESIDE = 0.1
"""What is that far outside the image may reach into it, or its shadow may [m]."""


class Shutter:
    """Exposes when the belt reaches a count. `chance` says which frames a fault drops."""

    def __init__(
        self,
        camera: Camera,
        renderer: Renderer,
        load: Load,
        encoder: Encoder,
        outbox: Outbox,
        chance: np.random.Generator,
    ) -> None:
        self._camera, self._renderer = camera, renderer
        self._load, self._encoder = load, encoder
        self._outbox, self._chance = outbox, chance
        self._requests: list[tuple[int, int]] = []
        self._shown: Image | None = None
        """The last picture taken."""

    def request(self, item_id: int, count: int) -> None:
        """Expose when the belt reaches the count; at once where it has."""
        self._requests.append((count, item_id))
        self._requests.sort()

    def clear(self) -> None:
        """Forget what was asked for."""
        self._requests.clear()

    def expose(self, started: int, before: float, after: float, wrong: Conditions) -> None:
        """Take what is due in the step just done, in which the belt ran between two places [m]."""
        while self._requests and self._requests[0][0] <= self._encoder.counts(1.0):
            count, item_id = self._requests.pop(0)
            share = self._encoder.share(count)
            at = before + share * (after - before)
            if not (wrong.camera_frozen and self._shown is not None):
                picture = self._renderer.render(self._seen(share), at)
                dark = wrong.light < 1.0
                self._shown = (picture * wrong.light).astype(np.uint8) if dark else picture
            if wrong.dropped > 0.0 and float(self._chance.random()) < wrong.dropped:
                continue
            frame = Frame(self._outbox.clock.within(started, share), item_id, self._shown)
            self._outbox.add(frame, wrong.camera_delay_s)

    def _seen(self, share: float) -> list[Body]:
        """What may be in the image at a share of the step just done."""
        margin = self._camera.image_width / 2 * self._camera.metres_per_pixel + BESIDE
        bodies = []
        rotation = np.empty(9)
        for carried in self._load:
            pose = self._load.scene.pose[carried.slot]
            if abs(pose[0] - self._camera.distance) > margin:
                continue
            x, y, z = (self._load.between(carried, axis, share) for axis in range(3))
            mujoco.mju_quat2Mat(rotation, pose[3:])
            bodies.append(Body(carried.item.skin, (x, y, z), rotation.reshape(3, 3).copy()))
        return bodies
