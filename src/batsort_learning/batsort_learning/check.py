"""Look at photos before teaching: what can't be read, is there twice, or may be labelled wrong.

What is printed on batteries speaks first, where it can be read. Findings are advice: nothing is
changed. Limits were chosen on 288 photos from shops and homes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from batsort_core.chemistry import Chemistry
from batsort_learning import print_check
from batsort_learning.colours import colours_along
from batsort_learning.findings import COLOURS, CONTRADICTS, LABEL, MIXED, UNREADABLE, Check, Finding
from batsort_learning.label_doubts import doubts
from batsort_learning.photo_check import scarce, shapes, twice
from batsort_learning.print_cache import read_prints
from batsort_perception.preprocess import prepare
from batsort_perception.print_cache import PrintCache
from batsort_perception.print_reader import PrintError
from batsort_training.data import UNKNOWN_FOLDER, li_ion_types, read_readable
from batsort_training.head import DEPTHS
from batsort_training.label_list import AUTO
from batsort_training.weights import WeightsError
from batsort_twin.photos import cut


def check(
    folder: Path,
    seed: int,
    li_ion: Sequence[str] | None = None,
    labels: str | Path = AUTO,
    reader: PrintCache | str = "",
    chemistries: Mapping[str, Chemistry] | None = None,
) -> Check:
    """Look at every photo below `folder`. Raises DataError where it can't be used at all.

    `labels` is as for `read_photos`. `reader` reads print, or is the sentence that says why it
    can't be read; `chemistries` is what is inside the types, as far as anybody states it.
    """
    photos, broken = read_readable(folder, labels)
    types = sorted({photo.label for photo in photos})
    result = Check(photos, [], li_ion_types(li_ion, types))
    result.findings += [
        Finding(UNREADABLE, str(error).removeprefix("photos: ")) for error in broken
    ]
    if photos:
        _check_print(result, reader, chemistries or {})
        result.findings += twice(photos, result.li_ion)
        cutouts = [cut(photo.image) for photo in tqdm(photos, "cutting out", unit="photo")]
        result.colours = np.array([colours_along(cutout) for cutout in cutouts])
        result.findings += shapes(photos, cutouts)
        result.findings += scarce(photos)
        _check_labels(result, seed)
    return result


def _check_print(result: Check, reader: PrintCache | str, stated: Mapping[str, Chemistry]) -> None:
    """Add what print says against the folders, or why it was not read."""
    if isinstance(reader, str):
        result.print_unread = reader
        return
    try:
        result.prints = read_prints(reader, result.photos)
    except PrintError as error:
        result.print_unread = str(error)
        return
    known = print_check.chemistries_of(result.photos, result.prints, stated)
    against = print_check.contradictions(result.photos, result.prints, known)
    result.findings += [
        Finding(CONTRADICTS, one.says, (one.photo,), one.li_ion, one.read) for one in against
    ]
    result.findings += [
        Finding(MIXED, one.says, one.photos, one.li_ion)
        for one in print_check.mixtures(result.photos, result.prints, known)
    ]
    result.proposed = print_check.proposals(against, result.photos)


def _check_labels(result: Check, seed: int) -> None:
    """Add doubtful labels and odd colours, or why they were not looked for."""
    batteries = {(photo.label, photo.group) for photo in result.photos}
    several = Counter(label for label, _ in batteries if label != UNKNOWN_FOLDER)
    chosen = [i for i, photo in enumerate(result.photos) if several[photo.label] > 1]
    photos = [result.photos[i] for i in chosen]
    if len({photo.label for photo in photos}) < 2:
        result.unchecked = "that takes two types or more, of two different batteries or more each"
        return
    result.labels_checked = len(photos)
    result.findings += doubts(COLOURS, photos, result.colours[chosen], result.li_ion, seed)
    if find_spec("tensorflow") is None:
        result.unchecked = "TensorFlow is not installed; by their colours only"
        return
    from batsort_training.examples import SIDE
    from batsort_training.network import Runner, features_network

    try:
        extract = Runner(features_network())
    except WeightsError as error:
        result.unchecked = f"{error}; by their colours only"
        return
    seen = (prepare(photo.image, SIDE, SIDE) for photo in tqdm(photos, "features", unit="photo"))
    deepest, *_ = np.split(np.array([extract(image) for image in seen]), DEPTHS, axis=1)
    result.findings += doubts(LABEL, photos, deepest, result.li_ion, seed)
