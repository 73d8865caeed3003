"""What a node is told at start: its parameters and the cell description, refused by name if bad."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from batsort_core.cell import CellDescription, CellError, parse_cell


class ConfigurationError(ValueError):
    """What a node cannot run with: one line with name, value and what is allowed."""


KINDS = {
    bool: "true or false",
    int: "an integer",
    # ROS takes no integer for a double.
    float: "a number with decimal point",
    str: "a text",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a node: the type is the default's, bounds include their ends."""

    name: str
    default: bool | int | float | str
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[int, ...] | tuple[str, ...] = ()
    read_only: bool = True

    @property
    def allowed(self) -> str:
        """What may be given, for people."""
        if self.choices:
            return " or ".join(map(str, self.choices))
        text = KINDS[type(self.default)]
        return text if self.low is None else f"{text} from {self.low} to {self.high}"

    def descriptor(self) -> ParameterDescriptor:
        """Describe it to ROS, so that rqt_reconfigure and `ros2 param describe` can show it."""
        descriptor = ParameterDescriptor(
            description=self.description,
            additional_constraints="" if not self.choices else self.allowed,
            read_only=self.read_only,
        )
        if isinstance(self.default, float) and self.low is not None:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(self.low), to_value=float(self.high))
            ]
        elif isinstance(self.default, int) and self.low is not None:
            descriptor.integer_range = [
                IntegerRange(from_value=int(self.low), to_value=int(self.high))
            ]
        return descriptor

    def refusal(self, value: Any) -> str | None:
        """Say in one line why a value is not allowed, or nothing where it is."""
        good = not isinstance(value, float) or math.isfinite(value)
        if good and self.choices:
            good = value in self.choices
        return None if good else f"{self.name}: {value!r} is refused; allowed: {self.allowed}"


CELL_FILE = Parameter("cell_file", "", "Cell description (YAML): geometry, bins and recipe.")


def declare(node: Node, parameters: Iterable[Parameter]) -> None:
    """Declare parameters on a node and keep refusing bad values at run time.

    Raises:
        ConfigurationError: an override from the command line or a parameter file is not allowed.
    """
    known = {parameter.name: parameter for parameter in parameters}

    def check(changed: list[RosParameter]) -> SetParametersResult:
        for parameter in changed:
            if parameter.name in known:
                reason = known[parameter.name].refusal(parameter.value)
                if reason:
                    return SetParametersResult(successful=False, reason=reason)
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    for parameter in known.values():
        try:
            node.declare_parameter(parameter.name, parameter.default, parameter.descriptor())
        except (InvalidParameterValueException, InvalidParameterTypeException):
            # rclpy's exceptions don't carry the value, and it has no public way to the overrides.
            value = node._parameter_overrides[parameter.name].value
            raise ConfigurationError(
                f"{parameter.name}: {value!r} is refused; allowed: {parameter.allowed}"
            ) from None


def path_of(name: str, path: str | Path) -> Path:
    """The path that the parameter `name` gives, with `~` as the home it stands for.

    Raises:
        ConfigurationError: the home of a user that there is not.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigurationError(
            f"{name}: {str(path)!r} is refused; allowed: a path, with ~/ for the own home"
        ) from None


def load_document(name: str, path: str, what: str) -> Any:
    """Read the YAML file that the parameter `name` gives the path of.

    Raises:
        ConfigurationError: not given, no such file, or no YAML.
    """
    if not path:
        raise ConfigurationError(f"{name}: not given; allowed: the path of a {what}")
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{name}: {path!r} can't be read ({error})") from None
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise ConfigurationError(f"{name}: {path!r} is no YAML ({line})") from None


def load_cell(path: str) -> CellDescription:
    """Read a cell description.

    Raises:
        ConfigurationError: no such file, no YAML, or a description that can't be.
    """
    document = load_document("cell_file", path, "cell description")
    try:
        return parse_cell(document)
    except CellError as error:
        raise ConfigurationError(f"{path}: {error}") from None
