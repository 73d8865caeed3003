"""Runs of a made-up cell, as the messages that a recorder would hear."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from batsort_bags.types import typestore
from batsort_core.belt import BeltReading, BeltTracker, ItemDetector
from batsort_core.cell import CellDescription, parse_cell
from batsort_core.chemistry import Chemistry
from batsort_core.decisions import Decision, Shot
from batsort_core.inputs import Batch, Input, InputLog
from batsort_core.items import EjectResult, Item, PrintReading, Verdict
from batsort_core.recipe import Recipe
from batsort_core.sorter import Sorter
from batsort_graph.from_messages import recipe_fields

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"
T0 = 1_800_000_000_000_000_000
EPOCH = 7
MS = 1_000_000
SPEED = 5000
"""Counts a second."""
STORE = typestore()


def cell() -> CellDescription:
    return parse_cell(yaml.safe_load(CELL_FILE.read_text()))


def made(name: str, **values: Any) -> Any:
    """A message of batsort_interfaces; what is not given is empty or 0."""
    return _made(f"batsort_interfaces/msg/{name}", values)


def _made(name: str, values: dict[str, Any]) -> Any:
    blanks: dict[str, Any] = {}
    for field_name, (kind, what) in STORE.fielddefs[name][1]:
        if field_name in values:
            continue
        if kind.name == "BASE":
            blanks[field_name] = {"string": "", "bool": False}.get(what[0], 0)
        elif kind.name == "NAME":
            blanks[field_name] = _made(what, {})
        else:
            blanks[field_name] = []
    return STORE.types[name](**blanks, **values)


def time(stamp: int) -> Any:
    return STORE.types["builtin_interfaces/msg/Time"](*divmod(stamp, 1_000_000_000))


def header(stamp: int) -> Any:
    return STORE.types["std_msgs/msg/Header"](time(stamp), "belt_link")


@dataclass
class Run:
    """A cell that runs at 0.5 m/s; `said` is what a recorder hears, with the moment of receipt."""

    cell: CellDescription = field(default_factory=cell)
    said: list[tuple[str, int, Any]] = field(default_factory=list)
    decisions: dict[int, Decision] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = T0
        self.items: list[Item] = []
        self.verdicts: list[Verdict] = []
        self.prints: list[PrintReading] = []
        self.recipe = self.cell.recipe
        self.sorter = Sorter(self.cell)
        self.log = InputLog()
        self.tracker = BeltTracker(self.cell.belt.metres_per_count, self.cell.belt.max_velocity)
        self.detector = ItemDetector(self.cell.items, self.cell.belt.metres_per_count)
        self.say("cell/info", made("CellInfo", description=CELL_FILE.read_text()))
        self.use(self.cell.recipe)

    def say(self, topic: str, message: Any) -> None:
        self.said.append((topic, self.now, message))

    def begin_anew(self) -> None:
        """The ejector died and is back; the latched items and verdicts are told it again."""
        self.flush()
        self.sorter, self.log = Sorter(self.cell), InputLog()
        self.use(self.recipe)
        self.sorter.restore(self.decisions.values())
        for item in self.items:
            self.note(Input.ITEM, item.id)
            self.act(self.sorter.on_item(item))
        for verdict in self.verdicts:
            self.note(Input.VERDICT, verdict.image_stamp)
            self.act(self.sorter.on_verdict(verdict))
        for reading in self.prints:
            self.note(Input.PRINT, reading.image_stamp)
            self.act(self.sorter.on_print(reading))

    def use(self, recipe: Recipe) -> None:
        self.recipe = recipe
        self.now += 1
        fields = recipe_fields(recipe)
        fields["weights"] = np.array(fields["weights"], np.float64)
        message = made("Recipe", header=header(self.now), **fields)
        self.say("ejector/recipe", message)
        self.note(Input.RECIPE, self.now)
        self.sorter.recipe = recipe

    def note(self, kind: Input, key: int) -> None:
        batch = self.log.note(kind, key)
        if batch is not None:
            self.tell(batch)

    def tell(self, batch: Batch) -> None:
        message = made(
            "InputOrder",
            header=header(self.now),
            first=batch.first,
            kinds=np.array([int(kind) for kind, _ in batch.inputs], np.uint8),
            keys=np.array([key for _, key in batch.inputs], np.uint64),
        )
        self.say("ejector/input_order", message)

    def flush(self) -> None:
        self.tell(self.log.take())

    def encoder(self, stamp: int, count: int, stated: bool) -> BeltReading:
        self.now = stamp
        message = made("EncoderCount", header=header(stamp), epoch=EPOCH, count=count)
        self.say("belt/encoder", message)
        reading = self.tracker.add(stamp, EPOCH, count)
        if stated:
            self.belt(reading)
        return reading

    def belt(self, reading: BeltReading) -> None:
        message = made(
            "BeltState",
            header=header(reading.stamp),
            epoch=reading.epoch,
            count=reading.count,
            position=reading.position,
            velocity=reading.velocity,
            moving=reading.moving,
        )
        self.say("belt/state", message)
        self.note(Input.BELT, reading.stamp)
        self.act(self.sorter.on_belt(reading))

    def edge(self, stamp: int, count: int, blocked: bool) -> Item | None:
        message = made(
            "BarrierEdge", header=header(stamp), epoch=EPOCH, count=count, blocked=blocked
        )
        self.say("belt/barrier", message)
        item = self.detector.on_edge(stamp, EPOCH, count, blocked)
        if item is not None:
            self.items.append(item)
            message = made(
                "BeltItem",
                header=header(item.stamp),
                id=item.id,
                epoch=item.epoch,
                count=item.count,
                position=item.count * self.cell.belt.metres_per_count,
                length=item.length,
            )
            self.say("belt/items", message)
            self.note(Input.ITEM, item.id)
            self.act(self.sorter.on_item(item))
        return item

    def judge(self, item: Item, kind: str, confidence: float) -> None:
        confidence = float(np.float32(confidence))
        types = list(self.cell.recipe.types)
        scores = np.full(len(types), (1 - confidence) / (len(types) - 1), np.float32)
        scores[types.index(kind)] = confidence
        message = made(
            "BatteryClassification",
            header=header(item.stamp),
            item_id=item.id,
            type=kind,
            confidence=confidence,
            novelty=0.5,
            types=types,
            scores=scores,
            offset=math.nan,
            clearance=math.inf,
        )
        self.say("classifications", message)
        verdict = Verdict(
            item.id,
            kind,
            confidence,
            0.5,
            item.stamp,
            dict(zip(types, map(float, scores), strict=True)),
        )
        self.verdicts.append(verdict)
        self.note(Input.VERDICT, item.stamp)
        self.act(self.sorter.on_verdict(verdict))

    def read(
        self,
        item: Item,
        chemistry: Chemistry | None,
        confidence: float,
        brand: str = "",
        may_be: tuple[Chemistry, ...] = (),
    ) -> None:
        confidence = float(np.float32(confidence))
        message = made(
            "PrintReading",
            header=header(item.stamp),
            item_id=item.id,
            chemistry=chemistry or "",
            confidence=confidence,
            voltage=math.nan,
            brand=brand,
            text="3.7 V",
            brand_confidence=confidence,
            chemistries=list(may_be),
        )
        self.say("readings", message)
        reading = PrintReading(
            item.id,
            item.stamp,
            chemistry,
            confidence,
            brand=brand,
            text="3.7 V",
            brand_confidence=confidence,
            chemistries=may_be,
        )
        self.prints.append(reading)
        self.note(Input.PRINT, item.stamp)
        self.act(self.sorter.on_print(reading))

    def over(self, item_id: int, result: EjectResult) -> None:
        message = made(
            "EjectEvent", header=header(self.now), item_id=item_id, epoch=EPOCH, result=result.value
        )
        self.say("ejector/events", message)
        self.note(Input.EVENT, item_id)
        self.act(self.sorter.on_eject_event(item_id, result, self.now))

    def act(self, results: Iterable[Decision | Shot]) -> None:
        for result in results:
            if isinstance(result, Decision):
                self.decisions[result.item_id] = result
                judged = result.verdict
                message = made(
                    "SortDecision",
                    header=header(result.stamp),
                    item_id=result.item_id,
                    epoch=result.epoch,
                    bin=result.bin,
                    reason=result.reason.value,
                    decided_count=result.decided_count,
                    image_stamp=time(judged.image_stamp if judged else 0),
                    type=judged.type if judged else "",
                    confidence=judged.confidence if judged else 0.0,
                    novelty=judged.novelty if judged else 0.0,
                )
                self.say("items/decisions", message)
            else:
                message = made(
                    "EjectCommand",
                    header=header(self.now),
                    item_id=result.item_id,
                    epoch=result.epoch,
                    valve=result.valve,
                    action=0 if result.fire else 1,
                    target_count=result.target_count,
                    lead_s=result.lead_s,
                    pulse_s=result.pulse_s,
                )
                self.say("ejector/commands", message)


def sorted_run(seed: int, items: int = 8, restart: bool = False, veto: bool = False) -> Run:
    """Items at random distances, with verdicts of random types and delays; some get none.

    With a `veto` print has one, and most of the items are read, some too late.
    """
    rng = random.Random(seed)
    run = Run()
    print_rng = random.Random(f"print {seed}")
    rule = run.cell.recipe.print
    if veto and rule is not None:
        run.use(replace(run.cell.recipe, print=replace(rule, veto=True, novelty=0.5)))
    read: list[tuple[int, Item]] = []
    types = list(run.cell.recipe.types)
    edges: list[tuple[int, bool]] = []
    count = 500
    for _ in range(items):
        length = rng.randint(420, 520)
        edges += [(count, True), (count + length, False)]
        count += length + rng.choice([60, 400, 900, 1500])
    due: list[tuple[int, Item]] = []
    fired: list[tuple[int, int]] = []
    end = count + run.cell.counts(run.cell.others.distance) + 500
    for tick in range(end * 100 // SPEED):
        stamp, at = T0 + (tick + 1) * 10 * MS, tick * SPEED // 100
        run.encoder(stamp, at, stated=tick % 2 == 0)
        while edges and edges[0][0] <= at:
            where, blocked = edges.pop(0)
            passed = T0 + 10 * MS + where * 1_000_000_000 // SPEED
            item = run.edge(passed, where, blocked)
            if item is not None and rng.random() < 0.9:
                # From at once to after the last ejector.
                due.append((stamp + rng.choice([0, 200, 200, 600, 600, 1500, 9000]) * MS, item))
            if item is not None and veto and print_rng.random() < 0.9:
                read.append((stamp + print_rng.choice([100, 300, 700, 1500, 4000]) * MS, item))
        for moment, item in [one for one in read if one[0] <= stamp]:
            read.remove((moment, item))
            chemistry = print_rng.choice([None, Chemistry.ALKALINE, Chemistry.LI_ION])
            brand = print_rng.choice(["", "", "Duracell", "KLARUS"])
            may_be = print_rng.choice([(), (Chemistry.LITHIUM, Chemistry.LI_ION)])
            run.read(
                item,
                chemistry,
                print_rng.choice([0.5, 0.95]),
                brand,
                () if chemistry else may_be,
            )
        for moment, item in [one for one in due if one[0] <= stamp]:
            due.remove((moment, item))
            run.judge(item, rng.choice(types), rng.choice([0.3, 0.81, 0.9, 0.999]))
            decision = run.decisions.get(item.id)
            if decision is not None and decision.reason == "sort":
                fired.append((stamp + 400 * MS, item.id))
        for moment, item_id in [one for one in fired if one[0] <= stamp]:
            fired.remove((moment, item_id))
            run.over(item_id, rng.choice(list(EjectResult)))
        if restart and tick == end * 40 // SPEED:
            run.begin_anew()
    run.flush()
    return run


def write(
    folder: Path,
    said: Sequence[tuple[str, int, Any]],
    prefix: str = "/",
    storage: StoragePlugin = StoragePlugin.MCAP,
    compression: CompressionMode = CompressionMode.NONE,
) -> Path:
    """A bag of messages, as other recorders write one."""
    writer = Writer(folder, version=9, storage_plugin=storage)
    writer.set_compression(compression, CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, stamp, message in said:
            kind = message.__msgtype__
            if topic not in connections:
                connections[topic] = writer.add_connection(
                    f"{prefix}{topic}", kind, typestore=STORE
                )
            writer.write(connections[topic], stamp, STORE.serialize_cdr(message, kind))
    return folder
