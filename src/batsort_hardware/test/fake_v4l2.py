"""The kernel's side of a V4L2 device: answers the requests that are made of a file."""

from __future__ import annotations

import ctypes
import errno
from collections import deque
from pathlib import Path
from typing import Any

from batsort_hardware import v4l2

PAGE = 4096
TRIGGER = 0x00980935


class FakeKernel:
    """Serves one capture device in `fcntl.ioctl`'s place; images come from the file itself."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.path.write_bytes(bytes(v4l2.BUFFERS * PAGE))
        self.controls = {v4l2.CONTROLS[control]: 0 for control in v4l2.CONTROLS} | {TRIGGER: 0}
        self.name, self.capabilities = b"Fake", 0x84200001
        self.given = (64, 16, b"YUYV", 256)
        self.rate: tuple[int, int] | None = (1, 30)
        self.error = 0
        self.broken = 0
        """A control that the device lists and then can't tell of."""
        self.flags = 0x2000 | 0x10000
        self.queued: deque[int] = deque()
        self.done: deque[tuple[int, float, int]] = deque()
        self.streaming = False
        self._calls = {
            v4l2.QUERYCAP: self._capability,
            v4l2.S_FMT: self._format,
            v4l2.S_PARM: self._rate,
            v4l2.QUERYCTRL: self._query,
            v4l2.G_CTRL: self._get,
            v4l2.S_CTRL: self._set,
            v4l2.REQBUFS: lambda buffers: None,
            v4l2.QUERYBUF: self._buffer,
            v4l2.QBUF: lambda buffer: self.queued.append(buffer.index),
            v4l2.DQBUF: self._dequeue,
            v4l2.STREAMON: self._start,
        }

    def ioctl(self, file: int, request: int, argument: Any) -> int:
        if self.error:
            raise OSError(self.error, "No such device")
        self._calls[request](argument)
        return 0

    def expose(self, byte: int, stamp_s: float, sequence: int) -> None:
        """Fill the next waiting buffer."""
        index = self.queued.popleft()
        with self.path.open("r+b") as file:
            file.seek(index * PAGE)
            file.write(bytes([byte]) * PAGE)
        self.done.append((index, stamp_s, sequence))

    def _capability(self, about: v4l2.Capability) -> None:
        about.card, about.capabilities, about.device_caps = self.name, self.capabilities, 0x04200001

    def _format(self, asked: v4l2.StreamFormat) -> None:
        pix = asked.fmt.pix
        pix.width, pix.height, pixels, pix.bytesperline = self.given
        pix.pixelformat = int.from_bytes(pixels, "little")

    def _rate(self, asked: v4l2.StreamRate) -> None:
        if self.rate is not None:
            asked.capability = 0x1000
            asked.numerator, asked.denominator = self.rate

    def _query(self, query: v4l2.QueryControl) -> None:
        id = query.id
        if id & 0x80000000:
            later = [known for known in sorted(self.controls) if known > id & 0x7FFFFFFF]
            id = later[0] if later else 0
        if id not in self.controls:
            raise OSError(errno.EINVAL, "Invalid argument")
        if id == self.broken:
            raise OSError(errno.EIO, "Input/output error")
        query.id, query.minimum, query.maximum, query.step = id, 0, 100, 1
        query.name = b"Trigger Mode" if id == TRIGGER else b"Something"

    def _get(self, value: v4l2.ControlValue) -> None:
        value.value = self.controls[value.id]

    def _set(self, value: v4l2.ControlValue) -> None:
        if not 0 <= value.value <= 100:
            raise OSError(errno.ERANGE, "Numerical result out of range")
        self.controls[value.id] = value.value

    def _buffer(self, buffer: v4l2.Buffer) -> None:
        buffer.length, buffer.m.offset = PAGE, buffer.index * PAGE

    def _dequeue(self, buffer: v4l2.Buffer) -> None:
        if not self.done:
            raise BlockingIOError
        buffer.index, stamp, buffer.sequence = self.done.popleft()
        buffer.seconds, buffer.microseconds = int(stamp), round(stamp % 1 * 1e6)
        buffer.bytesused, buffer.flags = PAGE, self.flags

    def _start(self, kind: ctypes.c_int) -> None:
        self.streaming = len(self.queued) == v4l2.BUFFERS
