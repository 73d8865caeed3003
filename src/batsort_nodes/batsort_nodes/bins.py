"""Node `bins`: what became of each item; it counts, confirms and balances."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable

from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from batsort_core.balance import Settled
from batsort_core.bins import BinCounter
from batsort_core.cell import CellError
from batsort_core.flow import Flow
from batsort_core.items import EjectResult
from batsort_core.trouble import Trouble
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_files.schema import FieldError
from batsort_graph.configuration import CELL_FILE, declare
from batsort_graph.from_messages import decision_of, item_of, reading_of, stamp_of
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.journal import JOURNAL_DIR, Journal
from batsort_graph.run import run
from batsort_graph.to_messages import balance_message, outcome_message
from batsort_graph.topics import TOPICS, publisher, service, subscription
from batsort_interfaces.msg import (
    BeltItem,
    BeltState,
    BinArrival,
    CellState,
    EjectEvent,
    SortDecision,
)
from batsort_interfaces.srv import NewBag
from batsort_supervision.packml import State, looked_at

PARAMETERS = (CELL_FILE, JOURNAL_DIR)
STATE_PERIOD_S = 1.0
"""bins/state is sent on change, and again after this time for whoever plots it."""


class Bins(Node):
    """Feeds the core's bin counter; what it says is in the journal before it is published."""

    def __init__(self) -> None:
        super().__init__("bins")
        declare(self, PARAMETERS)
        self._counter = BinCounter(load_cell(self.get_parameter("cell_file").value))
        self._journal = Journal(self)
        self._came, self._settled = Flow("arrivals"), Flow("outcomes")
        self._outcomes = publisher(self, "items/outcomes")
        self._states = publisher(self, "bins/state")
        self._restore()
        self._heartbeat = Heartbeat(self, self._health)
        subscription(self, "belt/items", self._on_item)
        subscription(self, "items/decisions", self._on_decision)
        subscription(self, "ejector/events", self._on_event)
        subscription(self, "bins/arrivals", self._on_arrival)
        subscription(self, "belt/state", self._on_belt)
        subscription(self, "cell/state", self._on_cell)
        service(self, "bins/new_bag", self._new_bag)
        self.create_timer(
            STATE_PERIOD_S, self._publish_state, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )
        self._publish_state()

    def _restore(self) -> None:
        try:
            settled = self._counter.restore(self._journal)
        except (FieldError, CellError) as error:
            raise ConfigurationError(
                f"journal_dir: the journal of bins is of another cell ({error}); "
                "allowed: one of this cell, or a new folder"
            ) from None
        for outcome in settled[-TOPICS["items/outcomes"].depth :]:
            # A restart may have come between the journal and the topic; receivers know the others.
            self._outcomes.publish(outcome_message(outcome))
        self._journal.replace(self._counter.snapshot())

    def _on_item(self, message: BeltItem) -> None:
        self._settle(self._counter.on_item(item_of(message)))

    def _on_decision(self, message: SortDecision) -> None:
        self._settle(self._counter.on_decision(decision_of(message)))

    def _on_event(self, message: EjectEvent) -> None:
        self._settle(
            self._counter.on_eject_event(
                message.item_id,
                EjectResult(message.result),
                stamp_of(message.header.stamp),
                message.actual_count,
            )
        )

    def _on_arrival(self, message: BinArrival) -> None:
        self._came.passed(time.monotonic())
        stamp = stamp_of(message.header.stamp)
        self._settle(self._counter.on_arrival(message.bin, stamp, message.epoch, message.count))

    def _on_belt(self, message: BeltState) -> None:
        self._settle(self._counter.on_belt(reading_of(message)))

    def _settle(self, settled: Iterable[Settled]) -> None:
        records, settled = self._counter.drain(), list(settled)
        if not records:
            return

        def publish() -> None:
            for outcome in settled:
                self._settled.passed(time.monotonic())
                self._outcomes.publish(outcome_message(outcome))
            self._publish_state()

        self._journal.append(records, publish)
        self._journal.shorten(self._counter.snapshot)
        self._heartbeat.tell(self._trouble())

    def _new_bag(self, request: NewBag.Request, response: NewBag.Response) -> NewBag.Response:
        try:
            response.count = self._counter.new_bag(request.bin)
        except CellError as error:
            response.message = str(error)
        else:
            self._settle(())
            response.success = True
            response.message = f"{request.bin} has a new bag"
        self.get_logger().info(f"new_bag: {response.message}")
        return response

    def _on_cell(self, message: CellState) -> None:
        if looked_at(State(message.state)):
            self._counter.acknowledge()

    def _trouble(self) -> Trouble | None:
        return self._journal.trouble or self._counter.trouble

    def _publish_state(self) -> None:
        if self._journal.trouble:
            return
        message = balance_message(self._counter.balance)
        message.header.stamp = self.get_clock().now().to_msg()
        self._states.publish(message)

    def _health(self) -> Health:
        balance = self._counter.balance
        values = {
            "items in": balance.items_in,
            "on belt": balance.on_belt,
            "unexpected": balance.unexpected,
            **{outcome.value: count for outcome, count in balance.outcomes.items() if count},
        }
        for bin in balance.bins:
            fill = f"{bin.in_bag} of {bin.capacity}" if bin.capacity else f"{bin.in_bag}"
            values[f"bin {bin.name}"] = f"{fill} in the bag, {bin.missing} missing"
        return Health(values, fault=self._trouble(), flows=(self._came, self._settled))


def main() -> None:
    sys.exit(run(Bins))
