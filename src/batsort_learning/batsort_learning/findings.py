"""What `learn check` finds in a folder of photos, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from batsort_learning.colours import STRETCHES
from batsort_perception.printed import Finding as Read
from batsort_perception.printed import Print
from batsort_training.data import LabelledPhoto
from batsort_training.label_list import Entry

CONTRADICTS, MIXED = "print contradicts the folder", "two chemistries in one folder"
UNREADABLE, TWO_TYPES = "unreadable", "in two types"
LABEL, COLOURS = "doubtful label", "odd colours"
SAME, NEAR, SEVERAL = "same file", "near-duplicates", "several cells"
SMALL, SCARCE_TYPE = "too small", "few photos"
ADVICE = {
    CONTRADICTS: "look, and put it on a label list: --propose writes one",
    MIXED: "part them: different chemistries are recycled apart",
    UNREADABLE: "mend or remove: training refuses the folder",
    TWO_TYPES: "the same picture under several types: keep the right one",
    LABEL: "look at the print on the cell, and move what is wrong",
    COLOURS: "look whether it is another product, and move what is wrong",
    SAME: "keep one",
    NEAR: "keep, or keep the best: they count as one when judged",
    SEVERAL: "cut out one cell each, or remove",
    SMALL: "take a closer picture where you can",
    SCARCE_TYPE: "add photos of other batteries of the type",
}
"""What to do about each kind of finding, the most pressing first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a person should look at."""

    kind: str
    """A key of ADVICE."""
    says: str
    photos: tuple[LabelledPhoto, ...] = ()
    li_ion: bool = False
    """A lithium-ion cell may end up in another bin, or the other way round."""
    read: Read | None = None
    """The print that speaks, in pixels of the photo `at_full_size`."""

    @property
    def line(self) -> str:
        """All of it in one line."""
        fire = " [Li-ion: fire risk]" if self.li_ion else ""
        if self.kind == MIXED:
            names = ", ".join(photo.name for photo in self.photos)
            return f"{self.says}{fire}; look at {names}"
        return f"{' = '.join(photo.name for photo in self.photos)} {self.says}".strip() + fire


@dataclass(slots=True)
class Check:
    """What was found in a folder."""

    photos: list[LabelledPhoto]
    findings: list[Finding]
    li_ion: tuple[str, ...]
    colours: NDArray[np.float32] = field(
        default_factory=lambda: np.empty((0, 3 * STRETCHES), np.float32)
    )
    """float32[photos, 24]: see `colours_along`."""
    prints: list[Print] = field(default_factory=list)
    """What is printed on each photo; empty where that was not read."""
    print_unread: str = ""
    """Why print was not read, in a sentence."""
    proposed: dict[str, Entry] = field(default_factory=dict)
    """For a label list, by stem."""
    labels_checked: int = 0
    unchecked: str = ""
    """Why labels were checked by colours at most; empty: they were checked by all that is seen."""

    def of(self, kind: str) -> list[Finding]:
        """The findings of one kind."""
        return [finding for finding in self.findings if finding.kind == kind]
