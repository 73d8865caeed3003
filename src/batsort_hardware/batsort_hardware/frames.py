"""Images of files that stand in for a camera: a video, or a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from batsort_files.documents import ConfigurationError

Pixels = NDArray[np.uint8]


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
        yield np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


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
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)
