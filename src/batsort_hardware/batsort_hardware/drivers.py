"""The table of drivers: a module of this package and a line here make one that can be chosen.

`protocols` is what a driver gives, `driver_contract` what it keeps, `serial_ascii` an example.
"""

from __future__ import annotations

import importlib

from batsort_hardware.protocols import Open

DRIVERS = {
    "modbus": "a PLC over Modbus TCP",
    "gpio": "the pins of this machine",
    "serial_ascii": "a sorter that speaks lines of ASCII",
}
"""What is wired to each driver, by the name of its module; the first is the default."""


def opener(name: str) -> Open:
    """How a driver is opened; its module is imported only now. Raises ImportError."""
    found: Open = importlib.import_module(f"batsort_hardware.{name}").open_drivers
    return found
