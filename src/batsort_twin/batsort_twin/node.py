"""The ROS node `twin`: messages to the simulated cell and back; nothing is simulated here.

Simulated time follows a steady clock; every stamp is start + steps, never the moment of publishing.
"""

import math
import sys
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import rclpy
import yaml
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from batsort_core.cell import CellDescription, CellError, parse_cell
from batsort_core.firing import ShotEnd
from batsort_core.links import Links, identity
from batsort_core.schema import FieldError
from batsort_core.sensing import Arrival, Edge, EncoderSample
from batsort_core.sorter import Shot
from batsort_interfaces.msg import (
    BarrierEdge,
    BeltCommand,
    BinArrival,
    CaptureRequest,
    CellState,
    EjectCommand,
    EjectEvent,
    EncoderCount,
    EStop,
    ItemTruth,
    TwinFault,
)
from batsort_twin.events import EStopSwitched, Event, FaultSwitched, Frame, Truth
from batsort_twin.photos import PhotoError, PhotoLibrary
from batsort_twin.scenario import ScenarioError, read_scenario
from batsort_twin.sim import ENCODER_BITS, RANGES, STEP_NS, Twin, TwinError, TwinOptions

PERIOD_S = 0.005
BATCH_NS = 50_000_000
"""Most that is simulated before messages are taken again."""
CATCH_UP = 1.25
"""Times real time at most, after the machine was too slow: the sorting nodes have to keep up."""
MOST_LAG_NS = 2_000_000_000
"""What the machine was too slow for beyond this is given up."""
SILENCE_S = 1.0
"""Without cell/state for that long, belt and valves are disabled."""
DIAGNOSTICS_S = 0.5
ESTOP_S = 0.4
"""Between two reports of the emergency stop."""
REFUSED = 2
"""Exit status of a node that can't run with what it was told."""

DESCRIPTIONS = {
    "items": "Items to feed; 0: without end.",
    "rate": "Items fed a second at the commanded belt speed [1/s].",
    "seed": "The same seed gives the same stream of items.",
    "photos": "Folder with one folder of photos per type, to show instead of drawn batteries.",
    "unknown_share": "Share of items of unknown type among drawn ones.",
    "opening_s": "From energising a valve to the open jet [s].",
    "opening_scatter_s": "Of the opening time, 1 sigma [s].",
    "encoder_bits": "Width of the encoder's counter [bit].",
    "pitch_scatter": "Most that an item's place differs from an even pitch [m].",
    "min_gap": "Least gap between items as they are fed [m].",
}


class ConfigurationError(ValueError):
    """What the node can't run with: one line with name, value and what is allowed."""


@dataclass(frozen=True)
class Option:
    """A parameter by name: the type is the default's, bounds include their ends."""

    name: str
    default: int | float | str
    description: str

    @property
    def allowed(self) -> str:
        kind = {int: "an integer", float: "a number with decimal point", str: "a text"}[
            type(self.default)
        ]
        if self.name in RANGES:
            low, high = RANGES[self.name]
            return f"{kind} from {low:g} to {high:.10g}"
        return " or ".join(map(str, self.choices)) or kind

    @property
    def choices(self) -> tuple[int, ...]:
        """The values that may be given, where they are few."""
        return ENCODER_BITS if self.name == "encoder_bits" else ()

    def descriptor(self) -> ParameterDescriptor:
        descriptor = ParameterDescriptor(
            description=self.description,
            additional_constraints=self.allowed if self.choices else "",
            read_only=True,
        )
        if self.name in RANGES:
            low, high = RANGES[self.name]
            if isinstance(self.default, float):
                bounds = FloatingPointRange(from_value=float(low), to_value=float(high))
                descriptor.floating_point_range = [bounds]
            else:
                bounds = IntegerRange(from_value=int(low), to_value=int(high))
                descriptor.integer_range = [bounds]
        return descriptor


def options() -> list[Option]:
    """Every parameter of the node."""
    defaults = TwinOptions()
    found = [Option("cell_file", "", "Cell description (YAML): geometry, bins and recipe.")]
    found.append(Option("faults", "", "Scenario file whose faults are injected; empty: none."))
    for name, description in DESCRIPTIONS.items():
        default = "" if name == "photos" else getattr(defaults, name)
        found.append(Option(name, default, description))
    return found


