"""What a browser is shown of the cell: sections of plain data, made from what the cell says.

Pure: messages (read by their fields) and core objects in, changed sections out. Times are steady
seconds, those that people read are seconds since the Unix epoch.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from batsort_core.balance import Settled
from batsort_core.belt import BeltReading
from batsort_core.cell import CellDescription
from batsort_core.decisions import Decision
from batsort_core.item_life import ItemLife, ItemLives
from batsort_core.items import EjectResult, Item, Outcome, Verdict
from batsort_core.recent import Recent
from batsort_core.recipe import Recipe
from batsort_core.recipe_edit import Preview, RecipeEdit, preview
from batsort_supervision.oee import GOOD
from batsort_supervision.packml import Command, State, commands, meant

BUTTONS = (Command.START, Command.HOLD, Command.STOP, Command.RESET, Command.CLEAR)
CELL_SILENCE_S = 1.5
BELT_SILENCE_S = 0.5
NODE_SILENCE_S = 3.0
SHOWN_AFTER_S = 3.0
"""How long an item is shown after its outcome."""
VERDICTS = 500
KEPT = 500
"""Items of which all that is told is joined: more than any topic delivers again."""
EVENTS = 60
ITEMS = 200
OK, WARN, ERROR = 0, 1, 2
"""Levels of a DiagnosticStatus; beyond them a node is stale."""
LEVELS = ("ok", "warning", "fault", "gone")
VALVE = re.compile(r"\bvalve (\d+)\b")


@dataclass(slots=True)
class _Shown:
    """An item on the belt, or one that has just left it."""

    item: Item
    life: ItemLife
    left: float | None = None


@dataclass(slots=True)
class _Node:
    level: int
    message: str
    heard: float


class Document:
    """Takes what the cell says and gives the sections that have changed since they were given."""

    def __init__(self, cell: CellDescription) -> None:
        self._cell = cell
        self._recipe = cell.recipe
        self._types = set(cell.recipe.types)
        self._state: Any = None
        self._state_heard = -CELL_SILENCE_S
        self._estop: Any = None
        self._belt: BeltReading | None = None
        self._belt_heard = -BELT_SILENCE_S
        self._lives = ItemLives(KEPT)
        self._items: dict[int, _Shown] = {}
        self._verdicts: Recent[Verdict] = Recent(VERDICTS)
        self._bins: Any = None
        self._full: set[str] = set()
        self._certain: dict[str, list[float]] = {bin.name: [0.0, 0.0] for bin in cell.bins}
        self._shots: dict[int, Counter[str]] = {
            bin.valve: Counter() for bin in cell.ejectors if bin.valve is not None
        }
        self._shot_number = 0
        self._nodes: dict[str, _Node] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self._number = 0
        self._given: dict[str, Any] = {}
        self._sections: dict[str, Callable[[float], Any]] = {
            "layout": self._layout,
            "cell": self._cell_section,
            "belt": self._belt_section,
            "items": self._items_section,
            "bins": self._bins_section,
            "valves": self._valves_section,
            "recipe": self._recipe_section,
            "nodes": self._nodes_section,
            "events": lambda _: list(self._events),
            # Something comes each second, so that a browser knows a quiet cell from a lost server.
            "second": int,
        }

    def changes(self, now: float) -> dict[str, Any]:
        """Sections that are not as they were given last."""
        self._forget(now)
        made = {name: make(now) for name, make in self._sections.items()}
        changed = {n: s for n, s in made.items() if n not in self._given or s != self._given[n]}
        self._given |= changed
        return changed

    def log(self, wall: float, level: str, text: str) -> None:
        """Add a line to the event log; `level` is info, warning, fault or command."""
        self._number += 1
        self._events.append(
            {"number": self._number, "at": round(wall, 1), "level": level, "text": text}
        )

    def heard(self, now: float) -> bool:
        """Whether the cell is there."""
        return now - self._state_heard <= CELL_SILENCE_S

    def buttons(self, now: float) -> tuple[Command, ...]:
        """What an operator may press: what the state allows, nothing where no cell is heard."""
        if self._state is None or not self.heard(now):
            return ()
        state = State(self._state.state)
        return tuple(button for button in BUTTONS if meant(button, state) in commands(state))

    @property
    def recipe(self) -> Recipe:
        """In force."""
        return self._recipe

    def edited(self, edit: RecipeEdit) -> Recipe:
        """The recipe as it would be. Raises FieldError or RecipeError."""
        return edit.apply(self._recipe, self._types, [bin.name for bin in self._cell.bins])

    def preview(self, edit: RecipeEdit) -> Preview:
        """What an edit would have made of the latest verdicts. Raises as `edited` does."""
        verdicts = [verdict for _, verdict in self._verdicts.items()]
        return preview(verdicts, self._recipe, self.edited(edit))

    def on_cell(self, message: Any, now: float, wall: float) -> None:
        """CellState."""
        before, self._state, self._state_heard = self._state, message, now
        if before is None or (before.state, before.reason) != (message.state, message.reason):
            text = f"the cell is {message.state}"
            if message.reason:
                text += f": {message.reason}"
            if message.cure:
                text += f"; {message.cure}"
            self.log(wall, "fault" if message.cure else "info", text)

    def on_estop(self, message: Any, wall: float) -> None:
        """EStop."""
        before, self._estop = self._estop, message
        if message.pressed and (before is None or not before.pressed):
            self.log(wall, "fault", f"emergency stop pressed ({message.source})")
        elif before is not None and before.pressed and not message.pressed:
            self.log(wall, "info", "emergency stop released")

    def on_belt(self, reading: BeltReading, now: float) -> None:
        """Where the belt is; items of another zero point of the count are nowhere on it."""
        if self._belt is None or self._belt.epoch != reading.epoch:
            epoch = reading.epoch
            self._items = {k: s for k, s in self._items.items() if s.item.epoch == epoch}
        self._belt, self._belt_heard = reading, now

    def on_item(self, item: Item) -> None:
        """An item has passed the barrier."""
        life = self._lives.take(item)
        if not life.settled:
            self._items[item.id] = _Shown(item, life)
            if len(self._items) > ITEMS:
                del self._items[next(iter(self._items))]

    def on_verdict(self, verdict: Verdict) -> None:
        """What the classifier measured."""
        self._lives.take(verdict)
        self._verdicts.add(verdict.item_id, verdict)
        self._types.update(verdict.scores or ())

    def on_decision(self, decision: Decision) -> None:
        """Where an item shall go."""
        self._lives.take(decision)

    def on_outcome(self, settled: Settled, now: float, wall: float) -> None:
        """An item has left; only the first outcome of an item counts."""
        known = self._lives.get(settled.item_id)
        if known is not None and known.settled:
            return
        self._lives.take(settled)
        outcome, verdict = settled.outcome, settled.verdict
        if outcome is Outcome.SORTED_CONFIRMED and settled.bin in self._certain:
            certain = self._certain[settled.bin]
            certain[0] += verdict.confidence if verdict else 0.0
            certain[1] += 1
        if outcome not in GOOD:
            kind = f" ({verdict.type})" if verdict else ""
            where = f", meant for {settled.decided_bin}" if settled.decided_bin else ""
            self.log(wall, "warning", f"item {outcome.value.replace('_', ' ')}{kind}{where}")
        shown = self._items.get(settled.item_id)
        if shown is not None:
            shown.left = now

    def on_event(self, message: Any) -> None:
        """EjectEvent."""
        if message.valve in self._shots:
            self._shots[message.valve][message.result] += 1
            self._shot_number += 1

    def on_bins(self, message: Any, wall: float) -> None:
        """BinStates."""
        self._bins = message
        full = {bin.name for bin in message.bins if bin.full}
        for name in sorted(full - self._full):
            self.log(wall, "warning", f"bin {name} is full: give it a new bag")
        self._full = full

    def on_recipe(self, recipe: Recipe, wall: float) -> None:
        """In force from now on."""
        before, self._recipe = self._recipe, recipe
        for field in ("threshold", "novelty_limit"):
            old, new = getattr(before, field), getattr(recipe, field)
            if old != new:
                self.log(wall, "info", f"{field}: {old:g} is now {new:g}")
        for type, bin in recipe.types.items():
            if before.types.get(type) != bin:
                self.log(wall, "info", f"{type} now goes to {bin}")

    def on_node(self, name: str, level: int, message: str, now: float, wall: float) -> None:
        """What a node says of itself in /diagnostics; `name` is within the cell's namespace."""
        if "/" in name:
            return  # of a cell in a namespace within this one's
        before = self._nodes.get(name)
        level = min(level, ERROR)
        if level > OK and (before is None or (before.level, before.message) != (level, message)):
            self.log(wall, LEVELS[level], f"{name}: {message}")
        elif before is not None and before.level > OK and level == OK:
            self.log(wall, "info", f"{name} is well again")
        self._nodes[name] = _Node(level, message, now)

    def _forget(self, now: float) -> None:
        """Items that have left long ago, or must have."""
        end = self._cell.counts(self._cell.others.distance + self._cell.confirm.window)
        belt = self._belt
        for key, shown in list(self._items.items()):
            gone = shown.left is not None and now - shown.left > SHOWN_AFTER_S
            past = belt is not None and belt.count > shown.item.count + 2 * end
            if gone or past:
                del self._items[key]

    def _layout(self, _: float) -> Any:
        cell = self._cell
        return {
            "name": cell.name,
            "camera": cell.camera.distance,
            "image": [cell.camera.image_width, cell.camera.image_height],
            "length": cell.others.distance,
            "bins": [
                {
                    "name": bin.name,
                    "valve": bin.valve,
                    "distance": bin.distance,
                    "letter": _letter(number) if bin.valve is not None else "–",  # noqa: RUF001
                }
                for number, bin in enumerate(cell.bins)
            ],
        }

    def _cell_section(self, now: float) -> Any:
        state, estop = self._state, self._estop
        if state is None:
            return {"heard": False, "buttons": []}
        return {
            "heard": self.heard(now),
            "state": state.state,
            "reason": state.reason,
            "cure": state.cure,
            "buttons": list(self.buttons(now)),
            "estop": None if estop is None else {"pressed": estop.pressed, "source": estop.source},
            **{
                name: round(getattr(state, name), 4)
                for name in ("availability", "performance", "quality", "oee")
            },
        }

    def _belt_section(self, now: float) -> Any:
        belt = self._belt
        if belt is None:
            return None
        age = now - self._belt_heard
        return {
            "position": round(belt.position, 4),
            "velocity": round(belt.velocity, 4),
            "moving": belt.moving,
            "heard": age <= BELT_SILENCE_S,
            "age": round(min(age, BELT_SILENCE_S), 3),
        }

    def _items_section(self, _: float) -> Any:
        return [
            {
                "id": str(key),
                "position": round(self._cell.metres(shown.item.count), 4),
                "length": round(shown.item.length, 4),
                "type": life.verdict.type if life.verdict else "",
                "confidence": round(life.verdict.confidence, 3) if life.verdict else None,
                "bin": life.decision.bin if life.decision else "",
                "reason": life.decision.reason.value if life.decision else "",
                "outcome": life.settled.outcome.value if life.settled else "",
            }
            for key, shown, life in ((k, s, s.life) for k, s in self._items.items())
        ]

    def _bins_section(self, _: float) -> Any:
        if self._bins is None:
            return None
        counts = dict(zip(self._bins.outcomes, self._bins.outcome_counts, strict=True))
        return {
            "items_in": self._bins.items_in,
            "on_belt": self._bins.on_belt,
            "unexpected": self._bins.unexpected,
            "outcomes": {name: count for name, count in counts.items() if count},
            "bins": [
                {
                    "name": bin.name,
                    "count": bin.count,
                    "confirmed": bin.confirmed,
                    "missing": bin.missing,
                    "unexpected": bin.unexpected,
                    "in_bag": bin.in_bag,
                    "capacity": bin.capacity,
                    "full": bin.full,
                    "purity": self._purity(bin.name),
                }
                for bin in self._bins.bins
            ],
        }

    def _purity(self, bin: str) -> float | None:
        """As the calibrated confidences have it: the mean of what was confirmed in the bin."""
        total, number = self._certain.get(bin, (0.0, 0.0))
        return round(total / number, 4) if number else None

    def _valves_section(self, now: float) -> Any:
        said: dict[int, tuple[int, str]] = {}
        for node in self._nodes.values():
            if node.level > OK:
                for part in node.message.split("; "):
                    for number in VALVE.findall(part):
                        said[int(number)] = max(said.get(int(number), (OK, "")), (node.level, part))
        return [
            {
                "valve": bin.valve,
                "bin": bin.name,
                "level": LEVELS[said.get(bin.valve, (OK, ""))[0]],
                "text": said.get(bin.valve, (OK, ""))[1],
                **{result.value: self._shots[bin.valve][result.value] for result in EjectResult},
            }
            for bin in self._cell.ejectors
            if bin.valve is not None
        ]

    def _recipe_section(self, _: float) -> Any:
        recipe = self._recipe
        return {
            "threshold": recipe.threshold,
            "novelty_limit": recipe.novelty_limit,
            "types": {type: recipe.types.get(type, "") for type in sorted(self._types)},
            "verdicts": len(self._verdicts.items()),
        }

    def _nodes_section(self, now: float) -> Any:
        return [
            {
                "name": name,
                "level": LEVELS[node.level if now - node.heard <= NODE_SILENCE_S else -1],
                "message": node.message,
            }
            for name, node in sorted(self._nodes.items())
        ]


def _letter(number: int) -> str:
    """A, B ... Z, AA, AB ..."""
    letters = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
