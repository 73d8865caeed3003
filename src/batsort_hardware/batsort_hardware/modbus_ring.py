"""A PLC's ring of events: each entry is read once and in order, or told as lost.

The map is that of docs/hardware_modbus.md.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from batsort_hardware import modbus_map as plc
from batsort_hardware.modbus_link import ModbusLink

UNREADABLE = 50
"""Tries after which an entry of the ring is given up."""


class EventRing:
    """Reads on from where it was; entries that are gone count as missed until `forgive`.

    Args:
        link: to the PLC.
        address: of the ring.
        eyes: numbers that an arrival may have.
        tell: gets each event.
        lost: told at once of an entry that is given up, before later ones are read.
    """

    def __init__(
        self,
        link: ModbusLink,
        address: int,
        eyes: Collection[int],
        tell: Callable[[plc.Event, plc.Status], None],
        lost: Callable[[plc.Status], None],
    ) -> None:
        self._link, self._address, self._eyes = link, address, eyes
        self._tell, self._lost = tell, lost
        self.missed = 0
        """Entries that are gone, and nobody was told."""
        self.why_missed = ""
        self.begin(0)

    def begin(self, read: int) -> None:
        """A PLC is met anew: the newest entry that was read is `read`."""
        self._read = read
        self._unreadable = self.missed = self._time = 0

    def forgive(self) -> int:
        """Somebody was told; how many it were."""
        missed, self.missed = self.missed, 0
        return missed

    def take(self, status: plc.Status) -> None:
        """Read up to what `status` says. Raises LinkError, or MapError: what is left comes next."""
        over = (status.events - self._read) % plc.WRAP - plc.EVENTS
        if over > 0:
            self._skip(over, "its ring ran over")
        while new := (status.events - self._read) % plc.WRAP:
            slot = self._read % plc.EVENTS
            most = min(new, plc.EVENTS - slot, plc.READ_MOST // plc.EVENT_SIZE)
            registers = self._link.read(
                self._address + slot * plc.EVENT_SIZE, most * plc.EVENT_SIZE
            )
            for i in range(0, len(registers), plc.EVENT_SIZE):
                try:
                    event = self._event(registers[i : i + plc.EVENT_SIZE], status)
                except plc.MapError as error:
                    self._unreadable += 1
                    if self._unreadable < UNREADABLE:
                        raise
                    self._skip(1, str(error))
                    self._lost(status)
                    break
                self._unreadable = 0
                self._read = (self._read + 1) % plc.WRAP
                self._time = event.time
                self._tell(event, status)

    def _event(self, registers: Sequence[int], status: plc.Status) -> plc.Event:
        """The next entry of the ring. Raises MapError."""
        event = plc.event_of(registers)
        number = (self._read + 1) & 0xFFFF
        plc.check("event.sequence", event.sequence, event.sequence == number, f"{number}")
        plc.check(
            "event.time",
            event.time,
            self._time <= event.time <= status.time,
            f"{self._time} to {status.time} [us]",
        )
        plc.check(
            "event.eye",
            event.eye,
            event.kind is not plc.Kind.ARRIVAL or event.eye in self._eyes,
            ", ".join(map(str, self._eyes)),
        )
        return event

    def _skip(self, events: int, why: str) -> None:
        """Entries of the ring are gone."""
        self._read = (self._read + events) % plc.WRAP
        self._unreadable = 0
        self.missed += events
        self.why_missed = why
