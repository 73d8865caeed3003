"""What a launch file means, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from batsort_bringup import launchfile
from batsort_bringup.launch_tags import LaunchError


@pytest.fixture
def read(package: Any) -> Any:
    """Read a launch file given by its content, with an executable `node` to start."""
    package.add("node")

    def call(content: str, environ: dict[str, str] | None = None, **given: str) -> Any:
        path = package.write(content)
        prefixes = {"AMENT_PREFIX_PATH": str(package.prefix)}
        return launchfile.read(path, given, prefixes | (environ or {}))

    return call


@pytest.fixture
def text(read: Any) -> Any:
    """Give what a text with substitutions becomes."""

    def call(value: str, environ: dict[str, str] | None = None, declared: str = "") -> Any:
        content = f'{declared}<node pkg="made" exec="node"><env name="X" value="{value}"/></node>'
        (node,) = read(content, environ)
        return node.environment["X"]

    return call


@pytest.fixture
def value(read: Any) -> Any:
    """Give what a parameter's text becomes."""

    def call(attributes: str) -> Any:
        (node,) = read(f'<node pkg="made" exec="node"><param name="p" {attributes}/></node>')
        return node.parameters[0]["p"]

    return call


def test_a_variable_set_in_a_group_is_seen_by_its_nodes_and_by_none_after_it(read: Any) -> None:
    first, second, third = read(
        """<group>
          <set_env name="COLOUR" value="red"/>
          <node pkg="made" exec="node" args="$(env COLOUR)"/>
          <node pkg="made" exec="node"><env name="COLOUR" value="blue"/></node>
        </group>
        <node pkg="made" exec="node"/>"""
    )
    assert first.environment == {"COLOUR": "red"}
    assert first.arguments == ("red",)
    assert second.environment == {"COLOUR": "blue"}
    assert third.environment == {}


def test_a_node_becomes_the_command_line_that_launch_ros_makes(
    read: Any, package: Any, tmp_path: Path
) -> None:
    tuning = package.share / "tuning.yaml"
    tuning.write_text("{}")
    (node,) = read(
        """<push_ros_namespace namespace="cell_a"/>
        <node pkg="made" exec="node" name="belt" args="--fast 'two words'"
              ros_args="--log-level debug" respawn="true" respawn_delay="1.5">
          <param from="$(find-pkg-share made)/tuning.yaml"/>
          <param name="rate" value="5.0"/>
          <remap from="in" to="out"/>
        </node>"""
    )
    command = node.command(tmp_path)
    written = Path(command[-3])
    assert command == [
        str(package.prefix / "lib" / "made" / "node"),
        *("--fast", "two words"),
        *("--ros-args", "--log-level", "debug"),
        *("--ros-args", "-r", "__node:=belt", "-r", "__ns:=/cell_a"),
        *("--params-file", str(tuning)),
        *("--params-file", str(written)),
        *("-r", "in:=out"),
    ]
    assert yaml.safe_load(written.read_text()) == {
        "/cell_a/belt": {"ros__parameters": {"rate": 5.0}}
    }
    assert (node.label, node.respawn, node.respawn_delay) == ("cell_a/belt", True, 1.5)


def test_a_node_without_namespace_or_name_is_not_renamed(read: Any, tmp_path: Path) -> None:
    (node,) = read('<node pkg="made" exec="node"><param name="p" value="1"/></node>')
    command = node.command(tmp_path)
    assert "-r" not in command
    assert yaml.safe_load(Path(command[-1]).read_text()) == {"/**": {"ros__parameters": {"p": 1}}}


@pytest.mark.parametrize(
    ("pushed", "own", "expected"),
    [
        (None, None, None),
        ("", None, "/"),
        ("a", None, "/a"),
        ("/a/", None, "/a"),
        ("a", "b", "/a/b"),
        ("a", "/b", "/b"),
        (None, "b", "/b"),
    ],
)
def test_namespaces_join_as_in_launch_ros(read: Any, pushed: Any, own: Any, expected: Any) -> None:
    content = "" if pushed is None else f'<push_ros_namespace namespace="{pushed}"/>'
    attribute = "" if own is None else f'namespace="{own}"'
    (node,) = read(f'{content}<node pkg="made" exec="node" name="n" {attribute}/>')
    assert node.namespace == expected


def test_a_group_keeps_namespace_and_values_to_itself(read: Any) -> None:
    nodes = read(
        """<let name="x" value="outer"/>
        <group>
          <push_ros_namespace namespace="inner"/>
          <let name="x" value="inner"/>
          <node pkg="made" exec="node" name="$(var x)"/>
        </group>
        <node pkg="made" exec="node" name="$(var x)"/>"""
    )
    assert [node.label for node in nodes] == ["inner/inner", "outer"]
    assert nodes[1].namespace is None


