"""A camera of Linux's own kind (Video4Linux 2), by the kernel's interface itself.

OpenCV's backend hides what a sorting cell needs: the kernel's stamps and which end of the exposure
they are of, lost and damaged frames, the values that a control takes, and why one was not kept.
Structures and numbers are those of the kernel's <linux/videodev2.h>; a test compares them.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from ctypes import Structure, Union, c_char, c_int32, c_long, c_uint8, c_uint32
from pathlib import Path
from typing import ClassVar

import numpy as np

from batsort_core.exposure import FrameStamp
from batsort_hardware.video_device import Control, Format, RawFrame, Span, VideoError

BUFFERS = 8
"""Frames that may wait in the kernel: a burst of triggered ones is not lost."""
CONTROLS = {
    Control.AUTO_EXPOSURE: 0x009A0901,
    Control.EXPOSURE: 0x009A0902,
    Control.AUTO_GAIN: 0x00980912,
    Control.GAIN: 0x00980913,
    Control.AUTO_WHITE_BALANCE: 0x0098090C,
    Control.WHITE_BALANCE: 0x0098091A,
    Control.AUTO_FOCUS: 0x009A090C,
}
"""The trigger's has no number of its own: it is found by its name."""
_TRIGGER_NAMES = ("trigger mode", "trigger_mode")
_NEXT_CONTROL = 0x80000000
_DISABLED = 0x0001
_CAPTURE, _MMAP = 1, 1
_CAN_CAPTURE, _CAN_STREAM, _HAS_DEVICE_CAPS = 0x1, 0x04000000, 0x80000000
_ERROR, _CLOCK, _MONOTONIC, _AT_START = 0x40, 0xE000, 0x2000, 0x10000
_CHANGED_RATE = 0x1000  # the device takes a rate
_COMPRESSED = ("MJPG", "JPEG")


class Capability(Structure):
    _fields_: ClassVar = [
        ("driver", c_char * 16),
        ("card", c_char * 32),
        ("bus_info", c_char * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class PixelFormat(Structure):
    _fields_: ClassVar = [
        ("width", c_uint32),
        ("height", c_uint32),
        ("pixelformat", c_uint32),
        ("field", c_uint32),
        ("bytesperline", c_uint32),
        ("sizeimage", c_uint32),
        ("rest", c_uint32 * 6),
    ]


class _FormatOf(Union):
    # Some kinds of format hold pointers, which align all of them.
    _fields_: ClassVar = [("pix", PixelFormat), ("raw", c_uint8 * 200), ("align", ctypes.c_void_p)]


class StreamFormat(Structure):
    _fields_: ClassVar = [("type", c_uint32), ("fmt", _FormatOf)]


class StreamRate(Structure):
    """v4l2_streamparm of a capture device."""

    _fields_: ClassVar = [
        ("type", c_uint32),
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("numerator", c_uint32),
        ("denominator", c_uint32),
        ("rest", c_uint32 * 46),
    ]


class QueryControl(Structure):
    _fields_: ClassVar = [
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_char * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    ]


class ControlValue(Structure):
    _fields_: ClassVar = [("id", c_uint32), ("value", c_int32)]


class RequestBuffers(Structure):
    _fields_: ClassVar = [
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("rest", c_uint32),
    ]


class _BufferAt(Union):
    _fields_: ClassVar = [("offset", c_uint32), ("userptr", ctypes.c_ulong)]


class Buffer(Structure):
    _fields_: ClassVar = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("seconds", c_long),
        ("microseconds", c_long),
        ("timecode", c_uint32 * 4),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _BufferAt),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_int32),
    ]


def _request(way: int, number: int, kind: type) -> int:
    """An ioctl's number; 1 writes to the kernel, 2 reads from it."""
    return way << 30 | ctypes.sizeof(kind) << 16 | ord("V") << 8 | number


QUERYCAP = _request(2, 0, Capability)
S_FMT = _request(3, 5, StreamFormat)
REQBUFS = _request(3, 8, RequestBuffers)
QUERYBUF = _request(3, 9, Buffer)
QBUF = _request(3, 15, Buffer)
DQBUF = _request(3, 17, Buffer)
STREAMON = _request(1, 18, ctypes.c_int)
STREAMOFF = _request(1, 19, ctypes.c_int)
S_PARM = _request(3, 22, StreamRate)
G_CTRL = _request(3, 27, ControlValue)
S_CTRL = _request(3, 28, ControlValue)
QUERYCTRL = _request(3, 36, QueryControl)


