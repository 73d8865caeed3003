"""What the bundle that comes with BatSort must never do, by the lessons that it carries."""

import numpy as np
import pytest

from batsort_core.chemistry import Chemistry
from batsort_perception.bundle import Bundle, default_bundle
from batsort_perception.engine import measure
from batsort_training.calibration import NOVELTY_LIMIT, THRESHOLD
from batsort_training.lessons import BELT, PLAIN, UNTAUGHT, Lessons
from batsort_training.validation import fit


@pytest.fixture(scope="module")
def bundle():
    return Bundle.load(default_bundle())


@pytest.fixture(scope="module")
def lessons():
    return Lessons.load(default_bundle())


def accepted(bundle, lessons, rows):
    """Types that the default recipe would blow these lessons into the bins of."""
    logits, familiarity = fit(lessons)(lessons.features[rows])
    measured = [
        measure(bundle, np.append(*row).astype(np.float32))
        for row in zip(logits, familiarity, strict=True)
    ]
    return [m.type for m in measured if m.confidence >= THRESHOLD and m.novelty <= NOVELTY_LIMIT]


def test_no_photo_of_a_li_ion_cell_goes_into_a_bin_of_another_chemistry(bundle, lessons):
    strangers = bundle.training.strangers
    numbers = [one.photo for one in strangers if one.chemistry is Chemistry.LI_ION]
    assert len(numbers) >= 6
    seen = np.isin(lessons.sources, (PLAIN, BELT))
    strangers = np.isin(lessons.photos, numbers) & seen
    assert set(lessons.labels[strangers]) == {UNTAUGHT}
    assert accepted(bundle, lessons, strangers) == []
    types = [name for name, what in bundle.chemistries.items() if what is Chemistry.LI_ION]
    own = np.isin(lessons.labels, [bundle.types.index(name) for name in types]) & seen
    assert own.sum() > 100
    assert set(accepted(bundle, lessons, own)) == set(types)


def test_it_was_taught_with_mended_labels_and_says_what_is_inside_every_type(bundle):
    assert bundle.training.labels.file == "default.yaml"
    assert bundle.training.labels.relabelled == 11
    assert set(bundle.chemistries) == set(bundle.types)
