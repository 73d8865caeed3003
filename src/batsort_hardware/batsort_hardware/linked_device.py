"""Belt, valves and emergency stop over a link that fails, of a device that only does as it is told.

The device latches counts, but opens a valve at once when it is told to: a thread here, that alone
has the link, knows when. Whatever cuts the link ends the epoch and the shots that wait; nothing
goes on by itself when it is back. A device that can compare counts itself is more exact.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection
from typing import Generic, Protocol, TypeVar

from batsort_core.decisions import Shot
from batsort_core.firing import Energise, Motion, ShotEnd, ShotQueue
from batsort_core.items import EjectResult
from batsort_core.sensing import EncoderSample
from batsort_core.trouble import Trouble
from batsort_hardware.protocols import Report, SteadyStamps
from batsort_hardware.quadrature import Latch
from batsort_hardware.valve_thread import ended

REPEAT_S = 0.1
"""Orders are repeated so often: the device shuts and stands when it hears nothing for 1 s."""
ESTOP_S = 1.0
"""An emergency stop that was not told released for so long counts as pressed."""
SILENT_S = 0.5
"""Without a sample for so long the link is cut, and made anew after as long."""
STALE_NS = 50_000_000
"""Without a sample for so long nothing fires."""
_LISTEN_S = 0.005


class Link(Protocol):
    """Whatever leads to the device."""

    def close(self) -> None:
        """Once; what is sent or read later may raise anything."""


L = TypeVar("L", bound=Link)


class LinkedDevice(ABC, Generic[L]):
    """Belt, Valves and EStop of protocols.py; a subclass has the link and its words.

    Its own methods are only called from the device's thread, and may raise OSError: the link is cut
    then. In `hear` it calls `sampled`, `stop` and `report`.

    Args:
        name: of the device, for people.
        cure: what to do where it is not heard.
        valves: that it has.
        late_s: a shot later than this behind its moment does not fire.
        report: gets what happens.
    """

    link: L
    """As `connect` made it."""

    def __init__(
        self, name: str, cure: str, valves: Collection[int], late_s: float, report: Report
    ) -> None:
        """To be called last: the thread begins at once."""
        self._name, self._cure, self._late = name, cure, round(late_s * 1e9)
        self.report = report
        self.stamps = SteadyStamps()
        self.figures: Counter[str] = Counter()
        """What went wrong, by name."""
        self.epoch = 0
        self._latch: Latch | None = None
        self._sampled = 0.0
        self._released = -ESTOP_S
        self._error = "no answer yet"
        self._inbox: queue.SimpleQueue[Shot] = queue.SimpleQueue()
        self._shots = ShotQueue(valves)
        self._enabled = False
        self._wanted = self._ordered = (False, 0.0)
        self._ordered_at = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._thread.start()

    @property
    def motion(self) -> Motion | None:
        latch = self._latch
        return None if latch is None else latch.motion

    @property
    def pressed(self) -> bool:
        return self._latch is None or time.monotonic() - self._released > ESTOP_S

    @property
    def trouble(self) -> Trouble | None:
        if self._latch is None:
            return Trouble(f"{self._name} is not heard ({self._error})", self._cure)
        return None

    def run(self, run: bool, velocity: float) -> None:
        self._wanted = (run, velocity if run else 0.0)

    def enable(self, enabled: bool) -> None:
        self._enabled = enabled

    def shoot(self, shot: Shot) -> None:
        self._inbox.put(shot)

    def close(self) -> None:
        self._closing.set()
        self._thread.join()

    @abstractmethod
    def connect(self) -> L:
        """Open the link; the device is met anew."""

    @abstractmethod
    def hear(self, within_s: float) -> None:
        """Take what comes, or nothing after so long."""

    @abstractmethod
    def order(self, run: bool, velocity: float) -> None:
        """Tell the drive to run at this speed [m/s], or to stand."""

    @abstractmethod
    def open(self, shot: Shot) -> None:
        """Have the shot's valve opened for its pulse, from now on."""

    @abstractmethod
    def shut(self) -> None:
        """Have every valve shut."""

    def sampled(self, stamp: int, count: int) -> None:
        """The encoder's count was latched, at `stamp` [ns]."""
        self._sampled = time.monotonic()
        if self._latch is None:
            self._latch = Latch(self.epoch, stamp, count)
        elif stamp <= self._latch.motion.stamp:
            return
        self._latch.count(stamp, count)
        self.report(EncoderSample(stamp, self.epoch, count))

    def stop(self, pressed: bool) -> None:
        """The emergency stop is pressed, or not."""
        self._released = -ESTOP_S if pressed else time.monotonic()

    # All below runs in the device's own thread.

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self.link = self.connect()
                with contextlib.closing(self.link):
                    self._talk()
                self._error = "the driver was closed"
            except Exception as error:  # a defect, too: no thread may end without being heard of
                self._error = str(error) or repr(error)
                self.figures["link cut"] += 1
            self._lose()
            self._closing.wait(SILENT_S)
        self._take()

    def _talk(self) -> None:
        """Until it is closed. Raises OSError where the link is cut."""
        self.epoch = self.stamps.now() // 1000
        self._sampled = time.monotonic()
        while not self._closing.is_set():
            self._order()
            self._take()
            self._fire()
            self.hear(_LISTEN_S)
            if time.monotonic() - self._sampled > SILENT_S:
                raise TimeoutError(f"no count for {SILENT_S:g} s")
        self.shut()
        self.order(False, 0.0)

    def _lose(self) -> None:
        motion, self._latch = self.motion, None
        self._enabled, self._wanted = False, (False, 0.0)
        self._released = -ESTOP_S
        self._shots.enabled = False
        if motion is not None:
            for end in self._shots.abandon(motion.at(self.stamps.now()), self._error):
                self.report(end)
        self._take()

    def _order(self) -> None:
        now, wanted = time.monotonic(), self._wanted
        if wanted != self._ordered or now - self._ordered_at >= REPEAT_S:
            self.order(*wanted)
            self._ordered, self._ordered_at = wanted, now
        if self.pressed:
            self._enabled = False
        if self._shots.enabled and not self._enabled:
            self.shut()
        self._shots.enabled = self._enabled

    def _take(self) -> None:
        while not self._inbox.empty():
            shot, motion, now = self._inbox.get(), self.motion, self.stamps.now()
            if motion is None:
                unknown = Motion(now, shot.epoch, 0.0, 0.0)
                ends = self._shots.refuse(shot, unknown, f"{self._name} is not heard")
            else:
                ends = self._shots.take(shot, motion.at(now))
            for end in ends:
                self.report(end)

    def _fire(self) -> None:
        now, motion = self.stamps.now(), self.motion
        if motion is None or now - motion.stamp > STALE_NS:
            return
        here, broken = motion.at(now), None
        for due in self._shots.step(here):
            if isinstance(due, ShotEnd):
                self.report(due)
                continue
            try:
                end = self._open(due, here)
            except OSError as error:  # what else is due has its end, too
                broken, end = error, ended(due, EjectResult.FAULT, here, str(error))
            self.report(end)
        if broken is not None:
            raise broken

    def _open(self, due: Energise, here: Motion) -> ShotEnd:
        behind = here.stamp - due.motion.stamp
        if behind > self._late:
            return ended(due, EjectResult.LATE, here, f"due {behind / 1e6:.1f} ms ago")
        self.open(due.shot)
        return Energise(due.shot, here).fired()
