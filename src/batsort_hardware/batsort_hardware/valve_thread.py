"""Valves fired by belt count from a thread on the steady clock: for a machine without better.

A microcontroller or PLC that compares the latched count itself is more exact; `./cell bench valve`
tells how exact this thread is on the machine at hand.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult
from batsort_core.trouble import Trouble

PRIORITY = 50
"""Under SCHED_FIFO: above all ordinary threads, as the kernel's own interrupt threads."""
HANDOVER_S = 0.0005
"""The interpreter lets another thread wait no longer (5 ms by default)."""
_NS = 1_000_000_000
_SPIN = 300_000  # [ns] before a moment that are waited for without sleeping
_LOOK_AGAIN = 5_000_000  # [ns] between looks at the belt while shots wait: it may change its speed
_REST = 100_000_000  # [ns] between looks while none waits


class Pin(Protocol):
    """A valve's output."""

    def on(self) -> None:
        """Energise."""

    def off(self) -> None:
        """De-energise."""


class ValveThread:
    """Opens and closes valves at the moment; also every valve at once when it is not to fire.

    Args:
        pins: the output of each valve; closed by their owner after `close`.
        motion: where the belt is, for any thread, stamped by `clock`; None before it is known.
        report: gets the end of each shot.
        clock: nanoseconds since the Unix epoch, on the steady clock.
        stale_s: without a count for longer while the belt ran, nothing fires.
        late_s: what would fire later than this behind its moment does not fire.
        interlock: whether valves must be shut; they stay disabled until they are enabled again.
    """

    def __init__(
        self,
        pins: Mapping[int, Pin],
        motion: Callable[[], Motion | None],
        report: Callable[[ShotEnd], None],
        clock: Callable[[], int],
        *,
        stale_s: float,
        late_s: float,
        interlock: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pins = pins
        self._motion = motion
        self._report = report
        self._clock = clock
        self._stale = round(stale_s * _NS)
        self._late = round(late_s * _NS)
        self._interlock = interlock
        self._queue = ShotQueue(pins)
        self._known: Motion | None = None
        self._closes: dict[int, int] = {}  # stamp at which an open valve closes
        self._wake = threading.Condition()
        self._woken = False
        self._closing = False
        self._failure = ""
        self.realtime = False
        """Whether the thread runs under SCHED_FIFO."""
        self.overrun_s = 0.0
        """Longest time that a valve stayed open beyond its pulse [s]."""
        self._thread = threading.Thread(target=self._run, name="valves", daemon=True)
        sys.setswitchinterval(min(sys.getswitchinterval(), HANDOVER_S))
        # A full collection of all that a node has made stops every thread for tens of ms.
        gc.collect()
        gc.freeze()
        self._shut()
        self._thread.start()

    @property
    def trouble(self) -> Trouble | None:
        if self._failure:
            return Trouble(
                f"the valve thread has failed: {self._failure}",
                "check the valves' pins, then restart the hardware node",
                lasting=True,
            )
        return None

    def shoot(self, shot: Shot) -> None:
        """Take a shot, or its calling off; one that comes before the belt is known ends at once."""
        with self._wake:
            cause = self._failure or ("the valve driver is closed" if self._closing else "")
            motion = self._known if cause else self._look()
            now = self._clock()
            if motion is None:
                unknown = Motion(now, shot.epoch, 0.0, 0.0)
                ends = self._queue.refuse(shot, unknown, cause or "no encoder count yet")
            elif cause:
                ends = self._queue.refuse(shot, motion.at(now), cause)
            else:
                ends = self._queue.take(shot, motion.at(now))
            self._woken = True
            self._wake.notify()
        for end in ends:
            self._report(end)

    def enable(self, enabled: bool) -> None:
        """Let valves open, or shut them all, before this returns."""
        with self._wake:
            self._queue.enabled = enabled and not self._interlock()
            if not self._queue.enabled:
                self._shut()
            self._woken = True
            self._wake.notify()

    def close(self) -> None:
        """Shut all valves and end the thread; shots that wait end as FAULT."""
        with self._wake:
            self._closing = True
            self._queue.enabled = False
            self._shut()
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        self.realtime = _realtime()
        try:
            while True:
                with self._wake:
                    if self._closing or self._failure:
                        break
                    ends, until = self._step()
                for end in ends:
                    self._report(end)
                self._wait(until)
        except Exception as error:
            # Whatever it was: the valves must be shut, and somebody must hear of it.
            self._failure = repr(error)
        finally:
            self._shut()
            self._abandon()

    def _step(self) -> tuple[list[ShotEnd], int]:
        """Close and open what is due; what ended, and when to look again [ns]."""
        now = self._clock()
        if self._interlock():
            self._queue.enabled = False
        for valve, closes in list(self._closes.items()):
            if now >= closes or not self._queue.enabled:
                self._switch(valve, False)
                del self._closes[valve]
                self.overrun_s = max(self.overrun_s, (self._clock() - closes) / _NS)
        ends = self._fire(now)
        moments = [now + (_LOOK_AGAIN if self._queue.waiting else _REST), *self._closes.values()]
        motion = self._look()
        if motion is not None and self._doubt(motion, now) == "":
            due = self._queue.due(motion.at(now))
            if due is not None:
                moments.append(due)
        return ends, min(moments)

    def _fire(self, now: int) -> list[ShotEnd]:
        motion = self._look()
        if motion is None:
            return []
        here = motion.at(now)
        doubt = self._doubt(motion, now)
        ends = []
        for due in self._queue.step(here):
            if isinstance(due, ShotEnd):
                ends.append(due)
            elif doubt:
                ends.append(ended(due, EjectResult.FAULT, here, doubt))
            elif now - due.motion.stamp > self._late:
                behind = (now - due.motion.stamp) / 1e6
                ends.append(ended(due, EjectResult.LATE, here, f"due {behind:.1f} ms ago"))
            else:
                ends.append(self._energise(due, here))
        return ends

    def _look(self) -> Motion | None:
        """Where the belt is; under the lock."""
        motion = self._motion()
        if motion is not None:
            self._known = motion
        return motion

    def _energise(self, due: Energise, here: Motion) -> ShotEnd:
        valve = due.shot.valve
        if not self._switch(valve, True):
            return ended(due, EjectResult.FAULT, here, self._failure)
        opened = self._clock()
        closes = opened + round(due.shot.pulse_s * _NS)
        self._closes[valve] = max(closes, self._closes.get(valve, 0))
        return Energise(due.shot, here).fired(opened)

    def _doubt(self, motion: Motion, now: int) -> str:
        """Why the belt may not be where `motion` carried on says; empty where it is known."""
        still = now - motion.stamp
        if motion.velocity > 0.0 and still > self._stale:
            return f"no encoder count for {still / 1e6:.0f} ms while the belt ran"
        return ""

    def _wait(self, until: int) -> None:
        with self._wake:
            pause = until - self._clock() - _SPIN
            if pause > 0 and not self._woken and not self._closing:
                self._wake.wait(pause / _NS)
            woken, self._woken = self._woken, False
        while not woken and not self._closing:
            left = until - self._clock()
            if not 0 < left <= _SPIN:
                break

    def _shut(self) -> None:
        self._closes.clear()
        for valve in self._pins:
            self._switch(valve, False)

    def _switch(self, valve: int, on: bool) -> bool:
        """Whether it could be done: a pin that fails must keep no other one open, no shot lost."""
        pin = self._pins[valve]
        try:
            (pin.on if on else pin.off)()
        except Exception as error:  # a pin's library may raise anything
            self._failure = f"valve {valve}: {error!r}"
            return False
        return True

    def _abandon(self) -> None:
        """What waits ends, too, where the belt was last: it may be what can't be read any more."""
        with self._wake:
            self._queue.enabled = False
            if self._known is None:
                return  # nothing has been taken
            cause = self._failure or "the valve driver was closed"
            ends = self._queue.abandon(self._known.at(self._clock()), cause)
        for end in ends:
            self._report(end)


def ended(due: Energise, result: EjectResult, here: Motion, detail: str) -> ShotEnd:
    """The end of a shot that was due and was not fired."""
    return ShotEnd(due.shot, result, here.stamp, here.epoch, round(here.count), detail)


def _realtime() -> bool:
    """Put the calling thread under SCHED_FIFO, where that is allowed."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
