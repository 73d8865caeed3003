"""Node `hardware` on mock pins: says when a valve is open, and at its end how pins were left.

With the word `fail` a callback raises while the valve is open.
"""

from __future__ import annotations

import sys
import threading

from gpio_rig import DOCUMENT
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from batsort_core.decisions import Shot
from batsort_graph.run import run
from batsort_nodes.hardware import Hardware

PULSE_S = 1.0
VALVE = 1
ENDED, SAID = threading.Event(), threading.Event()
factory = Device.pin_factory = MockFactory()
valve = factory.pin(DOCUMENT["valves"]["pins"][VALVE])
drive = factory.pin(DOCUMENT["drive"]["pin"])


def work(node: Hardware) -> None:
    """Open the valve where the belt stands."""
    factory.pin(DOCUMENT["estop"]["pin"]).drive_low()
    while node._drivers.estop.pressed:
        ENDED.wait(0.001)
    node._drivers.belt.run(True, 0.2)
    node._drivers.valves.enable(True)
    epoch = node._drivers.belt.motion.epoch
    node._drivers.valves.shoot(Shot(1, epoch, VALVE, True, 0, 0.0, PULSE_S))
    while not valve.state:
        ENDED.wait(0.001)
    print("open", flush=True)
    SAID.set()


def make() -> Hardware:
    node = Hardware()
    threading.Thread(target=work, args=(node,), daemon=True).start()
    if "fail" in sys.argv:

        def fail() -> None:
            if SAID.is_set():
                raise RuntimeError("a callback has failed")

        node.create_timer(0.01, fail)
    return node


try:
    run(make)
finally:
    print("valve", valve.state, "drive", drive.state, flush=True)
