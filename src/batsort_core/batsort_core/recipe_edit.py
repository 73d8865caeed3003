"""A change of the recipe before it is made: whether it can be, and what it would have done."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from batsort_core.items import Verdict
from batsort_core.recipe import Recipe
from batsort_files.schema import Range, refuse


@dataclass(frozen=True, slots=True)
class RecipeEdit:
    """What shall be different; None stays as it is."""

    threshold: Annotated[float, Range(least=0.0, most=1.0)] | None = None
    novelty_limit: Annotated[float, Range(least=0.0, most=100.0)] | None = None
    types: Mapping[str, str] | None = None
    """Bin of each type that moves."""

    def apply(self, recipe: Recipe, known_types: Iterable[str], bins: Collection[str]) -> Recipe:
        """The changed recipe. Raises FieldError or RecipeError, naming what can't be."""
        for field, value in (self.types or {}).items():
            if value not in bins:
                refuse(f"types.{field}", value, ", ".join(bins))
        known = sorted(known_types)
        changed = replace(
            recipe,
            threshold=recipe.threshold if self.threshold is None else self.threshold,
            novelty_limit=(
                recipe.novelty_limit if self.novelty_limit is None else self.novelty_limit
            ),
        )
        for bin, types in self.assignments(recipe).items():
            changed = changed.assign(bin, types, known, bins)
        return changed

    def assignments(self, recipe: Recipe) -> dict[str, list[str]]:
        """Types that move, by the bin that they move to."""
        moves: dict[str, list[str]] = {}
        for type, bin in (self.types or {}).items():
            if recipe.types.get(type) != bin:
                moves.setdefault(bin, []).append(type)
        return moves


@dataclass(frozen=True, slots=True)
class Preview:
    """What a recipe would have made of verdicts that are known."""

    verdicts: int
    sorted_before: int
    """Of the verdicts, those that are sorted into a bin of types by the recipe in force."""
    sorted_after: int
    to_others: int
    """Sorted before, in `others` after."""
    from_others: int
    to_another_bin: int
    bins: Mapping[str, int]
    """How many more go to each bin that gains or loses."""


def preview(verdicts: Iterable[Verdict], before: Recipe, after: Recipe) -> Preview:
    """Judge the same verdicts by both; what gaps, lateness, sizes and print did is left out."""
    pairs = Counter((_bin(before, verdict), _bin(after, verdict)) for verdict in verdicts)
    gained: Counter[str] = Counter()
    for (old, new), number in pairs.items():
        gained[new] += number
        gained[old] -= number
    others = before.others

    def count(old_others: bool, new_others: bool) -> int:
        return sum(
            number
            for (old, new), number in pairs.items()
            if old != new and (old == others, new == others) == (old_others, new_others)
        )

    total = pairs.total()
    return Preview(
        verdicts=total,
        sorted_before=total - sum(n for (old, _), n in pairs.items() if old == others),
        sorted_after=total - sum(n for (_, new), n in pairs.items() if new == others),
        to_others=count(False, True),
        from_others=count(True, False),
        to_another_bin=count(False, False),
        bins={bin: number for bin, number in sorted(gained.items()) if number},
    )


def _bin(recipe: Recipe, verdict: Verdict) -> str:
    return recipe.choose(verdict.type, verdict.confidence, verdict.novelty, verdict.scores)[0]
