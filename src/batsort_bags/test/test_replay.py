"""A bag replayed says what was decided, bit for bit, or which item and event differ first."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin
from runs import MS, Run, made, sorted_run, write

from batsort_bags.reader import Bag, BagError
from batsort_bags.replay import replay
from batsort_bags.replayed import Changes, Replayed
from batsort_core.inputs import Input
from batsort_core.items import Reason

Said = list[tuple[str, int, Any]]


def replayed(path: Path, changes: Changes | None = None, **options: Any) -> Replayed:
    with Bag(path) as bag:
        return replay(bag, changes or Changes(), **options)


def of(said: Said, path: Path, changes: Changes | None = None) -> Replayed:
    return replayed(write(path / "bag", said), changes)


def decisions(run: Run) -> dict[int, tuple[str, str]]:
    return {i: (d.bin, d.reason.value) for i, d in run.decisions.items()}


def now(found: Replayed) -> dict[int, tuple[str, str]]:
    return {i: (d.bin, d.reason.value) for i, d in found.now.items()}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), restart=st.booleans(), veto=st.booleans())
def test_any_run_is_decided_again_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, seed: int, restart: bool, veto: bool
) -> None:
    run = sorted_run(seed, restart=restart, veto=veto)
    found = of(run.said, tmp_path_factory.mktemp("run"))
    assert found.same, (found.differences, found.missing)
    assert now(found) == decisions(run)
    assert found.notes == []


def test_readings_that_kept_items_from_being_sorted_do_so_again(tmp_path: Path) -> None:
    run = sorted_run(4, items=16, veto=True)
    reasons = [decision.reason for decision in run.decisions.values()]
    assert Reason.BY_PRINT in reasons and Reason.SORT in reasons
    assert of(run.said, tmp_path).same
    without = [one for one in run.said if one[0] != "readings"]
    found = of(without, tmp_path / "without")
    assert not found.same and {one.kind for one in found.missing} == {Input.PRINT}


def test_without_the_recorded_order_items_wait_for_their_readings_too(tmp_path: Path) -> None:
    run = sorted_run(4, items=16, veto=True)
    found = of([one for one in run.said if one[0] != "ejector/input_order"], tmp_path)
    assert now(found) == decisions(run)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_messages_of_different_topics_may_overtake_each_other(
    run: Run, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Each topic keeps its order; which of them is received first does not count."""
    rng = random.Random(seed)
    late = {topic: rng.choice([0, 1, 30, 200]) * MS for topic, _, _ in run.said}
    said = sorted(((t, s + late[t], m) for t, s, m in run.said), key=lambda one: one[1])
    found = of(said, tmp_path_factory.mktemp("run"))
    assert found.same, (found.differences, found.missing)
    assert now(found) == decisions(run)


