"""V4L2 devices through the kernel's interface: against its header, and a kernel that is played."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import select
import shutil
import subprocess
from pathlib import Path

import pytest
from fake_v4l2 import TRIGGER, FakeKernel

from batsort_core.exposure import FrameStamp
from batsort_hardware import v4l2
from batsort_hardware.v4l2 import V4l2Device
from batsort_hardware.video_device import Control, Format, Span, VideoError

HEADER = Path("/usr/include/linux/videodev2.h")
BRIGHTNESS = 0x00980900
STRUCTURES = {
    v4l2.Capability: ("v4l2_capability", ("card", "capabilities", "device_caps")),
    v4l2.StreamFormat: ("v4l2_format", ("fmt",)),
    v4l2.PixelFormat: ("v4l2_pix_format", ("pixelformat", "field", "bytesperline")),
    v4l2.StreamRate: ("v4l2_streamparm", ()),
    v4l2.QueryControl: ("v4l2_queryctrl", ("name", "minimum", "maximum", "step", "flags")),
    v4l2.ControlValue: ("v4l2_control", ("id", "value")),
    v4l2.RequestBuffers: ("v4l2_requestbuffers", ("count", "type", "memory")),
    v4l2.Buffer: (
        "v4l2_buffer",
        ("index", "bytesused", "flags", "sequence", "memory", "m", "length", "request_fd"),
    ),
}
NUMBERS = {
    "VIDIOC_QUERYCAP": v4l2.QUERYCAP,
    "VIDIOC_S_FMT": v4l2.S_FMT,
    "VIDIOC_REQBUFS": v4l2.REQBUFS,
    "VIDIOC_QUERYBUF": v4l2.QUERYBUF,
    "VIDIOC_QBUF": v4l2.QBUF,
    "VIDIOC_DQBUF": v4l2.DQBUF,
    "VIDIOC_STREAMON": v4l2.STREAMON,
    "VIDIOC_S_PARM": v4l2.S_PARM,
    "VIDIOC_G_CTRL": v4l2.G_CTRL,
    "VIDIOC_S_CTRL": v4l2.S_CTRL,
    "VIDIOC_QUERYCTRL": v4l2.QUERYCTRL,
    "V4L2_CID_EXPOSURE_AUTO": v4l2.CONTROLS[Control.AUTO_EXPOSURE],
    "V4L2_CID_EXPOSURE_ABSOLUTE": v4l2.CONTROLS[Control.EXPOSURE],
    "V4L2_CID_AUTOGAIN": v4l2.CONTROLS[Control.AUTO_GAIN],
    "V4L2_CID_GAIN": v4l2.CONTROLS[Control.GAIN],
    "V4L2_CID_AUTO_WHITE_BALANCE": v4l2.CONTROLS[Control.AUTO_WHITE_BALANCE],
    "V4L2_CID_WHITE_BALANCE_TEMPERATURE": v4l2.CONTROLS[Control.WHITE_BALANCE],
    "V4L2_CID_FOCUS_AUTO": v4l2.CONTROLS[Control.AUTO_FOCUS],
    "offsetof(struct v4l2_buffer, timestamp)": v4l2.Buffer.seconds.offset,
    "offsetof(struct v4l2_streamparm, parm.capture.timeperframe)": v4l2.StreamRate.numerator.offset,
    "V4L2_BUF_FLAG_TIMESTAMP_MASK": v4l2._CLOCK,
    "V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC": v4l2._MONOTONIC,
    "V4L2_BUF_FLAG_TSTAMP_SRC_SOE": v4l2._AT_START,
    "V4L2_BUF_FLAG_ERROR": v4l2._ERROR,
    "V4L2_CTRL_FLAG_NEXT_CTRL": v4l2._NEXT_CONTROL,
    "V4L2_CTRL_FLAG_DISABLED": v4l2._DISABLED,
    "V4L2_CAP_TIMEPERFRAME": v4l2._CHANGED_RATE,
}


@pytest.mark.skipif(
    not HEADER.exists() or shutil.which("cc") is None, reason="needs a C compiler and its headers"
)
def test_structures_and_numbers_are_those_of_the_kernel_s_header(tmp_path: Path) -> None:
    wanted = dict(NUMBERS)
    for ours, (theirs, fields) in STRUCTURES.items():
        wanted[f"sizeof(struct {theirs})"] = ctypes.sizeof(ours)
        for field in fields:
            wanted[f"offsetof(struct {theirs}, {field})"] = getattr(ours, field).offset
    prints = "\n".join(f'printf("%lu\\n", (unsigned long){name});' for name in wanted)
    source = tmp_path / "numbers.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{ {prints} return 0; }}"
    )
    subprocess.run(["cc", "-w", "-o", str(tmp_path / "numbers"), str(source)], check=True)
    said = subprocess.run([tmp_path / "numbers"], capture_output=True, text=True, check=True)
    assert dict(zip(wanted, map(int, said.stdout.split()), strict=True)) == wanted


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeKernel:
    made = FakeKernel(tmp_path / "video0")
    monkeypatch.setattr(fcntl, "ioctl", made.ioctl)
    return made


def test_frames_come_in_order_with_the_kernel_s_stamps(kernel: FakeKernel) -> None:
    device = V4l2Device(kernel.path)
    assert device.ask(Format(64, 16, "YUYV", 30.0)) == Format(64, 16, "YUYV", 30.0)
    device.start()
    assert kernel.streaming
    assert device.read(0.0) is None
    for number in range(2 * v4l2.BUFFERS):
        kernel.expose(number, 5.25 + number, number)
        frame = device.read(1.0)
        assert frame.stamp == FrameStamp(5_250_000_000 + number * 10**9, number, at_start=True)
        assert (frame.data == number).all()
        assert frame.row_bytes == 256
    device.close()
    device.close()


def test_the_end_of_a_frame_and_damage_are_told_apart(kernel: FakeKernel) -> None:
    device = V4l2Device(kernel.path)
    device.start()
    kernel.flags = 0x2000 | 0x40
    kernel.expose(0, 1.0, 0)
    assert device.read(1.0).stamp == FrameStamp(10**9, 0, at_start=False, damaged=True)
    kernel.flags = 0
    kernel.expose(0, 1.0, 1)
    with pytest.raises(VideoError, match="no stamps of the steady clock"):
        device.read(1.0)
    device.close()


def test_controls_are_set_and_read_and_the_trigger_is_found_by_its_name(
    kernel: FakeKernel,
) -> None:
    device = V4l2Device(kernel.path)
    assert device.span(Control.GAIN) == Span(0, 100, 1)
    device.set(Control.GAIN, 7)
    assert device.get(Control.GAIN) == 7
    assert device.span(Control.TRIGGER) == Span(0, 100, 1)
    device.set(Control.TRIGGER, 1)
    assert kernel.controls[TRIGGER] == 1
    with pytest.raises(VideoError, match="out of range"):
        device.set(Control.GAIN, 101)
    del kernel.controls[TRIGGER]
    assert device.span(Control.TRIGGER) is None
    device.close()


def test_a_control_that_nobody_asked_for_and_is_broken_keeps_no_camera_from_its_work(
    kernel: FakeKernel,
) -> None:
    kernel.broken = BRIGHTNESS
    kernel.controls[BRIGHTNESS] = 0
    device = V4l2Device(kernel.path)
    assert device.span(Control.TRIGGER) is None
    assert device.span(Control.GAIN) == Span(0, 100, 1)
    device.close()


def test_what_the_device_gives_instead_is_told(kernel: FakeKernel) -> None:
    kernel.given, kernel.rate = (32, 8, b"MJPG", 0), None
    device = V4l2Device(kernel.path)
    assert device.ask(Format(64, 16, "YUYV", 30.0)) == Format(32, 8, "MJPG", 0.0)
    device.close()


def test_a_device_that_is_gone_busy_or_no_camera_says_so(kernel: FakeKernel) -> None:
    device = V4l2Device(kernel.path)
    device.start()
    kernel.error = errno.ENODEV
    with pytest.raises(VideoError, match="No such device"):
        device.read(1.0)
    with pytest.raises(VideoError, match="No such device"):
        device.span(Control.GAIN)
    kernel.error = errno.EBUSY
    with pytest.raises(VideoError, match="another program has it open"):
        device.start()
    device.close()
    kernel.error = 0
    kernel.capabilities = 0x2
    with pytest.raises(VideoError, match=r"video0 \(Fake\) gives no stream of images"):
        V4l2Device(kernel.path)
    with pytest.raises(VideoError, match="can't be opened"):
        V4l2Device(kernel.path.parent / "video9")


def test_a_device_that_stops_streaming_says_so_instead_of_being_asked_for_ever(
    kernel: FakeKernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Hung:
        def register(self, file: int, events: int) -> None:
            self.file = file

        def poll(self, timeout_ms: float) -> list[tuple[int, int]]:
            return [(self.file, select.POLLERR)]

    device = V4l2Device(kernel.path)
    device.start()
    monkeypatch.setattr(select, "poll", Hung)
    with pytest.raises(VideoError, match="it has stopped streaming"):
        device.read(1.0)
    device.close()