def test_an_include_sees_and_sets_values_of_the_file_that_includes(read: Any, package: Any) -> None:
    package.write(
        '<arg name="rate" default="5"/>'
        '<node pkg="made" exec="node" name="n_$(var rate)_$(var y)"/>',
        "inner.launch.xml",
    )
    nodes = read(
        """<let name="y" value="seen"/>
        <include file="$(dirname)/inner.launch.xml"><arg name="rate" value="7"/></include>
        <node pkg="made" exec="node" name="after_$(var rate)"/>"""
    )
    assert [node.label for node in nodes] == ["n_7_seen", "after_7"]


def test_arguments_of_included_files_can_be_given(read: Any, package: Any) -> None:
    package.write('<arg name="rate" default="5"/>', "inner.launch.xml")
    content = (
        '<include file="$(dirname)/inner.launch.xml"/>'
        '<node pkg="made" exec="node" name="n_$(var rate)"/>'
    )
    (node,) = read(content, rate="9")
    assert node.label == "n_9"


@pytest.mark.parametrize(
    ("condition", "there"),
    [
        ('if="true"', True),
        ('if=" True "', True),
        ('if="1"', True),
        ('if="false"', False),
        ('if="0"', False),
        ('unless="false"', True),
        ('unless="TRUE"', False),
    ],
)
def test_conditions_decide_what_is_visited(read: Any, condition: str, there: bool) -> None:
    assert len(read(f'<node pkg="made" exec="node" {condition}/>')) == there
    assert len(read(f'<group {condition}><node pkg="made" exec="node"/></group>')) == there


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("plain", "plain"),
        ("$(var a)", "A"),
        ("x$(var a)-$(var a)y", "xA-Ay"),
        ("$(env HERE)", "there"),
        ("$(env NOT_THERE default)", "default"),
        ("$(env NOT_THERE 'two words')", "two words"),
        ("$(env NOT_THERE '')", ""),
        ("$(env NOT_THERE $(var a)1)", "A1"),
        ("$(env $(var here))", "there"),
        (r"\$(var a)", "$(var a)"),
        (r"a\\b", r"a\b"),
        ("5 $ and )", "5 $ and )"),
        ("", ""),
    ],
)
def test_substitutions(text: Any, given: str, expected: str) -> None:
    declared = '<let name="a" value="A"/><let name="here" value="HERE"/>'
    assert text(given, {"HERE": "there"}, declared) == expected


def test_find_pkg_share_and_dirname_give_absolute_folders(text: Any, package: Any) -> None:
    assert text("$(find-pkg-share made)/x") == f"{package.share}/x"
    assert text("$(dirname)") == str(package.share)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('value="1"', 1),
        ('value="1.0"', 1.0),
        ('value="true"', True),
        ('value="text"', "text"),
        ('value=""', ""),
        ("value=\"'1'\"", "1"),
        ('value="[1, 2]"', [1, 2]),
        ('value="1" type="str"', "1"),
        ('value="" type="str"', ""),
        ('value="1" type="float"', 1.0),
        ('value="1" type="int"', 1),
        ('value="1" type="bool"', True),
        ('value="false" type="bool"', False),
        ('value="1" type="yaml"', 1),
    ],
)
def test_parameters_have_the_type_that_launch_ros_gives(
    value: Any, attributes: str, expected: object
) -> None:
    assert value(attributes) == expected
    assert type(value(attributes)) is type(expected)


def test_what_a_substitution_gives_is_one_word_of_args(read: Any) -> None:
    content = '<let name="a" value="two words"/><let name="b" value=""/>'
    (node,) = read(f'{content}<node pkg="made" exec="node" args="-a $(var a) $(var b) x$(var a)"/>')
    assert node.arguments == ("-a", "two words", "", "xtwo words")


def test_show_names_all_arguments_even_where_one_is_missing(package: Any) -> None:
    package.write('<arg name="inner" default="$(var needed)"/>', "inner.launch.xml")
    path = package.write(
        """<arg name="needed" description="what it is"/>
        <arg name="mode" default="a"><choice value="a"/><choice value="b"/></arg>
        <include file="$(dirname)/inner.launch.xml"/>"""
    )
    declared = launchfile.arguments(path, {}, {})
    assert [argument.name for argument in declared] == ["needed", "mode", "inner"]
    assert declared[0] == launchfile.Argument("needed", None, "what it is", ())
    assert declared[1].choices == ("a", "b")
    assert declared[2].default == "$(var needed)"


