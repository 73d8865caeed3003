"""Figures of the moment, to be plotted. No ROS in here."""

from __future__ import annotations

from collections import deque
from statistics import fmean
from typing import NamedTuple

from batsort_core.balance import Settled
from batsort_core.flow import Latencies
from batsort_core.items import Outcome

SPAN_NS = 5_000_000_000
"""That the rate is counted over."""
KEPT = 200


class Figures(NamedTuple):
    """As in the message ViewFigures; nan where nothing is known."""

    rate: float
    latency_p50: float
    latency_p99: float
    purity: float


class FigureWatch:
    """Fed with verdicts and outcomes, by their stamps [ns]."""

    def __init__(self) -> None:
        self._latencies = Latencies()
        self._confidences: deque[float] = deque(maxlen=KEPT)
        self._settled: deque[int] = deque()

    def on_verdict(self, exposed: int, ready: int) -> None:
        """A verdict was ready at that time."""
        self._latencies.add((ready - exposed) / 1e9)

    def on_outcome(self, settled: Settled) -> None:
        """An item got its outcome."""
        self._settled.append(settled.stamp)
        if settled.outcome is Outcome.SORTED_CONFIRMED and settled.verdict is not None:
            self._confidences.append(settled.verdict.confidence)

    def figures(self, now: int) -> Figures:
        """The figures at `now` [ns]."""
        self._settled = deque(stamp for stamp in self._settled if now - stamp < SPAN_NS)
        return Figures(
            len(self._settled) * 1e9 / SPAN_NS,
            self._latencies.at(0.5),
            self._latencies.at(0.99),
            # A calibrated confidence is the chance of being right.
            fmean(self._confidences) if self._confidences else float("nan"),
        )