def test_equal_stamps_of_receipt_are_taken_as_written(run: Run, tmp_path: Path) -> None:
    said = [(topic, stamp // (100 * MS) * 100 * MS, message) for topic, stamp, message in run.said]
    assert of(said, tmp_path).same


@pytest.mark.parametrize("jump_s", [-3600, -2, 2, 3600])
def test_a_recorder_whose_clock_jumps_changes_nothing(
    run: Run, tmp_path: Path, jump_s: int
) -> None:
    middle = len(run.said) // 2
    said = [
        (topic, stamp + (jump_s * 1000 * MS if number > middle else 0), message)
        for number, (topic, stamp, message) in enumerate(run.said)
    ]
    found = of(said, tmp_path)
    assert found.same
    assert now(found) == decisions(run)


def test_sqlite_is_replayed_as_mcap_is(run: Run, tmp_path: Path) -> None:
    path = write(tmp_path / "bag", run.said, storage=StoragePlugin.SQLITE3)
    found = replayed(path)
    assert found.same
    assert now(found) == decisions(run)


def test_topics_that_nobody_knows_are_left_alone(run: Run, tmp_path: Path) -> None:
    strange = made("BinArrival", bin="klarus")
    said = [("weather", run.said[0][1], strange), *run.said]
    assert of(said, tmp_path).same


@pytest.mark.parametrize("lacking", [("belt/encoder",), ("belt/barrier",), ("ejector/recipe",)])
def test_optional_topics_may_lack(run: Run, tmp_path: Path, lacking: tuple[str, ...]) -> None:
    said = [one for one in run.said if one[0] not in lacking]
    found = of(said, tmp_path)
    assert now(found) == decisions(run)
    assert found.differences == []


@pytest.mark.parametrize("lacking", ["belt/state", "items/decisions"])
def test_a_bag_without_what_a_replay_needs_is_refused_by_name(
    run: Run, tmp_path: Path, lacking: str
) -> None:
    said = [one for one in run.said if one[0] != lacking]
    with pytest.raises(BagError, match=f"no {lacking} in it"):
        of(said, tmp_path)


def test_a_bag_without_its_cell_description_wants_one(run: Run, tmp_path: Path) -> None:
    said = [one for one in run.said if one[0] != "cell/info"]
    with pytest.raises(BagError, match="give the cell description with --cell"):
        of(said, tmp_path)
    found = of(said, tmp_path / "again", Changes(cell=run.cell))
    assert now(found) == decisions(run)


def test_without_the_order_verdicts_are_taken_at_the_reading_of_their_decision(
    run: Run, tmp_path: Path
) -> None:
    """The recorder hears verdicts 60 ms late, other than the ejector did."""
    said = [
        (topic, stamp + 60 * MS if topic == "classifications" else stamp, message)
        for topic, stamp, message in run.said
        if topic != "ejector/input_order"
    ]
    found = of(sorted(said, key=lambda one: one[1]), tmp_path)
    assert found.same, found.differences
    assert "no ejector/input_order in the bag" in found.notes[0]


def changed(said: Said, topic: str, number: int, **values: Any) -> Said:
    places = [i for i, one in enumerate(said) if one[0] == topic]
    name, stamp, message = said[places[number]]
    result = list(said)
    result[places[number]] = name, stamp, replace(message, **values)
    return result


def test_the_first_item_and_event_that_differ_are_named(run: Run, tmp_path: Path) -> None:
    said = changed(run.said, "items/decisions", 2, bin="klarus", reason="sort")
    found = of(said, tmp_path)
    (difference,) = found.differences
    assert difference.item_id == list(run.decisions)[2]
    assert difference.event == "decision"
    assert not found.same


def test_a_shot_that_differs_by_one_count_is_named(run: Run, tmp_path: Path) -> None:
    shots = [m for topic, _, m in run.said if topic == "ejector/commands"]
    said = changed(run.said, "ejector/commands", 0, target_count=shots[0].target_count + 1)
    (difference,) = of(said, tmp_path).differences
    assert (difference.item_id, difference.event) == (shots[0].item_id, "shots")


def test_a_belt_reading_that_the_encoder_does_not_explain_is_named(
    run: Run, tmp_path: Path
) -> None:
    found = of(changed(run.said, "belt/state", 40, count=5), tmp_path)
    assert "belt reading" in found.differences[0].event


def test_an_item_that_the_barrier_does_not_explain_is_named(run: Run, tmp_path: Path) -> None:
    (item, *_) = [m for topic, _, m in run.said if topic == "belt/items"]
    found = of(changed(run.said, "belt/items", 0, length=item.length + 0.001), tmp_path)
    assert (found.differences[0].item_id, found.differences[0].event) == (item.id, "item")


def without(said: Said, topic: str, number: int) -> Said:
    place = [i for i, one in enumerate(said) if one[0] == topic][number]
    return said[:place] + said[place + 1 :]


@pytest.mark.parametrize("topic", ["classifications", "ejector/events", "ejector/input_order"])
def test_a_message_that_was_not_recorded_is_missing_and_nothing_is_invented(
    run: Run, tmp_path: Path, topic: str
) -> None:
    found = of(without(run.said, topic, 1), tmp_path)
    assert len(found.missing) == 1
    assert not found.same
    assert set(found.now) <= set(run.decisions)


def test_a_belt_state_that_was_not_recorded_is_made_again(run: Run, tmp_path: Path) -> None:
    found = of(without(run.said, "belt/state", 60), tmp_path)
    assert found.same
    assert now(found) == decisions(run)


def test_a_message_that_cannot_be_is_noted_and_left_out(run: Run, tmp_path: Path) -> None:
    said = changed(run.said, "classifications", 0, scores=np.zeros(2, np.float32))
    found = of(said, tmp_path)
    assert any(
        note.startswith("classifications: a message is refused: scores:") for note in found.notes
    )
    assert len(found.missing) == 1


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.1, 0.7))
def test_a_bag_that_begins_while_the_cell_runs_is_replayed_from_its_first_item(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    run = sorted_run(seed, items=10)
    begin = run.said[round(len(run.said) * share)][1]
    latched = ("cell/info", "ejector/recipe", "belt/items", "items/decisions", "classifications")
    early = [(t, begin, m) for t, s, m in run.said if s < begin and t in latched]
    found = of(
        early + [one for one in run.said if one[1] >= begin], tmp_path_factory.mktemp("late")
    )
    assert "begins while the cell runs" in found.notes[0]
    assert found.same, (found.differences, found.missing)
    expected = decisions(run)
    assert all(expected[item_id] == decision for item_id, decision in now(found).items())
    first_whole = begin + 500 * MS
    assert found.now.keys() >= {i for i in expected if i * 1000 > first_whole}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), share=st.floats(0.3, 0.95))
