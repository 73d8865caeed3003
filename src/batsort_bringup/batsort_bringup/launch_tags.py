"""The tags of a launch file with what each may hold; anything else is refused by name and line."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat


class LaunchError(ValueError):
    """A launch file or an argument that can't be used; the text is one line naming the cause."""


@dataclass(slots=True)
class Tag:
    """An XML element with its place."""

    file: Path
    line: int
    name: str
    attributes: dict[str, str]
    children: list[Tag] = field(default_factory=list)

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


def load(path: Path) -> Tag:
    """Parse and check one file.

    Raises:
        LaunchError: unreadable, not well-formed, or not in the subset.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise LaunchError(f"{path}: can't read the launch file: {error.strerror}") from error
    parser = expat.ParserCreate()
    stack: list[Tag] = []
    roots: list[Tag] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        tag = Tag(path, parser.CurrentLineNumber, name, attributes)
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


def _check(tag: Tag, form: _Form) -> None:
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
