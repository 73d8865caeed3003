"""Node `panel`: shows the cell in a browser, and hands on what an operator asks for."""

from __future__ import annotations

import asyncio
import os
import queue
import secrets
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter
from rclpy.task import Future as RosFuture
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from batsort_core.recent import Recent
from batsort_core.recipe_edit import RecipeEdit
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.from_messages import (
    decision_of,
    item_of,
    reading_of,
    recipe_of,
    settled_of,
    stamp_of,
    verdict_of,
)
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.journal import home_folder
from batsort_graph.run import run
from batsort_graph.topics import DIAGNOSTICS, subscription
from batsort_interfaces.msg import BatteryClassification
from batsort_interfaces.srv import AssignTypes, NewBag
from batsort_panel.document import Document
from batsort_panel.guard import Command, Guard, Kind, Refusal, url
from batsort_panel.picture import picture
from batsort_panel.server import ListenError, Server

PARAMETERS = (
    CELL_FILE,
    Parameter("host", "127.0.0.1", "Address to listen on; others than this machine need a token."),
    Parameter("port", 8088, "Port to listen on; 0: any that is free.", 0, 65535),
    Parameter(
        "also_called",
        "",
        "Other names that browsers call this machine by, as name:port, with commas.",
    ),
    Parameter(
        "token_file",
        "",
        "File for the token of commands; empty: panel.token in this cell's folder under "
        "ROS_HOME (~/.ros).",
    ),
    Parameter("rate", 10.0, "Updates a second at most [Hz].", 1.0, 20.0),
)
BELT, CAMERA = "belt/state", "camera/image_raw"
"""Heard only while a browser shows them."""
HEARD = (
    "cell/state",
    "cell/estop",
    "belt/items",
    "classifications",
    "items/decisions",
    "items/outcomes",
    "ejector/events",
    "ejector/recipe",
    "bins/state",
)
"""Always."""
MOST_WAITING = 32
"""Questions to the cell that may wait for the node."""
ANSWER_S = 5.0
IMAGES = 8
"""Images and verdicts kept until the other comes."""


