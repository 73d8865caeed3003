"""Our launch files, and the runner's subset, hold to what `ros2 launch` of Jazzy reads.

The table is taken from the parse methods of launch 3.4 and launch_ros 0.26 (named beside each row):
launch_xml refuses every attribute and nested tag that the parse method does not ask for.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from batsort_bringup.launch_tags import FORMS

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "launch").glob("*.launch.xml"))

CONDITIONS = {"if", "unless"}  # launch/action.py: Action.parse
ACTIONS = {"arg", "let", "set_env", "include", "group", "push_ros_namespace", "node"}
EXECUTE_PROCESS = {  # launch/actions/execute_process.py: ExecuteProcess.parse
    *("cwd", "name", "on_exit", "launch-prefix", "output", "respawn", "respawn_max_retries"),
    *("respawn_delay", "sigkill_timeout", "sigterm_timeout", "shell", "emulate_tty"),
}
NODE = {"args", "ros_args", "name", "exec_name", "pkg", "exec", "namespace"}
DOCUMENTED: dict[str, tuple[set[str], set[str]]] = {  # tag: attributes, nested tags
    # launch/frontend/parser.py: Parser.parse_description
    "launch": (set(), ACTIONS),
    # launch/actions/declare_launch_argument.py: DeclareLaunchArgument.parse
    "arg": ({"name", "default", "description"} | CONDITIONS, {"choice"}),
    "arg/choice": ({"value"}, set()),
    # launch/actions/set_launch_configuration.py: SetLaunchConfiguration.parse
    "let": ({"name", "value"} | CONDITIONS, set()),
    # launch/actions/include_launch_description.py: IncludeLaunchDescription.parse
    "include": ({"file"} | CONDITIONS, {"arg"}),
    "include/arg": ({"name", "value"}, set()),
    # launch/actions/group_action.py: GroupAction.parse
    "group": ({"scoped", "forwarding"} | CONDITIONS, ACTIONS),
    # launch/actions/set_environment_variable.py: SetEnvironmentVariable.parse
    "set_env": ({"name", "value"} | CONDITIONS, set()),
    # launch_ros/actions/push_ros_namespace.py: PushROSNamespace.parse
    "push_ros_namespace": ({"namespace"} | CONDITIONS, set()),
    # launch_ros/actions/node.py: Node.parse, Node.parse_nested_parameters
    "node": (NODE | EXECUTE_PROCESS | CONDITIONS, {"param", "remap", "env"}),
    "node/param": ({"name", "value", "type", "from", "allow_substs"}, {"param"}),
    "node/remap": ({"from", "to"}, set()),
    "node/env": ({"name", "value"}, set()),
}


def test_the_subset_of_the_runner_is_one_of_what_launch_reads() -> None:
    for tag, form in FORMS.items():
        attributes, nested = DOCUMENTED[tag]
        assert {*form.required, *form.optional} <= attributes
        assert set(form.children) <= nested


def test_there_are_launch_files() -> None:
    assert ROOT / "launch" / "cell.launch.xml" in FILES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_our_launch_files_use_only_what_launch_reads(path: Path) -> None:
    def check(element: ElementTree.Element, tag: str) -> None:
        attributes, nested = DOCUMENTED[tag]
        assert set(element.attrib) <= attributes
        for child in element:
            assert child.tag in nested, f"<{child.tag}> inside <{element.tag}>"
            inside = f"{tag}/{child.tag}"
            check(child, inside if inside in DOCUMENTED else child.tag)

    root = ElementTree.parse(path).getroot()
    assert root.tag == "launch"
    check(root, "launch")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_argument_says_what_it_is_for(path: Path) -> None:
    for argument in ElementTree.parse(path).getroot().iter("arg"):
        assert "value" in argument.attrib or argument.get("description"), argument.get("name")
