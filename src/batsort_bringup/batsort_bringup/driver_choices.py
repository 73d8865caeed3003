"""The drivers that launch/hardware.launch.xml offers: those of the table, in its order."""

from __future__ import annotations

import re
from pathlib import Path

from batsort_hardware.drivers import DRIVERS

LAUNCH_FILE = Path(__file__).resolve().parents[3] / "launch" / "hardware.launch.xml"
_ARGUMENT = re.compile(r'  <arg name="driver" .*?</arg>\n', re.DOTALL)


def offered() -> str:
    """The launch file as it is, but with the drivers of the table."""
    return _ARGUMENT.sub(lambda _: _argument(), LAUNCH_FILE.read_text(encoding="utf-8"))


def _argument() -> str:
    *names, last = (f"{name} ({device})" for name, device in DRIVERS.items())
    told = f"What sensors and valves are wired to: {', '.join(names)} or {last}"
    choices = "".join(f'    <choice value="{name}"/>\n' for name in DRIVERS)
    default = next(iter(DRIVERS))
    return f'  <arg name="driver" default="{default}" description="{told}">\n{choices}  </arg>\n'