class V4l2Device:
    """An open V4L2 device. Raises VideoError where it can't be opened or captures no images."""

    def __init__(self, path: Path) -> None:
        self._maps: list[mmap.mmap] = []
        self._row_bytes = 0
        self._trigger: int | None = None
        try:
            self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise VideoError(f"{path} can't be opened ({error.strerror})") from None
        try:
            about = Capability()
            self._call(QUERYCAP, about)
            self._name = about.card.decode(errors="replace") or str(path)
            has = about.capabilities
            has = about.device_caps if has & _HAS_DEVICE_CAPS else has
            if not (has & _CAN_CAPTURE and has & _CAN_STREAM):
                raise VideoError(f"{path} ({self._name}) gives no stream of images")
        except VideoError:
            self.close()
            raise

    @property
    def name(self) -> str:
        """As the device calls itself."""
        return self._name

    def span(self, control: Control) -> Span | None:
        """What a control takes; None where the device has none."""
        if control is Control.TRIGGER:
            try:
                found = self._find_trigger()
            except VideoError:
                # Some cameras list a control and then can't tell of it: the search ends there.
                found = None
        else:
            found = self._query(CONTROLS[control])
        if found is None or found.flags & _DISABLED:
            return None
        return Span(found.minimum, found.maximum, found.step)

    def get(self, control: Control) -> int:
        """Read a control."""
        value = ControlValue(id=self._id(control))
        self._call(G_CTRL, value)
        return int(value.value)

    def set(self, control: Control, value: int) -> None:
        """Write a control."""
        self._call(S_CTRL, ControlValue(id=self._id(control), value=value))

    def ask(self, wanted: Format) -> Format:
        """Ask for a format; returns the one that the device gives."""
        asked = StreamFormat(type=_CAPTURE)
        pix = asked.fmt.pix
        pix.width, pix.height = wanted.width, wanted.height
        pix.pixelformat = int.from_bytes(wanted.pixels.encode(), "little")
        pix.field = 1  # progressive
        self._call(S_FMT, asked)
        pixels = pix.pixelformat.to_bytes(4, "little").decode(errors="replace")
        self._row_bytes = 0 if pixels in _COMPRESSED else pix.bytesperline
        return Format(pix.width, pix.height, pixels, self._ask_rate(wanted.rate))

    def start(self) -> None:
        """Begin to stream."""
        request = RequestBuffers(count=BUFFERS, type=_CAPTURE, memory=_MMAP)
        self._call(REQBUFS, request)
        for index in range(request.count):
            buffer = Buffer(index=index, type=_CAPTURE, memory=_MMAP)
            self._call(QUERYBUF, buffer)
            try:
                self._maps.append(mmap.mmap(self._file, buffer.length, offset=buffer.m.offset))
            except OSError as error:
                raise self._failed(error) from None
            self._call(QBUF, buffer)
        self._call(STREAMON, ctypes.c_int(_CAPTURE))

    def read(self, timeout_s: float) -> RawFrame | None:
        """The next frame, in order; None where none came in time."""
        poll = select.poll()
        poll.register(self._file, select.POLLIN)
        ready = poll.poll(timeout_s * 1e3)
        if not ready:
            return None
        buffer = Buffer(type=_CAPTURE, memory=_MMAP)
        try:
            self._call(DQBUF, buffer)
        except BlockingIOError:
            if ready[0][1] & (select.POLLERR | select.POLLHUP):
                raise VideoError("it has stopped streaming") from None
            return None
        data = np.frombuffer(self._maps[buffer.index], np.uint8, buffer.bytesused).copy()
        self._call(QBUF, buffer)
        return RawFrame(_stamp(buffer), data, self._row_bytes)

    def close(self) -> None:
        """Release it."""
        if self._file < 0:
            return
        for mapped in self._maps:
            mapped.close()
        self._maps.clear()
        os.close(self._file)  # this ends the stream, too
        self._file = -1

    def _ask_rate(self, rate: float) -> float:
        """Ask for frames a second [Hz]; what the device gives, 0.0 where it does not say."""
        asked = StreamRate(type=_CAPTURE, numerator=1000, denominator=round(1000 * rate))
        try:
            self._call(S_PARM, asked)
        except VideoError:
            return 0.0
        if not (asked.capability & _CHANGED_RATE and asked.numerator):
            return 0.0
        return float(asked.denominator / asked.numerator)

    def _id(self, control: Control) -> int:
        if control is not Control.TRIGGER:
            return CONTROLS[control]
        if self._trigger is None:
            raise VideoError(f"camera {self._name!r} has no {control}")
        return self._trigger

    def _find_trigger(self) -> QueryControl | None:
        found = self._query(_NEXT_CONTROL)
        while found is not None:
            if found.name.decode(errors="replace").lower() in _TRIGGER_NAMES:
                self._trigger = found.id
                return found
            found = self._query(found.id | _NEXT_CONTROL)
        return None

    def _query(self, id: int) -> QueryControl | None:
        query = QueryControl(id=id)
        try:
            fcntl.ioctl(self._file, QUERYCTRL, query)
        except OSError as error:
            if error.errno in (errno.EINVAL, errno.ENOTTY):
                return None
            raise self._failed(error) from None
        return query

    def _call(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        """Raises VideoError; BlockingIOError where there is nothing yet."""
        try:
            fcntl.ioctl(self._file, request, argument)
        except BlockingIOError:
            raise
        except OSError as error:
            raise self._failed(error) from None

    def _failed(self, error: OSError) -> VideoError:
        if error.errno == errno.EBUSY:
            return VideoError("another program has it open")
        return VideoError(error.strerror or repr(error))


def _stamp(buffer: Buffer) -> FrameStamp:
    """Raises VideoError where the stamp is not of the steady clock."""
    if buffer.flags & _CLOCK != _MONOTONIC:
        raise VideoError("its frames have no stamps of the steady clock")
    return FrameStamp(
        (buffer.seconds * 1_000_000 + buffer.microseconds) * 1000,
        buffer.sequence,
        at_start=bool(buffer.flags & _AT_START),
        damaged=bool(buffer.flags & _ERROR),
    )
