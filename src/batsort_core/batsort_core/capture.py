"""Which frame shows which item: capture requests matched with exposures by belt position."""

from dataclasses import dataclass

from batsort_core.belt import BeltError, BeltTracker

_GRACE = 500_000_000  # [ns] a frame, a request or a belt reading may be late by
_UNPLACED = 64  # frames that may wait for the belt


@dataclass(frozen=True, slots=True)
class Match:
    """This frame is the one for this item."""

    item_id: int
    key: int


@dataclass(frozen=True, slots=True)
class Missed:
    """No frame came near enough for this item."""

    item_id: int


@dataclass(frozen=True, slots=True)
class Stray:
    """A frame that no request wants."""

    key: int


@dataclass(slots=True)
class _Request:
    item_id: int
    epoch: int
    count: int
    hopeless: int | None = None
    """Stamp of the first belt reading after which no exposure can serve it."""


@dataclass(frozen=True, slots=True)
class _Frame:
    key: int
    stamp: int
    epoch: int
    count: float


class FrameMatcher:
    """Gives each request the frame exposed nearest to its count, within `tolerance_counts`.

    Serves a free-running camera and a triggered one. A request is answered as soon as no later
    frame can be nearer: one at or past the count has come, or one within a quarter of the
    tolerance. Otherwise it waits until the belt has left the tolerance for half a second, then
    takes the best there is. A frame serves one request. Frames exposed after the newest belt
    reading wait for it; half a second after its exposure a frame that is no request's best is a
    stray.
    """

    def __init__(self, tolerance_counts: int) -> None:
        self._tolerance = tolerance_counts
        self._requests: dict[int, _Request] = {}
        self._unplaced: list[tuple[int, int]] = []  # key and stamp
        self._frames: list[_Frame] = []

    @property
    def waiting(self) -> int:
        """Requests without an image yet."""
        return len(self._requests)

    def request(self, item_id: int, epoch: int, count: int) -> None:
        """A frame is wanted for this item, exposed at this count; once per item."""
        self._requests.setdefault(item_id, _Request(item_id, epoch, count))

    def frame(self, key: int, stamp: int) -> None:
        """A frame was exposed at `stamp`; `key` is the caller's name for it."""
        self._unplaced.append((key, stamp))

    def step(self, tracker: BeltTracker) -> list[Match | Missed | Stray]:
        """What can be said now; to be called after requests, frames and belt readings."""
        out: list[Match | Missed | Stray] = []
        out += self._place(tracker)
        latest = tracker.latest
        if latest is None:
            return out
        wanted: set[int] = set()
        for request in list(self._requests.values()):
            if request.hopeless is None and (
                latest.epoch != request.epoch or latest.count > request.count + self._tolerance
            ):
                request.hopeless = latest.stamp
            if latest.epoch == request.epoch and latest.count < request.count - self._tolerance:
                request.hopeless = None
            over = request.hopeless is not None and latest.stamp - request.hopeless > _GRACE
            best = self._best(request)
            if best is not None and (over or self._final(request, best)):
                out.append(Match(request.item_id, best.key))
                self._frames.remove(best)
                del self._requests[request.item_id]
            elif over:
                out.append(Missed(request.item_id))
                del self._requests[request.item_id]
            elif best is not None:
                wanted.add(best.key)
        for frame in list(self._frames):
            if frame.key not in wanted and latest.stamp - frame.stamp > _GRACE:
                out.append(Stray(frame.key))
                self._frames.remove(frame)
        return out

    def _place(self, tracker: BeltTracker) -> list[Stray]:
        """Find out where the belt was at the exposure of each new frame."""
        strays: list[Stray] = []
        waiting: list[tuple[int, int]] = []
        for key, stamp in self._unplaced:
            try:
                count, epoch = tracker.count_at(stamp), tracker.epoch_at(stamp)
            except BeltError:
                strays.append(Stray(key))
                continue
            if count is None or epoch is None:
                waiting.append((key, stamp))
            else:
                self._frames.append(_Frame(key, stamp, epoch, count))
        excess = max(0, len(waiting) - _UNPLACED)
        strays += [Stray(key) for key, _ in waiting[:excess]]
        self._unplaced = waiting[excess:]
        return strays

    def _best(self, request: _Request) -> _Frame | None:
        """The nearest frame within tolerance, the earlier of two as near."""
        near = [
            (abs(frame.count - request.count), frame.stamp, frame.key, frame)
            for frame in self._frames
            if frame.epoch == request.epoch and abs(frame.count - request.count) <= self._tolerance
        ]
        return min(near)[-1] if near else None

    def _final(self, request: _Request, best: _Frame) -> bool:
        """Whether no later frame can be nearer than `best`."""
        return abs(best.count - request.count) <= self._tolerance / 4 or any(
            frame.epoch == request.epoch and frame.count >= request.count for frame in self._frames
        )
