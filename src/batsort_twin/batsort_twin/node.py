"""The ROS node `twin`: messages to the simulated cell and back; nothing is simulated here.

Simulated time follows a steady clock; every stamp is start + steps, never the moment of publishing.
"""

import math
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from batsort_core.firing import ShotEnd
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError
from batsort_files.schema import FieldError
from batsort_graph.backend import EVENTS, shot_since
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.heartbeat import Health, Heartbeat
from batsort_graph.image_bridge import to_message
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import REPAIR, publisher, subscription
from batsort_interfaces.msg import (
    BeltCommand,
    CaptureRequest,
    CellState,
    EjectCommand,
    EjectEvent,
    EStop,
    ItemTruth,
    TwinFault,
)
from batsort_twin.clock import STEP_NS
from batsort_twin.events import EStopSwitched, Event, FaultSwitched, Frame, Truth
from batsort_twin.options import ENCODER_BITS, RANGES, TwinError, TwinOptions
from batsort_twin.photos import PhotoError, PhotoLibrary
from batsort_twin.scenario import ScenarioError, read_scenario
from batsort_twin.sim import Twin

PERIOD_S = 0.005
BATCH_NS = 50_000_000
"""Most that is simulated before messages are taken again."""
CATCH_UP = 1.25
"""Times real time at most, after the machine was too slow: the sorting nodes have to keep up."""
MOST_LAG_NS = 2_000_000_000
"""What the machine was too slow for beyond this is given up."""
SILENCE_S = 1.0
"""Without cell/state for that long, belt and valves are disabled."""
ESTOP_S = 0.4
"""Between two reports of the emergency stop."""

DESCRIPTIONS = {
    "items": "Items to feed; 0: without end.",
    "rate": "Items fed a second at the commanded belt speed [1/s].",
    "seed": "The same seed gives the same stream of items.",
    "unknown_share": "Share of items of unknown type among drawn ones.",
    "opening_s": "From energising a valve to the open jet [s].",
    "opening_scatter_s": "Of the opening time, 1 sigma [s].",
    "pitch_scatter": "Most that an item's place differs from an even pitch [m].",
    "min_gap": "Least gap between items as they are fed [m].",
}
DEFAULTS = TwinOptions()
PARAMETERS = (
    CELL_FILE,
    Parameter("faults", "", "Scenario file whose faults are injected; empty: none."),
    Parameter(
        "photos", "", "Folder with one folder of photos per type, to show instead of drawn ones."
    ),
    Parameter(
        "encoder_bits",
        DEFAULTS.encoder_bits,
        "Width of the encoder's counter [bit].",
        choices=ENCODER_BITS,
    ),
    *(
        Parameter(name, getattr(DEFAULTS, name), description, *RANGES[name])
        for name, description in DESCRIPTIONS.items()
    ),
)


