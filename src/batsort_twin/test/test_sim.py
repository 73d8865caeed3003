"""What the simulated cell promises."""

import math
from itertools import pairwise

import numpy as np
import pytest
from sorting import START, TICK_NS, Run, fire, oracle, sort

from batsort_core.belt import ItemDetector
from batsort_core.cell import CellDescription
from batsort_core.firing import ShotEnd
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_twin.clock import STEP_NS
from batsort_twin.events import Frame, Truth
from batsort_twin.feed import ahead
from batsort_twin.options import TwinError, TwinOptions
from batsort_twin.scene import Scene
from batsort_twin.sim import Twin


def landed_right(cell: CellDescription, run: Run) -> bool:
    return all(t.bin == cell.recipe.types.get(t.type, "others") for t in run.truths)


def millimetres(values: list[float], percentile: float = 99.0) -> float:
    return float(np.percentile(np.abs(values), percentile)) * 1000


@pytest.mark.parametrize(
    ("rate", "velocity", "items"), [(3.0, 0.3, 25), (5.0, 0.5, 100), (10.0, 1.0, 100)]
)
def test_with_an_oracle_every_item_lands_in_its_bin(cell, rate, velocity, items):
    run = sort(cell, TwinOptions(items=items, rate=rate), velocity, oracle(cell), frames=True)
    truths, shots = run.truths, run.of(ShotEnd)
    assert [t.index for t in truths] == list(range(items))
    assert [t.label for t in truths] == [item.label for item in run.items]
    assert landed_right(cell, run)
    assert len(run.of(Arrival)) == len(run.frames) == items
    known = sum(bool(item.type) for item in run.items)
    assert [shot.result for shot in shots] == ["fired"] * known
    assert millimetres([t.aim_error for t in truths if t.type]) <= 3.0
    assert all(math.isnan(t.aim_error) for t in truths if not t.type)
    scale = cell.belt.metres_per_count
    fired = millimetres([(s.actual_count - s.shot.target_count) * scale for s in shots])
    # The opening scatters by 0.5 ms, 1 sigma: 2.6 sigma at the speed of the belt.
    assert fired <= max(1.0, 2.6 * 0.5 * velocity + 0.2)


