"""A camera's device in a thread of its own: set up, read, and opened again when it was gone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_core.exposure import FrameGate, Shutter, longest_silence_s
from batsort_files.documents import ConfigurationError
from batsort_hardware.protocols import SteadyStamps
from batsort_hardware.video_device import RawFrame, VideoDevice, VideoError
from batsort_hardware.video_settings import Settled, VideoSettings, settle

Pixels = NDArray[np.uint8]

PIXEL_FORMATS = {
    "YUYV": (2, cv2.COLOR_YUV2RGB_YUYV),
    "UYVY": (2, cv2.COLOR_YUV2RGB_UYVY),
    "RGB3": (3, None),
    "BGR3": (3, cv2.COLOR_BGR2RGB),
    "MJPG": (0, None),
}
"""Those that can be read: bytes a pixel (0: compressed), and how OpenCV makes RGB of them."""
RETRY_S = 0.5
_JPEG_END = b"\xff\xd9"
_LOOK_S = 0.1  # how long a closing thread may be waited for


class CameraThread:
    """Hands on every good frame of a device, RGB, with the middle of its exposure.

    Args:
        open_device: opens the device, also again.
        settings: what is wanted of it, each time it is opened.
        readout_s: from the end of an exposure to the end of its frame, for devices that stamp
            that; 0: the frame's period.
        max_age_s: what reaches this machine later than this after its stamp is refused; frames
            of a triggered camera never are.
        on_frame: gets stamp [ns since the Unix epoch] and pixels, in the thread.

    Raises:
        ConfigurationError: the device can't be opened or does not take the settings, at first.
    """

    def __init__(
        self,
        open_device: Callable[[], VideoDevice],
        settings: VideoSettings,
        *,
        readout_s: float,
        max_age_s: float,
        on_frame: Callable[[int, Pixels], None],
    ) -> None:
        self._open_device = open_device
        self._settings = settings
        self._readout_s = readout_s
        self._on_frame = on_frame
        self.stamps = SteadyStamps()
        self._gate = FrameGate(None if settings.trigger else max_age_s)
        self._closed = threading.Event()
        self._device: VideoDevice | None = None
        self.gone = ""
        """Why it gives no frames; empty while it does."""
        try:
            self._open()
        except VideoError as error:
            raise ConfigurationError(f"device: {error}; allowed: a camera (/dev/videoN)") from None
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counter[str]:
        """Frames that were refused or lost, and how often the device was opened again."""
        return self._gate.counts

    def close(self) -> None:
        """End the thread and release the device."""
        self._closed.set()
        self._thread.join()

    def _open(self) -> VideoDevice:
        device = self._device = self._open_device()
        try:
            self.settled = settle(device, self._settings)
        except (VideoError, ConfigurationError):
            self._release()
            raise
        return device

    def _release(self) -> None:
        if self._device is not None:
            self._device.close()
        self._device = None

    def _run(self) -> None:
        while True:
            try:
                device = self._device
                if device is None:
                    device = self._open()
                    self._gate.counts["times opened again"] += 1
                self._stream(device)
            except (VideoError, ConfigurationError) as error:
                self.gone = f"the camera gives no frames: {error}"
            except Exception as error:  # a defect: no thread may end without somebody hearing of it
                self.gone = f"the camera's thread has failed: {error!r}"
            finally:
                self._release()
            if self._closed.wait(RETRY_S):
                return

    def _stream(self, device: VideoDevice) -> None:
        """Hand on frames until the device is gone or the thread is closed."""
        given, triggered = self.settled.format, self._settings.trigger
        period = 1.0 / (given.rate or self._settings.format.rate)
        shutter = Shutter(self.settled.exposure_s, self._readout_s or period)
        silence = longest_silence_s(1.0 / period)
        device.start()
        self._gate.restarted()
        heard = time.monotonic()
        if triggered:
            self.gone = ""
        while not self._closed.is_set():
            frame = device.read(_LOOK_S)
            if frame is not None:
                heard = time.monotonic()
                self.gone = ""
                self._take(frame, shutter)
            elif not triggered and time.monotonic() - heard > silence:
                raise VideoError(f"none for {silence:g} s")

    def _take(self, frame: RawFrame, shutter: Shutter) -> None:
        if not self._gate.admits(frame.stamp, time.monotonic_ns()):
            return
        pixels = to_pixels(frame, self.settled)
        if pixels is None:
            self._gate.counts["frames damaged"] += 1
            return
        self._on_frame(self.stamps.at(shutter.exposed_at(frame.stamp)), pixels)


def to_pixels(frame: RawFrame, settled: Settled) -> Pixels | None:
    """uint8[height, width, 3] RGB; None where the frame is not whole."""
    given = settled.format
    size, code = PIXEL_FORMATS[given.pixels]
    if size == 0:
        # OpenCV 4.6, which Ubuntu 24.04 has, makes up what was cut off.
        whole = _JPEG_END in frame.data.tobytes()
        decoded = cv2.imdecode(frame.data, cv2.IMREAD_COLOR) if whole else None
        if decoded is None or decoded.shape[:2] != (given.height, given.width):
            return None
        return np.asarray(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), np.uint8)
    if frame.data.size < given.height * frame.row_bytes:
        return None
    rows = frame.data[: given.height * frame.row_bytes].reshape(given.height, frame.row_bytes)
    packed = rows[:, : given.width * size].reshape(given.height, given.width, size)
    return packed if code is None else np.asarray(cv2.cvtColor(packed, code), np.uint8)