def test_a_bag_that_ends_early_is_replayed_up_to_there(
    tmp_path_factory: pytest.TempPathFactory, seed: int, share: float
) -> None:
    run = sorted_run(seed, items=10)
    found = of(run.said[: round(len(run.said) * share)], tmp_path_factory.mktemp("short"))
    assert found.same, (found.differences, found.missing)
    assert now(found).items() <= decisions(run).items()


def test_a_higher_threshold_sends_the_uncertain_to_others(run: Run, tmp_path: Path) -> None:
    found = of(run.said, tmp_path, Changes(threshold=0.95))
    moved = [i for i in found.changed if run.decisions[i].verdict is not None]
    assert moved == found.changed != []
    for item_id in moved:
        assert found.now[item_id].bin == "others"
        assert found.now[item_id].verdict.confidence < 0.95


def test_a_threshold_holds_where_the_bag_has_no_recipe_too(run: Run, tmp_path: Path) -> None:
    said = [one for one in run.said if one[0] not in ("ejector/recipe", "ejector/input_order")]
    found = of(said, tmp_path, Changes(threshold=0.95))
    assert found.changed == of(run.said, tmp_path / "all", Changes(threshold=0.95)).changed != []


def test_another_recipe_fills_other_bins(run: Run, tmp_path: Path) -> None:
    types = {name: "klarus" for name in run.cell.recipe.types}
    cell = replace(run.cell, recipe=replace(run.cell.recipe, types=types))
    found = of(run.said, tmp_path, Changes(cell=cell))
    assert {d.bin for d in found.now.values()} == {"klarus", "others"}
    assert found.now.keys() == found.then.keys()
    assert found.missing == []


def test_a_window_compares_only_its_items(run: Run, bag: Path) -> None:
    ids = sorted(run.decisions)
    begin = min(run.said, key=lambda one: one[1])[1]
    first, last = ((i * 1000 - begin) / 1e9 for i in (ids[3], ids[6]))
    found = replayed(bag, window=(first - 0.05, last - 0.05))
    assert sorted(found.now) == sorted(found.then) == ids[3:6]
    assert found.same


def test_a_recipe_that_was_changed_while_the_cell_ran_holds_from_its_moment_on(
    tmp_path: Path,
) -> None:
    run = Run()
    for tick in range(400):
        reading = run.encoder((tick + 1) * 10 * MS + run.said[0][1], tick * 50, tick % 2 == 0)
        for start in (500, 4000, 8000):
            if tick * 50 == start:
                run.edge(reading.stamp, start, True)
            if tick * 50 == start + 500:
                item = run.edge(reading.stamp, start + 500, False)
                assert item is not None
                run.judge(item, "Klarus", 0.9)
        if tick == 60:
            run.use(replace(run.cell.recipe, threshold=0.95))
        if tick == 140:
            run.use(run.cell.recipe)
    run.flush()
    found = of(run.said, tmp_path)
    assert found.same
    reasons = [d.reason.value for d in found.now.values()]
    assert reasons == ["sort", "low_confidence", "sort"]
