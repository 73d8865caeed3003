"""A stand-in for the cell's nodes: says what a cell says, obeys as a supervisor and an ejector."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import rclpy
from messages import belt_state, item, verdict
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from std_srvs.srv import Trigger

from batsort_graph.image_bridge import to_message
from batsort_graph.topics import publisher
from batsort_interfaces.msg import BinState, BinStates, CellState, SortDecision
from batsort_nodes.ejector import Ejector
from batsort_panel.panel import Panel
from batsort_supervision.packml import Command, IllegalTransition, PackML, State, meant

CELL_FILE = Path(__file__).parents[3] / "config" / "cell.yaml"
PERIOD_S = 0.05


class Supervisor(Node):
    """The cell's state, its belt, bins and camera; one battery lies on the belt."""

    def __init__(self) -> None:
        super().__init__("stand_in")
        self.packml = PackML(State.EXECUTE)
        self.silent = False
        self.count = 0
        self.items_in = 100
        self._says = {
            name: publisher(self, name)
            for name in (
                "cell/state",
                "belt/state",
                "belt/items",
                "bins/state",
                "camera/image_raw",
                "classifications",
                "items/decisions",
            )
        }
        for button in (Command.START, Command.STOP, Command.HOLD, Command.RESET, Command.CLEAR):
            self.create_service(Trigger, f"cell/{button}", self._obey(button))
        self.create_timer(PERIOD_S, self.say)

    def _obey(self, button: Command) -> Any:
        def serve(_: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                self.packml.command(meant(button, self.packml.state))
            except IllegalTransition as error:
                response.message = str(error)
            else:
                while self.packml.acting:
                    self.packml.complete()
                response.success = True
                response.message = f"the cell is {self.packml.state}"
            return response

        return serve

    def say(self) -> None:
        if self.silent:
            return
        held = self.packml.state is State.HELD
        state = CellState(
            state=self.packml.state.value,
            reason="held by the operator" if held else "",
            cure="start the cell" if held else "",
            availability=0.97,
            performance=0.81,
            quality=0.99,
            oee=0.78,
        )
        self._tell("cell/state", state)
        if self.packml.state is State.EXECUTE:
            self.count += 250
            if self.count % 2500 == 0:
                self._judge()
        self._tell("belt/state", belt_state(self.count, 0.5))
        bin = BinState(name="duracell_alk", count=self.items_in, confirmed=self.items_in)
        self._tell("bins/state", BinStates(bins=[bin], items_in=self.items_in))

    def _judge(self) -> None:
        """One more battery, with its picture and verdict."""
        self.items_in += 1
        new = item(self.count)
        stamp = new.header.stamp
        image = to_message(np.full((480, 640, 3), 120, np.uint8))
        image.header.stamp = stamp
        judged = verdict(new.id, "Duracell_Alk", 0.93)
        judged.header.stamp = stamp
        judged.roi.x_offset, judged.roi.width = 200, 200
        judged.roi.y_offset, judged.roi.height = 100, 120
        decision = SortDecision(
            item_id=new.id, epoch=new.epoch, bin="duracell_alk", reason="sort", image_stamp=stamp
        )
        self._tell("belt/items", new)
        self._tell("camera/image_raw", image)
        self._tell("classifications", judged)
        self._tell("items/decisions", decision)

    def _tell(self, topic: str, message: Any) -> None:
        self._says[topic].publish(message)


class Cell:
    """A panel and its stand-in on one executor, in a thread of their own."""

    def __init__(self, folder: Path, *, port: int = 0) -> None:
        self.token_file = folder / "token"
        values = {
            "cell_file": CELL_FILE,
            "journal_dir": folder / "journal",
            "token_file": self.token_file,
            "port": port,
        }
        arguments = [part for n, v in values.items() for part in ("-p", f"{n}:={v}")]
        rclpy.init(args=["--ros-args", *arguments])
        self.executor = SingleThreadedExecutor()
        self.supervisor, self.ejector, self.panel = Supervisor(), Ejector(), Panel()
        for node in (self.supervisor, self.ejector, self.panel):
            self.executor.add_node(node)
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._ended = False
        self._thread.start()

    def _spin(self) -> None:
        while not self._ended:
            self.executor.spin_once(timeout_sec=0.1)

    @property
    def token(self) -> str:
        return self.token_file.read_text().strip()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.panel.server.port}"

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        for node in self.executor.get_nodes():
            node.destroy_node()
        self.executor.shutdown()
        rclpy.try_shutdown()


def wait(reached: Any, what: str, deadline_s: float = 20.0) -> None:
    """Until it is so; fails where it is not by the deadline."""
    deadline = time.monotonic() + deadline_s
    while not reached():
        assert time.monotonic() < deadline, f"did not happen in {deadline_s:g} s: {what}"
        time.sleep(0.02)
