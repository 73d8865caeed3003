"""The mechanics: belt, guide rails, bins and a pool of bodies in MuJoCo.

World axes as in `camera`: x along the belt with the light barrier at 0, y to the left, z up from
the belt's surface. The nozzles blow towards +y, where the bins are.
"""

import math
from itertools import pairwise

import mujoco
import numpy as np
from numpy.typing import NDArray

from batsort_core.cell import CellDescription
from batsort_twin.bodies import lying_rotation
from batsort_twin.feed import Item

STEP_S = 0.001
INFEED = -0.12
"""Where items are put onto the belt [m]."""
BELT_START = -0.30
WALL = 0.018
"""Thickness of walls [m]: thinner ones are passed through at speed."""
LEDGE = 0.005
"""Of the belt beyond the guide rails [m]."""
EYE = 0.035
"""Of a bin's confirm eye beyond the belt's edge, y [m]: what is that far has left the belt."""
DIVIDER_BEFORE = 0.031
"""Middle of a bin's first divider before its nozzle axis [m]: blown items drift 10 to 80 mm."""
CATCH = -0.05
"""Height below which an item has left [m]."""
JET_PRESSURE = 15_000.0
"""Stagnation pressure times drag coefficient on what stands before the nozzle [Pa]."""
ROLLING_DECAY_S = 0.25
SHORTEST_PITCH = 0.055
"""Of items on the belt [m]: sets the number of bodies."""
PARKED = (-5.0, 3.0)
"""Position x and z of the first spare body [m]."""


