"""Reads a ROS 2 XML launch file: tags in, processes to start out; starts nothing itself.

The meaning is that of ``launch``, ``launch_xml`` and ``launch_ros`` of ROS 2 Jazzy, for the subset
that the launch files of BatSort use. Every other tag, attribute and substitution is refused by
name, with file and line, so that no file means one thing here and another under ``ros2 launch``.
"""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

import yaml

MAX_INCLUDE_DEPTH = 16
NAMESPACE = re.compile(r"/|(/[A-Za-z_][A-Za-z0-9_]*)+")
NODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Parameters = dict[str, object]


class LaunchError(ValueError):
    """A launch file or an argument that can't be used; the text is one line naming the cause."""


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
            missing or none of its choices; a package, executable or parameter file that is missing.
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


@dataclass(slots=True)
class _Tag:
    """An XML element with its place."""

    file: Path
    line: int
    name: str
    attributes: dict[str, str]
    children: list[_Tag] = field(default_factory=list)

    def error(self, problem: str) -> LaunchError:
        return LaunchError(f"{self.file}:{self.line}: <{self.name}>: {problem}")


@dataclass(frozen=True, slots=True)
class _Form:
    """What a tag may hold."""

    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    children: tuple[str, ...] = ()


_ACTIONS = ("arg", "let", "set_env", "include", "group", "push_ros_namespace", "node")
_CONDITIONS = ("if", "unless")
_NODE_OPTIONS = (
    *("pkg", "name", "namespace", "exec_name", "args", "ros_args", "output"),
    *("respawn", "respawn_delay", "on_exit"),
)
FORMS: dict[str, _Form] = {
    "launch": _Form(children=_ACTIONS),
    "arg": _Form(("name",), ("default", "description", *_CONDITIONS), ("choice",)),
    "arg/choice": _Form(("value",)),
    "let": _Form(("name", "value"), _CONDITIONS),
    "include": _Form(("file",), _CONDITIONS, ("arg",)),
    "include/arg": _Form(("name", "value")),
    "group": _Form((), _CONDITIONS, _ACTIONS),
    "push_ros_namespace": _Form(("namespace",), _CONDITIONS),
    "set_env": _Form(("name", "value"), _CONDITIONS),
    "node": _Form(("exec",), (*_NODE_OPTIONS, *_CONDITIONS), ("param", "remap", "env")),
    "node/param": _Form((), ("name", "value", "type", "from")),
    "node/remap": _Form(("from", "to")),
    "node/env": _Form(("name", "value")),
}
"""The subset: tag, or parent/tag where a tag means something else inside that parent."""


