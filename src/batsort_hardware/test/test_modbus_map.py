"""The register map: what is written is read, and what was spoiled is refused by name."""

from __future__ import annotations

import struct
from binascii import crc_hqx
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_hardware import modbus_map as plc

U8, U16, U32, U64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
I32, I64 = (st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (32, 64))
BLOCKS = st.one_of(
    st.builds(
        plc.Status,
        sequence=U32,
        bits=U16.map(plc.Bits),
        refused=U16,
        boot=U64,
        time=U64,
        count=I64,
        velocity=I32,
        session=U32,
        control=U32,
        shots=U32,
        events=U32,
    ),
    st.builds(plc.Control, session=U32, sequence=U32, orders=U16.map(plc.Orders), velocity=U32),
    st.builds(
        plc.Shot,
        session=U32,
        sequence=U32,
        item_id=U64,
        boot=U64,
        target_count=I64,
        valve=U8,
        action=st.sampled_from(plc.Action),
        lead_us=U32,
        pulse_us=U32,
    ),
    st.builds(
        plc.Event,
        sequence=U16,
        kind=st.sampled_from(plc.Kind),
        eye=U8,
        item_id=U64,
        count=I64,
        time=U64,
        detail=st.sampled_from(plc.Detail),
    ),
)
CODES: dict[type, tuple[Callable[[Any], list[int]], Callable[[Any], Any], int]] = {
    plc.Status: (plc.status_registers, plc.status_of, plc.STATUS_SIZE),
    plc.Control: (plc.control_registers, plc.control_of, plc.CONTROL_SIZE),
    plc.Shot: (plc.shot_registers, plc.shot_of, plc.SHOT_SIZE),
    plc.Event: (plc.event_registers, plc.event_of, plc.EVENT_SIZE),
}


@given(BLOCKS)
def test_what_is_written_is_read(block: Any) -> None:
    write, read, size = CODES[type(block)]
    registers = write(block)
    assert len(registers) == size
    assert all(0 <= register < 2**16 for register in registers)
    assert read(registers) == block


@given(BLOCKS, st.data())
def test_a_register_that_was_spoiled_is_refused(block: Any, data: st.DataObject) -> None:
    write, read, size = CODES[type(block)]
    registers = write(block)
    registers[data.draw(st.integers(0, size - 1))] ^= data.draw(st.integers(1, 2**16 - 1))
    with pytest.raises(plc.MapError) as error:
        read(registers)
    assert error.value.what == "wrong checksum"


@given(BLOCKS, st.integers(0, 60))
def test_another_length_is_refused(block: Any, length: int) -> None:
    write, read, size = CODES[type(block)]
    registers = (write(block) * 8)[:length]
    if length == size:
        return
    with pytest.raises(plc.MapError, match=f"{length} registers are refused; allowed: {size}"):
        read(registers)


@pytest.mark.parametrize("filling", [0, 0xFFFF])
@pytest.mark.parametrize("block", list(CODES))
def test_registers_that_nobody_wrote_are_never_taken_for_a_block(block: type, filling: int) -> None:
    _, read, size = CODES[block]
    with pytest.raises(plc.MapError):
        read([filling] * size)


def test_another_map_is_refused_by_its_numbers() -> None:
    registers = plc.status_registers(plc.Status(1, plc.Bits(0), 0, 1, 1, 1, 0, 0, 0, 0, 0))
    registers[1] = 2
    registers[-1] = crc_hqx(struct.pack(f">{len(registers) - 1}H", *registers[:-1]), 0xFFFF)
    with pytest.raises(plc.MapError) as error:
        plc.status_of(registers)
    assert error.value.what == "other map"
    assert str(error.value).startswith("registers 0x4253 2 are refused; allowed: 0x4253 1")


@pytest.mark.parametrize(
    ("block", "refusal"),
    [
        (
            plc.Event(1, 9, 0, 0, 0, 0, plc.Detail.NONE),
            "event.kind: 9 is refused; allowed: 1, 2, 3, 4, 5, 6, 7",
        ),
        (
            plc.Event(1, plc.Kind.LATE, 0, 0, 0, 0, 99),
            "event.detail: 99 is refused; allowed: 0, 1, 2, 3, 4, 5, 6, 7, 8",
        ),
        (plc.Shot(1, 1, 1, 1, 1, 1, 7, 1, 1), "shot.action: 7 is refused; allowed: 0, 1, 2"),
    ],
)
def test_a_value_that_means_nothing_is_refused(block: Any, refusal: str) -> None:
    write, read, _ = CODES[type(block)]
    with pytest.raises(plc.MapError) as error:
        read(write(block))
    assert str(error.value) == refusal


def test_what_one_request_carries_holds_what_it_has_to() -> None:
    assert plc.OUTPUTS_SIZE <= 123
    assert plc.STATUS_SIZE <= plc.READ_MOST
    assert plc.EVENT_SIZE <= plc.READ_MOST
