"""The life of each item, joined from all that is told of it, in whatever order.

Whoever looks at the cell joins here: a live view keeps the newest items, a report all of them. The
first word of each kind counts, as it does for the cell; after a restart the same is said again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from batsort_core.balance import Settled
from batsort_core.bin_journal import Ejected
from batsort_core.decisions import Decision
from batsort_core.items import EjectResult, Item, PrintReading, Verdict

Told = Item | Verdict | PrintReading | Decision | Ejected | Settled


@dataclass(slots=True)
class ItemLife:
    """What is known of one item; None: not told."""

    id: int
    item: Item | None = None
    """Where it entered."""
    verdict: Verdict | None = None
    """As the classifier measured it."""
    print: PrintReading | None = None
    decision: Decision | None = None
    ejected: Ejected | None = None
    outcomes: list[Settled] = field(default_factory=list)
    """More than one where the cell is wrong: the first counts."""

    @property
    def judged(self) -> Verdict | None:
        """The verdict that it was decided by."""
        return self.decision.verdict if self.decision else None

    @property
    def blown(self) -> bool:
        """Whether a jet was opened for it."""
        return self.ejected is not None and self.ejected.result is EjectResult.FIRED

    @property
    def settled(self) -> Settled | None:
        """What became of it."""
        return self.outcomes[0] if self.outcomes else None


class ItemLives:
    """Joins what is told by item id; of more than `limit` items the oldest are forgotten."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit
        self._lives: dict[int, ItemLife] = {}

    def __iter__(self) -> Iterator[ItemLife]:
        """In the order that items were first told of; as they are now, whoever joins meanwhile."""
        return iter(list(self._lives.values()))

    def __len__(self) -> int:
        return len(self._lives)

    def get(self, item_id: int) -> ItemLife | None:
        """The life of an item, or None where nothing was told of it."""
        return self._lives.get(item_id)

    def take(self, told: Told) -> ItemLife:
        """Join one thing that was told; gives the life of its item."""
        life = self._life(told.id if isinstance(told, Item) else told.item_id)
        match told:
            case Item():
                life.item = life.item or told
            case Verdict():
                life.verdict = life.verdict or told
            case PrintReading():
                life.print = life.print or told
            case Decision():
                life.decision = life.decision or told
            case Ejected():
                life.ejected = life.ejected or told
            case Settled():
                if told not in life.outcomes:
                    life.outcomes.append(told)
        return life

    def _life(self, item_id: int) -> ItemLife:
        life = self._lives.setdefault(item_id, ItemLife(item_id))
        if self._limit is not None and len(self._lives) > self._limit:
            del self._lives[next(iter(self._lives))]
        return life
