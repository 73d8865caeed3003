"""The launched cell with a reader of print: what it reads is heard, waited for, and counted."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from launched_cell import LaunchedCell

from batsort_core.print_tally import Reading
from batsort_graph.topics import READER
from batsort_interfaces.msg import PrintReading
from batsort_nodes.reader import HEARD

ITEMS = 12

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("rapidocr", "onnxruntime")),
    reason="print can't be read here: ./cell setup print",
)


def watching(cell: LaunchedCell) -> tuple[list[PrintReading], dict[str, dict[str, str]]]:
    """Readings, and what each node tells of itself."""
    readings: list[PrintReading] = []
    told: dict[str, dict[str, str]] = {}

    def on_diagnostics(message: DiagnosticArray) -> None:
        for status in message.status:
            values = {pair.key: pair.value for pair in status.values}
            told[status.name.partition(": ")[2]] = values | {"message": status.message}

    topic = READER["readings"]
    cell.watcher.create_subscription(topic.type, topic.name, readings.append, topic.qos)
    cell.watcher.create_subscription(DiagnosticArray, "/diagnostics", on_diagnostics, 10)
    return readings, told


def test_with_a_reader_items_wait_for_their_print_and_all_counts_add_up(
    launch: Callable[..., LaunchedCell],
) -> None:
    cell = launch(reader=True, items=ITEMS, rate=1.0, seed=4)
    readings, told = watching(cell)
    cell.wait_state("execute")
    watcher, topic = cell.watcher, READER["readings"]
    (publisher,) = watcher.get_publishers_info_by_topic("/readings")
    heard_by = {info.node_name for info in watcher.get_subscriptions_info_by_topic("/readings")}
    assert publisher.node_name == topic.publisher
    assert heard_by - {"watcher"} == set(topic.subscribers)
    for name in HEARD:
        listeners = watcher.get_subscriptions_info_by_topic(f"/{name}")
        assert "reader" in {info.node_name for info in listeners}, name
    cell.wait(lambda: len(cell.run.outcomes) == ITEMS, f"{ITEMS} items have an outcome")
    decided = {life.id: life.decision.reason for life in cell.run.lives if life.decision}
    print_matters = [i for i, reason in decided.items() if reason in ("sort", "by_print")]

    def counted() -> dict[str, int]:
        return {one: int(told.get("ejector", {}).get(f"print {one}", 0)) for one in Reading}

    cell.wait(lambda: sum(counted().values()) == len(print_matters), "the ejector has told")
    counts = counted()
    assert counts["unread"] < len(print_matters)
    assert {one.item_id for one in readings} <= set(decided)
    in_time = len(print_matters) - counts["unread"]
    cell.wait(lambda: int(told["reader"].get("items read", 0)) >= in_time, "the reader has told")
    by_print = sum(reason == "by_print" for reason in decided.values())
    assert by_print == counts["contradicts"]
