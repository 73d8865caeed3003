"""Node `ejector`: items and verdicts in, one decision per item and the shots of the valves out."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from rclpy.parameter import Parameter as RosParameter

from batsort_core.decisions import Decision, Shot
from batsort_core.flow import Flow
from batsort_core.inputs import Batch, Input, InputLog
from batsort_core.items import EjectResult
from batsort_core.print_tally import Reading
from batsort_core.recipe import Recipe, RecipeError
from batsort_core.sorter import REMEMBERED, Sorter
from batsort_core.trouble import Trouble
from batsort_core.valve_timing import ValveTiming
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_files.schema import FieldError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import item_of, print_of, reading_of, stamp_of, verdict_of
from batsort_graph.heartbeat import Health
from batsort_graph.journal import JOURNAL_DIR, Journal
from batsort_graph.managed import ManagedNode
from batsort_graph.run import run
from batsort_graph.to_messages import (
    decision_message,
    order_message,
    recipe_message,
    shot_message,
    time_of,
)
from batsort_graph.topics import TOPICS, publisher, service
from batsort_interfaces.msg import (
    BatteryClassification,
    BeltItem,
    BeltState,
    BinArrival,
    CellState,
    EjectEvent,
    PrintReading,
)
from batsort_interfaces.srv import AssignTypes
from batsort_supervision.packml import State, looked_at

PARAMETERS = (CELL_FILE, JOURNAL_DIR)
ABORT = (State.ABORTING.value, State.ABORTED.value)


def recipe_parameters(recipe: Recipe) -> tuple[Parameter, ...]:
    """The limits of the recipe that can be tuned while the cell runs; defaults as described."""
    return (
        Parameter(
            "threshold",
            recipe.threshold,
            "Least confidence to be blown out; default: recipe.threshold of the cell.",
            0.0,
            1.0,
            read_only=False,
        ),
        Parameter(
            "novelty_limit",
            recipe.novelty_limit,
            "Novelty above which a type is unknown; default: recipe.novelty_limit of the cell.",
            0.0,
            100.0,
            read_only=False,
        ),
        Parameter(
            "print_veto",
            recipe.print is not None and recipe.print.veto,
            "Whether items wait for their readings, which can keep them from being sorted; "
            "default: recipe.print.veto of the cell.",
        ),
    )


class Ejector(ManagedNode):
    """Feeds the core's sorter and hands on what it decides."""

    def __init__(self) -> None:
        super().__init__("ejector")
        declare(self, PARAMETERS)
        self._journal: Journal | None = None
        self._sorter: Sorter | None = None
        self._log = InputLog()
        self._latest = 0
        self._recipe_stamp = 0
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._recipe = self._cell.recipe
        self._known_types = set(self._recipe.types)
        self._recipes = publisher(self, "ejector/recipe")
        self._orders = publisher(self, "ejector/input_order")
        declare(self, recipe_parameters(self._recipe))
        self._recipe = self._with_veto(self.get_parameter("print_veto").value)
        self._tune(self.get_parameters(["threshold", "novelty_limit"]))
        self.add_post_set_parameters_callback(self._tune)
        self._refused = 0
        self._heard, self._decided, self._fired = (
            Flow("verdicts"),
            Flow("decisions"),
            Flow("shots fired"),
        )
        self._reasons: Counter[str] = Counter()
        self._shots: Counter[str] = Counter()
        self._decisions = publisher(self, "items/decisions")
        self._commands = publisher(self, "ejector/commands")
        service(self, "ejector/assign_types", self._assign_types)
        self.start_heartbeat(self._health)

    def configure(self) -> None:
        self._journal = Journal(self, newest=REMEMBERED)

    def activate(self) -> None:
        try:
            decided = [Decision.from_record(record) for record in self._journal]
        except FieldError as error:
            raise ConfigurationError(
                f"journal_dir: the journal of ejector is of another version ({error}); "
                "allowed: one of this version, or a new folder"
            ) from None
        self._sorter = Sorter(self._cell)
        self._log = InputLog()
        self._use(self._recipe)
        self._sorter.restore(decided)
        for decision in decided[-TOPICS["items/decisions"].depth :]:
            # A restart may have come between the journal and the topic; receivers know the others.
            self._decisions.publish(decision_message(decision))
        self.listen("belt/items", self._on_item)
        self.listen("belt/state", self._on_belt)
        self.listen("classifications", self._on_verdict)
        if self._recipe.print is not None and self._recipe.print.veto:
            self.listen("readings", self._on_print)
        self.listen("ejector/events", self._on_event)
        self.listen("bins/arrivals", self._on_arrival)
        self.listen("cell/state", self._on_cell)

    def cleanup(self) -> None:
        self._tell(self._log.take())
        self._journal.close()
        self._journal = self._sorter = None

    def _on_item(self, message: BeltItem) -> None:
        item = item_of(message)
        self._note(Input.ITEM, item.id)
        self._act(self._sorter.on_item(item))

    def _on_belt(self, message: BeltState) -> None:
        reading = reading_of(message)
        self._latest = reading.stamp
        self._note(Input.BELT, reading.stamp)
        self._act(self._sorter.on_belt(reading))

    def _on_verdict(self, message: BatteryClassification) -> None:
        try:
            verdict = verdict_of(message)
        except FieldError as error:
            self._refused += 1
            self.get_logger().warning(f"classifications: {error}", throttle_duration_sec=1.0)
            return
        self._heard.passed(time.monotonic())
        self._known_types.update(message.types)
        self._note(Input.VERDICT, verdict.image_stamp)
        self._act(self._sorter.on_verdict(verdict))

    def _on_print(self, message: PrintReading) -> None:
        reading = print_of(message)
        self._note(Input.PRINT, reading.image_stamp)
        self._act(self._sorter.on_print(reading))

    def _on_event(self, message: EjectEvent) -> None:
        result = EjectResult(message.result)
        if result is EjectResult.FIRED:
            self._fired.passed(time.monotonic())
        else:
            self._shots[message.result] += 1
        self._note(Input.EVENT, message.item_id)
        stamp = stamp_of(message.header.stamp)
        self._act(self._sorter.on_eject_event(message.item_id, result, stamp))

    def _on_arrival(self, message: BinArrival) -> None:
        stamp = stamp_of(message.header.stamp)
        self._note(Input.ARRIVAL, stamp)
        self._act(self._sorter.on_arrival(message.bin, stamp, message.epoch, message.count))

    def _on_cell(self, message: CellState) -> None:
        stamp = stamp_of(message.header.stamp)
        if message.state in ABORT:
            self._note(Input.CANCEL_ALL, stamp)
            self._act(self._sorter.cancel_all())
        if self._sorter.trouble is not None and looked_at(State(message.state)):
            self._note(Input.ACKNOWLEDGE, stamp)
            self._act(self._sorter.acknowledge())

    def _note(self, kind: Input, key: int) -> None:
        batch = self._log.note(kind, key)
        if batch is not None:
            self._tell(batch)

    def _tell(self, batch: Batch) -> None:
        if batch.inputs:
            self._orders.publish(order_message(batch, self._latest))

    def _act(self, results: Iterable[Decision | Shot]) -> None:
        results = list(results)
        if results:
            records = [result.to_record() for result in results if isinstance(result, Decision)]
            self._journal.append(records, lambda: self._hand_on(results))
        self.tell(self._trouble())

    def _trouble(self) -> Trouble | None:
        if self._journal is None or self._sorter is None:
            return None
        return self._journal.trouble or self._sorter.trouble

    def _hand_on(self, results: Iterable[Decision | Shot]) -> None:
        for result in results:
            if isinstance(result, Decision):
                self._decided.passed(time.monotonic())
                self._reasons[result.reason.value] += 1
                self._decisions.publish(decision_message(result))
            else:
                self._commands.publish(shot_message(result, self.get_clock().now().to_msg()))

    def _with_veto(self, veto: bool) -> Recipe:
        """Raises ConfigurationError."""
        rule = self._recipe.print
        if rule is None and veto:
            raise ConfigurationError(
                "print_veto: True is refused; allowed: False, since the cell description has no "
                "recipe.print"
            )
        return replace(self._recipe, print=rule and replace(rule, veto=veto))

    def _tune(self, parameters: list[RosParameter]) -> None:
        changes = {
            parameter.name: parameter.value
            for parameter in parameters
            if parameter.name in ("threshold", "novelty_limit")
        }
        self._use(replace(self._recipe, **changes))

    def _use(self, recipe: Recipe) -> None:
        self._recipe = recipe
        # The stamp is its name: no two recipes share one, whatever the clock does.
        stamp = max(self.get_clock().now().nanoseconds, self._recipe_stamp + 1)
        self._recipe_stamp = stamp
        self._recipes.publish(recipe_message(recipe, time_of(stamp)))
        if self._sorter is not None:
            self._sorter.recipe = recipe
            self._note(Input.RECIPE, stamp)

    def _assign_types(
        self, request: AssignTypes.Request, response: AssignTypes.Response
    ) -> AssignTypes.Response:
        bins = [bin.name for bin in self._cell.bins]
        try:
            recipe = self._recipe.assign(
                request.bin, request.types, sorted(self._known_types), bins
            )
        except RecipeError as error:
            response.message = str(error)
        else:
            self._use(recipe)
            response.success = True
            response.message = f"{', '.join(request.types)} now go to {request.bin}"
        self.get_logger().info(f"assign_types: {response.message}")
        return response

    def _health(self) -> Health:
        values = {f"decided {reason}": count for reason, count in sorted(self._reasons.items())}
        values |= {f"shots {result}": count for result, count in sorted(self._shots.items())}
        values |= {
            "threshold": self._recipe.threshold,
            "novelty limit": self._recipe.novelty_limit,
            "verdicts refused": self._refused,
        }
        values |= {
            f"weight {type}": weight for type, weight in (self._recipe.weights or {}).items()
        }
        warnings: list[str] = []
        if self._sorter is not None:
            values["items undecided"] = self._sorter.undecided
            if self._recipe.print is not None and self._recipe.print.veto:
                values |= {
                    f"print {one}": self._sorter.print_tally.readings[one] for one in Reading
                }
                values["print read too late"] = self._sorter.print_tally.late
            values["slip"] = f"{self._sorter.aiming.slip.slip:+.2%}"
            values |= self._valves(self._sorter.aiming.timing)
            warnings = self._sorter.warnings
        flows = (self._heard, self._decided, self._fired)
        return Health(values, "; ".join(warnings), self._trouble(), flows)

    def _valves(self, timing: ValveTiming) -> dict[str, str]:
        """The lead that each valve is commanded with, and how its delay has drifted."""
        return {
            f"valve {bin.valve}": f"lead {1e3 * timing.lead_s(bin.valve):.1f} ms, "
            f"drift {1e3 * timing.lag_s(bin.valve):+.1f} ms"
            for bin in self._cell.ejectors
        }


def main() -> None:
    sys.exit(run(Ejector))
