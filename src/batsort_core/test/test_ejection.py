import pytest

from batsort_core.cell import CellDescription
from batsort_core.ejection import last_command_count, pulse_s, required_gap, target_count
from batsort_core.items import Item

ITEM = Item(1, 1, 1000, 0.05, 0)


def test_longer_items_get_longer_pulses_within_limits(cell: CellDescription) -> None:
    assert pulse_s(cell.ejection, 0.050) == pytest.approx(0.020)
    assert pulse_s(cell.ejection, 0.060) == pytest.approx(0.022)
    assert pulse_s(cell.ejection, 0.000) == pytest.approx(0.010)
    assert pulse_s(cell.ejection, 1.000) == pytest.approx(0.040)


def test_the_gap_grows_with_speed_and_with_a_pulse_longer_than_the_item(
    cell: CellDescription,
) -> None:
    assert required_gap(cell, 0.0, 0.05, 0.02) == pytest.approx(0.011)
    assert required_gap(cell, 1.0, 0.05, 0.02) == pytest.approx(0.0125)
    assert required_gap(cell, -1.0, 0.05, 0.02) == pytest.approx(0.0125)
    assert required_gap(cell, 1.0, 0.01, 0.03) == pytest.approx(0.0325)


def test_a_command_must_come_lead_and_margin_before_the_target(cell: CellDescription) -> None:
    bin = cell.bin("duracell_alk")
    assert target_count(cell, bin, ITEM) == 7000
    assert last_command_count(cell, bin, ITEM, 0.5) == 6850
    assert last_command_count(cell, bin, ITEM, 0.5001) == 6849
    assert last_command_count(cell, bin, ITEM, 0.0) == 7000
    assert last_command_count(cell, bin, ITEM, -0.5) == 7000
