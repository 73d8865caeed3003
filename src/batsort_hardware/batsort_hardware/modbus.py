"""A PLC or valve terminal over Modbus TCP that latches counts and fires by count.

docs/hardware_modbus.md has the register map. One thread exchanges registers with the PLC a hundred
times a second, and is made for links that fail: nothing that was read is believed before its
checksum and its plausibility are, nothing that happened is read twice or left out, and no shot is
left without an end.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass

from batsort_core.cell import CellDescription
from batsort_core.decisions import Shot
from batsort_core.firing import Motion
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.trouble import Trouble
from batsort_hardware import modbus_map as plc
from batsort_hardware.device_clock import LeastDelay
from batsort_hardware.modbus_link import LinkError, ModbusLink
from batsort_hardware.modbus_options import ModbusOptions, read_options
from batsort_hardware.modbus_ring import EventRing
from batsort_hardware.modbus_shots import Delivery
from batsort_hardware.protocols import Drivers, Event, Report, SteadyStamps

REFRESH_S = 0.1
"""Orders are repeated so often; without new ones for 1 s the PLC disables itself."""
UNHEARD_S = 0.5
"""A PLC that was not heard for so long is in trouble."""
BROKEN_S = 1.0
"""Without anything new of it for so long, the emergency stop counts as pressed."""
STANDS_S = 0.5
"""A PLC that answers, but has not refreshed its registers for so long, stands."""
SETTLING = 8
"""Answers that the PLC's clock is judged by before anything is stamped with it."""
LOSS_SHOWN_S = 2.0
BACKOFF_S = (0.05, 1.0)
"""Between tries to connect: the first, doubled up to the longest."""
_US = 1000


