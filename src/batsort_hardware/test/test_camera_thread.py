"""A camera's device: set up and read back, or refused; its frames; away and back again."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from fake_video import FakeVideo
from waiting import DEADLINE_S, wait

from batsort_core.exposure import FrameStamp
from batsort_files.documents import ConfigurationError
from batsort_hardware.camera_thread import CameraThread, Pixels, to_pixels
from batsort_hardware.video_device import Control, Format, RawFrame
from batsort_hardware.video_settings import LEFT, Settled, VideoSettings, settle

FORMAT = Format(640, 480, "RGB3", 30.0)


def settings(**changed: object) -> VideoSettings:
    values = {"format": FORMAT, "exposure_s": 0.001, "gain": 3, "white_balance_k": LEFT}
    return VideoSettings(**({"trigger": False} | values | changed))


class Rig:
    def __init__(self, video: FakeVideo, trigger: bool = False, **options: float) -> None:
        self.video = video
        self.frames: queue.SimpleQueue[tuple[int, Pixels]] = queue.SimpleQueue()
        self.thread = CameraThread(
            video.open,
            settings(trigger=trigger),
            on_frame=lambda stamp, pixels: self.frames.put((stamp, pixels)),
            **({"readout_s": 0.0, "max_age_s": 0.5} | options),
        )

    def frame(self) -> tuple[int, Pixels]:
        return self.frames.get(timeout=DEADLINE_S)


@pytest.fixture
def rigs() -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(video: FakeVideo, **options: object) -> Rig:
        made.append(Rig(video, **options))
        return made[-1]

    yield make
    for rig in made:
        rig.thread.close()


def test_nothing_adjusts_itself_and_all_is_as_asked() -> None:
    video = FakeVideo()
    settled = settle(video, settings(white_balance_k=900, trigger=True))
    assert video.controls == {
        Control.AUTO_EXPOSURE: 1,
        Control.EXPOSURE: 10,
        Control.AUTO_GAIN: 0,
        Control.GAIN: 3,
        Control.AUTO_WHITE_BALANCE: 0,
        Control.WHITE_BALANCE: 900,
        Control.AUTO_FOCUS: 0,
        Control.TRIGGER: 1,
    }
    assert settled == Settled(FORMAT, 0.001, ())


@pytest.mark.parametrize(
    ("keeps", "gives", "refusal"),
    [
        (
            {Control.EXPOSURE: 15},
            {},
            "exposure_s: 0.001 is not kept by camera 'Fake', which says 0.0015; "
            "allowed: 0 to 0.1 in steps of 0.0001",
        ),
        ({Control.GAIN: 4}, {}, "gain: 3 is not kept by camera 'Fake', which says 4; allowed: 0 t"),
        ({Control.AUTO_EXPOSURE: 0}, {}, "automatic exposure: 1 is not kept by camera 'Fake'"),
        ({Control.TRIGGER: 1}, {}, "trigger: 0 is not kept by camera 'Fake', which says 1"),
        ({}, {"width": 800}, "camera.image_width and image_height: 640 x 480 is not kept by"),
        ({}, {"pixels": "MJPG"}, "pixel_format: RGB3 is not kept by camera 'Fake', which says M"),
        ({}, {"rate": 15.0}, "rate: 30 is not kept by camera 'Fake', which says 15; allowed: "),
    ],
)
def test_a_device_that_does_not_keep_a_value_is_refused_by_name(
    keeps: dict[Control, int], gives: dict[str, object], refusal: str
) -> None:
    video = FakeVideo()
    video.keeps, video.gives = keeps, gives
    with pytest.raises(ConfigurationError) as error:
        settle(video, settings())
    assert str(error.value).startswith(refusal)


@pytest.mark.parametrize(
    ("control", "parameter"),
    [
        (Control.EXPOSURE, "exposure_s"),
        (Control.GAIN, "gain"),
        (Control.WHITE_BALANCE, "white_balance_k"),
        (Control.TRIGGER, "trigger"),
    ],
)
def test_a_control_that_the_device_has_not_is_a_warning(control: Control, parameter: str) -> None:
    video = FakeVideo()
    del video.controls[control]
    (warning,) = settle(video, settings(white_balance_k=900, trigger=True)).warnings
    assert warning.startswith(f"{parameter}: camera 'Fake' has no such control")


def test_a_frame_is_stamped_at_the_middle_of_its_exposure(rigs: Callable[..., Rig]) -> None:
    rig = rigs(FakeVideo(), readout_s=0.01)
    steady = rig.video.expose()
    assert rig.frame()[0] == rig.thread.stamps.at(steady + 500_000)
    steady = rig.video.expose(at_start=False)
    assert rig.frame()[0] == rig.thread.stamps.at(steady - 10_500_000)


def test_frames_too_old_damaged_or_lost_are_counted_and_not_handed_on(
    rigs: Callable[..., Rig],
) -> None:
    rig = rigs(FakeVideo())
    rig.video.expose(age_s=1.0)
    rig.video.expose(damaged=True)
    steady = rig.video.expose(lost=2)
    assert rig.frame()[0] == rig.thread.stamps.at(steady + 500_000)
    assert rig.thread.counts == {
        "frames too old": 1,
        "frames damaged": 1,
        "frames lost by the device": 2,
    }


def test_of_a_triggered_device_no_frame_is_dropped_and_silence_is_no_trouble(
    rigs: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batsort_hardware.camera_thread.longest_silence_s", lambda rate: 0.0)
    rig = rigs(FakeVideo(), trigger=True)
    stamps = [rig.video.expose(age_s=age) for age in (60.0, 30.0, 0.0)]
    got = [rig.frame()[0] for _ in stamps]
    assert got == [rig.thread.stamps.at(steady + 500_000) for steady in stamps]
    assert rig.thread.gone == ""


def test_a_device_that_runs_free_and_falls_silent_is_opened_again(
    rigs: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batsort_hardware.camera_thread.longest_silence_s", lambda rate: 0.0)
    rig = rigs(FakeVideo())
    wait(lambda: rig.thread.gone.startswith("the camera gives no frames: none for "))
    wait(lambda: rig.video.opened > 1)


def test_a_pulled_cable_is_told_and_what_comes_back_is_set_up_anew(
    rigs: Callable[..., Rig],
) -> None:
    rig = rigs(FakeVideo())
    rig.video.pull()
    wait(lambda: rig.thread.gone == "the camera gives no frames: No such device")
    rig.video.plug()
    wait(lambda: rig.video.opened == 2)
    rig.video.expose()
    rig.frame()
    assert rig.thread.gone == ""
    assert (rig.video.controls[Control.EXPOSURE], rig.video.controls[Control.GAIN]) == (10, 3)


def test_another_device_in_its_place_that_does_not_fit_is_told_by_name(
    rigs: Callable[..., Rig],
) -> None:
    rig = rigs(FakeVideo())
    rig.video.pull()
    wait(lambda: bool(rig.thread.gone))
    rig.video.keeps = {Control.GAIN: 0}
    rig.video.plug()
    wait(lambda: "gain: 3 is not kept by camera 'Fake', which says 0" in rig.thread.gone)


def packed(pixels: str) -> tuple[RawFrame, Pixels]:
    """A frame whose rows end with four bytes that are no pixels, and what it shows."""
    shown = np.full((4, 6, 3), (200, 100, 50), np.uint8)
    if pixels == "MJPG":
        data = cv2.imencode(".jpg", cv2.cvtColor(shown, cv2.COLOR_RGB2BGR))[1].ravel()
        return RawFrame(FrameStamp(0, 0, True), data, 0), shown
    if pixels in ("YUYV", "UYVY"):
        y, u, v = (123, 91, 175)  # of that colour, BT.601 in its limited range
        pair = (y, u, y, v) if pixels == "YUYV" else (u, y, v, y)
        rows = np.tile(np.array(pair, np.uint8), (4, 3))
    else:
        rows = (shown if pixels == "RGB3" else shown[:, :, ::-1]).reshape(4, -1)
    rows = np.pad(rows, ((0, 0), (0, 4)), constant_values=255)
    return RawFrame(FrameStamp(0, 0, True), rows.ravel(), rows.shape[1]), shown


@pytest.mark.parametrize("share", [0.3, 0.5, 0.95])
def test_a_compressed_frame_whose_end_is_missing_is_not_taken_for_a_whole_one(share: float) -> None:
    shown = np.random.default_rng(1).integers(0, 255, (480, 640, 3), np.uint8)
    data = cv2.imencode(".jpg", shown)[1].ravel()
    settled = Settled(Format(640, 480, "MJPG", 30.0), 0.001, ())
    padded = np.pad(data, (0, 64))
    assert to_pixels(RawFrame(FrameStamp(0, 0, True), padded, 0), settled) is not None
    part = data[: round(share * data.size)]
    assert to_pixels(RawFrame(FrameStamp(0, 0, True), part, 0), settled) is None


@pytest.mark.parametrize("pixels", ["YUYV", "UYVY", "RGB3", "BGR3", "MJPG"])
def test_every_pixel_format_comes_out_as_rgb_and_a_part_of_a_frame_not_at_all(pixels: str) -> None:
    frame, shown = packed(pixels)
    settled = Settled(Format(6, 4, pixels, 30.0), 0.001, ())
    seen = to_pixels(frame, settled)
    assert seen is not None and seen.shape == shown.shape
    assert np.abs(seen.astype(int) - shown).max() < 12
    part = RawFrame(frame.stamp, frame.data[: len(frame.data) // 3], frame.row_bytes)
    assert to_pixels(part, settled) is None