def test_truth_names_items_as_the_barrier_does(cell):
    run = sort(cell, TwinOptions(items=5), 0.5, lambda item: None)
    leading = [edge.stamp // 1000 for edge in run.of(Edge) if edge.blocked]
    assert [t.item_id for t in run.truths] == leading


def test_an_item_never_shot_at_rides_to_the_belts_end(cell):
    run = sort(cell, TwinOptions(items=5, unknown_share=0.5), 0.5, lambda item: None)
    assert [t.bin for t in run.truths] == ["others"] * 5
    edges = [edge for edge in run.of(Edge) if edge.blocked]
    for edge, arrival in zip(edges, run.of(Arrival), strict=True):
        travelled = (arrival.count - edge.count) * cell.belt.metres_per_count
        assert travelled == pytest.approx(cell.others.distance, abs=0.04)


def test_truth_tells_within_which_pulse_an_item_was_blown(cell):
    options = TwinOptions(items=20, unknown_share=0.2, opening_scatter_s=0.0)
    run = sort(cell, options, 0.5, oracle(cell))
    shots = {end.shot.item_id: end for end in run.of(ShotEnd)}
    blown = [truth for truth in run.truths if truth.type]
    assert 0 < len(blown) < len(run.truths)
    for truth in blown:
        opened = shots[truth.item_id].stamp
        closed = opened + round(shots[truth.item_id].shot.pulse_s * 1e9)
        assert opened - STEP_NS < truth.blown < closed
    assert [truth.blown for truth in run.truths if not truth.type] == [0] * (20 - len(blown))


def test_the_barrier_measures_length_and_centre(cell):
    options = TwinOptions(items=12, unknown_share=0.3)
    run = sort(cell, options, 0.5, lambda item: None)
    edges = run.of(Edge)
    assert [edge.blocked for edge in edges] == [True, False] * 12
    for item, lead, trail in zip(run.items, edges[::2], edges[1::2], strict=True):
        length = (trail.count - lead.count) * cell.belt.metres_per_count
        assert length == pytest.approx(2 * item.reach, abs=0.0004)


def test_a_neighbour_before_the_nozzle_is_blown_along(cell):
    twin = Twin(cell, TwinOptions(items=2, rate=50.0, min_gap=0.002, unknown_share=0.0), START)
    twin.set_enabled(True)
    twin.set_belt(True, 1.0)
    edges = [e for e in twin.advance(START + 850_000_000) if isinstance(e, Edge)]
    assert [edge.blocked for edge in edges] == [True, False, True, False]
    # A shot for the first cell that comes too late blows into the gap and onto the second.
    gap = (edges[1].count + edges[2].count) // 2
    first_id = edges[0].stamp // 1000
    twin.shoot(fire(cell, twin.epoch, first_id, gap, "exell_green", pulse_s=0.03))
    events = twin.advance(START + 5_000_000_000)
    truths = {e.index: e for e in events if isinstance(e, Truth)}
    assert truths[1].bin == "exell_green"
    assert math.isnan(truths[1].aim_error)
    assert truths[0].aim_error > 0.02


def test_the_same_seed_and_commands_give_the_same_events_bit_for_bit(cell):
    def run(tick: int) -> list:
        twin = Twin(cell, TwinOptions(items=12, rate=8.0, seed=3, unknown_share=0.3), START)
        detector = ItemDetector(cell.items, cell.belt.metres_per_count)
        twin.set_enabled(True)
        twin.set_belt(True, 0.6)
        out = []
        while twin.now < START + 5_000_000_000:
            for event in twin.advance(twin.now + tick):
                if isinstance(event, Frame):
                    out.append((event.stamp, event.item_id, event.image.tobytes()))
                else:
                    out.append(repr(event))
                if isinstance(event, Edge):
                    item = detector.on_edge(event.stamp, event.epoch, event.count, event.blocked)
                    if item is not None:
                        twin.request_frame(item.id, item.count + 2000)
                        twin.shoot(fire(cell, event.epoch, item.id, item.count, "klarus"))
        return out

    once = run(TICK_NS)
    assert once == run(TICK_NS)
    assert len(once) > 500


def test_without_commands_the_size_of_batches_changes_nothing(cell):
    def run(tick: int) -> list[str]:
        twin = Twin(cell, TwinOptions(items=4), START)
        twin.set_belt(True, 0.5)
        events = []
        while twin.now < START + 1_500_000_000:
            events += [repr(event) for event in twin.advance(twin.now + tick)]
        return events

    assert run(5_000_000) == run(50_000_000)


def test_another_seed_gives_another_stream(cell):
    labels = [
        [item.label for item in sort(cell, TwinOptions(items=8, seed=s), 1.0, oracle(cell)).items]
        for s in (0, 1)
    ]
    assert labels[0] != labels[1]


def test_stopping_and_starting_the_belt_in_the_middle_loses_nothing(cell):
    stops = [START + round(s * 1e9) for s in (1.0, 2.3, 3.7)]

    def stop_and_go(twin: Twin) -> None:
        standing = any(stop <= twin.now < stop + 600_000_000 for stop in stops)
        twin.set_belt(not standing, 0.5)

    run = sort(cell, TwinOptions(items=20), 0.5, oracle(cell), each_tick=stop_and_go)
    assert landed_right(cell, run)
    assert millimetres([t.aim_error for t in run.truths if t.type]) <= 3.0


def test_a_standing_belt_feeds_and_fires_nothing(cell):
    twin = Twin(cell, TwinOptions(items=5), START)
    twin.set_enabled(True)
    twin.shoot(fire(cell, twin.epoch, 1, 0, "klarus"))
    events = twin.advance(START + 500_000_000)
    assert {type(event) for event in events} == {EncoderSample}
    assert {event.count for event in events} == {0}
    assert twin.fed == 0


def test_the_encoder_runs_on_past_its_16_bits(cell):
    twin = Twin(cell, TwinOptions(items=1, encoder_bits=16), START)
    twin.set_belt(True, 1.5)
    samples = [e for e in twin.advance(START + 6_000_000_000) if isinstance(e, EncoderSample)]
    counts = [sample.count for sample in samples]
    assert counts[-1] > 1 << 16
    assert all(0 <= b - a <= 151 for a, b in pairwise(counts))
    assert [s.stamp for s in samples] == [START + 10_000_000 * (i + 1) for i in range(600)]


class Bench:
    """A belt at 0.5 m/s, its first item just past the barrier; shots are for the first bin."""

    def __init__(self, cell: CellDescription, enabled: bool = True) -> None:
        self.cell = cell
        self.twin = Twin(
            cell, TwinOptions(items=1, unknown_share=0.0, opening_scatter_s=0.0), START
        )
        self.twin.set_enabled(enabled)
        self.twin.set_belt(True, 0.5)
        edges = [e for e in self.twin.advance(START + 1_000_000_000) if isinstance(e, Edge)]
        self.count = sum(edge.count for edge in edges) // 2

    def shot(self, **change):
        return fire(self.cell, self.twin.epoch, 11, self.count, "duracell_alk", **change)

    def finish(self) -> tuple[list[ShotEnd], str]:
        events = self.twin.advance(self.twin.now + 8_000_000_000)
        (bin,) = [event.bin for event in events if isinstance(event, Truth)]
        return [event for event in events if isinstance(event, ShotEnd)], bin


def test_a_shot_is_executed_once(cell):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot())
    bench.twin.shoot(bench.shot())
    (event,), bin = bench.finish()
    assert (event.result, bin) == ("fired", "duracell_alk")
    assert event.shot.target_count == bench.shot().target_count
    assert abs(event.actual_count - event.shot.target_count) <= 1
    bench.twin.shoot(bench.shot(target_count=10**6))
    bench.twin.set_belt(True, 1.5)
    events = bench.twin.advance(bench.twin.now + 2_000_000_000)
    assert not any(isinstance(e, ShotEnd) for e in events)


