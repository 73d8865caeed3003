"""Node `camera`: one image per capture request, stamped at exposure."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

from sensor_msgs.msg import CameraInfo, Image

from batsort_core.capture import FrameMatcher, Match, Missed
from batsort_core.capture_watch import CaptureWatch
from batsort_core.clock_watch import clock_warning
from batsort_core.exposure import least_tolerance
from batsort_core.flow import Flow
from batsort_core.trouble import Trouble
from batsort_description.cell_file import load_cell
from batsort_files.documents import ConfigurationError, path_of
from batsort_graph.configuration import CELL_FILE, Parameter, declare
from batsort_graph.follow import BeltFollower
from batsort_graph.from_messages import stamp_of
from batsort_graph.heartbeat import Health
from batsort_graph.image_bridge import to_message, to_rgb
from batsort_graph.images import ImageError
from batsort_graph.managed import ManagedNode
from batsort_graph.run import run
from batsort_graph.to_messages import time_of
from batsort_graph.topics import publisher
from batsort_hardware.camera_thread import PIXEL_FORMATS, CameraThread, Pixels
from batsort_hardware.frames import folder_frames, video_frames
from batsort_hardware.v4l2 import V4l2Device
from batsort_hardware.video_device import Format, VideoDevice
from batsort_hardware.video_settings import LEFT, VideoSettings
from batsort_interfaces.msg import BeltState, CaptureRequest, CellState
from batsort_perception.checks import ImageChecks, Problem
from batsort_supervision.packml import State, looked_at

PARAMETERS = (
    CELL_FILE,
    Parameter(
        "source",
        "topic",
        "Where images come from: the topic camera/source, a V4L2 device, a video file "
        "or a folder of images (these two give one image per request).",
        choices=("topic", "device", "video", "folder"),
    ),
    Parameter("device", 0, "Number of the V4L2 device, where no path is given.", 0, 63),
    Parameter("path", "", "Video file, folder of images, or V4L2 device (/dev/v4l/by-id/...)."),
    Parameter("exposure_s", 0.001, "Time for which the device exposes [s].", 0.0001, 0.1),
    Parameter("gain", LEFT, "Gain, in the device's units; -1: as it is.", LEFT, 65535),
    Parameter("white_balance_k", LEFT, "White balance [K]; -1: as it is.", LEFT, 15000),
    Parameter("rate", 30.0, "Frames of the device a second [Hz].", 1.0, 500.0),
    Parameter(
        "pixel_format", "YUYV", "Pixel format asked of the device.", choices=tuple(PIXEL_FORMATS)
    ),
    Parameter(
        "trigger",
        False,
        "The device exposes once for each pulse at its trigger, and no image is too old.",
    ),
    Parameter(
        "readout_s",
        0.0,
        "From the end of an exposure to the end of its frame [s], for a device that stamps "
        "that; 0.0: the frame's period.",
        0.0,
        0.5,
    ),
    Parameter(
        "max_age_s", 0.2, "Frames that come later than this after their stamp [s].", 0.01, 2.0
    ),
    Parameter("frame_id", "camera_optical_frame", "Frame of the images (REP-103)."),
    Parameter(
        "tolerance",
        0.002,
        "How far from the asked belt position an exposure may be [m].",
        0.0001,
        0.05,
    ),
)
KEPT_FRAMES = 16


def open_device(path: Path) -> VideoDevice:
    """Raises VideoError."""
    return V4l2Device(path)


class Camera(ManagedNode):
    """Gives each request the image exposed nearest to its belt position."""

    def __init__(self) -> None:
        super().__init__("camera")
        declare(self, PARAMETERS)
        self._cell = load_cell(self.get_parameter("cell_file").value)
        self._frame_id = self.get_parameter("frame_id").value
        self._counts: Counter[str] = Counter()
        self._asked, self._given = Flow("requests"), Flow("images")
        self._exhausted: Trouble | None = None
        self._watch = CaptureWatch()
        self._checks = ImageChecks()
        self._device: CameraThread | None = None
        self._files: Iterator[Pixels] | None = None
        # One image per request is never dropped.
        kept = None if self.get_parameter("trigger").value else KEPT_FRAMES
        self._grabbed: deque[tuple[int, Pixels]] = deque(maxlen=kept)
        self._grabbed_lock = threading.Lock()
        self._images = publisher(self, "camera/image_raw")
        self._infos = publisher(self, "camera/camera_info")
        self.start_heartbeat(self._health)

    def configure(self) -> None:
        source = self.get_parameter("source").value
        path = path_of("path", self.get_parameter("path").value)
        if source == "device":
            self._device = self._open_device()
        elif source == "video":
            self._files = video_frames(path)
        elif source == "folder":
            self._files = folder_frames(path)

    def activate(self) -> None:
        self._belt = BeltFollower(self, self._cell, self._counts)
        self._matcher = FrameMatcher(self._cell.counts(self.get_parameter("tolerance").value))
        self._frames: dict[int, Image] = {}
        self._next_key = 0
        self._waiting: deque[CaptureRequest] = deque()
        self.listen("camera/request", self._on_request)
        self.listen("belt/state", self._on_belt)
        self.listen("cell/state", self._on_cell)
        if self.get_parameter("source").value == "topic":
            self.listen("camera/source", self._on_source)

    def cleanup(self) -> None:
        if self._device:
            self._device.close()
        self._device = self._files = self._exhausted = None

    def _open_device(self) -> CameraThread:
        """Raises ConfigurationError."""
        value = {p.name: self.get_parameter(p.name).value for p in PARAMETERS}
        path = path_of("path", value["path"] or f"/dev/video{value['device']}")
        camera = self._cell.camera
        least = least_tolerance(self._cell.belt.velocity, value["rate"])
        if not value["trigger"] and value["tolerance"] < least:
            raise ConfigurationError(
                f"tolerance: {value['tolerance']:g} is refused; allowed: from {least:.4f} m, half "
                f"of what the belt runs between two frames, for a camera without a trigger"
            )
        device = CameraThread(
            lambda: open_device(path),
            VideoSettings(
                Format(
                    camera.image_width, camera.image_height, value["pixel_format"], value["rate"]
                ),
                value["exposure_s"],
                value["gain"],
                value["white_balance_k"],
                value["trigger"],
            ),
            readout_s=value["readout_s"],
            max_age_s=value["max_age_s"],
            on_frame=self._on_grabbed,
        )
        for warning in device.settled.warnings:
            self.get_logger().warning(warning)
        return device

    def _on_request(self, request: CaptureRequest) -> None:
        self._asked.passed(time.monotonic())
        if self._files is not None:
            self._waiting.append(request)
        self._matcher.request(request.item_id, request.epoch, request.count)

    def _on_cell(self, message: CellState) -> None:
        if looked_at(State(message.state)):
            self._watch.acknowledge()

    def _on_source(self, image: Image) -> None:
        self._offer(stamp_of(image.header.stamp), image)
        self._step()

    def _on_grabbed(self, stamp: int, pixels: Pixels) -> None:
        with self._grabbed_lock:
            self._grabbed.append((stamp, pixels))

    def _on_belt(self, message: BeltState) -> None:
        if self._belt.take(message) is None:
            return
        with self._grabbed_lock:
            grabbed = list(self._grabbed)
            self._grabbed.clear()
        for stamp, pixels in grabbed:
            self._offer(stamp, to_message(pixels))
        while self._waiting and self._expose_file(self._waiting[0]):
            self._waiting.popleft()
        self._step()

    def _expose_file(self, request: CaptureRequest) -> bool:
        """Give the next file to a request as if exposed there, once the belt has been there."""
        latest = self._belt.tracker.latest
        if latest is None or (latest.epoch == request.epoch and latest.count < request.count):
            return False
        stamp = self._belt.tracker.time_at(request.count)
        if latest.epoch != request.epoch or stamp is None or self._exhausted:
            return True
        try:
            pixels = next(self._files)
        except StopIteration:
            cure = "give a longer video or folder, and start the camera anew"
            self._exhausted = Trouble("no more images", cure)
        except ConfigurationError as error:
            self._exhausted = Trouble(str(error), "give other images, and start the camera anew")
        else:
            self._offer(stamp, to_message(pixels))
        return True

    def _offer(self, stamp: int, image: Image) -> None:
        image.header.stamp = time_of(stamp)
        self._frames[self._next_key] = image
        self._matcher.frame(self._next_key, stamp)
        self._next_key += 1

    def _step(self) -> None:
        for result in self._matcher.step(self._belt.tracker):
            if isinstance(result, Missed):
                self._counts["requests without an image"] += 1
                self._watch.missed()
                continue
            image = self._frames.pop(result.key)
            if isinstance(result, Match):
                self._check(image)
            else:
                self._counts["images without a request"] += 1
        self.tell(self._trouble())

    def _check(self, image: Image) -> None:
        """Hand the image on, where it shows anything."""
        try:
            problem: str | None = self._checks.look(to_rgb(image))
        except ImageError as error:
            problem = str(error)
        # Files may be the same on purpose.
        if problem is None or (problem is Problem.FROZEN and self._files is not None):
            self._publish(image)
            return
        self._counts[f"images refused, {problem}"] += 1
        self._watch.useless(problem, sure=problem is Problem.FROZEN)

    def _publish(self, image: Image) -> None:
        self._given.passed(time.monotonic())
        self._watch.imaged()
        image.header.frame_id = self._frame_id
        self._images.publish(image)
        self._infos.publish(self._info(image))

    def _info(self, image: Image) -> CameraInfo:
        """A pinhole that looks straight down (REP-104 conventions), from the cell description."""
        camera = self._cell.camera
        focal = camera.height / camera.metres_per_pixel
        cx, cy = (image.width - 1) / 2, (image.height - 1) / 2
        return CameraInfo(
            header=image.header,
            width=image.width,
            height=image.height,
            distortion_model="plumb_bob",
            d=[0.0] * 5,
            k=[focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0],
            r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
            p=[focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
        )

    def _health(self) -> Health:
        values: dict[str, object] = dict(self._counts)
        warnings: list[str] = []
        if self._device:
            values |= self._device.counts
            values["exposure [s]"] = self._device.settled.exposure_s
            warnings += self._device.settled.warnings
            warnings += filter(None, [clock_warning(self._device.stamps.stepped_s)])
        if self.stage == "active":
            values["requests waiting"] = self._matcher.waiting
        flows = (self._asked, self._given)
        return Health(values, "; ".join(warnings), self._trouble(), flows)

    def _trouble(self) -> Trouble | None:
        if self._device:
            self._watch.device(self._device.gone)
        trouble = self._exhausted or self._watch.trouble
        return trouble if trouble or self.stage != "active" else self._belt.fault


def main() -> None:
    sys.exit(run(Camera))
