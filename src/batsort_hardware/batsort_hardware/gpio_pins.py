"""Pins of this machine by gpiozero, refused by their number where they can't be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from gpiozero import Device, OutputDevice
from gpiozero.pins import Factory, Pin

from batsort_files.documents import ConfigurationError


def open_factory() -> Factory:
    """The pins of this machine, as gpiozero's default: it releases them when the process ends.

    Those of lgpio, unless gpiozero's own GPIOZERO_PIN_FACTORY names others, such as `mock`.

    Raises:
        ConfigurationError: it has none.
    """
    if Device.pin_factory is None:
        os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
        try:
            Device.ensure_pin_factory()
        except Exception as error:
            # Besides GPIOZeroError there are lgpio's own errors, which share no base.
            raise ConfigurationError(
                f"driver: 'gpio' can't be used ({error}); "
                "allowed: on a Raspberry Pi with lgpio and access to /dev/gpiochip*"
            ) from None
    return Device.pin_factory


def input_pin(factory: Factory, number: int, pull: str) -> Pin:
    with _claiming(number):
        pin = factory.pin(number)
        pin.input_with_pull(pull)
        pin.edges = "both"
        return pin


def output_pin(factory: Factory, number: int, active_high: bool) -> OutputDevice:
    with _claiming(number):
        return OutputDevice(number, active_high=active_high, pin_factory=factory)


@contextmanager
def _claiming(number: int) -> Iterator[None]:
    """Raises ConfigurationError that names the pin, as lgpio's own errors don't."""
    try:
        yield
    except Exception as error:
        # As in open_factory: these share no base.
        raise ConfigurationError(
            f"pin {number}: can't be used ({error}); allowed: one that nothing else has taken"
        ) from None
