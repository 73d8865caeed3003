"""Whole runs of the bin counter, with late messages and restarts."""

import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from counter_bench import END, MS, STATION, decision, item
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.bins import BinCounter
from batsort_core.cell import CellDescription
from batsort_core.items import EjectResult, Outcome, Reason


@dataclass(frozen=True)
class Message:
    """A call to the counter, when it is delivered, and whether its publisher keeps it."""

    due: int  # [ms]
    topic: str
    call: Callable[[BinCounter], list[Settled]]


@dataclass
class Run:
    messages: list[Message]
    expected: dict[int, str]
    arrivals: int
    epoch_changes: bool


FATES = (
    ["sorted"] * 5
    + ["gap", "unknown_type", "no_verdict", "late", "cancelled", "fault", "no_event"]
    + ["undecided", "blown_away", "fell_off", "fell_off_late", "fell_off_undecided"]
)


EXPECTED = {
    "sorted": "sorted_confirmed",
    "gap": "others_gap",
    "unknown_type": "others_unknown_type",
    "late": "others_late",
    "no_event": "fault",
    "undecided": "no_verdict",
    "blown_away": "missing",
    "fell_off": "missing",
    "fell_off_late": "others_late",
    "fell_off_undecided": "missing",
}


RESULTS = {
    "sorted": EjectResult.FIRED,
    "blown_away": EjectResult.FIRED,
    "late": EjectResult.LATE,
    "fell_off_late": EjectResult.LATE,
    "cancelled": EjectResult.CANCELLED,
    "fault": EjectResult.FAULT,
}


REASONS = {
    "gap": Reason.GAP,
    "fell_off": Reason.GAP,
    "unknown_type": Reason.UNKNOWN_TYPE,
    "no_verdict": Reason.NO_VERDICT,
}


def make_run(rng: random.Random, chaos: bool) -> Run:
    """Items of random fates on a belt that stops now and then.

    Messages are late by up to 300 ms, each topic in its own order. With `chaos` arrivals come out
    of nowhere, messages get lost, and the encoder loses its count.
    """
    where = [0]  # count at each millisecond
    stand = 0
    epochs = [1]
    lost_at = rng.randrange(2000, 7000) if chaos and rng.random() < 0.5 else -1
    for ms in range(1, 19000):
        stops = ms < 8000 and rng.random() < 0.0005
        stand = rng.randrange(2000) if stops else max(0, stand - 1)
        where.append(0 if ms == lost_at else where[-1] + (0 if stand else 10))
        epochs.append(epochs[-1] + (ms == lost_at))

    def when(count: int, after: int) -> int | None:
        for ms in range(after, len(where)):
            if epochs[ms] != epochs[after]:
                return None
            if where[ms] >= count:
                return ms
        return None

    messages: list[Message] = []
    last_due: dict[str, int] = {}

    def say(topic: str, ms: int, call: Callable[[BinCounter], list[Settled]]) -> None:
        if chaos and topic != "items" and rng.random() < 0.03:
            return
        due = max(last_due.get(topic, 0), ms + rng.randrange(300))
        last_due[topic] = due
        messages.append(Message(due, topic, call))

    spoken: list[tuple[int, str, Callable[[BinCounter], list[Settled]]]] = []
    expected: dict[int, str] = {}
    ms: int = 500
    for id in range(1, 25):
        ms = when(where[ms] + rng.randrange(700, 3000), ms) or ms + 70
        count, epoch, fate = where[ms], epochs[ms], rng.choice(FATES)
        made = item(id, count, epoch, ms * MS)
        expected[id] = EXPECTED.get(fate, fate)
        spoken.append((ms, "items", lambda c, i=made: c.on_item(i)))
        if "undecided" not in fate:
            chosen = decision(id, REASONS.get(fate, Reason.SORT))
            at = when(count + 4000, ms)
            if at is not None:
                spoken.append((at, "decisions", lambda c, d=chosen: c.on_decision(d)))
        shot = when(count + STATION, ms)
        if fate in RESULTS and shot is not None:
            spoken.append(
                (
                    shot,
                    "events",
                    lambda c, a=(id, RESULTS[fate], shot * MS, where[shot]): c.on_eject_event(*a),
                )
            )
        if fate in ("blown_away", "fell_off", "fell_off_late", "fell_off_undecided"):
            continue
        bin = "klarus" if fate == "sorted" else "others"
        if fate == "sorted":
            at = shot + rng.randrange(100, 400) if shot is not None else None
        else:
            at = when(count + END + rng.randrange(-50, 50), ms)
        if at is not None and at < len(where):
            seen = (bin, at * MS, epochs[at], where[at])
            spoken.append((at, "arrivals", lambda c, a=seen: c.on_arrival(*a)))
    if chaos:
        for _ in range(5):
            at = rng.randrange(len(where))
            seen = (rng.choice(["klarus", "others", "gp_alk"]), at * MS, epochs[at], where[at])
            spoken.append((at, "arrivals", lambda c, a=seen: c.on_arrival(*a)))
    for at, topic, call in sorted(spoken, key=lambda s: s[0]):
        say(topic, at, call)
    arrivals = sum(message.topic == "arrivals" for message in messages)
    for ms in range(0, len(where), 20):
        reading = BeltReading(ms * MS, epochs[ms], where[ms], where[ms] * 1e-4, 1.0, True)
        messages.append(Message(ms, "belt", lambda c, r=reading: c.on_belt(r)))
    for step in range(1, 300):
        stamp, count = (len(where) + 20 * step) * MS, where[-1] + 200 * step
        reading = BeltReading(stamp, epochs[-1], count, count * 1e-4, 1.0, True)
        messages.append(Message(len(where) + 20 * step, "belt", lambda c, r=reading: c.on_belt(r)))
    messages.sort(key=lambda message: message.due)
    return Run(messages, expected, arrivals, lost_at > 0)


