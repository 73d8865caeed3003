"""New figures in a cell description, all else in its text as it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import yaml

from batsort_description.cell_file import described
from batsort_files.documents import document_of
from batsort_files.yaml_words import dumped

Key = tuple[str | int, ...]
"""Way to a value: names of fields, and places in lists."""


def edited(text: str, changes: Mapping[Key, str]) -> str:
    """The YAML text with other scalars at those places; comments, order and layout stay.

    A comment behind a value keeps its column where there is room. Raises KeyError for a place that
    is not there.
    """
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    places = {key: _scalar(root, key) for key in changes}
    for key, node in sorted(places.items(), key=lambda place: -place[1].start_mark.index):
        first, end = node.start_mark.index, node.end_mark.index
        rest = text[end:]
        room = len(rest) - len(rest.lstrip(" "))
        if rest[room : room + 1] == "#":
            kept = max(1, room + (end - first) - len(changes[key]))
            rest = " " * kept + rest[room:]
        text = text[:first] + changes[key] + rest
    return text


def written(value: float, digits: int) -> str:
    """A number as YAML reads it back, with so many significant digits: 5.0e-05, not 5e-05."""
    return dumped(float(f"{value:.{digits}g}")).split()[0]


def has_aliases(text: str) -> bool:
    """Whether figures of a YAML text stand for others, too, and can't be changed one by one."""
    return any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text))


def write(path: Path, text: str) -> Path | None:
    """Write a cell description that is allowed, and keep the old file beside it; where that is.

    Raises ConfigurationError, and OSError; then nothing has changed.
    """
    described(document_of(path, text))
    kept = None
    if path.exists():
        kept = path.with_name(f"{path.name}.{datetime.now():%Y%m%d_%H%M%S}")
        kept.write_bytes(path.read_bytes())
    new = path.with_name(f"{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
    return kept


def _scalar(root: yaml.Node, key: Sequence[str | int]) -> yaml.ScalarNode:
    node: yaml.Node | None = root
    for part in key:
        if isinstance(node, yaml.MappingNode):
            node = next((value for name, value in node.value if name.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part] if part < len(node.value) else None
        else:
            node = None
    if not isinstance(node, yaml.ScalarNode):
        raise KeyError(".".join(map(str, key)))
    return node
