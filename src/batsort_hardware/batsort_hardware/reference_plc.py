"""Program `reference_plc`: the PLC's side of the register map, as a Modbus TCP server of its own.

What a PLC of your own has to do, in the words of the cell's own code: `Plc` is its program, scanned
every 2 ms, and the belt is a simulated one. Not for driving real valves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import math
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult
from batsort_description.cell_file import load_cell
from batsort_files.documents import REFUSED, ConfigurationError, load_document
from batsort_hardware import modbus_map as plc
from batsort_hardware.modbus_options import ModbusOptions, read_options
from batsort_hardware.reference_belt import Crossing, ReferenceBelt

SCAN_S = 0.002
SILENCE_NS = 1_000_000_000
"""Without new orders for that long, belt and valves are disabled."""
_US = 1000
_KINDS = {
    EjectResult.FIRED: plc.Kind.FIRED,
    EjectResult.LATE: plc.Kind.LATE,
    EjectResult.CANCELLED: plc.Kind.CANCELLED,
    EjectResult.FAULT: plc.Kind.FAULT,
}
_DETAILS = {
    "": plc.Detail.NONE,
    "epoch": plc.Detail.EPOCH,
    "valve": plc.Detail.VALVE,
    "lead_s": plc.Detail.LEAD,
    "pulse_s": plc.Detail.PULSE,
    "commanded": plc.Detail.TOO_LATE,
    "valves": plc.Detail.DISABLED,
}
"""By the first word of what ShotQueue says."""


class Plc:
    """The program: knows no network; registers in and out, one scan after another.

    `witness` is told of every valve that is energised and of every exposure.
    """

    def __init__(
        self,
        cell: CellDescription,
        options: ModbusOptions,
        boot: int,
        witness: Callable[[str, int, int], None],
    ) -> None:
        self.outputs = [0] * plc.OUTPUTS_SIZE
        """Written by the driver: the orders, and the mailbox for shots."""
        self.written = False
        """Whether they were since the last scan."""
        self.inputs = [0] * plc.STATUS_SIZE
        self.ring = [0] * (plc.EVENTS * plc.EVENT_SIZE)
        self.pressed = False
        """The emergency stop, which cuts valves and drive by itself."""
        self.unsupplied = False
        """The valves have no supply."""
        self._cell, self._options, self._boot = cell, options, boot
        self._witness = witness
        self._belt = ReferenceBelt(cell)
        self._bins = {bin.valve: bin.name for bin in cell.ejectors}
        self._queue = ShotQueue(options.valves)
        self._waiting: dict[int, Shot] = {}
        self._exposures: deque[plc.Shot] = deque(maxlen=plc.EVENTS)
        self._control = plc.Control(0, 0, plc.Orders(0), 0)
        self._shots = self._events = self._scans = self._refused = 0
        self._stamp = self._speed = 0
        self._blocked = False
        self._new: list[plc.Event] = []
        """Of this scan."""
        self._heard = -SILENCE_NS

    def scan(self, stamp: int) -> None:
        """One cycle, at `stamp` of its own clock [ns]."""
        spent, self._stamp = stamp - self._stamp, stamp
        for crossing in self._belt.advance(stamp, spent * 1e-9, self._speed):
            self._see(crossing)
        if self.written:
            self.written = False
            self._take_orders()
        silent = stamp - self._heard >= SILENCE_NS
        if silent:
            self._call_off(plc.Detail.SILENT)
        allowed = not silent and not self.pressed
        orders = self._control.orders if allowed else plc.Orders(0)
        self._queue.enabled = bool(orders & plc.Orders.ENABLE_VALVES) and not self.unsupplied
        self._speed = self._control.velocity if orders & plc.Orders.RUN else 0
        for due in self._queue.step(self._motion):
            self._end(self._open(due) if isinstance(due, Energise) else due)
        while self._exposures and self._exposures[0].target_count <= self._count:
            exposure = self._exposures.popleft()
            self._witness("exposed", exposure.item_id, self._count)
        self._write_ring()
        self._refresh(orders, silent)

    @property
    def _motion(self) -> Motion:
        return Motion(self._stamp, self._boot, self._count, self._belt.velocity)

    @property
    def _count(self) -> int:
        return math.floor(self._belt.position)

    def _take_orders(self) -> None:
        try:
            control = plc.control_of(self.outputs[: plc.CONTROL_SIZE])
        except plc.MapError:
            self._refused = (self._refused + 1) & 0xFFFF
            return
        last = self._control
        if (control.session, control.sequence) <= (last.session, last.sequence):
            return
        if control.session != last.session:
            self._call_off(plc.Detail.SILENT)
            self._shots = 0
        self._control, self._heard = control, self._stamp
        for slot in range(plc.SLOTS):
            self._take_entry(plc.CONTROL_SIZE + slot * plc.SHOT_SIZE)

    def _take_entry(self, begin: int) -> None:
        registers = self.outputs[begin : begin + plc.SHOT_SIZE]
        if not any(registers):
            return
        try:
            entry = plc.shot_of(registers)
        except plc.MapError:
            self._refused = (self._refused + 1) & 0xFFFF
            return
        if (entry.session, entry.sequence) != (self._control.session, self._shots + 1):
            return
        self._shots += 1
        if entry.action is plc.Action.EXPOSE:
            if entry.boot == self._boot:
                self._exposures.append(entry)
            return
        shot = Shot(
            item_id=entry.item_id,
            epoch=entry.boot,
            valve=entry.valve,
            fire=entry.action is plc.Action.FIRE,
            target_count=entry.target_count,
            lead_s=entry.lead_us * 1e-6,
            pulse_s=entry.pulse_us * 1e-6,
        )
        waiting = self._queue.waiting
        for end in self._queue.take(shot, self._motion):
            self._end(end)
        if self._queue.waiting > waiting:
            self._waiting[shot.item_id] = shot

    def _call_off(self, detail: plc.Detail) -> None:
        for shot in list(self._waiting.values()):
            for end in self._queue.take(replace(shot, fire=False), self._motion):
                self._end(end, detail)

    def _open(self, due: Energise) -> ShotEnd:
        end = due.fired()
        self._witness("fired", due.shot.item_id, end.actual_count)
        self._belt.blow(self._bins[due.shot.valve], end.actual_count)
        return replace(end, stamp=due.motion.stamp)

    def _end(self, end: ShotEnd, detail: plc.Detail | None = None) -> None:
        self._waiting.pop(end.shot.item_id, None)
        if detail is None:
            detail = _DETAILS[end.detail.partition(" ")[0]]
        self._happen(
            _KINDS[end.result], end.stamp, end.actual_count, item_id=end.shot.item_id, detail=detail
        )

    def _see(self, crossing: Crossing) -> None:
        count = round(crossing.position)
        if crossing.bin:
            eye = self._options.eyes[crossing.bin]
            self._happen(plc.Kind.ARRIVAL, crossing.stamp, count, eye=eye)
        else:
            kind = plc.Kind.BLOCKED if crossing.blocked else plc.Kind.CLEAR
            self._happen(kind, crossing.stamp, count)
            self._blocked = crossing.blocked

    def _happen(
        self,
        kind: plc.Kind,
        stamp: int,
        count: int,
        eye: int = 0,
        item_id: int = 0,
        detail: plc.Detail = plc.Detail.NONE,
    ) -> None:
        self._new.append(plc.Event(0, kind, eye, item_id, count, stamp // _US, detail))

    def _write_ring(self) -> None:
        """What happened in this scan, in the order of time."""
        for event in sorted(self._new, key=lambda event: event.time):
            slot = self._events % plc.EVENTS * plc.EVENT_SIZE
            self._events = (self._events + 1) % 2**32
            numbered = replace(event, sequence=self._events & 0xFFFF)
            self.ring[slot : slot + plc.EVENT_SIZE] = plc.event_registers(numbered)
        self._new.clear()

    def _refresh(self, orders: plc.Orders, silent: bool) -> None:
        self._scans = (self._scans + 1) % 2**32
        bits = plc.Bits.BLOCKED if self._blocked else plc.Bits(0)
        bits |= plc.Bits.ESTOP if self.pressed else plc.Bits(0)
        bits |= plc.Bits.VALVES_ENABLED if self._queue.enabled else plc.Bits(0)
        bits |= plc.Bits.RUNNING if orders & plc.Orders.RUN else plc.Bits(0)
        bits |= plc.Bits.SILENT if silent else plc.Bits(0)
        bits |= plc.Bits.VALVE_FAULT if self.unsupplied else plc.Bits(0)
        status = plc.Status(
            sequence=self._scans,
            bits=bits,
            refused=self._refused,
            boot=self._boot,
            time=self._stamp // _US,
            count=self._count,
            velocity=round(self._belt.velocity),
            session=self._control.session,
            control=self._control.sequence,
            shots=self._shots,
            events=self._events,
        )
        self.inputs[:] = plc.status_registers(status)


class Registers:
    """The PLC's memory, as Modbus has it."""

    def __init__(self, program: Plc, options: ModbusOptions) -> None:
        self._program = program
        self._addresses = options.addresses
        blocks = (
            (self._addresses.status, plc.STATUS_SIZE, True),
            (self._addresses.orders, plc.OUTPUTS_SIZE, False),
            (self._addresses.events, plc.EVENTS * plc.EVENT_SIZE, True),
        )
        self.device = SimDevice(
            id=options.unit,
            simdata=[
                SimData(begin, count=size, datatype=DataType.REGISTERS, readonly=readonly)
                for begin, size, readonly in sorted(blocks)
            ],
            action=self._access,
        )

    async def _access(
        self,
        _function: int,
        start: int,
        address: int,
        count: int,
        memory: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Show what the program shows now; keep for its next scan what is written."""
        program = self._program
        if values is not None:
            begin = address - self._addresses.orders
            program.outputs[begin : begin + count] = values
            program.written = True
            return None
        for begins, shown in (
            (self._addresses.status, program.inputs),
            (self._addresses.events, program.ring),
        ):
            if begins <= address < begins + len(shown):
                memory[begins - start : begins - start + len(shown)] = shown
        return None


async def serve(
    cell: CellDescription, options: ModbusOptions, host: str, port: int, log: TextIO | None
) -> None:
    """Serve until it is told to end. Raises ConfigurationError for an address it can't have.

    SIGUSR1 presses and releases the emergency stop, SIGUSR2 cuts and mends the valves' supply.
    """
    began = time.monotonic_ns()

    def witness(what: str, item_id: int, count: int) -> None:
        if log is not None:
            print(json.dumps({"what": what, "item_id": item_id, "count": count}), file=log)
            log.flush()

    program = Plc(cell, options, time.time_ns() // 1000, witness)
    server = ModbusTcpServer(Registers(program, options).device, address=(host, port))
    try:
        await server.serve_forever(background=True)
    except (RuntimeError, OverflowError):
        raise ConfigurationError(
            f"--port: {host}:{port} can't be had; allowed: a free port"
        ) from None
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)

    def press() -> None:
        program.pressed = not program.pressed

    def unplug() -> None:
        program.unsupplied = not program.unsupplied

    loop.add_signal_handler(signal.SIGUSR1, press)
    loop.add_signal_handler(signal.SIGUSR2, unplug)
    transport: Any = server.transport  # pymodbus tells its base only, which has no sockets
    bound = transport.sockets[0].getsockname()[1]
    print(f"reference PLC at {host}:{bound}", flush=True)
    while not told.is_set():
        program.scan(time.monotonic_ns() - began)
        await asyncio.sleep(SCAN_S)
    await server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="reference_plc",
        description="A PLC with a simulated belt, as a Modbus TCP server.",
        epilog="SIGUSR1 presses and releases its emergency stop, "
        "SIGUSR2 cuts and mends the valves' supply.",
    )
    parser.add_argument("--cell-file", required=True, help="cell description")
    parser.add_argument("--hardware-file", required=True, help="as of the hardware node")
    parser.add_argument("--host", help="address to serve at; default: as in the hardware file")
    parser.add_argument("--port", type=int, help="0: any free one; default: as in that file")
    parser.add_argument(
        "--log", type=Path, help="file to write what was fired and exposed to, a JSON line each"
    )
    told = parser.parse_args()
    logging.getLogger("pymodbus").addHandler(logging.NullHandler())
    try:
        cell = load_cell(told.cell_file)
        document = load_document("--hardware-file", told.hardware_file, "hardware file of modbus")
        options = document.checked(partial(read_options, cell=cell))
        host = options.host if told.host is None else told.host
        port = options.port if told.port is None else told.port
        log = told.log.open("a", encoding="utf-8") if told.log else None
        asyncio.run(serve(cell, options, host, port, log))
    except (ConfigurationError, OSError) as error:
        print(error, file=sys.stderr, flush=True)
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
