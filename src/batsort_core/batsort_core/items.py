"""What travels through the cell, and the words for what becomes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from batsort_core.chemistry import Chemistry
from batsort_files.schema import Range


@dataclass(frozen=True, slots=True)
class Item:
    """One item that has passed the light barrier.

    It is at a station when the belt's count is `count` plus the station's distance in counts.
    """

    id: int
    """Stamp of the leading edge [us since 1970]; unique across restarts."""
    epoch: int
    count: int
    """Encoder count at which its centre was at the barrier."""
    length: float
    """Along the belt [m]."""
    stamp: int
    """Of its trailing edge at the barrier [ns]."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the classifier measured on one image of one item. It decides nothing."""

    item_id: int
    type: str
    confidence: float
    """Calibrated, 0 to 1."""
    novelty: float
    """Above 1 the item is unlike anything taught."""
    image_stamp: int
    """Exposure of the image judged [ns]."""
    scores: Mapping[str, Annotated[float, Range(least=0.0, most=1.0)]] | None = None
    """Of each type the model bundle knows, sum 1; None: not known."""
    offset: float | None = None
    """Of its centre as seen from where the belt says it is, along the belt [m]; None: not seen."""
    clearance: float | None = None
    """Free belt to what lies beside it and is no known item [m]; None: nothing there."""


@dataclass(frozen=True, slots=True)
class PrintReading:
    """What was read of the print on one item."""

    item_id: int
    image_stamp: int
    """Exposure of the image read [ns]."""
    chemistry: Chemistry | None
    """None: not read, or print doesn't say which it is."""
    confidence: float
    """Of the chemistry, 0 to 1; without one, that it is one of `chemistries`."""
    voltage: float | None = None
    """Nominal [V]; None: not read."""
    brand: str = ""
    size: str = ""
    text: str = ""
    """The line that tells the chemistry."""
    brand_confidence: float = 0.0
    """0 to 1."""
    chemistries: tuple[Chemistry, ...] = ()
    """Those it may be where print doesn't say which, as `lithium` alone; else empty."""

    @property
    def may_be(self) -> tuple[Chemistry, ...]:
        """The chemistry, or those that it may be; empty: not read."""
        return self.chemistries if self.chemistry is None else (self.chemistry,)


class Reason(StrEnum):
    """Why an item goes where it goes: the constants of SortDecision."""

    SORT = "sort"
    UNKNOWN_TYPE = "unknown_type"
    LOW_CONFIDENCE = "low_confidence"
    WRONG_SIZE = "wrong_size"
    BY_RECIPE = "by_recipe"
    BY_PRINT = "by_print"
    GAP = "gap"
    LATE = "late"
    NO_VERDICT = "no_verdict"
    TRACKING_LOST = "tracking_lost"


class EjectResult(StrEnum):
    """What became of one shot: the constants of EjectEvent."""

    FIRED = "fired"
    LATE = "late"
    CANCELLED = "cancelled"
    FAULT = "fault"


class Outcome(StrEnum):
    """What became of one item, exactly one each: the constants of ItemOutcome."""

    SORTED_CONFIRMED = "sorted_confirmed"
    OTHERS_UNKNOWN_TYPE = "others_unknown_type"
    OTHERS_LOW_CONFIDENCE = "others_low_confidence"
    OTHERS_WRONG_SIZE = "others_wrong_size"
    OTHERS_GAP = "others_gap"
    OTHERS_LATE = "others_late"
    OTHERS_BY_RECIPE = "others_by_recipe"
    OTHERS_BY_PRINT = "others_by_print"
    NO_VERDICT = "no_verdict"
    CANCELLED = "cancelled"
    FAULT = "fault"
    TRACKING_LOST = "tracking_lost"
    MISSING = "missing"