def balanced(counter: BinCounter) -> bool:
    balance = counter.balance
    return (
        balance.items_in == sum(balance.outcomes.values()) + balance.on_belt
        and list(balance.outcomes) == list(Outcome)
        and balance.unexpected == sum(bin.unexpected for bin in balance.bins)
        and all(bin.confirmed + bin.missing <= bin.count for bin in balance.bins)
        and sum(b.count for b in balance.bins) <= sum(balance.outcomes.values())
    )


def play(
    cell: CellDescription, run: Run, restarts: set[int], compact: bool = False
) -> tuple[dict[int, Settled], BinCounter]:
    """Deliver a run, killing the counter after some messages; every step must balance."""
    counter, journal = BinCounter(cell), list[str]()
    settled: dict[int, Settled] = {}

    def take(new: list[Settled]) -> None:
        for one in new:
            assert one.item_id not in settled
            settled[one.item_id] = one
        assert balanced(counter)

    for number, message in enumerate(run.messages):
        take(message.call(counter))
        journal += map(json.dumps, counter.drain())
        if number in restarts:
            before = counter.balance
            counter = BinCounter(cell)
            known = counter.restore(map(json.loads, journal))
            assert counter.balance == before
            if compact:
                journal = list(map(json.dumps, counter.snapshot()))
            else:
                assert {s.item_id: s for s in known} == settled
            heard = run.messages[: number + 1]
            for again in heard:
                if again.topic in ("items", "decisions", "events", "arrivals"):
                    take(again.call(counter))
            assert counter.balance == before
    return settled, counter


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**32))
def test_outcomes_do_not_depend_on_the_order_in_which_topics_deliver(
    cell: CellDescription, seed: int
) -> None:
    run = make_run(random.Random(seed), chaos=False)
    settled, counter = play(cell, run, set())
    # Which of two shots into one bin missed can't be told, how many did can.
    flew = {"sorted_confirmed", "missing"}
    told = {id: one.outcome.value for id, one in settled.items()}
    assert Counter(told.values()) == Counter(run.expected.values())
    assert all(outcome == run.expected[id] or outcome in flew for id, outcome in told.items())
    assert counter.balance.unexpected == 0
    assert counter.balance.on_belt == 0


@settings(max_examples=20, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(st.integers(0, 2**32), st.sets(st.integers(0, 1000), max_size=4), st.booleans())
@example(96, {23, 322, 380, 436}, True)  # two arrivals that are alike, one of them over
def test_restarts_lose_nothing_and_count_nothing_twice(
    cell: CellDescription, seed: int, restarts: set[int], compact: bool
) -> None:
    run = make_run(random.Random(seed), chaos=True)
    plain, undisturbed = play(cell, run, set())
    settled, counter = play(cell, run, restarts, compact)
    balance = counter.balance
    assert sorted(settled) == sorted(run.expected)
    assert balance.on_belt == 0 and balance.items_in == len(run.expected)
    assert sum(bin.in_bag for bin in balance.bins) == run.arrivals
    # Else it may depend on a wait that the restart began anew.
    if not run.epoch_changes and balance.unexpected == undisturbed.balance.unexpected:
        assert [settled[id].outcome for id in plain] == [one.outcome for one in plain.values()]
        assert balance == undisturbed.balance
