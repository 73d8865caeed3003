"""What a run of the cell was worth: counts that add up, purity and recovery against ground truth.

Pure: it takes what was seen and returns what `report.json` holds.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from batsort_core.balance import Settled
from batsort_core.decisions import Decision
from batsort_core.item_life import ItemLives
from batsort_core.items import Outcome, Reason
from batsort_graph.from_messages import NS
from batsort_interfaces.msg import BinStates, ItemTruth, PrintReading

NOWHERE = ""
UNKNOWN = "unknown"
"""Row of the confusion for what has no type, or no decision."""


@dataclass
class Run:
    """What was seen of a run, in SI units."""

    bin_of_type: Mapping[str, str]
    others: str
    lives: ItemLives = field(default_factory=ItemLives)
    """Items, decisions, shots and outcomes; verdicts as they were decided by."""
    earlier: frozenset[int] = frozenset()
    """Items that came in before anything was heard."""
    readings: dict[int, PrintReading] = field(default_factory=dict)
    """Of print; the first of an item counts."""
    truths: list[ItemTruth] = field(default_factory=list)
    bins: BinStates = field(default_factory=BinStates)
    fire_errors: list[float] = field(default_factory=list)
    latencies_s: list[float] = field(default_factory=list)
    trained_photos: frozenset[str] = frozenset()
    first_sorted_s: float | None = None
    """From the call to the first battery confirmed in its bin [s]."""

    @property
    def items(self) -> list[int]:
        """Ids of the items that came in."""
        return [life.id for life in self.lives if life.item or life.id in self.earlier]

    @property
    def outcomes(self) -> list[Settled]:
        """What became of the items."""
        return [settled for life in self.lives for settled in life.outcomes]

    def decision(self, item_id: int) -> Decision | None:
        """Where an item was to go; None: nothing was decided."""
        life = self.lives.get(item_id)
        return life.decision if life else None

    @property
    def left(self) -> int:
        """Items of the stream that have left the belt; not those that a fault put onto it."""
        return sum(not truth.foreign for truth in self.truths)

    def target(self, truth: ItemTruth) -> str:
        """The bin an item belongs in; an unknown type belongs in `others`."""
        return self.bin_of_type.get(truth.type, self.others)

    def faults(self) -> list[str]:
        """Every way in which the counts do not add up; empty where they do."""
        found = []
        items = set(self.items)
        settled = {life.id for life in self.lives if life.outcomes}
        doubled = sorted(life.id for life in self.lives if len(life.outcomes) > 1)
        if doubled:
            found.append(f"items with more than one outcome: {doubled}")
        without = sorted(items - settled)
        if len(without) > self.bins.on_belt:
            found.append(f"items without an outcome: {without}")
        strange = sorted(settled - items)
        if strange:
            found.append(f"outcomes of items that never came in: {strange}")
        out = sum(self.bins.outcome_counts)
        if self.bins.items_in != out + self.bins.on_belt:
            found.append(
                f"items in {self.bins.items_in} is not outcomes {out} + on belt {self.bins.on_belt}"
            )
        if self.bins.items_in != len(items):
            found.append(f"bins counted {self.bins.items_in} items in, the belt {len(items)}")
        return found


def wilson(successes: int, trials: int, z: float = 1.96) -> tuple[float, float] | None:
    """Wilson score interval of a proportion (Wilson 1927), 95 % by default; None without trials."""
    if trials == 0:
        return None
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    return (max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))


def percentiles(values: Iterable[float]) -> dict[str, float | None]:
    """p50, p99 (nearest rank) and max; None where there is no value."""
    ordered = sorted(values)
    if not ordered:
        return {"p50": None, "p99": None, "max": None}
    last = len(ordered) - 1
    return {
        "p50": round(ordered[round(0.5 * last)], 3),
        "p99": round(ordered[math.ceil(0.99 * last)], 3),
        "max": round(ordered[last], 3),
    }


def _share(successes: int, trials: int) -> dict[str, Any]:
    interval = wilson(successes, trials)
    return {
        "value": round(successes / trials, 4) if trials else None,
        "n": trials,
        "interval_95": [round(bound, 4) for bound in interval] if interval else None,
    }


def summarize(run: Run) -> dict[str, Any]:
    """The measured part of `report.json`.

    purity: of what landed in the bins of types, the share that belongs there; recovery: of items
    of a known type, the share that landed in its bin; misclassified: decided into a type's bin that
    is not the true type's (`rejected_known` counts known types decided into `others`); wrong_bin:
    landed in another bin than was decided.
    """
    landed = [truth for truth in run.truths if truth.bin != NOWHERE]
    sorted_in = [truth for truth in landed if truth.bin != run.others]
    known = [truth for truth in run.truths if run.target(truth) != run.others]
    unknown = [truth for truth in run.truths if run.target(truth) == run.others]
    decided = [
        (truth, decision)
        for truth in run.truths
        if (decision := run.decision(truth.item_id)) is not None
    ]
    purity = _share(sum(run.target(t) == t.bin for t in sorted_in), len(sorted_in))
    recovery = _share(sum(run.target(t) == t.bin for t in known), len(known))
    rejected = _share(sum(t.bin == run.others for t in unknown), len(unknown))
    aims = [truth.aim_error for truth in run.truths if math.isfinite(truth.aim_error)]
    shown = {t.photo: t.photo_sha256 for t in run.truths if t.photo}
    stamps = [in_seconds(settled.stamp) for settled in run.outcomes]
    span = max(stamps) - min(stamps) if stamps else 0.0
    outcomes = dict(zip(run.bins.outcomes, map(int, run.bins.outcome_counts), strict=True))
    return {
        "items_in": int(run.bins.items_in),
        "items_out": sum(outcomes.values()),
        "on_belt": int(run.bins.on_belt),
        "unexpected": int(run.bins.unexpected),
        "outcomes": outcomes,
        "bins": {state.name: _bin(run, state, landed) for state in run.bins.bins},
        "purity": purity["value"],
        "purity_interval_95": purity["interval_95"],
        "recovery": recovery["value"],
        "recovery_interval_95": recovery["interval_95"],
        "unknown_in_others": rejected,
        "misclassified": sum(
            d.reason is Reason.SORT and d.bin != run.target(t) for t, d in decided
        ),
        "rejected_known": sum(
            d.bin == run.others and run.target(t) != run.others for t, d in decided
        ),
        "wrong_bin": sum(t.bin not in (NOWHERE, d.bin) for t, d in decided),
        "late": outcomes.get(Outcome.OTHERS_LATE, 0),
        "throughput_per_s": round((len(stamps) - 1) / span, 3) if span > 0 else None,
        "fire_error_mm": percentiles(abs(error) * 1e3 for error in run.fire_errors),
        "aim_error_mm": percentiles(abs(error) * 1e3 for error in aims),
        "verdict_latency_ms": percentiles(latency * 1e3 for latency in run.latencies_s),
        "photos_shown": len(shown),
        "photos_trained_on": sum(digest in run.trained_photos for digest in shown.values()),
        "confusion": _confusion(run),
        "samples": {
            "fire_error_mm": [round(error * 1e3, 3) for error in run.fire_errors],
            "aim_error_mm": [round(error * 1e3, 3) for error in aims],
            "verdict_latency_ms": [round(latency * 1e3, 2) for latency in run.latencies_s],
        },
        "faults": run.faults(),
    }


def _confusion(run: Run) -> dict[str, dict[str, int]]:
    """Where items went: rows are true types, or the bins they were decided for without truth.

    Columns are bins, and NOWHERE for what never arrived.
    """
    rows: dict[str, Counter[str]] = {}
    if run.truths:
        for truth in run.truths:
            rows.setdefault(truth.type or UNKNOWN, Counter())[truth.bin] += 1
    else:
        for settled in run.outcomes:
            rows.setdefault(settled.decided_bin or UNKNOWN, Counter())[settled.bin] += 1
    return {row: dict(sorted(columns.items())) for row, columns in sorted(rows.items())}


def _bin(run: Run, state: Any, landed: Sequence[ItemTruth]) -> dict[str, Any]:
    here = [truth for truth in landed if truth.bin == state.name]
    right = _share(sum(run.target(truth) == state.name for truth in here), len(here))
    return {
        "count": int(state.count),
        "confirmed": int(state.confirmed),
        "missing": int(state.missing),
        "unexpected": int(state.unexpected),
        "purity": right["value"],
        "purity_interval_95": right["interval_95"],
    }


def in_seconds(stamp: int) -> float:
    """Of nanoseconds, as `seconds` gives them, to the last bit."""
    return stamp // NS + stamp % NS * 1e-9


def seconds(stamp: Any) -> float:
    """Of builtin_interfaces/Time, since the Unix epoch."""
    return float(stamp.sec + stamp.nanosec * 1e-9)