NODE = '<node pkg="made" exec="node"'


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("<executable/>", "2: <executable>: not known inside <launch>; allowed: arg, let"),
        ("<log message=''/>", "2: <log>: not known"),
        (f"\n{NODE} colour='red'/>", "3: <node>: unknown attribute 'colour'; allowed: exec, pkg"),
        ('<node pkg="made"/>', "2: <node>: attribute 'exec' is missing"),
        ('<node exec="node"/>', "2: <node>: attribute 'pkg' is missing"),
        ('<node pkg="made" exec="x"/>', "<node>: exec: package 'made' has no executable 'x'"),
        ('<node pkg="x" exec="node"/>', "<node>: package 'x' is not installed"),
        (f"{NODE} name='a b'/>", "<node>: name: 'a b'; allowed: letters"),
        (f"{NODE} namespace='a b'/>", "<node>: namespace: '/a b'; allowed: letters"),
        (f"{NODE} output='log'/>", "<node>: output: 'log'; allowed here: screen, both"),
        (f"{NODE} on_exit='restart'/>", "<node>: on_exit: 'restart'; allowed: shutdown"),
        (f"{NODE} respawn='maybe'/>", "<node>: respawn: 'maybe'; allowed: true, 1, false, 0"),
        (f"{NODE} respawn_delay='-1'/>", "respawn_delay: '-1'; allowed: a number of seconds"),
        (f"{NODE} respawn_delay='nan'/>", "respawn_delay: 'nan'; allowed: a number of seconds"),
        (f"{NODE} if='true' unless='true'/>", "'if' and 'unless' exclude each other"),
        (f"{NODE} if='maybe'/>", "<node>: if: 'maybe'; allowed: true, 1, false, 0"),
        (f'{NODE} args="\'"/>', "<node>: args: No closing quotation"),
        (f"{NODE} name='$(var x)'/>", "<node>: name: $(var x): no such launch argument"),
        (f"{NODE} name='$(env X)'/>", "<node>: name: $(env X): not in the environment"),
        (f"{NODE} name='$(eval 1)'/>", "$(eval ...) is not known here; allowed: var, env"),
        (f"{NODE} name='$(var x'/>", "<node>: name: '$(var x': ')' is missing"),
        (f"{NODE} name='$()'/>", "<node>: name: '$()': a name must follow '$('"),
        (f"{NODE} name='$(dirname x)'/>", "$(dirname ...): can't be used with 1 values"),
        (f"{NODE}><param name='p'/></node>", "<param>: attribute 'value' is missing"),
        (f"{NODE}><param from='/x'/></node>", "<param>: from: '/x' is not a file"),
        (f"{NODE}><param from='/x' name='p'/></node>", "'from' excludes every other attribute"),
        (f"{NODE}><param name='p' value='x' type='int'/></node>", "'p': 'x' is not of type int"),
        (f"{NODE}><param name='p' value='x' type='bool'/></node>", "'p': 'x' is not of type bool"),
        (f"{NODE}><param name='p' value='[1, a]'/></node>", "'[1, a]' is no number, text"),
        (f"{NODE}><param name='p' value='~'/></node>", "'p': '~' is no number, text"),
        (f"{NODE}><param name='p' value='['/></node>", "'p': '[' is not YAML"),
        (f"{NODE}><param name='p' value='' type='list'/></node>", "'p': type 'list'; allowed here"),
        (f"{NODE}><param name='p' value=''><param/></param></node>", "<param>: not known inside"),
        ("<include file='/x.xml'/>", "<include>: file: '/x.xml' is not a file"),
        ("<include file='$(dirname)/test.launch.xml'/>", "included more than 16 files deep"),
        ("<push_ros_namespace namespace='a-b'/>", "namespace: '/a-b'; allowed: letters"),
        ("<arg name='a'/>", "launch argument 'a' is missing"),
        ("<node", "not well-formed XML"),
    ],
)
def test_what_is_not_in_the_subset_is_refused_by_name(
    read: Any, content: str, problem: str
) -> None:
    with pytest.raises(LaunchError) as caught:
        read(content)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_errors_name_file_and_line_of_the_included_file(read: Any, package: Any) -> None:
    inner = package.write("\n<bad/>", "inner.launch.xml")
    with pytest.raises(LaunchError, match=f"^{inner}:3: <bad>"):
        read('<include file="$(dirname)/inner.launch.xml"/>')


def test_a_wrong_argument_is_refused_with_the_known_ones(read: Any) -> None:
    content = '<arg name="rate" default="5"/><arg name="mode" default="a"><choice value="a"/></arg>'
    with pytest.raises(LaunchError, match=r"^unknown launch argument 'rat'; known: mode, rate$"):
        read(content, rat="3")
    with pytest.raises(LaunchError, match=r"^launch argument 'mode': 'b'; allowed: a$"):
        read(content, mode="b")


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LaunchError, match="can't read the launch file: No such file"):
        launchfile.read(tmp_path / "x.xml", {}, {})
    other = tmp_path / "other.xml"
    other.write_text("<robot/>")
    with pytest.raises(LaunchError, match="1: <robot>: expected <launch> as the root tag"):
        launchfile.read(other, {}, {})
