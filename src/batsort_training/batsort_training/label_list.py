"""What is wrong in the labels of published photos, in a list beside the data instead of in it.

    labels:
      exell_green_183ab38d2f:     # stem of the photo's file name
        label: Other              # its type, or `exclude: true` to leave it out
        chemistry: li_ion         # of what it shows, where its type does not say it
        why: print reads ICR18650 and 3.7 V, a Li-ion cell

A stem that ends in ten hex digits, as `<type>_<start of the file's sha256>` does, stands for that
very file: another one of the same name keeps its label.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Annotated

from batsort_core.chemistry import Chemistry
from batsort_files.documents import ConfigurationError, data_of, document_of
from batsort_files.schema import FieldError, Name, read
from batsort_files.yaml_words import dumped
from batsort_perception.bundle import LabelRecord
from batsort_twin.photos import SUFFIXES, Photo

AUTO = "auto"
"""The list in the photo folder, or else the one that ships with BatSort as far as it fits."""
AS_PUBLISHED = "none"
"""No list: every photo is of the type that its folder says."""
FILE = "labels.yaml"
"""In a photo folder."""
UNKNOWN = "Other"
"""Label of photos that show no type."""
HASHED = re.compile(r"_([0-9a-f]{10})(?:_[a-z])?$")
"""End of a stem that tells its file's sha256; a letter tells two copies of a file apart."""
WIDTH = 96
"""Columns from which a written line is broken at the next blank."""
NAMED = 3
"""Stems that a line names before it counts the rest."""


class LabelsError(ValueError):
    """A label list that is refused; one line with file, field, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a list says of one photo: `label` or `exclude`."""

    label: Annotated[str, Name()] | None
    """Its type."""
    exclude: bool | None
    """True: it is left out."""
    why: Annotated[str, Name()]
    """For people."""
    chemistry: Chemistry | None = None
    """Of what it shows: strangers of a dangerous one are judged by themselves."""


@dataclass(frozen=True, slots=True)
class _Document:
    labels: Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class LabelList:
    """A list that has been checked."""

    file: Path
    sha256: str
    entries: Mapping[str, Entry]
    """By stem."""

    @classmethod
    def load(cls, file: Path) -> LabelList:
        """Raises LabelsError naming file, line, field, value and what is allowed."""
        try:
            data = data_of(file)
        except OSError as error:
            allowed = f"a file, {AUTO} or {AS_PUBLISHED}"
            raise LabelsError(f"labels: {file}: {error.strerror}; allowed: {allowed}") from None
        try:
            entries = document_of(file, data).checked(_entries)
        except ConfigurationError as error:
            raise LabelsError(str(error)) from None
        return cls(file, hashlib.sha256(data).hexdigest(), entries)

    @property
    def id(self) -> str:
        """Name and the first twelve digits of its hash."""
        return f"{self.file.name}@{self.sha256[:12]}"

    @property
    def shipped(self) -> bool:
        """Whether it is the one that comes with BatSort."""
        return self.file.resolve() == default_labels().resolve()

    def applied(self, photos: Sequence[Photo], types: Sequence[str] | None = None) -> Applied:
        """What it says of these photos. Raises LabelsError, also for a label that is not of `types`
        or Other; the list that ships and None allow any."""
        named: dict[str, list[Photo]] = defaultdict(list)
        for photo in photos:
            if photo.path.stem in self.entries:
                named[photo.path.stem].append(photo)
        result = Applied(self, len(photos), tuple(s for s in self.entries if s not in named))
        for stem, those in named.items():
            entry, hashed = self.entries[stem], HASHED.search(stem)
            known = dict.fromkeys((*(types or ()), UNKNOWN))
            if types and entry.label and entry.label not in known and not self.shipped:
                where = f"{self.file}: labels.{stem}.label: {entry.label!r}"
                raise LabelsError(f"{where} is refused; allowed: {', '.join(known)}")
            if len(those) > 1 and not hashed:
                both = " and ".join(photo.name for photo in those[:2])
                allowed = "a stem that one photo has"
                raise LabelsError(f"{self.file}: labels.{stem}: {both}; allowed: {allowed}")
            for photo in those:
                if hashed and not photo.sha256().startswith(hashed[1]):
                    result.other_files.append(photo.name)
                    continue
                if entry.exclude:
                    result.left_out.add(photo.name)
                    continue
                if entry.chemistry:
                    result.chemistries[photo.name] = entry.chemistry
                if entry.label and entry.label != photo.label:
                    result.labels[photo.name] = entry.label
        return result