def test_a_cancelled_shot_is_not_fired_and_not_taken_again(cell):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot())
    bench.twin.shoot(bench.shot(fire=False))
    bench.twin.shoot(bench.shot())
    (event,), bin = bench.finish()
    assert (event.result, bin) == ("cancelled", "others")


def test_a_cancel_before_its_shot_counts(cell):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot(fire=False))
    bench.twin.shoot(bench.shot())
    (event,), bin = bench.finish()
    assert (event.result, bin) == ("cancelled", "others")


def test_a_cancel_after_the_shot_changes_nothing(cell):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot())
    events = bench.twin.advance(bench.twin.now + 8_000_000_000)
    assert [e.result for e in events if isinstance(e, ShotEnd)] == ["fired"]
    bench.twin.shoot(bench.shot(fire=False))
    assert not any(isinstance(e, ShotEnd) for e in bench.twin.advance(bench.twin.now + TICK_NS))


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"target_count": 10}, "late"),
        ({"epoch": 5}, "fault"),
        ({"valve": 99}, "fault"),
        ({"lead_s": math.nan}, "fault"),
        ({"pulse_s": 0.0}, "fault"),
    ],
)
def test_a_shot_that_cannot_be_is_reported_and_not_fired(cell, change, result):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot(**change))
    (event,), bin = bench.finish()
    assert (event.result, bin) == (result, "others")
    assert event.detail


def test_disabled_valves_never_fire(cell):
    bench = Bench(cell, enabled=False)
    bench.twin.shoot(bench.shot())
    (event,), bin = bench.finish()
    assert (event.result, bin) == ("late", "others")


