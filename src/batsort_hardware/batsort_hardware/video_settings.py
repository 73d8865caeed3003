"""A camera set up so that nothing changes by itself: everything is set, read back, or refused."""

from __future__ import annotations

from dataclasses import dataclass

from batsort_files.documents import ConfigurationError
from batsort_hardware.video_device import Control, Format, VideoDevice, VideoError

EXPOSURE_UNIT_S = 1e-4
LEFT = -1
"""Value of a parameter that leaves the device as it is."""
_AUTOMATIC = {
    Control.AUTO_EXPOSURE: 1,
    Control.AUTO_GAIN: 0,
    Control.AUTO_WHITE_BALANCE: 0,
    Control.AUTO_FOCUS: 0,
}
"""What must not adjust itself, and its value then: each item is to be seen alike."""
_RATE_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """What is wanted of a device."""

    format: Format
    exposure_s: float
    gain: int
    """In the device's units; LEFT: as it is."""
    white_balance_k: int
    """[K]; LEFT: as it is."""
    trigger: bool


@dataclass(frozen=True, slots=True)
class Settled:
    """What a device said after it was set up."""

    format: Format
    exposure_s: float
    warnings: tuple[str, ...]


def settle(device: VideoDevice, wanted: VideoSettings) -> Settled:
    """Set the device up and read everything back.

    Raises:
        ConfigurationError: it does not keep a value; names the parameter and what the device said.
        VideoError: it is gone.
    """
    given = device.ask(wanted.format)  # first: some devices forget their controls with it
    _check_format(device.name, wanted.format, given)
    warnings: list[str] = []
    for control, value in _AUTOMATIC.items():
        _set(device, control, str(control), value)
    units = round(wanted.exposure_s / EXPOSURE_UNIT_S)
    if not _set(device, Control.EXPOSURE, "exposure_s", units, EXPOSURE_UNIT_S):
        warnings.append(_lacking(device, "exposure_s", "it exposes for as long as it likes"))
    for control, name, value in (
        (Control.GAIN, "gain", wanted.gain),
        (Control.WHITE_BALANCE, "white_balance_k", wanted.white_balance_k),
    ):
        if value != LEFT and not _set(device, control, name, value):
            warnings.append(_lacking(device, name, "it keeps its own"))
    has_trigger = _set(device, Control.TRIGGER, "trigger", int(wanted.trigger))
    if wanted.trigger and not has_trigger:
        warnings.append(_lacking(device, "trigger", "it must have been set to its trigger before"))
    return Settled(given, units * EXPOSURE_UNIT_S, tuple(warnings))


def _check_format(name: str, wanted: Format, given: Format) -> None:
    size, said = (f"{f.width} x {f.height}" for f in (wanted, given))
    if size != said:
        raise _refused(name, "camera.image_width and image_height", size, said)
    if wanted.pixels != given.pixels:
        raise _refused(name, "pixel_format", wanted.pixels, given.pixels)
    if given.rate and abs(given.rate - wanted.rate) > _RATE_TOLERANCE * wanted.rate:
        raise _refused(name, "rate", f"{wanted.rate:g}", f"{given.rate:g}")


def _set(
    device: VideoDevice, control: Control, name: str, value: int, unit: float | None = None
) -> bool:
    """Whether the device has the control; then it keeps the value."""
    span = device.span(control)
    if span is None:
        return False

    def shown(units: int) -> str:
        return f"{units if unit is None else units * unit:g}"

    allowed = f"{shown(span.least)} to {shown(span.most)} in steps of {shown(span.step)}"
    try:
        device.set(control, value)
        said = device.get(control)
    except VideoError as error:
        # A device that is gone says so here, too, and when it is opened again.
        raise _refused(device.name, name, shown(value), str(error), allowed) from None
    if said != value:
        raise _refused(device.name, name, shown(value), shown(said), allowed)
    return True


def _refused(
    device: str, name: str, value: str, said: str, allowed: str = ""
) -> ConfigurationError:
    allowed = allowed or "what the device says"
    return ConfigurationError(
        f"{name}: {value} is not kept by camera {device!r}, which says {said}; allowed: {allowed}"
    )


def _lacking(device: VideoDevice, name: str, so: str) -> str:
    return f"{name}: camera {device.name!r} has no such control: {so}"
