"""What the print on batteries says against the folders they lie in.

A folder's chemistry is stated (by a cell description or a bundle), or else that of most of its
photos whose print says one. `Other` has none. Print that was not read says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from batsort_core.chemistry import RECHARGEABLE_LITHIUM, Chemistry
from batsort_perception.print_rules import LITHIUM_FAMILY
from batsort_perception.printed import Finding, Print
from batsort_training.data import UNKNOWN_FOLDER, LabelledPhoto
from batsort_training.label_list import Entry

FEWEST = 3
"""Prints that say a folder's chemistry or brand where nothing states it."""
SHARE = 0.6
"""Of the prints that say one, how many must agree."""
PLAIN = 0.55
"""Confidence of a chemistry that may contradict a folder; R6 for LR6 is misread at 0.5."""
SURE = 0.85
"""Confidence of a voltage, a size or a brand that may contradict a folder."""
CELLS = frozenset({Chemistry.NIMH, Chemistry.NICD})
LI_ION_VOLTS = frozenset(["3.2", "3.7", "3.8", "3.85", "6.4", "7.4", "11.1", "12.8", "14.8"])
"""No other chemistry has them."""
RECHARGEABLE_VOLTS = frozenset(["1.2", "2.4", "4.8"])
"""Of Ni-MH and Ni-Cd alone."""
PRIMARY_VOLTS = frozenset(("1.5",))
"""Of primary cells; a Li-ion cell with a converter has it, too."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One photo whose print speaks against its folder."""

    photo: LabelledPhoto
    read: Finding
    """What speaks against it."""
    says: str
    """What was read, and what the folder is."""
    li_ion: bool
    """A Li-ion cell is among what is none, or the other way round."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """A folder in which print says several chemistries."""

    label: str
    counts: Mapping[Chemistry, int]
    photos: tuple[LabelledPhoto, ...]
    """Those of the rarer ones."""

    @property
    def says(self) -> str:
        """In words, the most frequent first."""
        return f"{self.label}: " + ", ".join(
            f"{count} {Chemistry(name).in_words}" for name, count in self.counts.items()
        )

    @property
    def li_ion(self) -> bool:
        """Whether Li-ion is among what is none."""
        return len({name in RECHARGEABLE_LITHIUM for name in self.counts}) > 1


def chemistries_of(
    photos: Sequence[LabelledPhoto], prints: Sequence[Print], stated: Mapping[str, Chemistry]
) -> dict[str, Chemistry]:
    """The chemistry of each folder that has one: as stated, or else by most of its prints."""
    read = _by_label(photos, map(_chemistry, prints))
    result = {name: Chemistry(most) for name in read if (most := _most(read[name]))}
    labels = {photo.label for photo in photos} - {UNKNOWN_FOLDER}
    return {**result, **{name: stated[name] for name in labels if name in stated}}


def contradictions(
    photos: Sequence[LabelledPhoto], prints: Sequence[Print], known: Mapping[str, Chemistry]
) -> list[Contradiction]:
    """Photos whose print speaks against their folder; Li-ion first, then the surest.

    `known` are the folders' chemistries. A photo is named once: for its chemistry, or else for its
    voltage, its size or its brand.
    """
    brands = {
        name: most
        for name, found in _by_label(photos, (p.brand for p in prints)).items()
        if (most := _most(found))
    }
    result = []
    for photo, found in zip(photos, prints, strict=True):
        if photo.label == UNKNOWN_FOLDER:
            continue
        against = _of_chemistry(photo, found, known.get(photo.label))
        against = against or _of_brand(photo, found, brands.get(photo.label))
        if against:
            result.append(against)
    return sorted(result, key=lambda c: (not c.li_ion, -c.read.confidence, c.photo.name))


def mixtures(
    photos: Sequence[LabelledPhoto], prints: Sequence[Print], known: Mapping[str, Chemistry]
) -> list[Mixture]:
    """Folders in which print says two chemistries or more, those with Li-ion first."""
    read = _by_label(photos, map(_chemistry, prints))
    result = []
    for label, values in sorted(read.items()):
        counts = {Chemistry(name): count for name, count in Counter(values).most_common()}
        if len(counts) > 1:
            usual = known.get(label, next(iter(counts)))
            others = tuple(
                photo
                for photo, found in zip(photos, prints, strict=True)
                if photo.label == label and (one := _chemistry(found)) and one.value != usual
            )
            result.append(Mixture(label, counts, others))
    return sorted(result, key=lambda mixture: not mixture.li_ion)


def proposals(found: Iterable[Contradiction], photos: Sequence[LabelledPhoto]) -> dict[str, Entry]:
    """Entries for a label list, by stem: of an unknown type, until a person knows better.

    A stem that several of the `photos` share can't be on a list.
    """
    stems = Counter(photo.path.stem for photo in photos)
    return {
        one.photo.path.stem: Entry(UNKNOWN_FOLDER, None, f"print {one.says}")
        for one in found
        if stems[one.photo.path.stem] == 1
    }


def _of_chemistry(
    photo: LabelledPhoto, found: Print, folder: Chemistry | None
) -> Contradiction | None:
    """What contradicts the folder's chemistry: another one, or its voltage or size."""
    if folder is None:
        return None
    read, values = _chemistry(found), {Chemistry(c.value) for c in found.chemistries}
    if read is None and values and values <= LITHIUM_FAMILY:
        # Lithium, whichever: that is enough to contradict what is none.
        read = found.chemistries[0]
    elif read is not None:
        values = {Chemistry(read.value)}
    if read is not None:
        if folder in values:
            return None
        title = " or ".join(sorted(value.in_words for value in values))
        fire = bool(values & RECHARGEABLE_LITHIUM) or folder in RECHARGEABLE_LITHIUM
        return Contradiction(photo, read, _says(read, title, photo.label, folder.in_words), fire)
    if values:  # it contradicts itself: two labels in one picture
        return None
    for spoken, title, fire in _spoken(found, folder):
        if spoken.confidence >= SURE:
            return Contradiction(
                photo, spoken, _says(spoken, title, photo.label, folder.in_words), fire
            )
    return None


