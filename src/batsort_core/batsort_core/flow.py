"""How much passes a node, for people who watch it: counts, rates, ages and latencies."""

import math
from collections import deque

_SPAN_S = 5.0  # that a rate is the mean of
_KEPT = 200  # latencies


class Flow:
    """Counts what passes; times are those of one steady clock [s]."""

    def __init__(self, name: str) -> None:
        self.name = name
        """In the plural, as it is shown."""
        self.count = 0
        self._last: float | None = None
        self._told: deque[tuple[float, int]] = deque()

    def passed(self, t: float) -> None:
        """One has passed."""
        self.count += 1
        self._last = t

    def figures(self, t: float) -> dict[str, str]:
        """How many so far, how many a second lately, and how long ago the last one was.

        The rate is the mean since a call some five seconds ago, or since the first one.
        """
        told = self._told
        told.append((t, self.count))
        while len(told) > 2 and told[1][0] <= t - _SPAN_S:
            told.popleft()
        since, count = told[0]
        rate = (self.count - count) / (t - since) if t > since else 0.0
        figures = {self.name: str(self.count), f"{self.name} [1/s]": f"{rate:.1f}"}
        if self._last is not None:
            figures[f"last of {self.name} [s ago]"] = f"{t - self._last:.1f}"
        return figures


class Latencies:
    """The latest latencies [s], and how they are spread."""

    def __init__(self) -> None:
        self._values: deque[float] = deque(maxlen=_KEPT)

    def add(self, seconds: float) -> None:
        """Take one more; the oldest is forgotten."""
        self._values.append(seconds)

    def at(self, share: float) -> float:
        """The latency that a share of them, above 0, keeps within (nearest rank) [s]; nan: none."""
        ordered = sorted(self._values)
        return ordered[math.ceil(share * len(ordered)) - 1] if ordered else math.nan

    def figures(self) -> dict[str, str]:
        """Median, p90, p99 and the most [ms]; nothing where there is none."""
        shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0} if self._values else {}
        return {
            f"latency {name} [ms]": f"{1e3 * self.at(share):.0f}" for name, share in shares.items()
        }
