"""Which ROS 2 `./cell` uses, and the environment it runs programs in."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from batsort_bringup.bootstrap.ros import SourcedRos, find_ros
from batsort_bringup.bootstrap.steps import SetupError
from batsort_bringup.bootstrap.workspace import Workspace, add_paths


@pytest.fixture
def sourced(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Make the environment of a shell in which a ROS 2 is sourced."""

    def make(distro: str, *packages: str) -> dict[str, str]:
        index = tmp_path / "share" / "ament_index" / "resource_index" / "packages"
        index.mkdir(parents=True)
        for name in packages:
            (index / name).touch()
        return {"ROS_DISTRO": distro, "AMENT_PREFIX_PATH": f"/nowhere:{tmp_path}"}

    return make


def test_a_sourced_ros_is_used(sourced: Callable[..., dict[str, str]]) -> None:
    environ = sourced("jazzy", "rclpy", "cv_bridge")
    assert find_ros(environ) == SourcedRos("jazzy", has_cv_bridge=True)


def test_without_a_sourced_ros_the_wheels_are_used(
    sourced: Callable[..., dict[str, str]],
) -> None:
    environ = sourced("jazzy")
    assert find_ros({}) is None
    assert find_ros(environ) is None, "no rclpy in the prefixes"


def test_a_ros_that_is_too_old_is_refused(sourced: Callable[..., dict[str, str]]) -> None:
    with pytest.raises(SetupError, match="ROS 2 humble is sourced; BatSort runs on jazzy or kil"):
        find_ros(sourced("humble", "rclpy"))


def test_wheels_and_a_sourced_ros_have_states_of_their_own(tmp_path: Path) -> None:
    wheels, sourced = Workspace(tmp_path, None), Workspace(tmp_path, SourcedRos("jazzy", False))
    assert wheels.venv != sourced.venv
    assert wheels.install != sourced.install


def test_paths_are_put_in_front_once() -> None:
    environ = {"PATH": "/a:/b"}
    add_paths(environ, {"PATH": ["/b", "/c"], "PYTHONPATH": []})
    assert environ == {"PATH": "/b:/c:/a"}


def test_the_environment_of_the_wheels_is_closed_to_an_outer_ros(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, None)
    workspace.build.mkdir(parents=True)
    added = str(workspace.install / "made")
    workspace.paths_file.write_text(json.dumps({"AMENT_PREFIX_PATH": [added]}))
    outer = {"AMENT_PREFIX_PATH": "/old", "RMW_IMPLEMENTATION": "other", "ROS_DOMAIN_ID": "7"}
    environ = workspace.environment(outer)
    assert environ["AMENT_PREFIX_PATH"] == f"{added}:{workspace.venv}"
    assert environ["RMW_IMPLEMENTATION"] == "rmw_fastrtps_cpp"
    assert environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "LOCALHOST"
    assert environ["ROS_DOMAIN_ID"] == "7"
    environ = workspace.environment({"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"})
    assert environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] == "SUBNET"


def test_the_environment_of_a_sourced_ros_keeps_it(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, SourcedRos("jazzy", has_cv_bridge=True))
    modules = workspace.venv / "lib" / "python3.12" / "site-packages"
    modules.mkdir(parents=True)
    environ = workspace.environment({"AMENT_PREFIX_PATH": "/opt/ros/jazzy", "PYTHONPATH": "/ros"})
    assert environ["AMENT_PREFIX_PATH"] == "/opt/ros/jazzy"
    assert environ["PYTHONPATH"] == f"{modules}:/ros"
    assert "RMW_IMPLEMENTATION" not in environ
    assert "_ROS_WHEELS_BOOTSTRAP_COMPLETE" not in environ
