"""Which faults are refused, and how those that are active add up."""

import pytest
from faulty import fault, shortened
from sorting import START

from batsort_core.cell import CellDescription
from batsort_files.schema import FieldError
from batsort_twin.fault_reading import read_faults
from batsort_twin.options import TwinOptions
from batsort_twin.schedule import Schedule
from batsort_twin.sim import Twin


@pytest.fixture(scope="module")
def cell(cell: CellDescription) -> CellDescription:
    return shortened(cell)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            {"kind": "slipp", "at_item": 1},
            r"^faults\[0\].kind: 'slipp' is refused; allowed: one of ",
        ),
        ({"kind": "slip"}, r"^faults\[0\].at_item: missing; allowed: this or at_s$"),
        ({"kind": "slip", "at_item": 1, "at_s": 1.0}, r"^faults\[0\].at_item: 1 is refused"),
        ({"kind": "slip", "at_item": -1}, r"^faults\[0\].at_item: -1 is refused"),
        ({"kind": "slip", "at_item": 1, "share": 2.0}, r"^faults\[0\].share: 2.0 is refused"),
        ({"kind": "slip", "at_item": 1, "much": 2}, r"^faults\[0\].much: unknown field"),
        ({"kind": "slip", "at_item": 1, "for_s": 1.0, "for_items": 1}, "nothing beside for_s$"),
        ({"kind": "eye_dead", "at_item": 1}, r"^faults\[0\].bin: missing"),
        ({"kind": "messages_lost", "at_item": 1, "topic": "x"}, r"^faults\[0\].topic: 'x' is"),
        ({"kind": "encoder_wrap", "at_s": 3.0}, r"^faults\[0\].at_s: 3.0 is refused"),
        ("slip", r"^faults\[0\]: 'slip' is refused"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(document, message):
    with pytest.raises(FieldError, match=message):
        read_faults([document])


@pytest.mark.parametrize(
    ("kind", "own"), [("valve_slow", {"valve": 99}), ("eye_dead", {"bin": "x"})]
)
def test_a_fault_of_what_the_cell_has_not_is_refused_by_name(cell, kind, own):
    ((name, _),) = own.items()
    with pytest.raises(FieldError, match=rf"^faults\[0\].{name}: .* is refused; allowed: "):
        Twin(cell, TwinOptions(faults=(fault(kind, **own),)), START)


def test_a_lesser_fault_does_not_heal_a_greater_one():
    lost = {"topic": "belt/encoder", "at_item": 0}
    frozen, missed = (fault(kind, at_item=0) for kind in ("encoder_frozen", "encoder_missed"))
    all, some = (fault("messages_lost", share=share, **lost) for share in (1.0, 0.2))
    for faults in ((frozen, missed, all, some), (missed, frozen, some, all)):
        schedule = Schedule(faults, START)
        schedule.update(START, 0)
        assert (schedule.conditions.missed, schedule.conditions.lost) == (1.0, {all.topic: 1.0})