def test_disabling_closes_valves_that_are_energised_already(cell):
    bench = Bench(cell)
    bench.twin.shoot(bench.shot(lead_s=0.1))
    # Energised 500 counts ahead, the jet would open 50 counts later.
    energised = bench.shot().target_count - 500
    while bench.count < energised:
        for event in bench.twin.advance(bench.twin.now + 10_000_000):
            if isinstance(event, EncoderSample):
                bench.count = event.count
    bench.twin.set_enabled(False)
    bench.twin.set_enabled(True)
    (event,), bin = bench.finish()
    assert (event.result, bin) == ("late", "others")
    assert "disabled" in event.detail


def test_a_slower_valve_shows_in_the_aim_and_not_in_what_its_driver_knows(cell):
    twin = Twin(cell, TwinOptions(items=1, opening_s=0.030, opening_scatter_s=0.0), START)
    twin.set_enabled(True)
    twin.set_belt(True, 0.5)
    lead, trail = (e for e in twin.advance(START + 1_000_000_000) if isinstance(e, Edge))
    middle = (lead.count + trail.count) // 2
    twin.shoot(fire(cell, twin.epoch, lead.stamp // 1000, middle, "duracell_alk"))
    events = twin.advance(START + 6_000_000_000)
    (event,) = [e for e in events if isinstance(e, ShotEnd)]
    assert abs(event.actual_count - event.shot.target_count) <= 1
    (truth,) = [e for e in events if isinstance(e, Truth)]
    assert truth.aim_error == pytest.approx(0.5 * 0.020, abs=0.001)


def test_a_frame_is_exposed_at_the_count_asked_for(cell):
    twin = Twin(cell, TwinOptions(items=1), START)
    twin.set_belt(True, 0.5)
    twin.advance(START + 1_000_000_000)
    twin.request_frame(1, 5432)
    twin.request_frame(2, 10)
    twin.request_frame(3, 5432, epoch=twin.epoch + 1)
    events = twin.advance(START + 1_500_000_000)
    overdue, frame = [e for e in events if isinstance(e, Frame)]
    assert (overdue.item_id, frame.item_id) == (2, 1)
    assert overdue.stamp == START + 1_000_000_000
    samples = [e for e in events if isinstance(e, EncoderSample)]
    before = [s for s in samples if s.stamp <= frame.stamp][-1]
    moved = (frame.stamp - before.stamp) * 1e-9 * 0.5 / cell.belt.metres_per_count
    assert before.count + moved == pytest.approx(5432, abs=1.0)


def test_every_body_comes_back_into_the_pool(cell):
    options = TwinOptions(items=Scene(cell).size + 10, rate=20.0)
    run = sort(cell, options, 1.2, lambda item: None)
    assert len(run.truths) == options.items


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("items", -1),
        ("rate", 0.0),
        ("rate", math.nan),
        ("seed", -1),
        ("unknown_share", 1.1),
        ("opening_s", -0.001),
        ("encoder_bits", 8),
        ("min_gap", 0.0),
    ],
)
def test_an_option_out_of_range_is_refused_by_name(name, value):
    with pytest.raises(TwinError, match=f"^{name}: .* is refused; allowed: "):
        TwinOptions(**{name: value})


@pytest.mark.parametrize("velocity", [-0.1, 1.6, math.inf])
def test_a_belt_speed_out_of_range_is_refused(cell, velocity):
    with pytest.raises(TwinError, match=r"^velocity: .* is refused; allowed: 0 to 1.5"):
        Twin(cell, TwinOptions(items=1), START).set_belt(True, velocity)


def test_a_stream_made_ahead_is_the_same_stream():
    assert list(ahead(iter(range(20)), depth=3)) == list(range(20))


def test_a_stream_made_ahead_hands_its_errors_on():
    def broken():
        yield 1
        raise TwinError("here")

    stream = ahead(broken(), depth=1)
    assert next(stream) == 1
    with pytest.raises(TwinError, match="here"):
        next(stream)