def _load(path: Path) -> _Tag:
    """Parse and check one file.

    Raises:
        LaunchError: unreadable, not well-formed, or not in the subset.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LaunchError(f"{path}: can't read the launch file: {error.strerror}") from error
    parser = expat.ParserCreate()
    stack: list[_Tag] = []
    roots: list[_Tag] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = _Tag(path, parser.CurrentLineNumber, name, attributes)
        (stack[-1].children if stack else roots).append(tag)
        stack.append(tag)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda name: stack.pop()
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise LaunchError(f"{path}:{error.lineno}: not well-formed XML: {reason}") from error
    if roots[0].name != "launch":
        raise roots[0].error("expected <launch> as the root tag")
    _check(roots[0], FORMS["launch"])
    return roots[0]


def _check(tag: _Tag, form: _Form) -> None:
    """Refuse what `form` does not have, in `tag` and everything below it."""
    allowed = form.required + form.optional
    for name in tag.attributes:
        if name not in allowed:
            raise tag.error(f"unknown attribute '{name}'; allowed: {', '.join(allowed) or 'none'}")
    for name in form.required:
        if name not in tag.attributes:
            raise tag.error(f"attribute '{name}' is missing")
    for child in tag.children:
        if child.name not in form.children:
            names = ", ".join(form.children) or "none"
            raise child.error(f"not known inside <{tag.name}>; allowed: {names}")
        _check(child, FORMS.get(f"{tag.name}/{child.name}") or FORMS[child.name])


class _Reader:
    """Walks launch files in order, as ``ros2 launch`` visits them."""

    def __init__(
        self, given: Mapping[str, str], environ: Mapping[str, str], only_arguments: bool = False
    ) -> None:
        self.declared: list[Argument] = []
        self.nodes: list[Node] = []
        self._values = dict(given)
        self._environ = environ
        self._added: Mapping[str, str] = {}
        self._only_arguments = only_arguments
        self._namespace: str | None = None
        self._depth = 0
        self._actions: dict[str, Callable[[_Tag], None]] = {
            "arg": self._arg,
            "let": self._let,
            "include": self._include,
            "group": self._group,
            "push_ros_namespace": self._push_ros_namespace,
            "set_env": self._set_env,
            "node": self._node,
        }

    def read_file(self, path: Path) -> None:
        self._visit(_load(path))

    def _visit(self, parent: _Tag) -> None:
        for tag in parent.children:
            if self._wanted(tag):
                self._actions[tag.name](tag)

    def _wanted(self, tag: _Tag) -> bool:
        if "if" in tag.attributes and "unless" in tag.attributes:
            raise tag.error("'if' and 'unless' exclude each other")
        if "if" in tag.attributes:
            return self._boolean(tag, "if")
        return not ("unless" in tag.attributes and self._boolean(tag, "unless"))

    def _arg(self, tag: _Tag) -> None:
        name = tag.attributes["name"]
        choices = tuple(choice.attributes["value"] for choice in tag.children)
        default = tag.attributes.get("default")
        description = tag.attributes.get("description", "")
        self.declared.append(Argument(name, default, description, choices))
        if name not in self._values:
            if default is None and not self._only_arguments:
                raise LaunchError(f"launch argument '{name}' is missing ({description})")
            self._values[name] = "" if default is None else self._text(tag, "default")
        value = self._values[name]
        if choices and value not in choices and not (self._only_arguments and default is None):
            allowed = ", ".join(choices)
            raise LaunchError(f"launch argument '{name}': '{value}'; allowed: {allowed}")

    def _let(self, tag: _Tag) -> None:
        self._values[self._text(tag, "name")] = self._text(tag, "value")

    def _include(self, tag: _Tag) -> None:
        path = Path(self._text(tag, "file"))
        if self._depth == MAX_INCLUDE_DEPTH:
            raise tag.error(f"'{path}' is included more than {MAX_INCLUDE_DEPTH} files deep")
        if not path.is_file():
            raise tag.error(f"file: '{path}' is not a file")
        # Not scoped, as in launch: what is set for or by the included file is set after it, too.
        for argument in tag.children:
            self._values[self._text(argument, "name")] = self._text(argument, "value")
        self._depth += 1
        self.read_file(path)
        self._depth -= 1

    def _group(self, tag: _Tag) -> None:
        values, namespace = dict(self._values), self._namespace
        environ, added = self._environ, self._added
        self._visit(tag)
        self._values, self._namespace = values, namespace
        self._environ, self._added = environ, added

    def _set_env(self, tag: _Tag) -> None:
        variable = {self._text(tag, "name"): self._text(tag, "value")}
        self._environ = {**self._environ, **variable}
        self._added = {**self._added, **variable}

    def _push_ros_namespace(self, tag: _Tag) -> None:
        self._namespace = self._join_namespace(tag, self._text(tag, "namespace"))

    def _join_namespace(self, tag: _Tag, name: str) -> str:
        joined = _join(self._namespace or "/", name)
        if not NAMESPACE.fullmatch(joined):
            raise tag.error(
                f"namespace: '{joined}'; allowed: letters, digits and '_', parts joined by '/'"
            )
        return joined

    def _node(self, tag: _Tag) -> None:
        if self._only_arguments:
            return
        name = self._text(tag, "name") if "name" in tag.attributes else None
        if name is not None and not NODE_NAME.fullmatch(name):
            raise tag.error(f"name: '{name}'; allowed: letters, digits and '_'")
        namespace = self._namespace
        if "namespace" in tag.attributes:
            namespace = self._join_namespace(tag, self._text(tag, "namespace"))
        output = tag.attributes.get("output", "screen")
        if output not in ("screen", "both"):
            raise tag.error(f"output: '{output}'; allowed here: screen, both")
        if tag.attributes.get("on_exit", "shutdown") != "shutdown":
            raise tag.error(f"on_exit: '{tag.attributes['on_exit']}'; allowed: shutdown")
        executable = self._executable(tag)
        title = self._text(tag, "exec_name") if "exec_name" in tag.attributes else None
        self.nodes.append(
            Node(
                label=_join(namespace or "/", title or name or executable.name).lstrip("/"),
                executable=executable,
                arguments=self._words(tag, "args"),
                ros_arguments=self._words(tag, "ros_args"),
                name=name,
                namespace=namespace,
                parameters=tuple(self._param(c) for c in tag.children if c.name == "param"),
                remappings=tuple(
                    (self._text(c, "from"), self._text(c, "to"))
                    for c in tag.children
                    if c.name == "remap"
                ),
                environment={
                    **self._added,
                    **{
                        self._text(c, "name"): self._text(c, "value")
                        for c in tag.children
                        if c.name == "env"
                    },
                },
                respawn="respawn" in tag.attributes and self._boolean(tag, "respawn"),
                respawn_delay=self._respawn_delay(tag),
                shutdown_on_exit="on_exit" in tag.attributes,
            )
        )

    def _executable(self, tag: _Tag) -> Path:
        if "pkg" not in tag.attributes:
            raise tag.error("attribute 'pkg' is missing")
        package, name = self._text(tag, "pkg"), self._text(tag, "exec")
        path = self._prefix(tag, package) / "lib" / package / name
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise tag.error(f"exec: package '{package}' has no executable '{name}'")
        return path

    def _respawn_delay(self, tag: _Tag) -> float:
        # launch reads it as a number before any substitution is done.
        text = tag.attributes.get("respawn_delay", "0.0")
        try:
            delay = float(text)
        except ValueError:
            delay = math.nan
        if not (math.isfinite(delay) and delay >= 0.0):
            raise tag.error(f"respawn_delay: '{text}'; allowed: a number of seconds, 0 or more")
        return delay

    def _param(self, tag: _Tag) -> Path | Parameters:
        if "from" in tag.attributes:
            if len(tag.attributes) > 1:
                raise tag.error("'from' excludes every other attribute")
            path = Path(self._text(tag, "from"))
            if not path.is_file():
                raise tag.error(f"from: '{path}' is not a file")
            return path
        for name in ("name", "value"):
            if name not in tag.attributes:
                raise tag.error(f"attribute '{name}' is missing")
        name, text = self._text(tag, "name"), self._text(tag, "value")
        try:
            return {name: _parameter_value(text, tag.attributes.get("type", "yaml"))}
        except ValueError as error:
            raise tag.error(f"parameter '{name}': {error}") from error

    def _boolean(self, tag: _Tag, attribute: str) -> bool:
        text = self._text(tag, attribute)
        if text.strip().lower() in ("true", "1"):
            return True
        if text.strip().lower() in ("false", "0"):
            return False
        raise tag.error(f"{attribute}: '{text}'; allowed: true, 1, false, 0")

    def _text(self, tag: _Tag, attribute: str) -> str:
        """Give an attribute with its substitutions done."""
        return "".join(part for part, _ in self._parts(tag, attribute))

    def _words(self, tag: _Tag, attribute: str) -> tuple[str, ...]:
        """Split an attribute like a shell; what a substitution gives is never split."""
        if attribute not in tag.attributes:
            return ()
        results: list[str] = []
        template = ""
        for part, substituted in self._parts(tag, attribute):
            if substituted:
                template += f"\0{len(results)}\0"
                results.append(part)
            else:
                template += part
        try:
            words = shlex.split(template)
        except ValueError as error:
            raise tag.error(f"{attribute}: {error}") from error
        return tuple(re.sub("\0(.*?)\0", lambda m: results[int(m[1])], word) for word in words)

    def _parts(self, tag: _Tag, attribute: str) -> list[tuple[str, bool]]:
        """Give the pieces of an attribute: text, and whether a substitution gave it."""
        scanner = _Scanner(tag.attributes[attribute], lambda *call: self._substitute(tag, *call))
        try:
            return scanner.template()
        except _SubstitutionError as error:
            raise tag.error(f"{attribute}: {error}") from error

    def _substitute(self, tag: _Tag, name: str, values: list[str]) -> str:
        match name, values:
            case "var", [variable]:
                if variable not in self._values:
                    raise _SubstitutionError(f"$(var {variable}): no such launch argument")
                return self._values[variable]
            case "env", [variable, *default] if len(default) <= 1:
                value = self._environ.get(variable, *default)
                if value is None:
                    raise _SubstitutionError(f"$(env {variable}): not in the environment")
                return value
            case "find-pkg-share", [package]:
                return str(self._prefix(tag, package) / "share" / package)
            case "dirname", []:
                return str(tag.file.absolute().parent)
            case (("var" | "env" | "find-pkg-share" | "dirname"), _):
                raise _SubstitutionError(f"$({name} ...): can't be used with {len(values)} values")
        raise _SubstitutionError(
            f"$({name} ...) is not known here; allowed: var, env, find-pkg-share, dirname"
        )

    def _prefix(self, tag: _Tag, package: str) -> Path:
        """Find the folder that a package is installed in, by the ament index."""
        for prefix in self._environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
            marker = Path(prefix, "share", "ament_index", "resource_index", "packages", package)
            if prefix and package and marker.is_file():
                return Path(prefix)
        raise tag.error(f"package '{package}' is not installed")


class _SubstitutionError(ValueError):
    """A substitution that is malformed, unknown or has no value."""


class _Scanner:
    """Reads ``text $(name value 'quoted value' $(nested ...)) text``.

    A backslash takes the character after it as it is.
    """

    def __init__(self, text: str, call: Callable[[str, list[str]], str]) -> None:
        self._text = text
        self._at = 0
        self._call = call

    def template(self) -> list[tuple[str, bool]]:
        parts: list[tuple[str, bool]] = []
        while self._at < len(self._text):
            if self._text.startswith("$(", self._at):
                parts.append((self._substitution(), True))
            else:
                parts.append((self._literal(""), False))
        return parts

    def _literal(self, ends: str) -> str:
        """Read up to a substitution, or to one of `ends`."""
        result = ""
        while self._at < len(self._text):
            character = self._text[self._at]
            if character in ends or self._text.startswith("$(", self._at):
                break
            if character == "\\" and self._at + 1 < len(self._text):
                self._at += 1
                character = self._text[self._at]
            result += character
            self._at += 1
        return result

    def _substitution(self) -> str:
        begin = self._at
        name = re.compile(r"\$\(([A-Za-z][\w-]*)").match(self._text, begin)
        if name is None:
            raise _SubstitutionError(f"'{self._text[begin:]}': a name must follow '$('")
        self._at = name.end()
        values: list[str] = []
        while self._text.startswith(" ", self._at):
            self._at += 1
            values.append(self._value())
        if not self._text.startswith(")", self._at):
            raise _SubstitutionError(f"'{self._text[begin:]}': ')' is missing")
        self._at += 1
        return self._call(name[1], values)

    def _value(self) -> str:
        quote = self._text[self._at : self._at + 1]
        ends = " )"
        if quote in ("'", '"'):
            self._at += 1
            ends = quote
        result = ""
        while self._at < len(self._text) and self._text[self._at] not in ends:
            if self._text.startswith("$(", self._at):
                result += self._substitution()
            else:
                result += self._literal(ends)
        if ends == quote:
            self._at += 1
        return result


def _join(base: str, name: str) -> str:
    """Give `name` below the absolute namespace `base`, or `name` itself where that is absolute."""
    joined = name if name.startswith("/") else f"{base.rstrip('/')}/{name}"
    return joined.rstrip("/") or "/"


def _parameter_value(text: str, type_name: str) -> object:
    """Turn a parameter's text into its value by the rules of launch.

    Raises:
        ValueError: the text doesn't fit the type, or the type is unknown.
    """
    if type_name == "str":
        return text
    if type_name in ("int", "float"):
        number = int if type_name == "int" else float
        try:
            return number(text)
        except ValueError:
            raise ValueError(f"'{text}' is not of type {type_name}") from None
    if type_name not in ("bool", "yaml"):
        raise ValueError(f"type '{type_name}'; allowed here: bool, float, int, str, yaml")
    if not text and type_name == "yaml":
        return text
    if type_name == "bool":
        text = {"1": "true", "0": "false"}.get(text, text)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise ValueError(f"'{text}' is not YAML") from None
    if type_name == "bool" and not isinstance(value, bool):
        raise ValueError(f"'{text}' is not of type bool")
    items = value if isinstance(value, list) else [value]
    if any(
        type(item) not in (bool, int, float, str) or type(item) is not type(items[0])
        for item in items
    ):
        raise ValueError(f"'{text}' is no number, text, boolean, or list of one of these")
    return value
