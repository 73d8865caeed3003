"""Shots on their way to a PLC over a link that fails: each delivered in order, each ended once.

Pure. The PLC takes entries one after the other by their sequence and says up to which it has taken
them; what it has not is sent again. A session numbers its entries from 1; where one can't be
settled any more, all that is open ends as FAULT and a new session begins, with which the PLC calls
off whatever still waits there.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace

from batsort_core.decisions import Shot
from batsort_core.firing import MOST_PULSE_S, Motion, ShotEnd
from batsort_core.items import EjectResult
from batsort_core.recent import Recent
from batsort_hardware import modbus_map as plc

_KEPT = 4096
_RESULTS = {
    plc.Kind.FIRED: EjectResult.FIRED,
    plc.Kind.LATE: EjectResult.LATE,
    plc.Kind.CANCELLED: EjectResult.CANCELLED,
    plc.Kind.FAULT: EjectResult.FAULT,
}
_DETAILS = {
    plc.Detail.NONE: "",
    plc.Detail.EPOCH: "the PLC counts in another epoch",
    plc.Detail.VALVE: "the PLC has no such valve",
    plc.Detail.LEAD: "the PLC refuses lead_s",
    plc.Detail.PULSE: "the PLC refuses pulse_s",
    plc.Detail.TOO_LATE: "commanded too late",
    plc.Detail.DISABLED: "valves disabled",
    plc.Detail.SILENT: "called off by the PLC, which was told nothing for a second",
    plc.Detail.OUTPUT: "the PLC's output of the valve has a fault",
}


@dataclass(slots=True)
class _Open:
    shot: Shot
    """As last aimed."""
    cuts: int
    """Of the link, when it was taken."""
    called_off: bool = False


class Delivery:
    """Takes shots, says what to send, and makes one end of each from what the PLC says."""

    def __init__(self) -> None:
        self.session = 0
        """0: none; a shot can't be delivered."""
        self._sequence = self._taken = 0
        self._untaken: deque[plc.Shot] = deque()
        self._open: dict[int, _Open] = {}
        self._ended: Recent[None] = Recent(_KEPT)
        self._cuts = 0

    @property
    def open(self) -> int:
        """Shots without an end."""
        return len(self._open)

    @property
    def untaken(self) -> int:
        """Entries that the PLC has not taken, as far as is known."""
        return len(self._untaken)

    def begin(self, session: int) -> None:
        """Open a session; nothing is open."""
        assert not self._open
        self.session = session
        self._sequence = self._taken = 0
        self._untaken.clear()

    def take(self, shot: Shot, motion: Motion) -> list[ShotEnd]:
        """A shot, its new aim, or its calling off; one that can't be delivered ends at once.

        A new aim that the map can't carry calls the shot off.
        """
        if shot.item_id in self._ended:
            return []
        known = self._open.get(shot.item_id)
        refusal = _refusal(shot) if self.session else "the PLC is not heard"
        if known is None:
            if refusal:
                self._ended.add(shot.item_id, None)
                return [_fault(shot, motion, refusal)]
            known = self._open[shot.item_id] = _Open(shot, self._cuts)
        elif known.called_off or shot == known.shot:
            return []
        if shot.fire and not refusal:
            known.shot = shot
        else:
            known.called_off = True
        self._append(_entry(known.shot, not known.called_off))
        return []

    def expose(self, item_id: int, epoch: int, count: int) -> None:
        """Let the camera's trigger be pulsed at a count; nothing comes back."""
        if not self.session:
            return
        self._append(plc.Shot(0, 0, item_id, epoch, count, 0, plc.Action.EXPOSE, 0, 0))

    def entries(self) -> list[plc.Shot]:
        """What to write to the mailbox now, at most its slots."""
        return [self._untaken[i] for i in range(min(plc.SLOTS, len(self._untaken)))]

    def cut(self) -> None:
        """The link failed: what was written may have come or not."""
        self._cuts += 1

    def taken(self, sequence: int) -> None:
        """The PLC has taken all up to `sequence`. Raises MapError where that was never sent."""
        good = self._taken <= sequence <= self._sequence
        plc.check("status.shots", sequence, good, f"{self._taken} to {self._sequence}")
        self._taken = sequence
        while self._untaken and self._untaken[0].sequence <= sequence:
            self._untaken.popleft()

    def end(self, event: plc.Event, stamp: int, epoch: int) -> ShotEnd | None:
        """What the PLC's ring says of a shot; None where its end was told before.

        `stamp` is the event's; a jet opens `lead_s` after its valve is energised.
        """
        known = self._open.pop(event.item_id, None)
        if known is None:
            return None
        self._ended.add(event.item_id, None)
        result, detail = _RESULTS[event.kind], _DETAILS[event.detail]
        if event.detail is plc.Detail.TOO_LATE and known.cuts != self._cuts:
            result, detail = EjectResult.FAULT, "delivered too late: the link to the PLC was cut"
        elif event.detail is plc.Detail.SILENT:
            result = EjectResult.FAULT
        elif result is EjectResult.FIRED:
            stamp += round(known.shot.lead_s * 1e9)
        return ShotEnd(known.shot, result, stamp, epoch, event.count, detail)

    def give_up(self, motion: Motion, detail: str) -> list[ShotEnd]:
        """End all that is open as FAULT, and the session with it."""
        ends = [_fault(known.shot, motion, detail) for known in self._open.values()]
        for item_id in self._open:
            self._ended.add(item_id, None)
        self._open.clear()
        self._untaken.clear()
        self.session = 0
        return ends

    def _append(self, entry: plc.Shot) -> None:
        self._sequence += 1
        self._untaken.append(replace(entry, session=self.session, sequence=self._sequence))


def _entry(shot: Shot, fire: bool) -> plc.Shot:
    return plc.Shot(
        session=0,
        sequence=0,
        item_id=shot.item_id,
        boot=shot.epoch,
        target_count=shot.target_count,
        valve=shot.valve,
        action=plc.Action.FIRE if fire else plc.Action.CANCEL,
        lead_us=round(shot.lead_s * 1e6),
        pulse_us=round(shot.pulse_s * 1e6),
    )


def _refusal(shot: Shot) -> str:
    """What the map can't carry."""
    for name, value in (("lead_s", shot.lead_s), ("pulse_s", shot.pulse_s)):
        if not (math.isfinite(value) and 0.0 <= value <= MOST_PULSE_S):
            return f"{name} {value} is refused; allowed: from 0 to {MOST_PULSE_S:g} [s]"
    return ""


def _fault(shot: Shot, motion: Motion, detail: str) -> ShotEnd:
    count = round(motion.count)
    return ShotEnd(shot, EjectResult.FAULT, motion.stamp, motion.epoch, count, detail)
