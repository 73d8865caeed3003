"""Reads a ROS 2 XML launch file: tags in, processes to start out; starts nothing itself.

The meaning is that of ``launch``, ``launch_xml`` and ``launch_ros`` of ROS 2 Jazzy, for the subset
that the launch files of BatSort use. Every other tag, attribute and substitution is refused by
name, with file and line, so that no file means one thing here and another under ``ros2 launch``.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from batsort_bringup.launch_parameters import parameter_value
from batsort_bringup.launch_tags import LaunchError, Tag, load
from batsort_bringup.launch_text import Scope
from batsort_files.documents import ConfigurationError, read_document

MAX_INCLUDE_DEPTH = 16
NAMESPACE = re.compile(r"/|(/[A-Za-z_][A-Za-z0-9_]*)+")
NODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Parameters = dict[str, object]


@dataclass(frozen=True, slots=True)
class Argument:
    """A declared launch argument; `default` as it is written; without one it must be given."""

    name: str
    default: str | None
    description: str
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Node:
    """A node to start, every substitution done.

    ``parameters`` keeps the order of the file: a path of a YAML file, or inline values for
    ``parameters_key`` (the node's full name, or ``/**`` where that isn't known).
    """

    label: str
    executable: Path
    arguments: tuple[str, ...]
    ros_arguments: tuple[str, ...]
    name: str | None
    namespace: str | None
    parameters: tuple[Path | Parameters, ...]
    remappings: tuple[tuple[str, str], ...]
    environment: Mapping[str, str]
    respawn: bool
    respawn_delay: float
    shutdown_on_exit: bool

    @property
    def parameters_key(self) -> str:
        """The node that inline parameters are meant for."""
        if self.name is None or self.namespace is None:
            return "/**"
        return _join(self.namespace, self.name)

    def command(self, folder: Path) -> list[str]:
        """Give the command line; inline parameters are written to new YAML files in `folder`."""
        command = [str(self.executable), *self.arguments]
        if self.ros_arguments:
            command += ["--ros-args", *self.ros_arguments]
        command += ["--ros-args"]
        if self.name is not None:
            command += ["-r", f"__node:={self.name}"]
        if self.namespace is not None:
            command += ["-r", f"__ns:={self.namespace}"]
        for index, parameters in enumerate(self.parameters):
            if isinstance(parameters, dict):
                path = folder / f"{self.label.replace('/', '.')}.{index}.yaml"
                document = {self.parameters_key: {"ros__parameters": parameters}}
                path.write_text(yaml.safe_dump(document), encoding="utf-8")
            else:
                path = parameters
            command += ["--params-file", str(path)]
        for source, target in self.remappings:
            command += ["-r", f"{source}:={target}"]
        return command


def read(path: Path, given: Mapping[str, str], environ: Mapping[str, str]) -> list[Node]:
    """Read a launch file and everything it includes.

    Args:
        path: the launch file.
        given: launch arguments by name.
        environ: for ``$(env ...)``, and ``AMENT_PREFIX_PATH`` for packages.

    Raises:
        LaunchError: a file that can't be read or isn't in the subset; an argument that is unknown,
            missing or none of its choices; a package, executable or parameter file that is missing;
            a parameter file that `strict_yaml` refuses.
    """
    declared = arguments(path, given, environ)
    known = sorted({argument.name for argument in declared})
    for name in given:
        if name not in known:
            raise LaunchError(f"unknown launch argument '{name}'; known: {', '.join(known)}")
    reader = _Reader(given, environ)
    reader.read_file(path)
    return reader.nodes


def arguments(path: Path, given: Mapping[str, str], environ: Mapping[str, str]) -> list[Argument]:
    """Give the arguments that a launch file and the files it includes (as called) declare."""
    reader = _Reader(given, environ, only_arguments=True)
    reader.read_file(path)
    return reader.declared


class _Reader:
    """Walks launch files in order, as ``ros2 launch`` visits them."""

    def __init__(
        self, given: Mapping[str, str], environ: Mapping[str, str], only_arguments: bool = False
    ) -> None:
        self.declared: list[Argument] = []
        self.nodes: list[Node] = []
        self._scope = Scope(dict(given), environ, {})
        self._only_arguments = only_arguments
        self._depth = 0
        self._actions: dict[str, Callable[[Tag], None]] = {
            "arg": self._arg,
            "let": self._let,
            "include": self._include,
            "group": self._group,
            "push_ros_namespace": self._push_ros_namespace,
            "set_env": self._set_env,
            "node": self._node,
        }

    def read_file(self, path: Path) -> None:
        self._visit(load(path))

    def _visit(self, parent: Tag) -> None:
        for tag in parent.children:
            if self._wanted(tag):
                self._actions[tag.name](tag)

    def _wanted(self, tag: Tag) -> bool:
        if "if" in tag.attributes and "unless" in tag.attributes:
            raise tag.error("'if' and 'unless' exclude each other")
        if "if" in tag.attributes:
            return self._scope.boolean(tag, "if")
        return not ("unless" in tag.attributes and self._scope.boolean(tag, "unless"))

    def _arg(self, tag: Tag) -> None:
        name = tag.attributes["name"]
        choices = tuple(choice.attributes["value"] for choice in tag.children)
        default = tag.attributes.get("default")
        description = tag.attributes.get("description", "")
        self.declared.append(Argument(name, default, description, choices))
        if name not in self._scope.values:
            if default is None and not self._only_arguments:
                raise LaunchError(f"launch argument '{name}' is missing ({description})")
            self._scope.values[name] = "" if default is None else self._scope.text(tag, "default")
        value = self._scope.values[name]
        if choices and value not in choices and not (self._only_arguments and default is None):
            allowed = ", ".join(choices)
            raise LaunchError(f"launch argument '{name}': '{value}'; allowed: {allowed}")

    def _let(self, tag: Tag) -> None:
        self._scope.values[self._scope.text(tag, "name")] = self._scope.text(tag, "value")

    def _include(self, tag: Tag) -> None:
        path = Path(self._scope.text(tag, "file"))
        if self._depth == MAX_INCLUDE_DEPTH:
            raise tag.error(f"'{path}' is included more than {MAX_INCLUDE_DEPTH} files deep")
        if not path.is_file():
            raise tag.error(f"file: '{path}' is not a file")
        # Not scoped, as in launch: what is set for or by the included file is set after it, too.
        for argument in tag.children:
            self._scope.values[self._scope.text(argument, "name")] = self._scope.text(
                argument, "value"
            )
        self._depth += 1
        self.read_file(path)
        self._depth -= 1

    def _group(self, tag: Tag) -> None:
        outer, self._scope = self._scope, self._scope.inner()
        self._visit(tag)
        self._scope = outer

    def _set_env(self, tag: Tag) -> None:
        self._scope.set_env({self._scope.text(tag, "name"): self._scope.text(tag, "value")})

    def _push_ros_namespace(self, tag: Tag) -> None:
        self._scope.namespace = self._join_namespace(tag, self._scope.text(tag, "namespace"))

    def _join_namespace(self, tag: Tag, name: str) -> str:
        joined = _join(self._scope.namespace or "/", name)
        if not NAMESPACE.fullmatch(joined):
            raise tag.error(
                f"namespace: '{joined}'; allowed: letters, digits and '_', parts joined by '/'"
            )
        return joined

    def _node(self, tag: Tag) -> None:
        if self._only_arguments:
            return
        name = self._scope.text(tag, "name") if "name" in tag.attributes else None
        if name is not None and not NODE_NAME.fullmatch(name):
            raise tag.error(f"name: '{name}'; allowed: letters, digits and '_'")
        namespace = self._scope.namespace
        if "namespace" in tag.attributes:
            namespace = self._join_namespace(tag, self._scope.text(tag, "namespace"))
        output = tag.attributes.get("output", "screen")
        if output not in ("screen", "both"):
            raise tag.error(f"output: '{output}'; allowed here: screen, both")
        if tag.attributes.get("on_exit", "shutdown") != "shutdown":
            raise tag.error(f"on_exit: '{tag.attributes['on_exit']}'; allowed: shutdown")
        executable = self._executable(tag)
        title = self._scope.text(tag, "exec_name") if "exec_name" in tag.attributes else None
        self.nodes.append(
            Node(
                label=_join(namespace or "/", title or name or executable.name).lstrip("/"),
                executable=executable,
                arguments=self._scope.words(tag, "args"),
                ros_arguments=self._scope.words(tag, "ros_args"),
                name=name,
                namespace=namespace,
                parameters=tuple(self._param(c) for c in tag.children if c.name == "param"),
                remappings=tuple(
                    (self._scope.text(c, "from"), self._scope.text(c, "to"))
                    for c in tag.children
                    if c.name == "remap"
                ),
                environment={
                    **self._scope.added,
                    **{
                        self._scope.text(c, "name"): self._scope.text(c, "value")
                        for c in tag.children
                        if c.name == "env"
                    },
                },
                respawn="respawn" in tag.attributes and self._scope.boolean(tag, "respawn"),
                respawn_delay=self._respawn_delay(tag),
                shutdown_on_exit="on_exit" in tag.attributes,
            )
        )

    def _executable(self, tag: Tag) -> Path:
        if "pkg" not in tag.attributes:
            raise tag.error("attribute 'pkg' is missing")
        package, name = self._scope.text(tag, "pkg"), self._scope.text(tag, "exec")
        path = self._scope.prefix(tag, package) / "lib" / package / name
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise tag.error(f"exec: package '{package}' has no executable '{name}'")
        return path

    def _respawn_delay(self, tag: Tag) -> float:
        # launch reads it as a number before any substitution is done.
        text = tag.attributes.get("respawn_delay", "0.0")
        try:
            delay = float(text)
        except ValueError:
            delay = math.nan
        if not (math.isfinite(delay) and delay >= 0.0):
            raise tag.error(f"respawn_delay: '{text}'; allowed: a number of seconds, 0 or more")
        return delay

    def _param(self, tag: Tag) -> Path | Parameters:
        if "from" in tag.attributes:
            if len(tag.attributes) > 1:
                raise tag.error("'from' excludes every other attribute")
            path = Path(self._scope.text(tag, "from"))
            if not path.is_file():
                raise tag.error(f"from: '{path}' is not a file")
            try:
                read_document(path)
            except ConfigurationError as error:
                raise LaunchError(str(error)) from None
            return path
        for name in ("name", "value"):
            if name not in tag.attributes:
                raise tag.error(f"attribute '{name}' is missing")
        name, text = self._scope.text(tag, "name"), self._scope.text(tag, "value")
        try:
            return {name: parameter_value(text, tag.attributes.get("type", "yaml"))}
        except ValueError as error:
            raise tag.error(f"parameter '{name}': {error}") from error


def _join(base: str, name: str) -> str:
    """Give `name` below the absolute namespace `base`, or `name` itself where that is absolute."""
    joined = name if name.startswith("/") else f"{base.rstrip('/')}/{name}"
    return joined.rstrip("/") or "/"
