"""Random streams with every fault: the core keeps its promises."""

import random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from batsort_core.cell import CellDescription
from batsort_core.items import Outcome
from batsort_trials.core_soak.belt import Belt, Body, Seen
from batsort_trials.core_soak.faults import Fault
from batsort_trials.core_soak.run import SoakRun
from batsort_trials.core_soak.streams import Findings, soak


def broken(findings: Findings) -> list[str]:
    return [str(one) for one in findings.broken]


def test_random_runs_break_no_promise(sized_cell: CellDescription) -> None:
    findings = soak(sized_cell, runs=150, seed=0)
    assert broken(findings) == []
    assert findings.runs == 150 and findings.fired > 400
    assert set(findings.faults) == set(Fault)
    assert set(findings.outcomes) == set(Outcome) - {Outcome.OTHERS_BY_RECIPE}


@pytest.mark.parametrize("fault", Fault)
def test_each_fault_alone_breaks_no_promise(sized_cell: CellDescription, fault: Fault) -> None:
    run = SoakRun(sized_cell, 7, [fault])
    run.go()
    assert list(map(str, run.promises.broken)) == []


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate, Phase.shrink])
@given(st.integers(0, 2**32), st.sets(st.sampled_from(Fault), max_size=12))
def test_faults_together_break_no_promise(
    sized_cell: CellDescription, seed: int, faults: set[Fault]
) -> None:
    run = SoakRun(sized_cell, seed, faults)
    run.go()
    assert list(map(str, run.promises.broken)) == []


def test_a_run_is_a_function_of_its_seed(sized_cell: CellDescription) -> None:
    told = []
    for _ in range(2):
        run = SoakRun(sized_cell, 11, Fault)
        run.go()
        told.append(run.told)
    assert told[0] == told[1] != []


def test_where_nothing_is_wrong_every_item_that_lies_apart_is_sorted(
    sized_cell: CellDescription,
) -> None:
    for seed in range(5):
        run = SoakRun(sized_cell, seed, [])
        run.go()
        assert list(map(str, run.promises.broken)) == []
        outcomes = [one.outcome for one in run.promises.settled.values()]
        assert outcomes.count(Outcome.SORTED_CONFIRMED) == len(run.promises.fired) > 0


def test_a_body_pushed_off_the_end_of_a_belt_that_stands_is_seen_there(
    sized_cell: CellDescription,
) -> None:
    belt = Belt(sized_cell, random.Random(0), frozenset())
    belt.lay([Body(-sized_cell.others.distance - 0.01, 0.05, "Klarus")])
    assert [seen.bin for seen in belt.step(0.02) if isinstance(seen, Seen)] == [
        sized_cell.others.name
    ]


def test_progress_is_told_after_each_run(sized_cell: CellDescription) -> None:
    told: list[int] = []
    soak(sized_cell, 3, seed=5, progress=lambda findings: told.append(findings.runs))
    assert told == [1, 2, 3]