class Panel(Node):
    """ROS runs in the thread of its executor, the server in its own; `_asked` lies between."""

    def __init__(self) -> None:
        super().__init__("panel")
        declare(self, PARAMETERS)
        self._document = Document(load_cell(self._parameter("cell_file")))
        self._browsers = self._pictures = 0
        self._belt: Any = None
        self._camera: Any = None
        self._images: Recent[Image] = Recent(IMAGES)
        self._verdicts: Recent[BatteryClassification] = Recent(IMAGES)
        self._asked: queue.Queue[tuple[Callable[[], Any], Future[Any]]] = queue.Queue(MOST_WAITING)
        self._wake = self.create_guard_condition(self._answer)
        self._offered = {
            **{
                f"cell/{kind}": self.create_client(Trigger, f"cell/{kind}")
                for kind in Kind
                if kind not in (Kind.RECIPE, Kind.NEW_BAG)
            },
            "bins/new_bag": self.create_client(NewBag, "bins/new_bag"),
            "ejector/assign_types": self.create_client(AssignTypes, "ejector/assign_types"),
            "ejector/set_parameters_atomically": self.create_client(
                SetParametersAtomically, "ejector/set_parameters_atomically"
            ),
        }
        self._listen()
        self._heartbeat = Heartbeat(self, self._health)
        self.server = Server(
            self, self._parameter("host"), self._parameter("port"), self._make_guard
        )
        try:
            self.server.start()
        except ListenError as error:
            where = f"{self._parameter('host')}:{self._parameter('port')}"
            raise ConfigurationError(
                f"host, port: {where} is refused ({error}); allowed: an address of this "
                "machine and a port that is free"
            ) from None
        self.create_timer(
            1.0 / self._parameter("rate"),
            self._publish,
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )

    def destroy_node(self) -> None:
        self.server.stop()
        super().destroy_node()

    def _parameter(self, name: str) -> Any:
        return self.get_parameter(name).value

    def _make_guard(self, port: int) -> Guard:
        token = secrets.token_urlsafe(32)
        path = Path(self._parameter("token_file") or home_folder(self) / "panel.token").expanduser()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(path, flags, 0o600), "w", encoding="ascii") as file:
                file.write(f"{token}\n")
        except OSError as error:
            raise ConfigurationError(
                f"token_file: {str(path)!r} can't be written ({error.strerror}); allowed: a file"
            ) from None
        # Not into the ROS log, which others may read.
        print(f"panel: {url(self._parameter('host'), port)}/#token={token}", flush=True)
        names = tuple(filter(None, self._parameter("also_called").split(",")))
        return Guard(token, self._parameter("host"), port, tuple(name.strip() for name in names))

    def _listen(self) -> None:
        document = self._document
        prefix = f"{self.get_namespace().rstrip('/')}/"

        def on_diagnostics(message: DiagnosticArray) -> None:
            now, wall = time.monotonic(), time.time()
            for status in message.status:
                name = status.name.partition(":")[0]
                if name.startswith(prefix):
                    level = int.from_bytes(status.level, "little")
                    document.on_node(name.removeprefix(prefix), level, status.message, now, wall)

        for topic, take in {
            "cell/state": lambda m: document.on_cell(m, time.monotonic(), time.time()),
            "cell/estop": lambda m: document.on_estop(m, time.time()),
            "belt/items": lambda m: document.on_item(item_of(m)),
            "classifications": self._on_verdict,
            "items/decisions": lambda m: document.on_decision(decision_of(m)),
            "items/outcomes": lambda m: document.on_outcome(
                settled_of(m), time.monotonic(), time.time()
            ),
            "ejector/events": document.on_event,
            "ejector/recipe": lambda m: document.on_recipe(recipe_of(m), time.time()),
            "bins/state": lambda m: document.on_bins(m, time.time()),
        }.items():
            subscription(self, topic, take)
        self.create_subscription(DIAGNOSTICS.type, DIAGNOSTICS.name, on_diagnostics, 10)

    def _on_verdict(self, message: BatteryClassification) -> None:
        self._document.on_verdict(verdict_of(message))
        self._verdicts.add(stamp_of(message.header.stamp), message)
        self._show(stamp_of(message.header.stamp))

    def _on_image(self, message: Image) -> None:
        self._images.add(stamp_of(message.header.stamp), message)
        self._show(stamp_of(message.header.stamp))

    def _show(self, stamp: int) -> None:
        """Either of the two may come first."""
        if stamp in self._images and stamp in self._verdicts:
            self.server.show(partial(picture, self._images.pop(stamp), self._verdicts.pop(stamp)))

    def _publish(self) -> None:
        """What takes work is heard only while somebody looks."""
        self._belt = self._only_while(
            self._browsers,
            self._belt,
            BELT,
            lambda m: self._document.on_belt(reading_of(m), time.monotonic()),
        )
        self._camera = self._only_while(self._pictures, self._camera, CAMERA, self._on_image)
        if self._browsers:
            self.server.publish(self._document.changes(time.monotonic()))

    def _only_while(
        self, wanted: int, present: Any, topic: str, take: Callable[[Any], None]
    ) -> Any:
        if wanted and present is None:
            return subscription(self, topic, take)
        if not wanted and present is not None:
            self.destroy_subscription(present)
            return None
        return present

    def _health(self) -> Health:
        return Health({"browsers": self._browsers, "looking at pictures": self._pictures})

    # From here on: asked by the server, in its thread.

    def looked_at(self, browsers: int, pictures: int) -> None:
        self._browsers, self._pictures = browsers, pictures

    def refused(self, command: str, peer: str, reason: str) -> None:
        try:
            future = self._ask(partial(self._log, f"{command} by {peer} refused: {reason}"))
        except Refusal:
            return
        future.add_done_callback(lambda done: done.exception())

    async def preview(self, edit: RecipeEdit) -> Mapping[str, Any]:
        return asdict(await self._on_ros(partial(self._document.preview, edit)))

    async def obey(self, command: Command, peer: str) -> str:
        await self._on_ros(partial(self._check, command))
        if command.command is Kind.RECIPE:
            assert command.recipe is not None
            done = await self._change_recipe(command.recipe)
        elif command.command is Kind.NEW_BAG:
            done = await self._call("bins/new_bag", NewBag.Request(bin=command.bin))
        else:
            done = await self._call(f"cell/{command.command}", Trigger.Request())
        await self._on_ros(partial(self._log, f"{command.command} by {peer}: {done}"))
        return done

    async def _change_recipe(self, edit: RecipeEdit) -> str:
        before = self._document.recipe
        after = await self._on_ros(partial(self._document.edited, edit))
        said = []
        limits = [
            RosParameter(name, value=value)
            for name, value in (
                ("threshold", after.threshold),
                ("novelty_limit", after.novelty_limit),
            )
            if value != getattr(before, name)
        ]
        if limits:
            request = SetParametersAtomically.Request(
                parameters=[limit.to_parameter_msg() for limit in limits]
            )
            await self._call("ejector/set_parameters_atomically", request)
            said += [f"{limit.name} is {limit.value:g}" for limit in limits]
        for bin, types in edit.assignments(before).items():
            request = AssignTypes.Request(bin=bin, types=types)
            said.append(await self._call("ejector/assign_types", request))
        return "; ".join(said) or "nothing to change"

    async def _call(self, name: str, request: Any) -> str:
        """Call a service of the cell and say what came of it. Raises Refusal."""

        def call() -> RosFuture:
            client = self._offered[name]
            if not client.service_is_ready():
                raise Refusal(503, f"{name}: nobody offers it; the cell is not there")
            return client.call_async(request)

        answer = await self._on_ros(call)
        answer = getattr(answer, "result", answer)
        said = getattr(answer, "message", "") or getattr(answer, "reason", "")
        if not (answer.success if hasattr(answer, "success") else answer.successful):
            raise Refusal(409, said)
        return said

    async def _on_ros(self, function: Callable[[], Any]) -> Any:
        """What a function gives that runs in the executor's thread. Raises Refusal, as it does."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._ask(function)), ANSWER_S)
        except TimeoutError:
            raise Refusal(504, f"no answer from the cell in {ANSWER_S:g} s") from None

    def _ask(self, function: Callable[[], Any]) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            self._asked.put_nowait((function, future))
        except queue.Full:
            raise Refusal(
                503, f"requests: {MOST_WAITING} wait for the cell; allowed: no more"
            ) from None
        self._wake.trigger()
        return future

    # From here on: in the executor's thread again.

    def _answer(self) -> None:
        while not self._asked.empty():
            function, future = self._asked.get()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                result = function()
            except (Refusal, ValueError) as error:
                future.set_exception(error)
                continue
            if isinstance(result, RosFuture):
                result.add_done_callback(lambda done, f=future: f.set_result(done.result()))
            else:
                future.set_result(result)

    def _check(self, command: Command) -> None:
        now = time.monotonic()
        if not self._document.heard(now):
            raise Refusal(503, f"{command.command}: the cell is not heard")
        if command.command in (Kind.RECIPE, Kind.NEW_BAG):
            return
        legal = self._document.buttons(now)
        if command.command.value not in legal:
            allowed = ", ".join(legal) or "nothing"
            raise Refusal(409, f"{command.command}: not in this state; allowed: {allowed}")

    def _log(self, text: str) -> None:
        self.get_logger().info(text)
        self._document.log(time.time(), "command", text)


def main() -> None:
    sys.exit(run(Panel))
