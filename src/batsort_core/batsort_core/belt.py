"""Where the belt is, was and will be, and which items lie on it."""

from bisect import bisect_right
from dataclasses import dataclass

from batsort_core.cell import ItemLimits
from batsort_core.items import Item

_SECOND = 1_000_000_000
_VELOCITY_WINDOW = 50_000_000  # [ns]
_EARLY = 10 * _SECOND  # that an item may be heard of before the belt reading it came with
_JUMP_SLACK = 2  # [counts] a latch may be early or late by


class BeltError(ValueError):
    """A sample that cannot be, or a stamp whose position cannot be known."""


def unwrapped(raw: int, last: int, bits: int) -> int:
    """The endless number nearest to `last` that a counter of so many bits means by `raw`.

    A step of exactly half the range counts as backwards.
    """
    half = 1 << (bits - 1)
    return last + (raw - last + half) % (2 * half) - half


class CountUnwrapper:
    """Makes a device's wrapping counter of 16, 32 or 64 bits endless.

    Each step is the shorter way round, so the belt may run either way by less than half the range
    between two readings. A step of exactly half the range counts as backwards.
    """

    def __init__(self, bits: int) -> None:
        if bits not in (16, 32, 64):
            raise BeltError(f"bits: {bits} is refused; allowed: 16, 32, 64")
        self._bits = bits
        self._count: int | None = None

    def unwrap(self, raw: int) -> int:
        """The endless count of a raw reading, signed or unsigned; the first is taken as it is."""
        half = 1 << (self._bits - 1)
        if not -half <= raw < 2 * half:
            raise BeltError(f"raw count: {raw} is refused; allowed: from {-half} to {2 * half - 1}")
        self._count = raw if self._count is None else unwrapped(raw, self._count, self._bits)
        return self._count


@dataclass(frozen=True, slots=True)
class BeltReading:
    """Where the belt is at one moment."""

    stamp: int
    epoch: int
    count: int
    position: float
    """The count as a distance [m]."""
    velocity: float
    """Along the sorting direction [m/s]."""
    moving: bool
    trusted_since: int = 0
    """What passed the barrier before this stamp may lie elsewhere than the count says [ns]."""


def tracking_lost(item: Item, reading: BeltReading) -> bool:
    """Whether the count was lost since the item passed the barrier: nobody knows where it is.

    By stamps, since the first item of an epoch can be heard of before the first belt reading; but
    not long before, unless the clock was set back since the item came. One that lay in the barrier
    when the count was lost has a false end.
    """
    early = 0 <= item.stamp - reading.stamp < _EARLY
    began = item.id * 1000
    return (item.epoch != reading.epoch and not early) or began < reading.trusted_since