def open_drivers(document: object, cell: CellDescription, report: Report) -> Drivers:
    """Everything is at the PLC. Raises FieldError."""
    driver = ModbusDriver(read_options(document, cell), cell, report)
    return Drivers(driver, driver, driver, driver, driver.figures)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What the PLC shall do, whatever the link."""

    valves: bool = False
    run: bool = False
    velocity: int = 0


class ModbusDriver:
    """Belt, Valves, EStop and Trigger of protocols.py at one PLC."""

    def __init__(self, options: ModbusOptions, cell: CellDescription, report: Report) -> None:
        self._options = options
        self._report = report
        self._bins = {eye: name for name, eye in options.eyes.items()}
        self._cell = cell
        self._most_velocity = cell.belt.max_velocity / cell.belt.metres_per_count
        self._stamps = SteadyStamps()
        self._link = ModbusLink(options)
        self._ring = EventRing(
            self._link, options.addresses.events, self._bins, self._tell, self._tell_missed
        )
        self._inbox: queue.SimpleQueue[Shot | tuple[int, int, int]] = queue.SimpleQueue()
        self._wanted = _Wanted()
        self._delivery = Delivery()
        self._motion: Motion | None = None
        self._status: plc.Status | None = None
        self._clock = LeastDelay()
        self._settling = SETTLING
        self._sequence = 0
        """Of the orders, in this session."""
        self._ordered: tuple[float, _Wanted | None] = (0.0, None)
        began = time.monotonic()
        self._heard = self._refreshed = self._obeyed = began
        self._backoff = BACKOFF_S[0]
        self._error = "no answer yet"
        self._usurped = False
        self._loss: tuple[float, str] | None = None
        self._counts: Counter[str] = Counter()
        """What was refused and what went wrong, by name."""
        self._closing = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name="modbus", daemon=True)
        self._thread.start()

    @property
    def motion(self) -> Motion | None:
        return self._motion

    @property
    def pressed(self) -> bool:
        status = self._status
        unread = time.monotonic() - self._refreshed > BROKEN_S
        return unread or status is None or bool(status.bits & plc.Bits.ESTOP)

    @property
    def trouble(self) -> Trouble | None:
        now, status = time.monotonic(), self._status
        where = f"PLC {self._options.host}:{self._options.port}"
        if status is None or now - self._heard > UNHEARD_S:
            return Trouble(
                f"{where} is not heard ({self._error})",
                "check its power, the network cable, and host, port and unit",
            )
        if now - self._refreshed > STANDS_S:
            return Trouble(f"{where} answers, but its program stands", "start its program")
        if self._usurped:
            return Trouble(
                f"{where} takes its orders from another driver",
                "end the other one, then start this one again: a PLC works for one cell",
            )
        if now - self._obeyed > UNHEARD_S:
            return Trouble(f"{where} takes no orders", "check that orders can be written to it")
        if self._loss is not None and now - self._loss[0] < LOSS_SHOWN_S:
            return Trouble(
                f"{where}: {self._loss[1]}",
                "clear the belt, then start the cell",
                lasting=True,
            )
        return next((t for bit, t in _TROUBLES.items() if status.bits & bit), None)

    def figures(self) -> dict[str, object]:
        """For people: shots on their way, and what went wrong, by name."""
        delivery = self._delivery
        return {
            "shots not taken": delivery.untaken,
            "shots waiting": delivery.open - delivery.untaken,
            **self._counts,
        }

    def run(self, run: bool, velocity: float) -> None:
        """Raises ValueError for a speed that can't be."""
        if not 0.0 <= velocity <= self._cell.belt.max_velocity:
            raise ValueError(
                f"velocity: {velocity} is refused; "
                f"allowed: from 0 to {self._cell.belt.max_velocity:g} [m/s]"
            )
        speed = round(velocity / self._cell.belt.metres_per_count) if run else 0
        self._want(_Wanted(self._wanted.valves, run, speed))

    def enable(self, enabled: bool) -> None:
        self._want(_Wanted(enabled, self._wanted.run, self._wanted.velocity))

    def shoot(self, shot: Shot) -> None:
        self._inbox.put(shot)
        self._wake.set()

    def expose(self, item_id: int, epoch: int, count: int) -> None:
        self._inbox.put((item_id, epoch, count))
        self._wake.set()

    def close(self) -> None:
        self._closing.set()
        self._wake.set()
        self._thread.join()

    def _want(self, wanted: _Wanted) -> None:
        if wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    # All below runs in the driver's own thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            self._wake.clear()
            self._take_inbox()
            wait = self._options.period_s
            try:
                self._exchange()
                self._backoff = BACKOFF_S[0]
            except plc.MapError as error:
                self._refuse(error)
            except LinkError as error:
                wait = self._cut(error)
            except Exception as error:  # a defect: no thread may end without somebody hearing of it
                self._link.close()
                wait = self._cut(LinkError(f"the driver has failed: {error!r}"))
            if time.monotonic() - self._heard > self._options.patience_s:
                self._give_up("the link to the PLC is cut; whether it fired is not known")
            self._wake.wait(max(0.0, began + wait - time.monotonic()))
        self._end()

    def _end(self) -> None:
        self._take_inbox()
        self._wanted = _Wanted()
        try:
            if self._delivery.session and self._link.connected:
                self._order()
        except (LinkError, plc.MapError) as error:
            self._error = str(error)
        self._link.close()
        self._give_up("the driver ended; whether it fired is not known")

    def _cut(self, error: LinkError) -> float:
        """The link is made anew after what comes back [s]."""
        self._counts["link cut"] += 1
        self._error = str(error)
        self._delivery.cut()
        wait, self._backoff = self._backoff, min(2 * self._backoff, BACKOFF_S[1])
        return wait

    def _refuse(self, error: plc.MapError) -> None:
        self._counts[error.what] += 1
        self._error = str(error)

    def _take_inbox(self) -> None:
        while True:
            try:
                new = self._inbox.get_nowait()
            except queue.Empty:
                return
            if isinstance(new, Shot):
                for end in self._delivery.take(new, self._now(new.epoch)):
                    self._report(end)
            else:
                self._delivery.expose(*new)

    def _now(self, epoch: int = 0) -> Motion:
        """Where the belt is, as far as is known."""
        stamp = self._stamps.now()
        return self._motion.at(stamp) if self._motion else Motion(stamp, epoch, 0.0, 0.0)

    def _exchange(self) -> None:
        """Order at once, whatever the events are like that are read then."""
        last = self._status
        status = plc.status_of(self._link.read(self._options.addresses.status, plc.STATUS_SIZE))
        received = self._stamps.now()
        if last is None or status.boot != last.boot:
            self._meet(status, after=last)
        elif status.sequence != last.sequence:
            self._check(status, last)
        self._heard = time.monotonic()
        self._status = status
        if last is None or status.sequence != last.sequence or status.boot != last.boot:
            self._refreshed = self._heard
            self._clock.hear(status.time * _US, received)
            self._settling -= self._settling > 0
        self._follow(status)
        self._order()
        if not self._settling:
            self._ring.take(status)
            if self._ring.missed:
                self._tell_missed(status)
            if last is not None and status.sequence != last.sequence:
                self._sample(status)

    def _meet(self, status: plc.Status, after: plc.Status | None) -> None:
        """A PLC that was started since, or the first one: its counts are a new epoch's."""
        if after is not None:
            self._counts["PLC restarted"] += 1
            self._give_up("the PLC was started again; whether it fired is not known")
            self._motion = None
        self._clock, self._settling = LeastDelay(), SETTLING
        # What happened before the driver came is not its own, but all since a restart is.
        self._ring.begin(status.events if after is None else 0)
        self._begin(status)

    def _begin(self, status: plc.Status) -> None:
        """Open a session later than any before, whoever's. Raises MapError where none can be."""
        newest = max(self._delivery.session, status.session)
        most = plc.WRAP - 1
        plc.check("status.session", newest, newest < most, f"below {most}, 0 at its start")
        self._delivery.begin(max(int(time.time()), newest + 1))
        self._sequence = 0
        self._usurped = False
        self._obeyed = time.monotonic()

    def _check(self, status: plc.Status, last: plc.Status) -> None:
        """Raises MapError where this can't come after that."""
        plc.check("status.time", status.time, status.time > last.time, f"after {last.time} [us]")
        plc.check(
            "status.velocity",
            status.velocity,
            abs(status.velocity) <= 2 * self._most_velocity,
            f"up to {2 * self._most_velocity:.0f} [counts/s], twice the belt's most",
        )
        plc.check(
            "status.events",
            status.events,
            (status.events - last.events) % plc.WRAP < plc.WRAP // 2,
            f"from {last.events}",
        )

    def _follow(self, status: plc.Status) -> None:
        """What the PLC has taken of what it was told."""
        session = self._delivery.session
        if session == 0:
            self._begin(status)
        elif status.session > session:
            self._usurped = True
            self._give_up("another driver has taken the PLC")
            self._delivery.begin(session)
        elif status.session == session:
            self._delivery.taken(status.shots)
            if status.control == self._sequence:
                self._obeyed = time.monotonic()

    def _sample(self, status: plc.Status) -> None:
        stamp = self._clock.stamp(status.time * _US)
        self._motion = Motion(stamp, status.boot, float(status.count), float(status.velocity))
        self._report(EncoderSample(stamp, status.boot, status.count))

    def _tell(self, event: plc.Event, status: plc.Status) -> None:
        stamp, epoch = self._clock.stamp(event.time * _US), status.boot
        out: Event | None
        if event.kind in (plc.Kind.BLOCKED, plc.Kind.CLEAR):
            out = Edge(stamp, epoch, event.count, event.kind is plc.Kind.BLOCKED)
        elif event.kind is plc.Kind.ARRIVAL:
            out = Arrival(stamp, epoch, self._bins[event.eye], event.count)
        else:
            out = self._delivery.end(event, stamp, epoch)
        if out is None:
            self._counts["end of no open shot"] += 1
        else:
            self._report(out)

    def _tell_missed(self, status: plc.Status) -> None:
        """Whatever was in the missed entries about shots that are still open is not known."""
        missed = self._ring.forgive()
        self._counts["events lost"] += missed
        what = "1 event was" if missed == 1 else f"{missed} events were"
        self._loss = (time.monotonic(), f"{what} lost: {self._ring.why_missed}")
        self._give_up("events of the PLC were lost; whether it fired is not known")
        self._begin(status)

    def _give_up(self, detail: str) -> None:
        for end in self._delivery.give_up(self._now(), detail):
            self._counts["shots given up"] += 1
            self._report(end)

    def _order(self) -> None:
        """Write the orders where they are new, untaken or due, and the shots that are untaken."""
        now, wanted, status = time.monotonic(), self._wanted, self._status
        entries = self._delivery.entries()
        at, last = self._ordered
        taken = status is not None and status.control == self._sequence
        if taken and not entries and wanted == last and now - at < REFRESH_S:
            return
        self._sequence += 1
        orders = plc.Orders(0)
        orders |= plc.Orders.ENABLE_VALVES if wanted.valves else plc.Orders(0)
        orders |= plc.Orders.RUN if wanted.run else plc.Orders(0)
        control = plc.Control(self._delivery.session, self._sequence, orders, wanted.velocity)
        registers = plc.control_registers(control)
        for entry in entries:
            registers += plc.shot_registers(entry)
        self._link.write(self._options.addresses.orders, registers)
        self._ordered = (now, wanted)


_TROUBLES = {
    plc.Bits.DRIVE_FAULT: Trouble("the belt's drive has a fault", "see its display, reset it"),
    plc.Bits.ENCODER_FAULT: Trouble(
        "the PLC has no encoder count", "check the encoder and its cable"
    ),
    plc.Bits.VALVE_FAULT: Trouble(
        "a valve's output has a fault", "check the valves' supply and cables at the PLC"
    ),
}
