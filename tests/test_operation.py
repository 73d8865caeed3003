"""The running cell as operators and integrators use it."""

import json
import subprocess
from collections import Counter
from pathlib import Path

from std_srvs.srv import Trigger

from batsort_bags.reader import Bag
from batsort_interfaces.srv import AssignTypes

ROOT = Path(__file__).parents[1]


def test_the_demo_sorts_reports_and_records_what_a_replay_decides_bit_for_bit(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [ROOT / "cell", "demo", "--items", "20", "--seed", "3", "--record", "--report", tmp_path],
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["faults"] == []
    assert report["items_in"] == report["items_out"] == sum(report["outcomes"].values())
    assert report["on_belt"] == 0
    assert report["wrong_bin"] == 0
    assert (tmp_path / "run.png").read_bytes().startswith(b"\x89PNG")
    assert "report.html" in done.stdout
    assert (tmp_path / "bag" / "metadata.yaml").is_file()
    with Bag(tmp_path / "bag") as bag:
        messages = list(bag.messages(bag.topics))
        told = {bag.decode(m).node for m in messages if m.topic == "parameter_events"}
    counts = Counter(message.topic for message in messages)
    assert counts["belt/items"] == counts["items/decisions"] == counts["items/outcomes"] == 20
    assert counts["camera/request"] == counts["camera/image_raw"] == counts["twin/truth"] == 20
    assert counts["cell/info"] == counts["classifier/bundle"] == 1
    nodes = ("belt", "bins", "camera", "classifier", "ejector", "recorder", "supervisor", "twin")
    assert told >= {f"/{name}" for name in nodes}
    again = subprocess.run(
        [ROOT / "cell", "replay", tmp_path / "bag", "--recompute"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert "20 items" in again.stdout
    assert "20 verdicts made again" in again.stdout
    assert again.stdout.rstrip().endswith("the same, bit for bit")


def test_an_operator_stops_holds_resets_starts_aborts_and_clears(launch) -> None:
    cell = launch()
    cell.wait_state("execute")
    cell.wait(lambda: cell.watcher.belt.moving, "the belt runs")

    def press(button: str) -> Trigger.Response:
        return cell.call(Trigger, f"cell/{button}")

    assert press("hold").success
    cell.wait_state("held")
    cell.wait(lambda: not cell.watcher.belt.moving, "the belt stands")
    assert press("start").success
    cell.wait_state("execute")
    cell.wait(lambda: cell.watcher.belt.moving, "the belt runs again")
    assert press("stop").success
    cell.wait_state("stopped")
    refused = press("start")
    assert not refused.success
    assert "not allowed in stopped" in refused.message
    assert press("reset").success
    cell.wait_state("idle")
    assert press("start").success
    cell.wait_state("execute")
    assert press("abort").success
    cell.wait_state("aborted")
    assert press("clear").success
    cell.wait_state("stopped")
    assert cell.run.faults() == [] or cell.run.bins.on_belt > 0


def test_types_are_assigned_to_another_bin_while_the_cell_runs(launch) -> None:
    cell = launch(unknown_share=0.0)
    cell.wait_state("execute")
    answer = cell.call(
        AssignTypes,
        "ejector/assign_types",
        AssignTypes.Request(bin="klarus", types=list(cell.cell.recipe.types)),
    )
    assert answer.success, answer.message

    def decided() -> dict[int, str]:
        return {life.id: life.decision.bin for life in cell.run.lives if life.decision}

    known = set(decided())
    cell.wait(
        lambda: sum(bin == "klarus" for item, bin in decided().items() if item not in known) >= 5,
        "items of several types go to one bin",
    )
    for request, named in (
        (AssignTypes.Request(bin="attic", types=["Klarus"]), "attic"),
        (AssignTypes.Request(bin="klarus", types=["Potato"]), "Potato"),
    ):
        answer = cell.call(AssignTypes, "ejector/assign_types", request)
        assert not answer.success
        assert named in answer.message


def test_two_cells_in_two_namespaces_sort_side_by_side(launch) -> None:
    cells = [
        launch("left", items=20, seed=1, rate=2.5),
        launch("right", items=20, seed=2, rate=2.5),
    ]
    for cell in cells:
        cell.wait(lambda cell=cell: cell.watcher.sorted_all(20), "everything is sorted", 100)
        assert cell.run.faults() == []
        assert len(cell.run.truths) == 20
    assert not set(cells[0].run.items) & set(cells[1].run.items)


def test_ctrl_c_ends_every_process(launch) -> None:
    cell = launch()
    cell.wait_state("execute")
    assert cell.stop() == 0


def test_a_demo_does_not_count_another_cell_s_batteries(launch, tmp_path: Path) -> None:
    launch().wait_state("execute")
    words = ["demo", "--report", tmp_path / "report"]
    done = subprocess.run([ROOT / "cell", *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "another cell runs in this ROS domain" in done.stderr
