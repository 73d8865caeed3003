"""Node `ejector`: one decision per item, kept across a restart; shots; the recipe at run time."""

import pytest
from messages import EPOCH, belt_state, item, verdict
from rclpy.parameter import Parameter

from batsort_interfaces.srv import AssignTypes
from batsort_nodes.ejector import Ejector


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
