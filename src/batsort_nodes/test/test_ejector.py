"""Node `ejector`: one decision per item, kept across a restart; shots; the recipe at run time."""

import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from messages import EPOCH, belt_state, item, reading, stamp_at, verdict
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter

from batsort_core.inputs import Input
from batsort_files.documents import ConfigurationError
from batsort_files.schema import FieldError
from batsort_graph.from_messages import order_of, recipe_of, stamp_of, verdict_of
from batsort_interfaces.srv import AssignTypes
from batsort_nodes.ejector import Ejector

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"


def active(bench):
    node = bench.add(Ejector())
    node.trigger_configure()
    node.trigger_activate()
    return node


def test_a_sure_verdict_is_decided_once_and_shot_at(bench) -> None:
    bench = bench()
    active(bench)
    decisions, shots = bench.heard("items/decisions"), bench.heard("ejector/commands")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.send("classifications", verdict(battery.id, "IKEA_Alk"))
    bench.wait(lambda: decisions and shots)
    bench.send("belt/state", belt_state(6100))
    assert [(d.item_id, d.bin, d.reason) for d in decisions] == [(battery.id, "klarus", "sort")]
    assert (shots[0].valve, shots[0].target_count) == (9, 5000 + 18000)
    assert shots[0].epoch == EPOCH


def test_a_restart_decides_nothing_again_but_says_it_again(bench) -> None:
    bench = bench()
    node = active(bench)
    decisions = bench.heard("items/decisions")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.wait(lambda: len(decisions) == 1)
    bench.executor.remove_node(node)
    node.destroy_node()
    active(bench)
    bench.wait(lambda: len(decisions) == 2)
    shots = bench.heard("ejector/commands")
    bench.send("belt/state", belt_state(6100))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "IKEA_Alk"))
    other = item(9000)
    bench.send("belt/items", other)
    bench.send("classifications", verdict(other.id, "IKEA_Alk"))
    bench.wait(lambda: shots)
    assert decisions[0] == decisions[1]
    assert [d.item_id for d in decisions] == [battery.id, battery.id, other.id]
    assert {shot.item_id for shot in shots} == {other.id}


def test_a_journal_that_cannot_be_read_is_refused_by_name(bench, capfd) -> None:
    bench = bench()
    node = bench.add(Ejector())
    node.trigger_configure()
    node._journal.append([{"item_id": 1}], lambda: None)
    assert node.trigger_activate() is TransitionCallbackReturn.FAILURE
    assert node.stage == "inactive"
    line = "journal_dir: the journal of ejector is of another version (Decision.epoch: missing; "
    assert line in capfd.readouterr().err


def test_an_inactive_ejector_listens_to_nothing_and_works_again_when_active(bench) -> None:
    bench = bench()
    node = active(bench)
    node.trigger_deactivate()
    bench.wait(lambda: bench.peer.count_subscribers("classifications") == 0)
    node.trigger_activate()
    decisions = bench.heard("items/decisions")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.wait(lambda: decisions)


def test_types_are_assigned_and_strange_ones_refused(bench) -> None:
    bench = bench()
    active(bench)
    answer = bench.call(
        AssignTypes,
        "ejector/assign_types",
        AssignTypes.Request(bin="klarus", types=["IKEA_Alk"]),
    )
    assert answer.success
    decisions = bench.heard("items/decisions")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "IKEA_Alk"))
    bench.wait(lambda: decisions)
    assert decisions[0].bin == "klarus"
    refused = bench.call(
        AssignTypes, "ejector/assign_types", AssignTypes.Request(bin="klarus", types=["Potato"])
    )
    assert not refused.success
    assert "Potato" in refused.message


@pytest.mark.parametrize(("threshold", "reason"), [(0.5, "sort"), (0.95, "low_confidence")])
def test_the_threshold_can_be_tuned_while_running(bench, threshold: float, reason: str) -> None:
    bench = bench()
    node = active(bench)
    (result,) = node.set_parameters([Parameter("threshold", value=threshold)])
    assert result.successful
    decisions = bench.heard("items/decisions")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus", confidence=0.9))
    bench.wait(lambda: decisions)
    assert decisions[0].reason == reason


def test_a_chance_of_li_ion_keeps_a_sure_alkaline_cell_from_its_bin(bench) -> None:
    bench = bench()
    active(bench)
    decisions = bench.heard("items/decisions")
    near, clear = item(5000), item(7000)
    bench.send("belt/state", belt_state(8000))
    for battery, klarus in ((near, 0.06), (clear, 0.02)):
        bench.send("belt/items", battery)
        bench.send("classifications", verdict(battery.id, "GP_Alk", 0.94, klarus=klarus))
    bench.wait(lambda: len(decisions) == 2)
    assert {d.item_id: (d.bin, d.reason) for d in decisions} == {
        near.id: ("others", "low_confidence"),
        clear.id: ("gp_alk", "sort"),
    }


@pytest.mark.parametrize(
    ("types", "scores", "line"),
    [
        (["Klarus", "GP_Alk"], [0.9], "scores: 1 given, types: 2; allowed: one score per type"),
        (
            ["Klarus", "Klarus"],
            [0.9, 0.1],
            "scores: 2 given, types: 2; allowed: one score per type",
        ),
        (["Klarus"], [-0.5], "scores.Klarus: -0.5 is refused; allowed: a number from 0 "),
        (["Klarus"], [math.nan], "scores.Klarus: nan is refused; allowed: a number from 0 "),
    ],
)
def test_scores_that_can_not_be_are_refused_in_one_line(types, scores, line: str) -> None:
    message = verdict(1, "Klarus")
    message.types, message.scores = types, scores
    with pytest.raises(FieldError, match=f"^{re.escape(line)}"):
        verdict_of(message)


