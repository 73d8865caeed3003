"""Node `bins`: one outcome per item, counts that survive a crash, bad messages refused."""

from pathlib import Path

import yaml
from messages import EPOCH, belt_state, item, stamp_at

from batsort_graph.heartbeat import trouble_of
from batsort_graph.to_messages import time_of
from batsort_graph.topics import DIAGNOSTICS
from batsort_interfaces.msg import BinArrival, CellState, EjectEvent, SortDecision
from batsort_interfaces.srv import NewBag
from batsort_nodes.bins import Bins

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"


def decision(battery, bin_name: str, reason: str) -> SortDecision:
    message = SortDecision(
        item_id=battery.id, epoch=EPOCH, bin=bin_name, reason=reason, decided_count=battery.count
    )
    message.header.stamp = time_of(stamp_at(battery.count + 3000))
    return message


def arrival(bin_name: str, count: int) -> BinArrival:
    message = BinArrival(epoch=EPOCH, bin=bin_name, count=count)
    message.header.stamp = time_of(stamp_at(count))
    return message


def fired(battery, valve: int, count: int) -> EjectEvent:
    message = EjectEvent(
        item_id=battery.id,
        epoch=EPOCH,
        valve=valve,
        result=EjectEvent.FIRED,
        planned_count=count,
        actual_count=count,
    )
    message.header.stamp = time_of(stamp_at(count))
    return message


def sort_one(bench, battery) -> None:
    bench.send("belt/items", battery)
    bench.send("items/decisions", decision(battery, "klarus", "sort"))
    bench.send("ejector/events", fired(battery, 9, battery.count + 18000))
    bench.send("bins/arrivals", arrival("klarus", battery.count + 18600))


def balanced(state) -> bool:
    return state.items_in == sum(state.outcome_counts) + state.on_belt


def test_a_battery_that_was_shot_and_seen_is_sorted_and_counted(bench) -> None:
    bench = bench()
    bench.add(Bins())
    outcomes, states = bench.heard("items/outcomes"), bench.heard("bins/state")
    battery = item(5000)
    sort_one(bench, battery)
    bench.wait(lambda: outcomes and states and states[-1].items_in == 1)
    assert (outcomes[0].item_id, outcomes[0].outcome) == (battery.id, "sorted_confirmed")
    assert outcomes[0].bin == outcomes[0].decided_bin == "klarus"
    assert all(map(balanced, states))


def test_a_crash_loses_nothing_and_counts_nothing_twice(bench) -> None:
    bench = bench()
    node = bench.add(Bins())
    outcomes, states = bench.heard("items/outcomes"), bench.heard("bins/state")
    first, second = item(5000), item(7000)
    sort_one(bench, first)
    bench.send("belt/items", second)
    bench.wait(lambda: outcomes and states and states[-1].items_in == 2)
    bench.executor.remove_node(node)
    node.destroy_node()
    bench.add(Bins())
    sort_one(bench, first)
    bench.send("items/decisions", decision(second, "others", "unknown_type"))
    bench.send("bins/arrivals", arrival("others", second.count + 21000))
    bench.wait(lambda: any(o.item_id == second.id for o in outcomes))
    bench.wait(lambda: states[-1].on_belt == 0)
    assert states[-1].items_in == 2
    assert balanced(states[-1])
    assert {o.item_id: o.outcome for o in outcomes} == {
        first.id: "sorted_confirmed",
        second.id: "others_unknown_type",
    }


def test_a_long_day_makes_no_long_journal_and_a_crash_after_it_loses_nothing(
    bench, monkeypatch
) -> None:
    monkeypatch.setattr("batsort_graph.journal.LONG", 12)
    bench = bench()
    node = bench.add(Bins())
    outcomes, states = bench.heard("items/outcomes"), bench.heard("bins/state")
    for number in range(10):
        sort_one(bench, item(5000 + 1000 * number))
    bench.wait(lambda: len(outcomes) == 10)
    assert len(list(node._journal)) < 20
    bench.executor.remove_node(node)
    node.destroy_node()
    states.clear()
    bench.add(Bins())
    bench.wait(lambda: states)
    assert states[-1].items_in == sum(states[-1].outcome_counts) == 10
    assert len({outcome.item_id for outcome in outcomes}) == 10


def test_an_arrival_at_a_bin_that_is_not_there_changes_nothing(bench) -> None:
    bench = bench()
    bench.add(Bins())
    states = bench.heard("bins/state")
    bench.send("bins/arrivals", arrival("attic", 100))
    sort_one(bench, item(5000))
    bench.wait(lambda: states and sum(states[-1].outcome_counts) == 1)
    assert all(balanced(state) for state in states)


def test_an_arrival_that_no_item_explains_is_unexpected(bench) -> None:
    bench = bench()
    bench.add(Bins())
    states = bench.heard("bins/state")
    bench.send("belt/state", belt_state(1000))
    bench.send("bins/arrivals", arrival("klarus", 1000))
    bench.send("belt/state", belt_state(30000))
    bench.wait(lambda: states and states[-1].unexpected == 1)
    assert states[-1].items_in == 0


def test_a_new_bag_says_what_was_in_the_old_one(bench) -> None:
    bench = bench()
    bench.add(Bins())
    states = bench.heard("bins/state")
    sort_one(bench, item(5000))
    bench.wait(lambda: states and sum(states[-1].outcome_counts) == 1)
    answer = bench.call(NewBag, "bins/new_bag", NewBag.Request(bin="klarus"))
    assert (answer.success, answer.count) == (True, 1)
    bench.wait(lambda: next(b for b in states[-1].bins if b.name == "klarus").in_bag == 0)


def test_a_battery_in_a_bin_that_nothing_was_blown_into_is_told_at_once_until_looked_at(
    bench,
) -> None:
    bench = bench()
    node = bench.add(Bins())
    told = []
    bench.peer.create_subscription(
        DIAGNOSTICS.type, DIAGNOSTICS.name, lambda m: told.extend(m.status), DIAGNOSTICS.qos
    )
    battery = item(5000)
    bench.send("belt/state", belt_state(battery.count))
    bench.wait(lambda: node._counter._clock.reading is not None)
    bench.send("belt/items", battery)
    bench.send("items/decisions", decision(battery, "klarus", "sort"))
    bench.send("bins/arrivals", arrival("gp_alk", battery.count + 15500))
    bench.wait(lambda: any("valve 7" in s.message for s in told))
    status = next(s for s in told if "valve 7" in s.message)
    assert {"cause", "cure", "lasting"} <= {pair.key for pair in status.values}
    trouble = trouble_of(status)
    assert trouble is not None and trouble.lasting and not trouble.outside
    bench.send("cell/state", CellState(state="held"))
    bench.wait(lambda: node._health().fault is None)


def test_a_full_bin_is_trouble_outside_the_cell_until_it_has_a_new_bag(
    bench, tmp_path: Path
) -> None:
    document = yaml.safe_load(CELL_FILE.read_text())
    next(b for b in document["bins"] if b["name"] == "klarus")["capacity"] = 1
    file = tmp_path / "cell.yaml"
    file.write_text(yaml.safe_dump(document))
    bench = bench(cell_file=file)
    node = bench.add(Bins())
    sort_one(bench, item(5000))
    bench.wait(lambda: node._health().fault is not None)
    assert node._health().fault.outside and "klarus" in node._health().fault.cause
    assert bench.call(NewBag, "bins/new_bag", NewBag.Request(bin="klarus")).success
    assert node._health().fault is None