class BeltTracker:
    """The belt's motion over the last `history_s` seconds, from latched encoder counts.

    Velocity is the mean over the last 50 ms, or since the sample before where samples are rarer.
    The belt moves where that span saw more than one count: at rest an encoder may flicker by one.
    A count faster than the belt can run is refused. One such sample is a glitch; after a second
    in a row the count of this epoch is lost, and only a new epoch is believed: the device has to
    begin one when it loses its count, unless it is told to `begin_anew`.
    """

    def __init__(
        self, metres_per_count: float, max_velocity: float, history_s: float = 10.0
    ) -> None:
        self._scale = metres_per_count
        self._max_velocity = max_velocity
        self._history = round(history_s * _SECOND)
        self._stamps: list[int] = []
        self._readings: list[BeltReading] = []
        self._implausible = 0
        self._trusted_since = 0
        self._begins = False
        self.faults: dict[str, int] = {"stamp_back": 0, "jump": 0}
        """Samples refused, by cause."""

    @property
    def latest(self) -> BeltReading | None:
        """The newest reading."""
        return self._readings[-1] if self._readings else None

    def distrust(self) -> None:
        """What has passed the barrier by now may lie elsewhere than the count says."""
        if self.latest is not None:
            self._trusted_since = self.latest.stamp

    def begin_anew(self) -> None:
        """Believe the next sample, whatever was before; nothing on the belt is trusted then."""
        self._stamps.clear()
        self._readings.clear()
        self._implausible = 0
        self._begins = True

    def follow(self, reading: BeltReading) -> None:
        """Take a reading of another tracker; begin anew where its belt is trusted only since then.

        Raises BeltError as `add` does.
        """
        if reading.trusted_since > self._trusted_since:
            self.begin_anew()
        self.add(reading.stamp, reading.epoch, reading.count)
        self._trusted_since = reading.trusted_since

    def add(self, stamp: int, epoch: int, count: int) -> BeltReading:
        """Take one latched count of the device and say where the belt is.

        Raises BeltError, and counts it in `faults`, for a stamp that is not after the one before,
        for a jump faster than the belt can run, and for any sample of an epoch whose count is lost.
        """
        last = self.latest
        if last is not None and stamp <= last.stamp:
            self.faults["stamp_back"] += 1
            raise BeltError(f"stamp: {stamp} is refused; allowed: after {last.stamp} [ns]")
        if last is not None and last.epoch == epoch:
            self._check_jump(last, stamp, count)
        self._implausible = 0
        if self._begins:
            self._begins, self._trusted_since = False, stamp
        reading = self._reading(stamp, epoch, count)
        self._stamps.append(stamp)
        self._readings.append(reading)
        # One sample before the horizon stays, so that all of the history can be interpolated.
        old = bisect_right(self._stamps, stamp - self._history) - 1
        if old > 0:
            del self._stamps[:old], self._readings[:old]
        return reading

    def _check_jump(self, last: BeltReading, stamp: int, count: int) -> None:
        spent = (stamp - last.stamp) / _SECOND
        reach = self._max_velocity * spent / self._scale + _JUMP_SLACK
        if self._implausible < 2 and abs(count - last.count) <= reach:
            return
        self.faults["jump"] += 1
        self._implausible += 1
        if self._implausible > 2:
            raise BeltError(f"count: {count} is refused; allowed: a new epoch, the count is lost")
        raise BeltError(
            f"count: {count} is refused; allowed: within {reach:.0f} of {last.count}, "
            f"{spent:g} s before"
        )

    def count_at(self, stamp: int) -> float | None:
        """The count at a past stamp, interpolated; None after the newest reading: not known yet.

        Raises BeltError before the history and where the count was lost.
        """
        pair = self._around(stamp)
        if pair is None:
            return None
        before, after = pair
        if before is after:
            return float(before.count)
        share = (after.count - before.count) * (stamp - before.stamp)
        return before.count + share / (after.stamp - before.stamp)

    def epoch_at(self, stamp: int) -> int | None:
        """The epoch that count_at's answer belongs to; None and errors as there."""
        pair = self._around(stamp)
        return None if pair is None else pair[0].epoch

    def time_at(self, count: float) -> int | None:
        """The stamp [ns] at which the belt is at `count` of the current epoch.

        Past: the last time it was there, interpolated. Else ahead, at the current velocity. None
        where it was not there within the history and will never be at this velocity.
        """
        last = self.latest
        if last is None:
            return None
        if count == last.count:
            return last.stamp
        for before, after in zip(self._readings[-2::-1], self._readings[:0:-1], strict=True):
            if before.epoch != last.epoch:
                break
            if min(before.count, after.count) <= count <= max(before.count, after.count):
                if before.count == after.count:
                    return after.stamp
                share = (count - before.count) / (after.count - before.count)
                return before.stamp + round(share * (after.stamp - before.stamp))
        ahead = (count - last.count) * self._scale
        if last.velocity == 0.0 or ahead * last.velocity < 0.0:
            return None
        return last.stamp + round(ahead / last.velocity * _SECOND)

    def _around(self, stamp: int) -> tuple[BeltReading, BeltReading] | None:
        if not self._stamps or stamp > self._stamps[-1]:
            return None
        i = bisect_right(self._stamps, stamp) - 1
        if i < 0:
            first = self._stamps[0]
            raise BeltError(f"stamp: {stamp} is refused; allowed: from {first} [ns], the history")
        before = self._readings[i]
        if before.stamp == stamp:
            return before, before
        after = self._readings[i + 1]
        if before.epoch != after.epoch:
            raise BeltError(
                f"stamp: {stamp} is refused; allowed: moments at which the count was known"
            )
        return before, after

    def _reading(self, stamp: int, epoch: int, count: int) -> BeltReading:
        base_stamp, base_count = stamp, count
        for past in reversed(self._readings):
            if past.epoch != epoch:
                break
            base_stamp, base_count = past.stamp, past.count
            if past.stamp <= stamp - _VELOCITY_WINDOW:
                break
        travel = count - base_count
        velocity = travel * self._scale * _SECOND / (stamp - base_stamp) if travel else 0.0
        moving, position = abs(travel) > 1, count * self._scale
        return BeltReading(stamp, epoch, count, position, velocity, moving, self._trusted_since)


class ItemDetector:
    """Items from the edges of the light barrier.

    An item reaches from the count of its leading edge to that of its trailing edge. Items that
    touch come out as one long item. Where the belt runs back and forth, only what lies beyond the
    newest item's end is new: what comes by again is not counted twice.
    """

    def __init__(self, limits: ItemLimits, metres_per_count: float) -> None:
        self._min_length = limits.min_length
        self._scale = metres_per_count
        self._last: tuple[int, bool] | None = None  # stamp and level of the last edge
        self._start: tuple[int, int, int] | None = None  # stamp, epoch, count of the leading edge
        self._end: tuple[int, int] | None = (
            None  # epoch and count of the newest item's trailing edge
        )
        self.faults: dict[str, int] = {
            "edge_without_start": 0,
            "too_short": 0,
            "repeated_edge": 0,
            "epoch_changed": 0,
        }
        """Edges that made no item, by cause."""

    def begin_anew(self) -> None:
        """Counts begin anew, also within an epoch: no place is known by those before."""
        self._start = self._end = None

    def on_edge(self, stamp: int, epoch: int, count: int, blocked: bool) -> Item | None:
        """Take one edge; the item, where it is the trailing edge of one.

        An edge that repeats the level, or whose stamp does not advance, changes nothing: where a
        trailing edge was lost, two items become a long one, which is never blown. Something over
        which the count was lost is no item: nobody knows where it lies.
        """
        if self._last is not None:
            last_stamp, level = self._last
            lost = self._start is not None and self._start[1] != epoch
            if stamp <= last_stamp or (blocked == level and not lost):
                self.faults["repeated_edge"] += 1
                return None
        self._last = (stamp, blocked)
        start = self._start
        self._start = (stamp, epoch, count) if blocked else None
        if start is not None and start[1] != epoch:
            self.faults["epoch_changed"] += 1
            return None
        if blocked:
            return None
        if start is None:
            self.faults["edge_without_start"] += 1
            return None
        return self._item(start, stamp, count)

    def _item(self, start: tuple[int, int, int], stamp: int, end: int) -> Item | None:
        begin_stamp, epoch, begin = start
        length = (end - begin) * self._scale
        if length < self._min_length:
            self.faults["too_short"] += 1
            return None
        centre = (begin + end) // 2
        if self._end is not None and self._end[0] == epoch and centre <= self._end[1]:
            self.faults["repeated_edge"] += 1
            return None
        self._end = (epoch, end)
        return Item(begin_stamp // 1000, epoch, centre, length, stamp)
