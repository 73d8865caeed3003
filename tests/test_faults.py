"""One node killed in mid-run: nothing is blown wrong, nothing is lost or counted twice."""

import pytest
from diagnostic_msgs.msg import DiagnosticArray

SORTING_NODES = ("belt", "camera", "classifier", "ejector", "bins")


def no_shot_went_astray(cell) -> bool:
    """Every battery that was blown out landed in the bin it was decided for."""
    return all(
        truth.bin == cell.run.decision(truth.item_id).bin
        for truth in cell.run.truths
        if truth.bin not in ("", cell.run.others)
    )


@pytest.mark.parametrize("node", SORTING_NODES)
def test_the_cell_holds_and_says_why_when_a_node_is_killed(launch, node: str) -> None:
    cell = launch(items=40, rate=5.0)
    said: list[str] = []
    cell.watcher.create_subscription(
        DiagnosticArray,
        "/diagnostics",
        lambda m: said.extend(s.message for s in m.status if "supervisor" in s.name),
        10,
    )
    cell.wait(lambda: len(cell.run.outcomes) >= 5, "five items are sorted")
    cell.kill(node)
    cell.wait_state("held")
    assert f"{node} is gone" in cell.watcher.cell_state.reason
    cell.wait(lambda: not cell.watcher.belt.moving or node == "belt", "the belt stands")
    cell.wait(lambda: any(f"{node} is gone" in text for text in said), "it stands in /diagnostics")
    assert no_shot_went_astray(cell)


@pytest.mark.parametrize("node", (*SORTING_NODES, "supervisor"))
def test_sorting_goes_on_and_the_counts_add_up_after_a_respawn(launch, node: str) -> None:
    cell = launch(items=40, rate=5.0, respawn="true")
    cell.wait(lambda: len(cell.run.outcomes) >= 5, "five items are sorted")
    cell.kill(node)
    cell.wait(lambda: cell.watcher.sorted_all(40), "everything is sorted", 90)
    assert cell.run.faults() == []
    assert no_shot_went_astray(cell)
    cell.wait_state("execute")