@dataclass(frozen=True, slots=True)
class Applied:
    """What a list says of the photos in one folder, by their names."""

    source: LabelList
    photos: int
    """How many there are."""
    absent: tuple[str, ...]
    """Stems that no photo has."""
    labels: dict[str, str] = field(default_factory=dict)
    """Other types than the folders'."""
    left_out: set[str] = field(default_factory=set)
    chemistries: dict[str, Chemistry] = field(default_factory=dict)
    other_files: list[str] = field(default_factory=list)
    """Named as listed, but of another hash: left as they are."""

    @property
    def line(self) -> str:
        """What it did, in one line."""
        changed = len(self.labels) + len(self.left_out)
        source = self.source
        by = f"the list that ships ({source.id})" if source.shipped else str(source.file)
        parts = [f"{changed} of {self.photos} photos relabelled or left out by {by}"]
        if self.absent and not source.shipped:
            parts.append(f"no photo has {_some(self.absent)}")
        if self.other_files:
            parts.append(f"named as listed, yet another file: {_some(self.other_files)}")
        return "; ".join(parts)

    @property
    def record(self) -> LabelRecord:
        """As a bundle keeps it."""
        return LabelRecord(
            self.source.file.name, self.source.sha256, len(self.labels), len(self.left_out)
        )


def default_labels() -> Path:
    """The list that comes with BatSort."""
    return Path(str(resources.files("batsort_training") / "labels" / "default.yaml"))


def chosen(
    wanted: str | Path, folder: Path, photos: Sequence[Photo], types: Sequence[str] | None = None
) -> Applied | None:
    """What AUTO (of `folder`), AS_PUBLISHED or a file says of `photos`; see `LabelList.applied`.

    None where there is no list, or where AUTO's shipped one has none of these photos.
    """
    if wanted == AS_PUBLISHED:
        return None
    beside = folder / FILE
    file = beside if beside.is_file() else default_labels()
    result = LabelList.load(file if wanted == AUTO else Path(wanted)).applied(photos, types)
    used = result.labels or result.left_out or result.other_files
    return None if wanted == AUTO and result.source.shipped and not used else result


def as_yaml(entries: Mapping[str, Entry]) -> str:
    """The entries as the text of a list."""
    document = {
        "labels": {
            stem: {"exclude": True, "why": entry.why}
            if entry.exclude
            else {
                "label": entry.label,
                **({"chemistry": entry.chemistry.value} if entry.chemistry else {}),
                "why": entry.why,
            }
            for stem, entry in entries.items()
        }
    }
    return dumped(document, sort_keys=False, width=WIDTH, allow_unicode=True)


def _entries(document: object) -> Mapping[str, Entry]:
    entries = read(_Document, document).labels
    for stem, entry in entries.items():
        _check(stem, entry)
    return entries


def _check(stem: str, entry: Entry) -> None:
    path = f"labels.{stem}"
    if not stem or "/" in stem or Path(stem).suffix.lower() in SUFFIXES:
        allowed = "the stem of a file name: no folder, no suffix"
        raise FieldError(f"{path}: {stem!r} is refused; allowed: {allowed}")
    if entry.exclude is False:
        raise FieldError(f"{path}.exclude: False is refused; allowed: true, or label instead")
    if (entry.label is None) == (entry.exclude is None):
        told = "both" if entry.label else "neither"
        raise FieldError(f"{path}: {told} of label and exclude; allowed: one of them")
    for name, text in (("label", entry.label), ("why", entry.why)):
        if text is not None and (not text.isprintable() or not text or text != text.strip()):
            allowed = "a printable text without margins"
            raise FieldError(f"{path}.{name}: {text!r} is refused; allowed: {allowed}")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
