"""The sorter under random streams, restarts and a long day."""

import json
import random
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st
from sorter_bench import MS, Bench, item, too_close, verdict

from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision, Shot
from batsort_core.ejection import last_command_count
from batsort_core.items import Item, Verdict
from batsort_core.sorter import Sorter

TYPES = ("Duracell_Alk", "Klarus", "GP_Alk", "Paper")


@dataclass
class Stream:
    """A random run of a cell: what the sorter hears, in order."""

    calls: list[object] = field(default_factory=list)
    items: dict[int, Item] = field(default_factory=dict)


def random_stream(seed: int) -> Stream:
    """Items with random gaps on a belt that stops, reverses and resets; verdicts at any time."""
    rng = random.Random(seed)
    stream = Stream()
    verdicts: list[tuple[float, Verdict]] = []
    stamp, count, epoch, velocity, id = 10**9, 0, 1, 0.5, 0
    next_item = 0
    late_items: list[tuple[float, Item]] = []
    for step in range(600):
        stamp += 20 * MS
        if rng.random() < 0.02:
            velocity = rng.choice([0.0, 0.3, 0.5, 1.0, -0.1])
        if rng.random() < 0.003:
            epoch, count, next_item = epoch + 1, rng.randrange(1000), 0
        count += round(velocity * 200)
        feeding = step < 400 and count > next_item and velocity > 0
        if feeding:
            id += 1
            length = rng.choice([0.044, 0.05, 0.05, 0.05, 0.08])
            made = Item(id, epoch, count - round(length * 5000), length, stamp - MS)
            next_item = count + rng.choice([480, 560, 700, 1000, 2000])
            stream.items[id] = made
            late_items.append((step + rng.choice([0, 0, 0, 3, 30]), made))
            for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
                v = verdict(id, rng.choice(TYPES), rng.choice([0.95, 0.5]))
                v = replace(v, image_stamp=stamp)
                verdicts.append((step + rng.choice([1, 25, 40, 150]), v))
        heard: list[object] = [i for due, i in late_items if due == step]
        heard += [v for due, v in verdicts if due == step]
        heard.append(BeltReading(stamp, epoch, count, count * 1e-4, velocity, velocity != 0.0))
        rng.shuffle(heard)
        stream.calls += heard
        if rng.random() < 0.003:
            stream.calls.append("cancel_all")
    velocity = 1.0
    for _ in range(250):
        stamp, count = stamp + 20 * MS, count + 200
        stream.calls.append(BeltReading(stamp, epoch, count, count * 1e-4, velocity, True))
    return stream


def play(
    sorter: Sorter, calls: list[object]
) -> list[tuple[BeltReading | None, set[int], list[Decision | Shot]]]:
    """What came of each call, with the newest reading and the items known by then."""
    log = []
    reading: BeltReading | None = None
    known: set[int] = set()
    for call in calls:
        if isinstance(call, Item):
            known.add(call.id)
            out = sorter.on_item(call)
        elif isinstance(call, Verdict):
            out = sorter.on_verdict(call)
        elif isinstance(call, BeltReading):
            reading = call
            out = sorter.on_belt(call)
        else:
            out = sorter.cancel_all()
        log.append((reading, set(known), out))
    return log


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_random_streams_keep_every_promise(cell: CellDescription, seed: int) -> None:
    stream = random_stream(seed)
    sorter = Sorter(cell)
    log = play(sorter, stream.calls)
    decisions = [d for _, _, out in log for d in out if isinstance(d, Decision)]
    assert sorted(d.item_id for d in decisions) == sorted(stream.items)
    assert not sorter._tracks
    by_id = {d.item_id: d for d in decisions}
    commanded: set[int] = set()
    for reading, known, out in log:
        for shot in out:
            if isinstance(shot, Decision):
                continue
            assert reading is not None
            target, bin = stream.items[shot.item_id], cell.bin(by_id[shot.item_id].bin)
            assert shot.valve == bin.valve
            assert shot.target_count == target.count + cell.counts(bin.distance)
            if not shot.fire:
                assert shot.item_id in commanded
                commanded.remove(shot.item_id)
                continue
            assert shot.item_id not in commanded
            commanded.add(shot.item_id)
            decided = by_id[shot.item_id].verdict
            assert decided is not None and cell.recipe.types[decided.type] == bin.name
            assert reading.epoch == target.epoch
            deadline = last_command_count(cell, bin, target, reading.velocity)
            assert reading.count <= deadline
            speed = max(0.5, abs(reading.velocity))
            neighbours = [stream.items[id] for id in known if id != target.id]
            assert target.length <= cell.items.max_length
            assert not any(
                too_close(cell, target, n, speed) for n in neighbours if n.epoch == target.epoch
            )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_the_same_calls_give_the_same_answers(cell: CellDescription, seed: int) -> None:
    calls = random_stream(seed).calls
    assert play(Sorter(cell), calls) == play(Sorter(cell), calls)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 1500))
def test_a_restart_anywhere_decides_each_item_once(
    cell: CellDescription, seed: int, cut: int
) -> None:
    stream = random_stream(seed)
    before, after = stream.calls[:cut], stream.calls[cut:]
    taken = [d for _, _, out in play(Sorter(cell), before) for d in out if isinstance(d, Decision)]
    sorter = Sorter(cell)
    sorter.restore([Decision.from_record(json.loads(json.dumps(d.to_record()))) for d in taken])
    delivered_again: list[object] = [c for c in before if isinstance(c, Item | Verdict)][-100:]
    log = play(sorter, delivered_again + after)
    taken += [d for _, _, out in log for d in out if isinstance(d, Decision)]
    ids = [d.item_id for d in taken]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(stream.items)


def test_memory_is_bounded_on_a_long_day(cell: CellDescription) -> None:
    bench = Bench(cell)
    for id in range(6000):
        bench.sorter.on_item(item(id, 1000 * id))
        bench.sorter.on_verdict(verdict(id))
        bench.sorter.on_verdict(replace(verdict(id), item_id=-id - 1))
        bench.belt(1000 * id + 2000)
    assert len(bench.sorter._tracks) < 30
    assert len(bench.sorter._decided.items()) == 4096
    assert len(bench.sorter._verdicts.items()) == 256
