"""The cell's URDF is read by a public parser, and its frames are where the description says."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from urdf_parser_py.urdf import URDF

from batsort_bringup.installed import cell_file, default_cell
from batsort_description.layout import quaternion, rotation
from batsort_description.urdf import urdf

CELL = default_cell()


@pytest.fixture(scope="module")
def robot() -> URDF:
    return URDF.from_xml_string(urdf(CELL).encode())


def place(robot: URDF, link: str) -> tuple[np.ndarray, np.ndarray]:
    """Where a link is in `cell`, and its axes, as the parsed joints say."""
    xyz, axes = np.zeros(3), np.eye(3)
    for name in robot.get_chain("cell", link, links=False):
        origin = robot.joint_map[name].origin
        xyz = xyz + axes @ np.array(origin.xyz)
        axes = axes @ rotation(tuple(origin.rpy))
    return xyz, axes


def test_every_part_of_the_cell_is_a_link_under_cell(robot: URDF) -> None:
    bins = {f"{kind}_{bin.name}" for bin in CELL.bins for kind in ("bin", "eye")}
    nozzles = {f"nozzle_{bin.valve}" for bin in CELL.ejectors}
    frames = {"cell", "belt_link", "barrier_link", "camera_link", "camera_optical_frame"}
    assert set(robot.link_map) == frames | nozzles | bins
    assert robot.get_root() == "cell"
    assert {joint.type for joint in robot.joints} == {"fixed"}


def test_camera_nozzles_and_bins_are_where_the_description_says(robot: URDF) -> None:
    assert place(robot, "camera_link")[0] == pytest.approx([0.20, 0.0, 0.35])
    for bin in CELL.ejectors:
        xyz, axes = place(robot, f"nozzle_{bin.valve}")
        assert xyz[0] == pytest.approx(bin.distance)
        assert xyz[1] < -CELL.belt.width / 2
        assert axes[:, 0] == pytest.approx([0.0, 1.0, 0.0], abs=1e-6), "blows across the belt"
        assert place(robot, f"bin_{bin.name}")[0][1] > CELL.belt.width / 2
    assert place(robot, "bin_others")[0][0] > CELL.others.distance


def test_the_optical_frame_is_that_of_the_image(robot: URDF) -> None:
    """REP-103: z looks down at the belt, x is the image's +u and so the sorting direction."""
    axes = place(robot, "camera_optical_frame")[1]
    assert axes == pytest.approx(np.diag([1.0, -1.0, -1.0]), abs=1e-6)


@pytest.mark.parametrize("rpy", [(0.3, -0.7, 2.1), (0.0, np.pi / 2, np.pi / 2), (-3.0, 1.2, 0.4)])
def test_a_quaternion_turns_as_its_roll_pitch_and_yaw(rpy: tuple[float, float, float]) -> None:
    x, y, z, w = quaternion(rpy)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    turned = np.eye(3) + 2 * w * cross + 2 * cross @ cross
    assert turned == pytest.approx(rotation(rpy))


def test_the_command_prints_it_and_refuses_what_is_no_cell_in_one_line() -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        run = [sys.executable, "-m", "batsort_bringup.urdf", *words]
        return subprocess.run(run, capture_output=True, text=True, check=False)

    assert command("--cell", str(cell_file())).stdout == urdf(CELL)
    refused = command("--cell", "nowhere.yaml")
    assert refused.returncode != 0
    assert "nowhere.yaml" in refused.stderr and refused.stderr.count("\n") == 1
