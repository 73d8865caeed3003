"""What a node is told at start: its parameters, refused by name if bad."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter as RosParameter

from batsort_files.documents import ConfigurationError

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