def _chemistry(found: Print) -> Finding | None:
    """The chemistry where the print says it plainly."""
    return found.chemistry if found.chemistry and found.chemistry.confidence >= PLAIN else None


def _spoken(found: Print, folder: Chemistry) -> Iterable[tuple[Finding, str, bool]]:
    """Voltage and size where they can't be of that chemistry, what they are of, and fire risk."""
    if found.voltage:
        volts, title = found.voltage.value, f"{found.voltage.value} V"
        if volts in LI_ION_VOLTS and folder not in RECHARGEABLE_LITHIUM:
            yield found.voltage, title, True
        if volts in RECHARGEABLE_VOLTS and folder not in CELLS:
            yield found.voltage, title, folder in RECHARGEABLE_LITHIUM
        if volts in PRIMARY_VOLTS and folder in CELLS:
            yield found.voltage, title, False
    if found.size and found.size.value.isdecimal() and folder not in LITHIUM_FAMILY:
        yield found.size, f"{found.size.value}, a size of Li-ion cells", True


def _of_brand(photo: LabelledPhoto, found: Print, folder: str | None) -> Contradiction | None:
    """Another brand than nearly all of the folder's."""
    read = found.brand
    if folder is None or read is None or read.value == folder or read.confidence < SURE:
        return None
    if any(folder.casefold() in line.text.casefold() for line in found.lines):
        return None
    return Contradiction(photo, read, _says(read, read.value, photo.label, folder), False)


def _says(read: Finding, means: str, label: str, folder: str) -> str:
    text = " ".join(read.text.split())
    return f'reads "{text}": {means} ({read.confidence:.0%} sure); {label} is {folder}'


def _by_label(
    photos: Sequence[LabelledPhoto], found: Iterable[Finding | None]
) -> dict[str, list[str]]:
    """The values that were read, per folder but `Other`."""
    result: dict[str, list[str]] = {}
    for photo, one in zip(photos, found, strict=True):
        if one is not None and photo.label != UNKNOWN_FOLDER:
            result.setdefault(photo.label, []).append(one.value)
    return result


def _most(values: Collection[str]) -> str | None:
    """The value of nearly all; None where there are too few, or no such one."""
    ((value, count),) = Counter(values).most_common(1) or (("", 0),)
    return value if count >= FEWEST and count >= SHARE * len(values) else None