def _declare(node: Node) -> dict[str, Any]:
    """The values of all parameters. Raises ConfigurationError."""
    values = {}
    for option in options():
        try:
            parameter = node.declare_parameter(option.name, option.default, option.descriptor())
        except (InvalidParameterValueException, InvalidParameterTypeException):
            # rclpy's exceptions don't carry the value, and there is no public way to overrides.
            value = node._parameter_overrides[option.name].value
            raise ConfigurationError(
                f"{option.name}: {value!r} is refused; allowed: {option.allowed}"
            ) from None
        values[option.name] = parameter.value
    return values


def _load_cell(path: str) -> CellDescription:
    """Raises ConfigurationError."""
    if not path:
        raise ConfigurationError("cell_file: not given; allowed: the path of a cell description")
    try:
        return parse_cell(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"cell_file: {path!r} can't be read ({error})") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise ConfigurationError(f"cell_file: {path!r} is no YAML ({line})") from None
    except CellError as error:
        raise ConfigurationError(f"{path}: {error}") from None


@dataclass(frozen=True)
class _Outlet:
    """Where events of one type go, and how they become messages."""

    topic: str
    publisher: Any
    convert: Callable[[Any], Any]


def _time(stamp: int) -> Time:
    return Time(sec=stamp // 1_000_000_000, nanosec=stamp % 1_000_000_000)


class TwinNode(Node):
    """Raises ConfigurationError for what it can't run with."""

    def __init__(self) -> None:
        super().__init__("twin")
        values = _declare(self)
        cell = _load_cell(values.pop("cell_file"))
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

        self._listens: set[str] = set()
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscribe(CellState, "cell/state", self._on_state, latched)
        self._subscribe(BeltCommand, "belt/command", self._on_command, latched)
        self._subscribe(CaptureRequest, "camera/request", self._on_request, 10)
        every = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._subscribe(EjectCommand, "ejector/commands", self._on_shot, every)
        self._out = {
            EncoderSample: self._outlet("belt/encoder", EncoderCount, 100, _encoder),
            Edge: self._outlet("belt/barrier", BarrierEdge, 50, _edge),
            Frame: self._outlet("camera/source", Image, 5, _image),
            ShotEnd: self._outlet("ejector/events", EjectEvent, every, _ejected),
            Arrival: self._outlet("bins/arrivals", BinArrival, every, _arrived),
            EStopSwitched: self._outlet("cell/estop", EStop, latched, _estop),
            Truth: self._outlet("twin/truth", ItemTruth, 100, _truth),
            FaultSwitched: self._outlet("twin/faults", TwinFault, every, _fault),
        }
        self.create_service(Trigger, "twin/repair", self._repair)
        self._diagnostics = self._publisher(DiagnosticArray, "/diagnostics", 10)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(PERIOD_S, self._advance, clock=steady)
        self.create_timer(DIAGNOSTICS_S, self._diagnose, clock=steady)
        self.create_timer(ESTOP_S, self._report_estop, clock=steady)
        self._report_estop()

    # Each of rclpy's default QoS event handlers is built into every wait of the executor: at this
    # timer's rate they would take as much of a core as the simulation's sensors.

    def _publisher(self, kind: type, topic: str, qos: QoSProfile | int) -> Any:
        silent = PublisherEventCallbacks(use_default_callbacks=False)
        return self.create_publisher(kind, topic, qos, event_callbacks=silent)

    def _outlet(
        self, topic: str, kind: type, qos: QoSProfile | int, convert: Callable[[Any], Any]
    ) -> _Outlet:
        return _Outlet(topic, self._publisher(kind, topic, qos), convert)

    def _subscribe(
        self, kind: type, topic: str, callback: Callable[[Any], None], qos: QoSProfile | int
    ) -> None:
        def heard(message: Any) -> None:
            if not self._twin.loses(topic):
                callback(message)

        silent = SubscriptionEventCallbacks(use_default_callbacks=False)
        self.create_subscription(kind, topic, heard, qos, event_callbacks=silent)
        self._listens.add(topic)

    def _on_state(self, message: CellState) -> None:
        self._state, self._heard = message, time.monotonic()

    def _on_command(self, message: BeltCommand) -> None:
        limit = self._twin.cell.belt.max_velocity
        if not (math.isfinite(message.velocity) and 0.0 <= message.velocity <= limit):
            self.get_logger().warning(
                f"belt/command: velocity {message.velocity} is refused; allowed: 0 to {limit:g}"
            )
            return
        self._command = message

    def _on_request(self, message: CaptureRequest) -> None:
        self._twin.request_frame(message.item_id, message.count, message.epoch)

    def _on_shot(self, message: EjectCommand) -> None:
        commanded = message.header.stamp
        if commanded.sec * 1_000_000_000 + commanded.nanosec < self._began:
            return  # before this process began: the one before may have done it
        self._twin.shoot(
            Shot(
                item_id=message.item_id,
                epoch=message.epoch,
                valve=message.valve,
                fire=message.action == EjectCommand.FIRE,
                target_count=message.target_count,
                lead_s=message.lead_s,
                pulse_s=message.pulse_s,
            )
        )

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
        for event in self._twin.advance(self._twin.now + batch):
            self._publish(event)

    def _publish(self, event: Event) -> None:
        outlet = self._out[type(event)]
        if self._twin.loses(outlet.topic):
            return
        message = outlet.convert(event)
        message.header.stamp = _time(event.stamp)
        outlet.publisher.publish(message)
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

    def _diagnose(self) -> None:
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
        values |= self._links().tell()
        slow = factor < 0.9
        status = DiagnosticStatus(
            level=DiagnosticStatus.WARN if slow else DiagnosticStatus.OK,
            name=f"{self.get_fully_qualified_name()}: {self.get_name()}",
            message="simulation is slower than real time" if slow else "ok",
            hardware_id=self.get_namespace(),
            values=[KeyValue(key=key, value=str(value)) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _links(self) -> Links:
        """Who reads what the twin publishes, for the supervisor."""
        own = (self.get_name(), self.get_namespace())
        endpoints = [
            info.endpoint_gid
            for topic in ("/diagnostics", "/parameter_events")
            for info in self.get_publishers_info_by_topic(topic)
            if (info.node_name, info.node_namespace) == own
        ]
        readers = {
            outlet.topic: frozenset(
                identity([info.endpoint_gid])
                for info in self.get_subscriptions_info_by_topic(outlet.topic)
            )
            for outlet in self._out.values()
        }
        return Links(identity(endpoints), frozenset(self._listens), readers)


def _encoder(event: EncoderSample) -> EncoderCount:
    message = EncoderCount(epoch=event.epoch, count=event.count)
    message.header.frame_id = "belt_link"
    return message


def _edge(event: Edge) -> BarrierEdge:
    message = BarrierEdge(epoch=event.epoch, count=event.count, blocked=event.blocked)
    message.header.frame_id = "belt_link"
    return message


def _image(event: Frame) -> Image:
    height, width = event.image.shape[:2]
    message = Image(height=height, width=width, encoding="rgb8", step=3 * width)
    message.header.frame_id = "camera_optical_frame"
    # Anything but an array of this type is checked byte by byte.
    message.data = array("B")
    message.data.frombytes(event.image)
    return message


def _ejected(event: ShotEnd) -> EjectEvent:
    return EjectEvent(
        item_id=event.shot.item_id,
        epoch=event.epoch,
        valve=event.shot.valve,
        result=event.result,
        planned_count=event.shot.target_count,
        actual_count=event.actual_count,
        detail=event.detail,
    )


def _arrived(event: Arrival) -> BinArrival:
    return BinArrival(epoch=event.epoch, bin=event.bin, count=event.count)


def _estop(event: EStopSwitched) -> EStop:
    return EStop(pressed=event.pressed, source="twin")


def _truth(event: Truth) -> ItemTruth:
    return ItemTruth(
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
    )


def _fault(event: FaultSwitched) -> TwinFault:
    return TwinFault(
        kind=event.kind,
        active=event.active,
        epoch=event.epoch,
        count=event.count,
        detail=event.detail,
    )


def main() -> int:
    """Spin the node until it is told to end; 2 where it can't run with what it was told."""
    rclpy.init()
    node = None
    try:
        node = TwinNode()
        # Told to end while the node was made: an executor can't be made any more, and rclpy's own
        # would print a traceback as it is thrown away.
        if rclpy.ok():
            executor = SingleThreadedExecutor()
            executor.add_node(node)
            executor.spin()
    except (ConfigurationError, PhotoError) as error:
        print(error, file=sys.stderr, flush=True)
        return REFUSED
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except RuntimeError:
        # What rclpy raises where it is told to end while the node is being made.
        if rclpy.ok():
            raise
    finally:
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0
