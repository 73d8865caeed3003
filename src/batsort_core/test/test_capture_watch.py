"""A camera without pictures, or with pictures that show nothing."""

import pytest

from batsort_core.capture_watch import CaptureWatch


@pytest.fixture
def watch() -> CaptureWatch:
    return CaptureWatch()


def cause(watch: CaptureWatch) -> str:
    return watch.trouble.cause if watch.trouble else ""


def test_three_items_in_a_row_without_an_image_are_trouble(watch: CaptureWatch) -> None:
    for _ in range(2):
        watch.missed()
    watch.imaged()
    for _ in range(2):
        watch.missed()
    assert cause(watch) == ""
    watch.missed()
    assert cause(watch) == "no image of the last 3 items"


def test_two_useless_images_in_a_row_are_trouble_and_a_sure_one_is_at_once(
    watch: CaptureWatch,
) -> None:
    watch.useless("dark", sure=False)
    watch.imaged()
    watch.useless("dark", sure=False)
    assert cause(watch) == ""
    watch.useless("dark", sure=False)
    assert cause(watch) == "the camera's picture is dark"
    sure = CaptureWatch()
    sure.useless("frozen", sure=True)
    assert cause(sure) == "the camera's picture is frozen"


def test_the_first_cause_stays_until_somebody_has_looked(watch: CaptureWatch) -> None:
    watch.useless("frozen", sure=True)
    watch.imaged()
    for _ in range(3):
        watch.missed()
    assert cause(watch) == "the camera's picture is frozen"
    assert watch.trouble is not None and watch.trouble.lasting and not watch.trouble.outside
    watch.acknowledge()
    assert cause(watch) == ""
    watch.missed()
    assert cause(watch) == ""


def test_a_device_that_is_gone_is_trouble_until_it_is_back(watch: CaptureWatch) -> None:
    watch.device("camera 'X' is gone")
    for _ in range(5):
        watch.missed()
    assert cause(watch) == "camera 'X' is gone"
    assert watch.trouble is not None and not watch.trouble.lasting
    watch.device("")
    assert watch.trouble is None


def test_a_device_that_comes_back_clears_nothing_that_somebody_has_to_look_at(
    watch: CaptureWatch,
) -> None:
    watch.useless("frozen", sure=True)
    watch.device("camera 'X' is gone")
    watch.device("")
    assert cause(watch) == "the camera's picture is frozen"