class TwinNode(Node):
    """Raises ConfigurationError for what it can't run with."""

    def __init__(self) -> None:
        super().__init__("twin")
        declare(self, PARAMETERS)
        values = {one.name: self.get_parameter(one.name).value for one in PARAMETERS}
        cell = load_cell(values.pop("cell_file"))
        folder, scenario = values.pop("photos"), values.pop("faults")
        try:
            options = TwinOptions(
                photos=Path(folder) if folder else None,
                faults=read_scenario(Path(scenario)).faults if scenario else (),
                **values,
            )
            if options.photos is not None:
                PhotoLibrary(options.photos).check()
            self._advanced = time.monotonic_ns()
            self._twin = Twin(cell, options, time.time_ns())
        except FieldError as error:
            raise ConfigurationError(f"{scenario}: {error}") from None
        except (TwinError, PhotoError, ScenarioError) as error:
            raise ConfigurationError(str(error)) from None
        self._began = self._twin.now
        self._origin = self._began - self._advanced
        self._left_over = 0
        self._state: CellState | None = None
        self._heard = -math.inf
        self._command = BeltCommand(velocity=cell.belt.velocity)
        self._counted = {"frames": 0, "shots": 0}
        self._reported = (time.monotonic_ns(), self._twin.now, 0)

        for topic, callback in (
            ("cell/state", self._on_state),
            ("belt/command", self._on_command),
            ("camera/request", self._on_request),
            ("ejector/commands", self._on_shot),
        ):
            subscription(self, topic, self._unless_lost(topic, callback))
        self._out: dict[type, tuple[str, Any, Callable[[Any], Any]]] = {
            event: (topic, publisher(self, topic), message_of)
            for event, (topic, message_of) in (EVENTS | OWN).items()
        }
        self.create_service(REPAIR.type, REPAIR.name, self._repair)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD_S, self._advance, clock=steady)
        self.create_timer(ESTOP_S, self._report_estop, clock=steady)
        self._report_estop()
        self._heartbeat = Heartbeat(self, self._health)

    def _unless_lost(self, topic: str, callback: Callable[[Any], None]) -> Callable[[Any], None]:
        def heard(message: Any) -> None:
            if not self._twin.loses(topic):
                callback(message)

        return heard

    def _on_state(self, message: CellState) -> None:
        self._state, self._heard = message, time.monotonic()

    def _on_command(self, message: BeltCommand) -> None:
        limit = self._twin.cell.belt.max_velocity
        if not 0.0 <= message.velocity <= limit:
            raise ValueError(f"velocity {message.velocity} is refused; allowed: 0 to {limit:g}")
        self._command = message

    def _on_request(self, message: CaptureRequest) -> None:
        self._twin.request_frame(message.item_id, message.count, message.epoch)

    def _on_shot(self, message: EjectCommand) -> None:
        shot = shot_since(message, self._began)
        if shot is not None:
            self._twin.shoot(shot)

    def _advance(self) -> None:
        """Simulate up to the present, or as far as one batch goes."""
        heard = self._state is not None and time.monotonic() - self._heard < SILENCE_S
        run = heard and self._command.run and self._state.belt_enabled
        self._twin.set_enabled(heard and self._state.valves_enabled)
        self._twin.set_belt(run, self._command.velocity)
        moment = time.monotonic_ns()
        passed, self._advanced = moment - self._advanced, moment
        lag = self._origin + moment - self._twin.now
        if lag > MOST_LAG_NS:
            self._origin -= lag - MOST_LAG_NS
        batch = min(lag, round(CATCH_UP * passed) + self._left_over, BATCH_NS)
        self._left_over = batch % STEP_NS
        try:
            events = self._twin.advance(self._twin.now + batch)
        except PhotoError as error:
            raise ConfigurationError(str(error)) from None
        for event in events:
            self._publish(event)

    def _publish(self, event: Event) -> None:
        topic, out, message_of = self._out[type(event)]
        if self._twin.loses(topic):
            return
        out.publish(message_of(event))
        if isinstance(event, Frame):
            self._counted["frames"] += 1
        elif isinstance(event, ShotEnd) and event.result == EjectEvent.FIRED:
            self._counted["shots"] += 1

    def _report_estop(self) -> None:
        self._publish(EStopSwitched(self._twin.stamp, self._twin.estop))

    def _repair(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        ended = self._twin.repair()
        response.success = True
        response.message = f"mended: {', '.join(ended)}" if ended else "nothing is broken"
        return response

    def _health(self) -> Health:
        moment, simulated, fed = self._reported
        self._reported = (time.monotonic_ns(), self._twin.now, self._twin.fed)
        elapsed = max(1, self._reported[0] - moment)
        factor = (self._twin.now - simulated) / elapsed
        values = {
            "items_fed": self._twin.fed,
            "items_left": self._twin.left,
            "on_belt": self._twin.on_belt,
            "belt_travel_m": f"{self._twin.travel:.4f}",
            "fed_per_s": f"{(self._twin.fed - fed) * 1e9 / elapsed:.2f}",
            "frames": self._counted["frames"],
            "shots": self._counted["shots"],
            "real_time_factor": f"{factor:.3f}",
            "lag_s": f"{(self._origin + time.monotonic_ns() - self._twin.now) / 1e9:.3f}",
        }
        slow = "simulation is slower than real time" if factor < 0.9 else ""
        return Health(values, slow)


def _image(event: Frame) -> Image:
    message = to_message(event.image)
    message.header.stamp = time_of(event.stamp)
    message.header.frame_id = "camera_optical_frame"
    return message


def _estop(event: EStopSwitched) -> EStop:
    message = EStop(pressed=event.pressed, source="twin")
    message.header.stamp = time_of(event.stamp)
    return message


def _truth(event: Truth) -> ItemTruth:
    message = ItemTruth(
        index=event.index,
        item_id=event.item_id,
        type=event.type,
        label=event.label,
        size=event.size,
        photo=event.photo,
        photo_sha256=event.photo_sha256,
        bin=event.bin,
        length=event.length,
        aim_error=event.aim_error,
        foreign=event.foreign,
        place=event.place,
        blown=time_of(event.blown),
    )
    message.header.stamp = time_of(event.stamp)
    return message


def _fault(event: FaultSwitched) -> TwinFault:
    message = TwinFault(
        kind=event.kind,
        active=event.active,
        epoch=event.epoch,
        count=event.count,
        detail=event.detail,
    )
    message.header.stamp = time_of(event.stamp)
    return message


OWN: dict[type, tuple[str, Callable[[Any], Any]]] = {
    Frame: ("camera/source", _image),
    EStopSwitched: ("cell/estop", _estop),
    Truth: ("twin/truth", _truth),
    FaultSwitched: ("twin/faults", _fault),
}
"""Topic and message of what the twin tells beside its devices' events."""


def main() -> None:
    sys.exit(run(TwinNode))