def test_a_refused_verdict_is_counted_and_fires_nothing(bench) -> None:
    bench = bench()
    node = active(bench)
    decisions, shots = bench.heard("items/decisions"), bench.heard("ejector/commands")
    battery = item(5000)
    bad = verdict(battery.id, "Klarus")
    bad.scores = [math.nan]
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", bad)
    bench.wait(lambda: node._health().values["verdicts refused"] == 1)
    bench.send("belt/state", belt_state(5000 + 18001))
    bench.wait(lambda: decisions)
    assert [d.reason for d in decisions] == ["no_verdict"]
    assert not shots


def test_it_says_in_which_order_it_took_its_inputs_and_by_which_recipe(bench) -> None:
    bench = bench()
    node = active(bench)
    recipes, orders = bench.heard("ejector/recipe"), bench.heard("ejector/input_order")
    decisions = bench.heard("items/decisions")
    bench.wait(lambda: recipes)
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.wait(lambda: decisions)
    node.set_parameters([Parameter("threshold", value=0.95)])
    for count in range(6100, 8100, 100):
        bench.send("belt/state", belt_state(count))
        bench.wait(lambda count=count: node._latest == stamp_at(count))
    bench.wait(lambda: orders and len(recipes) == 2)
    assert [recipe.threshold for recipe in recipes] == [0.8, 0.95]
    batch = order_of(orders[0])
    assert batch.first == 0
    told = [(kind, key) for kind, key in batch.inputs if kind is not Input.BELT]
    assert told == [
        (Input.RECIPE, stamp_of(recipes[0].header.stamp)),
        (Input.ITEM, battery.id),
        (Input.VERDICT, stamp_of(verdict(battery.id, "Klarus").header.stamp)),
        (Input.RECIPE, stamp_of(recipes[1].header.stamp)),
    ]
    belt = [key for kind, key in batch.inputs if kind is Input.BELT]
    assert belt[0] == stamp_of(belt_state(6000).header.stamp)
    assert recipe_of(recipes[1]) == replace(node._cell.recipe, threshold=0.95)


@pytest.mark.parametrize(
    ("chemistry", "brand", "bin", "reason", "counted"),
    [
        ("li_ion", "", "klarus", "sort", "print agrees"),
        ("", "Klarus", "klarus", "sort", "print agrees"),
        ("alkaline", "", "others", "by_print", "print contradicts"),
        ("", "Eveready", "others", "by_print", "print contradicts"),
        ("", "", "klarus", "sort", "print nothing"),
    ],
)
def test_with_a_veto_a_dangerous_battery_waits_for_what_is_printed_on_it(
    bench, chemistry: str, brand: str, bin: str, reason: str, counted: str
) -> None:
    bench = bench(print_veto="true")
    node = active(bench)
    decisions, orders = bench.heard("items/decisions"), bench.heard("ejector/input_order")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.send("belt/state", belt_state(8000))
    bench.wait(lambda: node._latest == stamp_at(8000))
    assert node._health().values["items undecided"] == 1 and not decisions
    bench.send("readings", reading(battery.id, chemistry, brand=brand))
    bench.wait(lambda: decisions)
    assert [(d.bin, d.reason) for d in decisions] == [(bin, reason)]
    assert node._health().values[counted] == 1
    bench.send("belt/state", belt_state(12000))
    noted = (Input.PRINT, stamp_of(reading(1, "").header.stamp))
    bench.wait(lambda: any(noted in order_of(order).inputs for order in orders))


def test_a_battery_that_nobody_reads_is_sorted_in_time_and_a_late_reading_is_counted(
    bench,
) -> None:
    bench = bench(print_veto="true")
    node = active(bench)
    decisions, shots = bench.heard("items/decisions"), bench.heard("ejector/commands")
    battery = item(5000)
    bench.send("belt/state", belt_state(6000))
    bench.send("belt/items", battery)
    bench.send("classifications", verdict(battery.id, "Klarus"))
    bench.wait(lambda: node._sorter.undecided == 1)
    bench.send("belt/state", belt_state(5000 + 18000 - 600))
    bench.wait(lambda: decisions and shots)
    assert decisions[0].reason == "sort"
    bench.send("readings", reading(battery.id, "alkaline"))
    bench.wait(lambda: node._health().values["print read too late"] == 1)
    assert node._health().values["print unread"] == 1 and len(decisions) == 1


def test_without_a_veto_nobody_hears_readings_and_nothing_waits(bench) -> None:
    bench = bench()
    node = active(bench)
    assert bench.peer.count_subscribers("readings") == 0
    assert "print agrees" not in node._health().values


def test_a_veto_without_a_rule_is_refused(bench, tmp_path) -> None:
    text = re.sub(r"  # With reader:=true.*", "", CELL_FILE.read_text(), flags=re.DOTALL)
    (tmp_path / "cell.yaml").write_text(text)
    bench(print_veto="true", cell_file=tmp_path / "cell.yaml")
    with pytest.raises(ConfigurationError, match=r"print_veto: True is refused; allowed: False, "):
        Ejector()
