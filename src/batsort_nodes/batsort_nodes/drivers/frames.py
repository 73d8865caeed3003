"""Where a camera's images come from besides ROS: an OpenCV device, a video file, a folder."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..configuration import ConfigurationError

Pixels = NDArray[np.uint8]


class Device:
    """A free-running camera: a thread hands on every frame with the time of its exposure.

    OpenCV gives no exposure time, so the stamp is when the frame was grabbed, less half of the
    frame's period (the middle of the exposure, to first order). The device keeps one frame only:
    old frames are worth nothing on a running belt.
    """

    def __init__(self, device: int, on_frame: Callable[[int, Pixels], None]) -> None:
        self._capture = cv2.VideoCapture(device)
        if not self._capture.isOpened():
            raise ConfigurationError(
                f"device: {device} can't be opened; allowed: the number of a camera (/dev/videoN)"
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        rate = self._capture.get(cv2.CAP_PROP_FPS)
        self._exposure_ns = round(0.5e9 / rate) if rate > 0 else 0
        self._on_frame = on_frame
        self._running = True
        self._thread = threading.Thread(target=self._grab, name="camera", daemon=True)
        self._thread.start()

    def _grab(self) -> None:
        while self._running and self._capture.grab():
            stamp = time.time_ns() - self._exposure_ns
            good, pixels = self._capture.retrieve()
            if good:
                self._on_frame(stamp, cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))

    @property
    def alive(self) -> bool:
        """Whether frames can still come."""
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop grabbing and release the device."""
        self._running = False
        self._thread.join(timeout=2.0)
        self._capture.release()


def video_frames(path: Path) -> Iterator[Pixels]:
    """Frames of a video file, RGB.

    Raises:
        ConfigurationError: no video that OpenCV can open.
    """
    capture = cv2.VideoCapture(str(path))
    if not path.is_file() or not capture.isOpened():
        raise ConfigurationError(f"path: {str(path)!r} can't be opened; allowed: a video file")
    return _video_frames(capture)


def _video_frames(capture: cv2.VideoCapture) -> Iterator[Pixels]:
    while True:
        good, pixels = capture.read()
        if not good:
            capture.release()
            return
        yield cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)


def folder_frames(path: Path) -> Iterator[Pixels]:
    """Images of a folder in the order of their names, RGB; read one by one as they are wanted.

    Raises:
        ConfigurationError: no such folder, an empty one, or (when its turn comes) a broken image.
    """
    files = sorted(file for file in path.glob("*") if file.is_file()) if path.is_dir() else []
    if not files:
        raise ConfigurationError(f"path: {str(path)!r} holds no image; allowed: a folder of images")
    return (_read(file) for file in files)


def _read(file: Path) -> Pixels:
    pixels = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ConfigurationError(f"path: {str(file)!r} is no image that can be read")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
