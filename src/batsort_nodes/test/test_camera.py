"""Node `camera`: one image per request, exposed nearest to what was asked, stamped at exposure."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_video import FakeVideo
from messages import EPOCH, SPEED, belt_state, stamp_at
from sensor_msgs.msg import Image

from batsort_graph.from_messages import stamp_of
from batsort_graph.image_bridge import to_message, to_rgb
from batsort_graph.to_messages import time_of
from batsort_hardware.video_device import Control
from batsort_interfaces.msg import CaptureRequest, CellState
from batsort_nodes import camera
from batsort_nodes.camera import Camera


def active(bench):
    node = bench.add(Camera())
    node.trigger_configure()
    node.trigger_activate()
    return node


def picture(grey: int) -> np.ndarray:
    """Of about that grey, with something to see in it."""
    pixels = np.full((48, 64, 3), grey, np.uint8)
    pixels[:, 32:] += 20
    return pixels


def source(count: int, grey: int):
    message = to_message(picture(grey))
    message.header.stamp = time_of(stamp_at(count))
    return message


def request(count: int, item_id: int = 1) -> CaptureRequest:
    return CaptureRequest(item_id=item_id, epoch=EPOCH, count=count)


def two_images(bench) -> list[Image]:
    """Of two items that the belt carries past the camera, at counts 3000 and 4000."""
    active(bench)
    images = bench.heard("camera/image_raw")
    bench.send("camera/request", request(3000, 1))
    bench.send("camera/request", request(4000, 2))
    for count in (2900, 3100, 3900, 4100):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: len(images) == 2)
    return images


def test_of_a_free_running_camera_the_nearest_frame_is_taken(bench) -> None:
    bench = bench()
    active(bench)
    images, infos = bench.heard("camera/image_raw"), bench.heard("camera/camera_info")
    bench.send("camera/request", request(3000))
    for count, grey in ((2990, 10), (2998, 20), (3015, 30)):
        bench.send("camera/source", source(count, grey))
    for count in (2900, 3000, 3100):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: images and infos)
    assert to_rgb(images[0])[0, 0, 0] == 20
    assert stamp_of(images[0].header.stamp) == stamp_at(2998)
    assert images[0].header.frame_id == "camera_optical_frame"
    assert infos[0].header == images[0].header


def test_a_folder_gives_one_image_per_request_at_the_asked_position(bench, tmp_path: Path) -> None:
    for grey in (50, 60):
        cv2.imwrite(str(tmp_path / f"{grey}.png"), picture(grey))
    images = two_images(bench(source="folder", path=tmp_path))
    assert [to_rgb(image)[0, 0, 0] for image in images] == [50, 60]
    assert [stamp_of(image.header.stamp) for image in images] == [stamp_at(3000), stamp_at(4000)]


def test_a_video_gives_its_frames_one_per_request(bench, tmp_path: Path) -> None:
    path = tmp_path / "belt.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for grey in (40, 200):
        writer.write(picture(grey))
    writer.release()
    images = two_images(bench(source="video", path=path))
    first, second = (float(to_rgb(image)[:, :24].mean()) for image in images)
    assert abs(first - 40) < 8
    assert abs(second - 200) < 8


def test_a_source_that_runs_out_is_a_fault_until_the_camera_is_started_anew(
    bench, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "only.png"), picture(50))
    bench = bench(source="folder", path=tmp_path)
    node = active(bench)
    bench.send("camera/request", request(3000, 1))
    bench.send("camera/request", request(4000, 2))
    for count in (2900, 3100, 3900, 4100):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: "no more images" in str(node._health().fault))
    for step in (
        node.trigger_deactivate,
        node.trigger_cleanup,
        node.trigger_configure,
        node.trigger_activate,
    ):
        step()
    images = bench.heard("camera/image_raw")
    bench.send("camera/request", request(5000, 3))
    for count in (4900, 5100):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: bool(images))
    assert "no more images" not in str(node._health().fault)


@pytest.mark.parametrize(
    ("parameters", "named"),
    [
        ({"source": "folder", "path": "/nowhere"}, "/nowhere"),
        ({"source": "video", "path": "/nowhere.mp4"}, "/nowhere.mp4"),
        ({"source": "device"}, "tolerance: 0.002 is refused; allowed: from 0.0083 m"),
        (
            {"source": "device", "tolerance": 0.01, "device": 63},
            "device: /dev/video63 can't be opened (No such file",
        ),
    ],
)
def test_a_source_that_is_not_there_is_refused_by_name(
    bench, capfd, parameters: dict, named: str
) -> None:
    bench = bench(**parameters)
    node = bench.add(Camera())
    node.trigger_configure()
    assert node.stage == "unconfigured"
    assert named in capfd.readouterr().err


def test_a_picture_that_shows_nothing_is_refused_and_trouble_until_looked_at(bench) -> None:
    bench = bench()
    node = active(bench)
    images = bench.heard("camera/image_raw")
    bench.send("belt/state", belt_state(2900))
    for number, (count, grey) in enumerate(((3000, 50), (4000, 60), (5000, 60))):
        bench.send("camera/request", request(count, number))
        bench.send("camera/source", source(count, grey))
        bench.send("belt/state", belt_state(count + 100))
    bench.wait(lambda: "frozen" in str(node._health().fault))
    assert node._health().fault.lasting
    bench.wait(lambda: len(images) == 2)
    assert [np.frombuffer(i.data, np.uint8).max() for i in images] == [70, 80]
    bench.send("cell/state", CellState(state="held"))
    bench.wait(lambda: node._health().fault is None)


def test_three_items_in_a_row_without_an_image_are_trouble(bench) -> None:
    bench = bench()
    node = active(bench)
    for number, count in enumerate((3000, 4000, 5000)):
        bench.send("camera/request", request(count, number))
    for count in range(2900, 9000, 700):
        bench.send("belt/state", belt_state(count))
    bench.wait(lambda: "no image of the last 3 items" in str(node._health().fault))


def test_a_device_s_frame_is_stamped_at_its_exposure_and_told_what_it_lacks(
    bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = FakeVideo()
    del video.controls[Control.GAIN]
    monkeypatch.setattr(camera, "open_device", lambda path: video.open())
    bench = bench(
        source="device",
        tolerance=0.01,
        pixel_format="RGB3",
        gain=3,
        exposure_s=0.002,
        max_age_s=2.0,
    )
    node = active(bench)
    images = bench.heard("camera/image_raw")
    stamps = node._device.stamps
    begun = stamps.now()

    def tell_belt(after_s: int) -> None:
        state = belt_state(after_s * SPEED)
        state.header.stamp = time_of(begun + after_s * 10**9)
        bench.send("belt/state", state)

    tell_belt(0)
    bench.wait(lambda: node._belt.tracker.latest is not None)
    exposed = stamps.at(video.expose()) + 1_000_000
    bench.wait(lambda: bool(node._grabbed))
    bench.send("camera/request", request((exposed - begun) * SPEED // 10**9))
    bench.wait(lambda: node._asked.count == 1)
    tell_belt(1)
    bench.wait(lambda: bool(images))
    assert stamp_of(images[0].header.stamp) == exposed
    assert to_rgb(images[0]).shape == (480, 640, 3)
    health = node._health()
    assert health.values["exposure [s]"] == 0.002
    assert health.warning.startswith("gain: camera 'Fake' has no such control")


def test_a_device_whose_cable_is_pulled_is_trouble_until_it_is_back(
    bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = FakeVideo()
    monkeypatch.setattr(camera, "open_device", lambda path: video.open())
    bench = bench(source="device", pixel_format="RGB3", trigger=True)
    node = bench.add(Camera())
    node.trigger_configure()
    assert node._health().fault is None
    video.pull()
    bench.wait(lambda: node._health().fault is not None)
    fault = node._health().fault
    assert fault.cause == "the camera gives no frames: No such device"
    assert "comes back by itself" in fault.cure and not fault.lasting
    video.plug()
    bench.wait(lambda: node._health().fault is None)
    assert node._health().values["times opened again"] == 1
