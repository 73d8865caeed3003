"""What a scenario file may say."""

from pathlib import Path

import pytest
import yaml

from batsort_core.cell import parse_cell
from batsort_files.schema import FieldError
from batsort_twin.fault_reading import check_faults
from batsort_twin.faults import KINDS
from batsort_twin.scenario import Operator, ScenarioError, parse_scenario, read_scenario

CONFIG = Path(__file__).parents[3] / "config"
FILES = sorted((CONFIG / "scenarios").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_scenario_that_comes_with_batsort_fits_its_cell(path):
    cell = parse_cell(yaml.safe_load((CONFIG / "cell.yaml").read_text(encoding="utf-8")))
    scenario = read_scenario(path)
    check_faults(scenario.faults, cell)
    assert scenario.faults or scenario.cell


def test_every_kind_of_fault_has_a_scenario():
    shown = {fault.kind for path in FILES for fault in read_scenario(path).faults}
    assert shown == set(KINDS)


def test_what_is_not_said_is_as_without_a_scenario():
    scenario = parse_scenario({"description": "Nothing."})
    assert (scenario.items, scenario.rate, scenario.faults) == (None, None, ())
    assert scenario.operator is Operator.MEND


def test_what_is_done_to_processes_is_handed_through():
    part = {"kind": "kill_node", "node": "classifier", "at_item": 15, "for_s": 2.0}
    (fault,) = parse_scenario({"description": "A crash.", "cell": [part]}).cell
    assert (fault.kind, fault.node, fault.at_item, fault.for_s) == tuple(part.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"items": 0}, "^items: 0 is refused"),
        ({"operator": "sleep"}, "^operator: 'sleep' is refused; allowed: one of mend, wait"),
        ({"fault": []}, "^fault: unknown field; allowed: description, .*faults"),
        ({"faults": "slip"}, "^faults: 'slip' is refused; allowed: a list"),
        ({"cell": [{"kind": "kill_all", "at_item": -1}]}, r"^cell\[0\].at_item: -1 is refused"),
        ({"cell": [{"kind": "explode", "at_item": 1}]}, r"^cell\[0\].kind: 'explode' .*kill_all"),
        ({"cell": [{"kind": "kill_node", "at_item": 1}]}, r"^cell\[0\].node: missing.*classifier"),
        (
            {"cell": [{"kind": "pause_node", "node": "clasifier", "at_item": 1}]},
            r"^cell\[0\].node: 'clasifier' is refused; allowed: one of .*classifier",
        ),
        (
            {"cell": [{"kind": "kill_all", "node": "bins", "at_item": 1}]},
            r"^cell\[0\].node: 'bins' is refused; allowed: nothing beside kill_all",
        ),
        ({"description": ""}, "^description: '' is refused"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_by_name(change, message):
    with pytest.raises(FieldError, match=message):
        parse_scenario({"description": "Some."} | change)


@pytest.mark.parametrize("text", [None, "faults: [", "faults: 3"])
def test_a_file_that_is_no_scenario_is_refused_in_one_line(tmp_path, text):
    path = tmp_path / "scenario.yaml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"^\S*scenario.yaml(:\d:)? [^\n]+$"):
        read_scenario(path)