class Scene:
    """Bodies on the belt; slot numbers 0 to `size` - 1 name them.

    `pose` is a live view float64[size, 7]: position [m] and quaternion w, x, y, z.
    """

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self.belt_end = cell.others.distance
        self.edge = cell.belt.width / 2 + LEDGE
        """Of the belt on the bins' side, y [m]."""
        self.eye = self.edge + EYE
        """Of the bins' confirm eyes, y [m]."""
        self.size = math.ceil((self.belt_end - INFEED) / SHORTEST_PITCH) + 4
        self._model = mujoco.MjModel.from_xml_string(self._mjcf())
        self._data = mujoco.MjData(self._model)
        self._belt_velocity = self._model.geom_surfacevel[self._model.geom("belt").id]
        self._first = self._model.body("item0").id
        self._first_geom = self._model.geom("item0").id
        self.pose: NDArray[np.float64] = self._data.qpos.reshape(-1, 7)
        self._velocity = self._data.qvel.reshape(-1, 6)
        self._spin = self._velocity.T[3:]
        """In body axes [rad/s]."""
        self._torque = self._data.qfrc_applied.reshape(-1, 6).T[3:]
        self._inertia = self._model.body_inertia[self._first :].T
        self._force = self._data.xfrc_applied[self._first :]
        self._pushed = False
        self._half = np.zeros((self.size, 3))
        self._box = np.zeros(self.size, bool)
        for slot in range(self.size):
            self.park(slot)
        mujoco.mj_forward(self._model, self._data)

    def put(self, slot: int, item: Item, x: float, velocity: float) -> None:
        """Lay the item onto the belt with its centre at x [m], moving at `velocity` [m/s]."""
        model, body, geom = self._model, self._first + slot, self._first_geom + slot
        half = np.array(item.half)
        kinds = mujoco.mjtGeom
        model.geom_type[geom] = kinds.mjGEOM_BOX if item.box else kinds.mjGEOM_CYLINDER
        model.geom_size[geom] = half if item.box else (half[0], half[2], 0.0)
        model.geom_rbound[geom] = np.linalg.norm(half)
        model.geom_aabb[geom] = (0.0, 0.0, 0.0, *half)
        model.bvh_aabb[model.body_bvhadr[body]] = (0.0, 0.0, 0.0, *half)
        squares = half**2
        shape = 1 / 3 if item.box else 1 / 4
        across = item.mass * (shape * squares[:2] + squares[2] / 3)
        along = item.mass * (shape * (squares[0] + squares[1]))
        # Thin ones get a fuller axis: this step is too long for their spin.
        inertia = np.array([across[1], across[0], max(along, 0.1 * across[0])])
        model.body_mass[body] = item.mass
        model.body_inertia[body] = inertia
        # What MuJoCo derives from mass and inertia when it compiles a model.
        model.body_invweight0[body] = (1 / item.mass, np.mean(1 / inertia))
        dofs = slice(6 * slot, 6 * slot + 6)
        model.dof_invweight0[dofs] = (*[1 / item.mass] * 3, *[np.mean(1 / inertia)] * 3)
        model.dof_damping[dofs][3:] = 1.5 * item.mass * half[1] ** 2 / ROLLING_DECAY_S
        model.body_gravcomp[body] = 0.0
        self._half[slot], self._box[slot] = half, item.box

        rotation = lying_rotation(item.yaw, item.roll)
        mujoco.mju_mat2Quat(self.pose[slot, 3:], rotation.flatten())
        self.pose[slot, :3] = (x, item.y, half[1])
        self._velocity[slot] = (velocity, 0.0, 0.0, 0.0, 0.0, 0.0)

    def park(self, slot: int) -> None:
        """Take the body away from the belt."""
        self._model.body_gravcomp[self._first + slot] = 1.0
        self.pose[slot] = (PARKED[0] - 0.2 * slot, 0.0, PARKED[1], 1.0, 0.0, 0.0, 0.0)
        self._velocity[slot] = 0.0

    def hold(self, slot: int, pose: NDArray[np.float64]) -> None:
        """Keep the body at the pose, whatever pushes it, for the next step."""
        self.pose[slot] = pose
        self._velocity[slot] = 0.0

    def step(self, belt_velocity: float) -> None:
        """One step of STEP_S with the forces blown since the last one."""
        if self._belt_velocity[0] != belt_velocity:
            self._belt_velocity[0] = belt_velocity
        # Gyroscopic torques are taken out: integrated explicitly they make a spinning battery
        # explode, integrated implicitly they cost a third of the whole step.
        spin, inertia = self._spin, self._inertia
        for torque, i, j in zip(self._torque, (1, 2, 0), (2, 0, 1), strict=True):
            np.multiply(spin[i] * spin[j], inertia[j] - inertia[i], out=torque)
        mujoco.mj_step(self._model, self._data)
        if self._pushed:
            self._force[:] = 0.0
            self._pushed = False

    def blow(self, nozzle: float, share: float) -> list[int]:
        """An open jet with its axis at x = `nozzle` [m], for a share of the next step.

        Whatever stands before the nozzle is pushed by the area it exposes there; says which slots.
        """
        x, y, z = self.pose[:, :3].T
        # On average during the step: by where it begins, jets would act half a step late.
        x = x + self._velocity[:, 0] * (STEP_S / 2)
        reach = self.reaches()
        width = self._cell.ejection.nozzle_width
        first = np.maximum(x - reach, nozzle - width / 2)
        last = np.minimum(x + reach, nozzle + width / 2)
        hit = (last > first) & (z > 0.0) & (z < 0.1) & (np.abs(y) < self.edge)
        pushed: list[int] = np.flatnonzero(hit).tolist()
        for slot in pushed:
            area = (last[slot] - first[slot]) * 2 * self._half[slot, 1]
            force = JET_PRESSURE * area * share
            lever = (first[slot] + last[slot]) / 2 - x[slot]
            self._force[slot, 1] += force
            self._force[slot, 5] += lever * force
            self._pushed = True
        return pushed

    def reaches(self) -> NDArray[np.float64]:
        """From each body's centre to its ends along x, float64[size] [m]."""
        w, x, y, z = self.pose[:, 3:].T
        along = np.abs(2 * (x * z + w * y))
        half = self._half
        across = np.sqrt(np.maximum(0.0, 1 - along * along))
        round_: NDArray[np.float64] = half[:, 2] * along + half[:, 0] * across
        if not self._box.any():
            return round_
        row = np.abs(np.column_stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), along]))
        return np.where(self._box, np.sum(row * half, axis=1), round_)

    def reach(self, slot: int) -> float:
        """`reaches` of one body."""
        quaternion: list[float] = self.pose[slot, 3:].tolist()
        w, x, y, z = quaternion
        half: list[float] = self._half[slot].tolist()
        along = abs(2 * (x * z + w * y))
        if self._box[slot]:
            row = (abs(1 - 2 * (y * y + z * z)), abs(2 * (x * y - w * z)), along)
            return sum(r * h for r, h in zip(row, half, strict=True))
        return float(half[2] * along + half[0] * math.sqrt(max(0.0, 1 - along * along)))

    def bin_at(self, x: float, y: float) -> str:
        """The bin of an item that leaves the belt there; empty: none."""
        if x > self.belt_end:
            return self._cell.others.name
        if y < self.edge:
            return ""
        found = ""
        for bin in self._cell.ejectors:
            if x >= bin.distance - DIVIDER_BEFORE:
                found = bin.name
        return found if x < self._last_divider() else ""

    def _last_divider(self) -> float:
        """Middle of the divider behind the last bin, x [m]."""
        distances = [bin.distance for bin in self._cell.ejectors]
        pitch = min((b - a for a, b in pairwise(distances)), default=0.15)
        return min(distances[-1] + pitch - DIVIDER_BEFORE, self.belt_end)

    def _mjcf(self) -> str:
        cell = self._cell
        end, inner = self.belt_end, cell.belt.width / 2
        first = cell.ejectors[0].distance
        geoms = [
            # The belt carries; its end is where the last bin begins.
            '<geom name="belt" type="box" surfacevel="1 0 0" friction="0.9" priority="2" '
            f"{_box(BELT_START, end, -inner - WALL, self.edge, -0.06, 0.0)}/>",
            # The nozzles' side is closed, the bins' side up to the first ejector.
            _wall(BELT_START, end, -inner - WALL, -inner, 0.0, 0.04),
            _wall(BELT_START, first - 0.06, inner, inner + WALL, 0.0, 0.04),
        ]
        dividers = [bin.distance - DIVIDER_BEFORE for bin in cell.ejectors]
        for x in [*dividers, self._last_divider()]:
            mouth = self.edge + 0.003
            geoms.append(_wall(x - WALL / 2, x + WALL / 2, mouth, mouth + 0.08, -0.1, 0.06))
        items = [
            f'<body name="item{slot}" pos="{PARKED[0] - 0.2 * slot:.6g} 0 {PARKED[1]}" '
            f'gravcomp="1"><freejoint/><geom name="item{slot}" type="cylinder" '
            'size="0.007 0.025" mass="0.02"/></body>'
            for slot in range(self.size)
        ]
        return f"""
<mujoco>
  <option timestep="{STEP_S}" cone="elliptic" integrator="Euler">
    <flag multiccd="enable" midphase="disable"/>
  </option>
  <default>
    <geom friction="0.3 0.005 0.0001" solref="0.004 1"/>
    <default class="wall"><geom friction="0.12 0.005 0.0001" priority="1"/></default>
  </default>
  <worldbody>
    {"".join(geoms)}
    {"".join(items)}
  </worldbody>
</mujoco>"""


def _box(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float) -> str:
    centre = f"{(x0 + x1) / 2:.6g} {(y0 + y1) / 2:.6g} {(z0 + z1) / 2:.6g}"
    return f'pos="{centre}" size="{(x1 - x0) / 2:.6g} {(y1 - y0) / 2:.6g} {(z1 - z0) / 2:.6g}"'


def _wall(x0: float, x1: float, y0: float, y1: float, z0: float, z1: float) -> str:
    return f'<geom type="box" class="wall" {_box(x0, x1, y0, y1, z0, z1)}/>'
