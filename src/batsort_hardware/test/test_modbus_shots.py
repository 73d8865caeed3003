"""Shots over a link that fails, without a link: delivered in order, ended once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.decisions import Shot
from batsort_core.firing import Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_hardware import modbus_map as plc
from batsort_hardware.device_clock import LeastDelay
from batsort_hardware.modbus_shots import Delivery

STEPS = ["shoot"] * 3 + ["aim", "call off"] + ["write", "look", "fire"] * 2
STEPS += ["give up", "hold back", "come late", "cut"]
NOW = Motion(1_000, 9, 500.0, 0.0)


def shot(item_id: int, fire: bool = True, target: int = 1000) -> Shot:
    return Shot(item_id, 9, 1, fire, target, 0.01, 0.02)


def event(item_id: int, kind: plc.Kind, detail: plc.Detail = plc.Detail.NONE) -> plc.Event:
    return plc.Event(1, kind, 0, item_id, 1000, 1, detail)


class Device:
    """A PLC that takes entries in order and ends each item once."""

    def __init__(self) -> None:
        self.taken = self.session = 0
        self.waiting: list[int] = []
        self.known: set[int] = set()
        self.fired: list[int] = []
        self.ring: list[plc.Event] = []

    def write(self, session: int, entries: list[plc.Shot]) -> None:
        if session < self.session:
            return
        if session > self.session:
            self.session, self.taken = session, 0
            for item_id in self.waiting:
                self.ring.append(event(item_id, plc.Kind.CANCELLED, plc.Detail.SILENT))
            self.waiting.clear()
        for entry in entries:
            if (entry.session, entry.sequence) == (session, self.taken + 1):
                self.taken += 1
                self.take(entry)

    def take(self, entry: plc.Shot) -> None:
        if entry.action is plc.Action.FIRE and entry.item_id not in self.known:
            self.waiting.append(entry.item_id)
        elif entry.action is plc.Action.CANCEL and entry.item_id in self.waiting:
            self.waiting.remove(entry.item_id)
            self.ring.append(event(entry.item_id, plc.Kind.CANCELLED))
        elif entry.action is plc.Action.CANCEL and entry.item_id not in self.known:
            self.ring.append(event(entry.item_id, plc.Kind.CANCELLED))
        self.known.add(entry.item_id)

    def fire(self) -> None:
        if self.waiting:
            item_id = self.waiting.pop(0)
            self.fired.append(item_id)
            self.ring.append(event(item_id, plc.Kind.FIRED))


@settings(max_examples=300)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(1, 12))))
def test_whatever_is_lost_every_shot_has_one_end_and_fires_once(
    steps: list[tuple[str, int]],
) -> None:
    delivery, device = Delivery(), Device()
    delivery.begin(1)
    session, read, asked = 1, 0, set()
    ends: list[ShotEnd] = []
    late: list[tuple[int, list[plc.Shot]]] = []

    def write() -> None:
        device.write(delivery.session, delivery.entries())

    def look() -> None:
        nonlocal read
        if device.session == delivery.session:
            delivery.taken(device.taken)
        for one in device.ring[read:]:
            end = delivery.end(one, 1, 9)
            ends.extend([end] if end else [])
        read = len(device.ring)

    def give_up() -> None:
        nonlocal session
        ends.extend(delivery.give_up(NOW, "cut"))
        session += 1
        delivery.begin(session)

    def hold_back() -> None:
        late.append((delivery.session, delivery.entries()))

    def come_late() -> None:
        if late:
            device.write(*late.pop(0))

    acts: dict[str, Callable[[], None]] = {
        "write": write,
        "look": look,
        "fire": device.fire,
        "give up": give_up,
        "hold back": hold_back,
        "come late": come_late,
        "cut": delivery.cut,
    }
    for step, item_id in steps:
        if step in acts:
            acts[step]()
        else:
            asked.add(item_id)
            target = 1000 if step == "shoot" else 1100
            ends += delivery.take(shot(item_id, step != "call off", target), NOW)
    while delivery.open:
        write()
        device.fire()
        look()
    assert {end.shot.item_id for end in ends} == asked
    assert max(Counter(end.shot.item_id for end in ends).values(), default=1) == 1
    assert max(Counter(device.fired).values(), default=1) == 1
    told = {end.shot.item_id for end in ends if end.result is EjectResult.FIRED}
    assert told <= set(device.fired)


def test_a_shot_that_came_too_late_because_the_link_was_cut_is_a_fault() -> None:
    delivery = Delivery()
    delivery.begin(1)
    for item_id in (1, 2):
        delivery.take(shot(item_id), NOW)
    late = delivery.end(event(1, plc.Kind.LATE, plc.Detail.TOO_LATE), 1, 9)
    delivery.cut()
    fault = delivery.end(event(2, plc.Kind.LATE, plc.Detail.TOO_LATE), 1, 9)
    assert (late.result, late.detail) == (EjectResult.LATE, "commanded too late")
    assert fault.result is EjectResult.FAULT
    assert fault.detail == "delivered too late: the link to the PLC was cut"


def test_an_aim_that_the_map_cannot_carry_calls_the_shot_off() -> None:
    delivery = Delivery()
    delivery.begin(1)
    delivery.take(shot(1), NOW)
    delivery.take(replace(shot(1), lead_s=float("nan")), NOW)
    delivery.take(shot(1), NOW)
    assert [entry.action for entry in delivery.entries()] == [plc.Action.FIRE, plc.Action.CANCEL]


def test_a_plc_that_says_to_have_taken_what_was_never_sent_is_refused() -> None:
    delivery = Delivery()
    delivery.begin(1)
    delivery.take(shot(1), NOW)
    with pytest.raises(plc.MapError, match=r"status\.shots: 2 is refused; allowed: 0 to 1"):
        delivery.taken(2)
    assert len(delivery.entries()) == 1


@given(st.lists(st.integers(0, 50_000_000), min_size=2, max_size=300), st.integers(-200, 200))
def test_stamps_of_a_plc_never_go_back_and_are_late_by_the_least_delay(
    delays: list[int], ppm: int
) -> None:
    clock, offset, last = LeastDelay(), 123_456_789, None
    for i, delay in enumerate(delays):
        true = i * 10_000_000
        device = true + true * ppm // 1_000_000
        clock.hear(device, true + offset + delay)
        if i >= 8:
            stamp = clock.stamp(device)
            assert last is None or stamp > last
            last = stamp
            drift = abs(ppm) * true // 1_000_000
            assert stamp - (true + offset) <= min(delays[:9]) + drift + 1
