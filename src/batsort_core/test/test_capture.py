import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_core.belt import BeltTracker
from batsort_core.capture import FrameMatcher, Match, Missed, Stray

MS = 1_000_000
TOLERANCE = 200  # counts


class Bench:
    """A belt at 0.5 m/s (5 counts a millisecond) with a matcher that is asked at every reading."""

    def __init__(self) -> None:
        self.tracker = BeltTracker(0.0001, 2.0)
        self.matcher = FrameMatcher(TOLERANCE)
        self.ms = self.count = 0
        self.out: list[Match | Missed | Stray] = []

    def run(self, ms: int, speed: int = 5, epoch: int = 1) -> list[Match | Missed | Stray]:
        out = []
        for _ in range(ms // 20):
            self.ms += 20
            self.count += 20 * speed
            self.tracker.add(self.ms * MS, epoch, self.count)
            out += self.matcher.step(self.tracker)
        self.out += out
        return out


@pytest.mark.parametrize("exposed_ms", [200, 192])
def test_a_triggered_frame_serves_its_request_as_soon_as_its_place_is_known(
    exposed_ms: int,
) -> None:
    bench = Bench()
    bench.matcher.request(7, 1, 1000)
    bench.matcher.frame(1, exposed_ms * MS)
    assert bench.run(180) == []
    assert bench.run(20) == [Match(7, 1)]
    assert bench.run(2000) == []


def test_a_free_running_camera_gives_the_nearest_frame() -> None:
    bench = Bench()
    bench.matcher.request(7, 1, 1000)
    for key, ms in enumerate((100, 133, 166, 188, 221)):
        bench.matcher.frame(key, ms * MS)
    assert bench.run(220) == []
    assert bench.run(20) == [Match(7, 3)]
    assert bench.run(1000) == [Stray(0), Stray(1), Stray(2), Stray(4)]


def test_the_last_frame_before_a_camera_stops_is_taken_once_the_belt_is_past() -> None:
    bench = Bench()
    bench.matcher.request(7, 1, 1000)
    bench.matcher.frame(1, 180 * MS)
    assert bench.run(700) == []
    assert bench.run(100) == [Match(7, 1)]


def test_a_request_without_a_near_frame_is_missed_and_the_far_frame_a_stray() -> None:
    bench = Bench()
    bench.matcher.request(7, 1, 1000)
    bench.matcher.frame(1, 150 * MS)
    bench.matcher.frame(2, 250 * MS)
    assert bench.run(740) == [Stray(1)]
    assert bench.run(300) == [Stray(2), Missed(7)]


def test_nothing_is_missed_while_the_belt_stands_short_of_the_place() -> None:
    bench = Bench()
    bench.run(180)
    bench.matcher.request(7, 1, 1000)
    for key in range(50):
        bench.matcher.frame(key, (200 + 20 * key) * MS)
    strays = bench.run(3000, speed=0)
    assert strays == [Stray(key) for key in range(1, 50)]
    bench.matcher.frame(99, (bench.ms + 20) * MS)
    assert bench.run(40) == [Match(7, 99), Stray(0)]


def test_a_frame_from_before_the_history_or_of_another_epoch_serves_nobody() -> None:
    bench = Bench()
    bench.run(100)
    bench.matcher.frame(1, 5 * MS)
    assert bench.run(20) == [Stray(1)]
    bench.matcher.request(7, 1, 1000)
    bench.matcher.frame(2, 200 * MS)
    bench.run(20, epoch=2)
    assert bench.run(700, epoch=2) == [Missed(7), Stray(2)]


def test_frames_that_no_belt_reading_places_are_bounded() -> None:
    bench = Bench()
    bench.run(20)
    for key in range(100):
        bench.matcher.frame(key, (1000 + key) * MS)
    assert bench.run(20) == [Stray(key) for key in range(36)]


@settings(deadline=None)
@given(
    st.lists(st.integers(300, 3000), max_size=8),
    st.lists(st.integers(1, 900), unique=True, max_size=40),
)
def test_every_request_and_every_frame_has_exactly_one_end(
    gaps: list[int], frames: list[int]
) -> None:
    bench = Bench()
    count, requests = 0, []
    for item_id, gap in enumerate(gaps):
        count += gap
        requests.append(count)
        bench.matcher.request(item_id, 1, count)
    for key, ms in enumerate(sorted(frames)):
        bench.matcher.frame(key, ms * MS)
    bench.tracker.add(0, 1, 0)
    bench.run(7000)
    ends = [end.item_id for end in bench.out if not isinstance(end, Stray)]
    assert sorted(ends) == list(range(len(requests)))
    used = [end.key for end in bench.out if not isinstance(end, Missed)]
    assert sorted(used) == list(range(len(frames)))
    for end in bench.out:
        if isinstance(end, Match):
            assert abs(sorted(frames)[end.key] * 5 - requests[end.item_id]) <= TOLERANCE
