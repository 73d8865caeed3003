"""The recipe: which type goes into which bin, and what is too uncertain to be sorted."""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from batsort_core.chemistry import Chemistry
from batsort_core.items import PrintReading, Reason, Verdict
from batsort_core.sizes import Measured, Size
from batsort_files.schema import Name, OneOrMore, Range


class RecipeError(ValueError):
    """A change of the recipe that is refused; one line naming what and why."""


@dataclass(frozen=True, slots=True)
class PrintRule:
    """Whose print is worth being read, and what that can change."""

    veto: bool
    """Whether an item waits for its reading, and goes to others where that contradicts its type."""
    dangerous: tuple[Chemistry, ...]
    """Chemistries that must not be mistaken."""
    novelty: Annotated[float, Range(least=0.0, most=1.0)]
    """Share of the novelty limit from which on an item is worth being read."""
    score: Annotated[float, Range(least=0.0, most=1.0)]
    """Of dangerous types of other bins, together, from which on it is."""
    confidence: Annotated[float, Range(least=0.0, most=1.0)]
    """Least confidence of a chemistry that was read to contradict."""
    margin: Annotated[float, Range("m", above=0.0, most=1.0)]
    """Belt travel before the last moment for a shot, up to which a reading is waited for."""
    brand_confidence: Annotated[float, Range(least=0.0, most=1.0)] | None = None
    """Least confidence of a brand that was read to contradict; None: none does."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Types to bins, with the limits an item must keep to be sorted at all."""

    others: Annotated[str, Name()]
    """The bin at the belt's end: takes all that is not sorted."""
    threshold: Annotated[float, Range(least=0.0, most=1.0)]
    """Least confidence to be blown out; 0.80 in the BatSort paper (arXiv 2404.05802)."""
    novelty_limit: Annotated[float, Range(least=0.0)]
    """Above it an item is of an unknown type; 1.0 is the bundle's own limit."""
    types: Mapping[str, str]
    """Bin of each type."""
    weights: Mapping[str, Annotated[float, Range(least=1.0, most=1000.0)]] | None = None
    """How much worse than usual it is when a battery of the type lands in another type's bin; 1
    where not given."""
    sizes: Mapping[str, tuple[Size, ...]] | None = None
    """In which sizes a type comes; any where not given."""
    chemistries: Mapping[str, Chemistry] | None = None
    """What is inside a type."""
    brands: Mapping[str, Annotated[tuple[Annotated[str, Name()], ...], OneOrMore()]] | None = None
    """What may be printed on a type as its brand, in any case; anything where not given."""
    print: PrintRule | None = None
    """None: print matters nothing."""

    def choose(
        self,
        type: str,
        confidence: float,
        novelty: float,
        scores: Mapping[str, float] | None,
        measured: Measured | None = None,
        reading: PrintReading | None = None,
    ) -> tuple[str, Reason]:
        """Bin and reason for a verdict: the first that holds of unknown, uncertain, wrong size, by
        recipe, by print, sort

        A type the recipe does not name is unknown to it. Uncertain is a confidence below the
        threshold, or scores (0 to 1 by type, together 1) at which the bin is too risky. Of the
        wrong size is what can be none of its type's sizes by the length that was `measured`; None:
        nobody knows. By print goes what a `reading` surely says to be of another chemistry or brand
        than its type, where print has a veto. What cannot be compared (NaN) never sorts.
        """
        bin = self.types.get(type)
        if bin is None or not novelty <= self.novelty_limit:
            return self.others, Reason.UNKNOWN_TYPE
        if not confidence >= self.threshold or self._too_risky(bin, scores or {}):
            return self.others, Reason.LOW_CONFIDENCE
        sizes = (self.sizes or {}).get(type)
        if sizes and measured is not None and not any(map(measured.fits, sizes)):
            return self.others, Reason.WRONG_SIZE
        if bin == self.others:
            return self.others, Reason.BY_RECIPE
        rule = self.print
        if rule and rule.veto and reading and self.contradicts(type, reading):
            return self.others, Reason.BY_PRINT
        return bin, Reason.SORT

    def contradicts(self, type: str, reading: PrintReading) -> bool:
        """Whether a reading surely says another chemistry, or brand, than is stated for `type`.

        Print that may mean the chemistry stated says nothing against it.
        """
        rule, stated, may_be = self.print, (self.chemistries or {}).get(type), reading.may_be
        if rule is None:
            return False
        if stated and may_be and stated not in may_be and reading.confidence >= rule.confidence:
            return True
        own, least = self.own_brand(type, reading.brand), rule.brand_confidence
        return own is False and least is not None and reading.brand_confidence >= least

    def agrees(self, type: str, reading: PrintReading) -> bool:
        """Whether a reading says the chemistry that is stated for `type`, or one of its brands."""
        chemistry = reading.chemistry
        said = chemistry is not None and chemistry == (self.chemistries or {}).get(type)
        return said or self.own_brand(type, reading.brand) is True

    def own_brand(self, type: str, brand: str) -> bool | None:
        """Whether `type` may have that brand; None: not read, or nothing is stated."""
        brands = (self.brands or {}).get(type)
        if not brand or not brands:
            return None
        return brand.casefold() in {one.casefold() for one in brands}

    def wants_print(self, verdict: Verdict) -> bool:
        """Whether the print of this item is worth being read before it is sorted.

        It is where the item would be sorted, something is stated that print can contradict, and any
        of these holds: its type is dangerous; it is nearly too novel; it may be of a dangerous type
        that belongs into another bin. A fire begins with a dangerous cell in a harmless bin.
        """
        rule, chemistries = self.print, self.chemistries or {}
        if rule is None or verdict.type not in {*chemistries, *(self.brands or {})}:
            return False
        scores = verdict.scores or {}
        bin, reason = self.choose(verdict.type, verdict.confidence, verdict.novelty, scores)
        if reason is not Reason.SORT:
            return False
        dangerous = [type for type, of in chemistries.items() if of in rule.dangerous]
        elsewhere = [type for type in dangerous if self.types.get(type) != bin]
        return (
            verdict.type in dangerous
            or verdict.novelty >= rule.novelty * self.novelty_limit
            or math.fsum(scores.get(type, 0.0) for type in elsewhere) >= rule.score
        )

    def _too_risky(self, bin: str, scores: Mapping[str, float]) -> bool:
        """Whether `bin` is expected to cost more than the threshold allows (C. K. Chow 1970, On
        optimum recognition error and reject tradeoff, with a cost for each type):

            sum of weight(t) * score(t) over the types t of other bins > 1 - threshold

        Where a weighted type has no score, every bin but its own is too risky.
        """
        weights = self.weights or {}
        known = {**dict.fromkeys(weights, math.nan), **scores}
        wrong = {type: score for type, score in known.items() if self.types.get(type) != bin}
        cost = math.fsum(weights.get(type, 1.0) * score for type, score in wrong.items())
        # Where nothing is weighted the threshold has decided; rounding must not decide again.
        return not cost <= max(1.0 - self.threshold, math.fsum(wrong.values()))

    def assign(
        self, bin: str, types: Iterable[str], known_types: Collection[str], bins: Collection[str]
    ) -> "Recipe":
        """The recipe with `types` moved to `bin`; each leaves the bin it had.

        `known_types` are those of the model bundle, `bins` the names of the cell's bins. Raises
        RecipeError for a bin or type that is not among them.
        """
        if bin not in bins:
            raise RecipeError(f"bin: {bin!r} is refused; allowed: {', '.join(bins)}")
        moved = dict(self.types)
        for name in types:
            if name not in known_types:
                raise RecipeError(f"types: {name!r} is refused; allowed: {', '.join(known_types)}")
            moved[name] = bin
        return replace(self, types=moved)
