"""A bag given to the core again, as fast as it goes, and what came of it then and now.

The sorter takes its inputs in the order that the ejector noted (`ejector/input_order`). A bag
without it is replayed in the order of receipt, each verdict at the belt reading that its decision
names; then a difference can come from the order.

Belt readings and items are made again from encoder and barrier where the bag has them, and held
against the recorded ones. Verdicts are those of the bag, or made again from its images. A bag that
begins while the cell runs is replayed from its first item on, one that is damaged up to there.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from batsort_bags.crops import READERS, Cropped, Cropper
from batsort_bags.reader import Bag, BagError
from batsort_bags.receipt import Turn, order_of_receipt
from batsort_bags.recorded import recorded_cell
from batsort_bags.replayed import Changes, Replayed
from batsort_core.belt import BeltReading
from batsort_core.decisions import Decision, Shot
from batsort_core.inputs import Batch, Input
from batsort_core.items import EjectResult, Item, Verdict
from batsort_core.recipe import Recipe
from batsort_core.replay import BeltReplay, Missing, SorterReplay
from batsort_graph import images
from batsort_graph.from_messages import (
    NS,
    decision_of,
    item_of,
    order_of,
    print_of,
    reading_of,
    recipe_of,
    shot_of,
    stamp_of,
    verdict_of,
)
from batsort_graph.names import (
    ARRIVALS,
    BARRIER,
    BELT,
    BUNDLE,
    DECISIONS,
    ENCODER,
    EVENTS,
    INFO,
    ITEMS,
    ORDER,
    READINGS,
    RECIPE,
    SHOTS,
    TRUTH,
    VERDICTS,
)

NEEDED = (BELT, ITEMS, DECISIONS)
_PATIENCE = 1_000_000_000  # [ns] that inputs may be received after the belt reading they go with


def replay(
    bag: Bag,
    changes: Changes,
    window: tuple[float, float] | None = None,
    progress: Callable[[int], None] = lambda stamp: None,
) -> Replayed:
    """Replay; `window` holds the seconds of the bag whose items are compared (all are replayed).

    Raises BagError for a bag that can't be replayed.
    """
    return _Replay(bag, changes, window).run(progress)


class _Replay:
    def __init__(self, bag: Bag, changes: Changes, window: tuple[float, float] | None) -> None:
        lacking = [topic for topic in NEEDED if topic not in bag.topics]
        if lacking:
            raise BagError(f"{bag.path}: no {', '.join(lacking)} in it: not enough to replay")
        self._bag = bag
        self._changes = changes
        self._window = window
        if changes.cell is None and INFO not in bag.topics:
            raise BagError(f"{bag.path}: no {INFO} in it: give the cell description with --cell")
        recorded = recorded_cell(bag) if INFO in bag.topics else None
        cell = changes.cell or recorded
        assert cell is not None
        self._result = Replayed(cell)
        # A cell that is told replaces the recorded recipe, and what was changed while it ran.
        told = changes.cell is not None or RECIPE not in bag.topics
        self._sorter = SorterReplay(cell, self._tuned(cell.recipe) if told else None)
        self._made_anew = changes.cell is not None
        self._belt = BeltReplay(cell)
        self._has_encoder = ENCODER in bag.topics
        self._has_barrier = BARRIER in bag.topics
        self._cropper = Cropper(cell, self._inside) if changes.engine else None
        self._recorded_verdicts: dict[int, Verdict] = {}
        self._ordered: set[int] = set()
        self._begun = False
        self._until = -1
        self._received = self._order_received = 0
        self._shots: defaultdict[int, list[tuple[Shot, int]]] = defaultdict(list)
        self._received_order: deque[Turn] = deque()

    def _tuned(self, recipe: Recipe) -> Recipe:
        threshold = self._changes.threshold
        return recipe if threshold is None else replace(recipe, threshold=threshold)

    def run(self, progress: Callable[[int], None]) -> Replayed:
        bag, result = self._bag, self._result
        handlers: dict[str, Callable[[Any], None]] = {
            BUNDLE: self._on_bundle,
            RECIPE: self._on_recipe,
            ENCODER: self._on_encoder,
            BARRIER: self._on_edge,
            BELT: self._on_reading,
            ITEMS: self._on_item,
            VERDICTS: self._on_verdict,
            READINGS: self._on_print,
            EVENTS: self._on_event,
            ARRIVALS: self._on_arrival,
            DECISIONS: self._on_decision,
            SHOTS: self._on_shot,
            TRUTH: self._on_truth,
        }
        if ORDER in bag.topics:
            handlers[ORDER] = lambda message: self._on_order(order_of(message))
        else:
            result.notes.append(
                f"no {ORDER} in the bag: inputs are taken in the order of receipt, which need not "
                "be the ejector's"
            )
            self._received_order = deque(order_of_receipt(bag))
        if self._cropper is not None:
            handlers |= {topic: partial(self._see, read) for topic, read in READERS.items()}
            if not bag.has_images:
                raise BagError(f"{bag.path}: no images in it: verdicts can't be made again")
        decode = bag.decode
        for received in bag.messages(handlers):
            self._received = received.stamp
            try:
                handlers[received.topic](decode(received))
            except BagError:
                raise
            except ValueError as error:
                result.notes.append(f"{received.topic}: a message is refused: {error}")
            progress(received.stamp)
        self._follow_received(None)
        self._take(self._sorter.finish())
        self._compare()
        if bag.damage:
            result.notes.insert(0, bag.damage)
        return result

    # What was recorded.

    def _on_bundle(self, message: Any) -> None:
        self._result.bundle_id = message.id

    def _on_recipe(self, message: Any) -> None:
        self._sorter.recipe(stamp_of(message.header.stamp), self._tuned(recipe_of(message)))

    def _on_encoder(self, message: Any) -> None:
        stamp = stamp_of(message.header.stamp)
        for recorded, made in self._belt.encoder(stamp, message.epoch, message.count):
            if recorded is not None:
                self._read(recorded, made)
            elif made is not None:
                # Stands in for one that the recorder has missed.
                self._sorter.belt(made)

    def _on_reading(self, message: Any) -> None:
        reading = reading_of(message)
        if not self._has_encoder or not self._made_anew:
            self._move(reading)
        if self._has_encoder:
            for recorded, made in self._belt.reading(reading):
                self._read(recorded, made)

    def _read(self, recorded: BeltReading, made: BeltReading | None) -> None:
        if made is not None:
            # Since when the belt is trusted was judged by more than the encoder.
            made = replace(made, trusted_since=recorded.trusted_since)
        if self._made_anew:
            self._move(recorded if made is None else made)
        elif self._belt.differs(recorded, made):
            self._result.differs(0, f"belt reading at {recorded.stamp} ns", recorded, made)

    def _move(self, reading: BeltReading) -> None:
        result = self._result
        result.first, result.last = result.first or reading.stamp, reading.stamp
        self._sorter.belt(reading)
        self._follow_received(reading.stamp - _PATIENCE)
        if self._cropper is not None:
            self._judge(self._cropper.reading(reading))

    def _on_edge(self, message: Any) -> None:
        stamp = stamp_of(message.header.stamp)
        self._explain(self._belt.edge(stamp, message.epoch, message.count, message.blocked))

    def _on_item(self, message: Any) -> None:
        item = item_of(message)
        if not self._has_barrier or not self._made_anew:
            self._enter(item)
        if self._has_barrier:
            self._explain(self._belt.item(item))

    def _explain(self, pair: tuple[Item, Item] | None) -> None:
        if pair is None:
            return
        recorded, made = pair
        if self._made_anew:
            self._enter(made)
        elif recorded != made:
            self._result.differs(recorded.id, "item", recorded, made)

    def _enter(self, item: Item) -> None:
        self._sorter.item(item)
        if self._cropper is not None:
            self._cropper.item(item)

    def _on_verdict(self, message: Any) -> None:
        verdict = verdict_of(message)
        self._recorded_verdicts.setdefault(verdict.image_stamp, verdict)
        if self._cropper is None or not self._inside(verdict.item_id):
            self._sorter.verdict(verdict)

    def _on_print(self, message: Any) -> None:
        self._sorter.print(print_of(message))

    def _see(self, read: Callable[[Any], images.Pixels], message: Any) -> None:
        if images.is_lossy(message) and self._changes.same_bundle:
            raise BagError(
                f"{self._bag.path}: images are recorded as {message.format!r}, with loss: verdicts "
                "made again from them are others; allowed: raw or png, or another --bundle"
            )
        assert self._cropper is not None
        stamp = stamp_of(message.header.stamp)
        self._judge(self._cropper.image(stamp, lambda: read(message)))

    def _judge(self, cropped: Iterator[Cropped]) -> None:
        engine = self._changes.engine
        assert engine is not None
        for crop in cropped:
            measured = engine.classify(crop.pixels)
            verdict = measured.verdict(
                crop.item_id, crop.stamp, engine.bundle.types, crop.offset, crop.clearance
            )
            self._result.judged[crop.item_id] = verdict
            self._sorter.verdict(verdict)

    def _on_event(self, message: Any) -> None:
        self._sorter.event(
            message.item_id, EjectResult(message.result), stamp_of(message.header.stamp)
        )

    def _on_arrival(self, message: Any) -> None:
        stamp = stamp_of(message.header.stamp)
        self._sorter.arrival(message.bin, stamp, message.epoch, message.count)

    def _on_decision(self, message: Any) -> None:
        decision = decision_of(message)
        if decision.item_id not in self._result.then:
            self._result.then[decision.item_id] = decision
            self._sorter.decided(decision)

    def _on_shot(self, message: Any) -> None:
        shot = shot_of(message)
        self._shots[shot.item_id].append((shot, self._received))

    def _on_truth(self, message: Any) -> None:
        self._result.truths[message.item_id] = message.type

    # What comes of it.

    def _on_order(self, batch: Batch) -> None:
        if not self._begun and batch.first:
            self._result.notes.append(
                "the bag begins while the cell runs: replayed from the first item after that"
            )
        self._begun = True
        self._order_received = self._received
        for kind, key in batch.inputs:
            if kind is Input.ITEM:
                self._ordered.add(key)
            elif kind is Input.BELT:
                self._until = key
        self._take(self._sorter.order(batch))

    def _take(self, results: Iterator[Decision | Shot | Missing]) -> None:
        for result in results:
            if isinstance(result, Decision):
                self._result.now[result.item_id] = result
            elif isinstance(result, Shot):
                self._result.shots_now.setdefault(result.item_id, []).append(result)
            elif not (self._made_anew and result.kind is Input.ITEM):
                self._result.missing.append(result)

    def _follow_received(self, until: int | None) -> None:
        """Take the turns of the order of receipt up to a belt reading; None: all."""
        turns = self._received_order
        while turns and (until is None or turns[0].reading <= until):
            turn = turns.popleft()
            self._on_order(Batch(turn.number, ((turn.kind, turn.key),)))

    def _can_tell(self, item_id: int) -> bool:
        """Whether all that decided an item lies in the recorded order."""
        if item_id not in self._ordered or not self._inside(item_id):
            return False
        then, now = self._result.then.get(item_id), self._result.now.get(item_id)
        if then is None:
            return now is not None and now.stamp < self._until
        if then.stamp <= self._sorter.since:
            return now is not None and now.stamp == then.stamp
        # On the last reading something may have come after the last piece of the order.
        return then.stamp < self._until or (then.stamp == self._until and now is not None)

    def _inside(self, item_id: int) -> bool:
        if self._window is None:
            return True
        first, last = self._window
        return first <= (item_id * 1000 - self._result.first) / NS < last

    def _compare(self) -> None:
        """Leave what is to be compared, and note what is not as it was."""
        result, changes = self._result, self._changes
        readings, items, unseen = self._belt.finish()
        if self._has_encoder and not self._made_anew:
            for reading in readings:
                if self._belt.differs(reading, None):
                    result.differs(0, f"belt reading at {reading.stamp} ns", reading, None)
        if self._has_barrier and not self._made_anew:
            for item in items:
                if item.id in self._ordered:
                    result.differs(item.id, "item", item, None)
        if self._made_anew and unseen:
            result.notes.append(f"{len(unseen)} items that only this cell sees have no verdict")

        # The recorder may hear the belt a moment later than the ejector does.
        result.missing = [
            one for one in result.missing if one.kind is not Input.BELT or one.key >= result.first
        ]
        compared = [item_id for item_id in {**result.now, **result.then} if self._can_tell(item_id)]
        left_out = [
            item_id
            for item_id, decision in result.then.items()
            if item_id not in compared and decision.stamp >= self._until
        ]
        if left_out:
            result.notes.append(
                f"{len(left_out)} items decided after the end of the recorded order: left out"
            )
        if changes.engine is not None and changes.same_bundle:
            for verdict in result.judged.values():
                recorded = self._recorded_verdicts.get(verdict.image_stamp)
                if recorded is not None and recorded != verdict:
                    result.differs(verdict.item_id, "verdict", recorded, verdict)
        result.compare(
            compared,
            {
                item_id: [
                    shot
                    for shot, received in self._shots[item_id]
                    if received <= self._order_received or shot in result.shots_now.get(item_id, ())
                ]
                for item_id in compared
                if item_id in self._shots
            },
        )
