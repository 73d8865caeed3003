"""What the belt's sensors say is held against each other and against what the belt was told."""

import pytest

from batsort_core.belt import BeltError, BeltTracker, ItemDetector, tracking_lost
from batsort_core.belt_watch import BeltWatch
from batsort_core.cell import CellDescription
from batsort_core.items import Item

MS = 1_000_000


class Bench:
    """A belt that is told to run at 0.5 m/s, its encoder and its barrier."""

    def __init__(self, cell: CellDescription) -> None:
        self.tracker = BeltTracker(cell.belt.metres_per_count, cell.belt.max_velocity)
        self.detector = ItemDetector(cell.items, cell.belt.metres_per_count)
        self.watch = BeltWatch(cell, self.tracker, self.detector, silence_s=0.3, standing_s=0.5)
        self.t = 0.0
        self.stamp = 0
        self.count = 0

    def run(self, seconds: float, velocity: float = 0.5, step_back: int = 0) -> None:
        for _ in range(round(seconds * 100)):
            self.t += 0.01
            self.stamp += 10 * MS
            self.count += round(velocity * 100)
            previous = self.tracker.latest
            try:
                reading = self.tracker.add(self.stamp - step_back, 1, self.count)
            except BeltError as error:
                self.watch.refused(str(error))
            else:
                self.watch.reading(self.t, reading, previous)

    def pass_barrier(self) -> Item | None:
        self.detector.on_edge(self.stamp, 1, self.count, True)
        self.run(0.1)
        return self.detector.on_edge(self.stamp, 1, self.count, False)

    def cause(self) -> str:
        trouble = self.watch.trouble(self.t)
        return trouble.cause if trouble else ""

    def trusted_since(self) -> int:
        assert self.tracker.latest is not None
        return self.tracker.latest.trusted_since


@pytest.fixture
def bench(cell: CellDescription) -> Bench:
    bench = Bench(cell)
    bench.run(0.5, 0.0)
    bench.watch.command(True, 0.5)
    bench.run(2.0)
    return bench


def test_a_belt_that_runs_stops_and_starts_as_told_is_no_trouble(bench: Bench) -> None:
    assert bench.cause() == ""
    bench.watch.command(False, 0.5)
    bench.run(10.0, 0.0)
    assert bench.cause() == ""
    bench.watch.command(True, 0.5)
    bench.run(2.0)
    assert bench.cause() == "" and bench.trusted_since() == 0 and bench.watch.warning == ""


def test_an_encoder_that_is_silent_is_trouble_until_it_is_heard_again(bench: Bench) -> None:
    bench.t += 0.31
    assert bench.cause() == "no encoder count"
    bench.run(0.01)
    assert bench.cause() == ""


def test_a_belt_that_stands_though_told_to_run_holds_and_nothing_on_it_is_trusted(
    bench: Bench,
) -> None:
    bench.run(0.45, 0.0)
    assert bench.cause() == ""
    bench.run(0.1, 0.0)
    assert bench.cause() == "the belt stands though it is told to run"
    on_the_belt = Item(1, 1, bench.count, 0.05, bench.stamp - 600 * MS)
    bench.run(0.01)
    assert bench.trusted_since() > on_the_belt.stamp
    assert bench.cause(), "it lasts until somebody has looked"
    bench.watch.command(False, 0.5)
    assert bench.cause() == ""
    stood = bench.stamp
    bench.watch.command(True, 0.5)
    bench.run(1.0)
    assert bench.trusted_since() == stood and bench.cause() == ""


def test_items_that_pass_while_the_encoder_stands_tell_that_it_is_dead(bench: Bench) -> None:
    bench.run(0.1, 0.0)
    bench.watch.edge(1, bench.count, True)
    bench.run(0.1, 0.0)
    bench.watch.edge(1, bench.count, False)
    assert bench.cause() == "items pass the light barrier while the encoder stands"


def test_a_barrier_that_stays_blocked_holds_and_is_looked_at_anew_after_a_start(
    bench: Bench,
) -> None:
    bench.watch.edge(1, bench.count, True)
    bench.run(0.4)
    assert bench.cause() == ""
    bench.run(0.1)
    assert bench.cause() == "the light barrier stays blocked"
    bench.watch.command(False, 0.5)
    assert bench.cause() == ""
    bench.watch.command(True, 0.5)
    bench.run(0.4)
    assert bench.cause() == ""
    bench.run(0.1)
    assert bench.cause() == "the light barrier stays blocked"


def test_a_clock_that_is_set_is_named(bench: Bench) -> None:
    bench.run(0.4, step_back=10_000 * MS)
    bench.t += 0.3
    assert "allowed: after" in bench.cause()
    bench.stamp += 10_000 * MS
    bench.run(0.01)
    assert "set forward by 9." in bench.cause()


def test_a_clock_that_is_set_while_the_cell_stands_does_not_keep_it_from_starting(
    bench: Bench,
) -> None:
    bench.watch.command(False, 0.0)
    bench.run(0.1, 0.0)
    bench.stamp += 10_000 * MS
    bench.run(0.1, 0.0)
    assert bench.cause() == ""


def test_a_belt_at_another_speed_than_told_is_a_warning(bench: Bench) -> None:
    bench.run(0.9, 0.9)
    assert bench.watch.warning == ""
    bench.run(0.2, 0.9)
    assert bench.watch.warning == "the belt runs at 0.90 m/s; it is told 0.50 m/s"
    assert bench.cause() == ""


def test_a_lost_count_begins_anew_when_the_belt_is_told_to_stand_and_nothing_on_it_is_trusted(
    bench: Bench,
) -> None:
    bench.count += 100_000
    bench.run(0.5)
    bench.t += 0.3
    assert "the count is lost" in bench.cause()
    on_the_belt = Item(1, 1, bench.count, 0.05, bench.stamp)
    bench.watch.command(False, 0.5)
    bench.run(0.1, 0.0)
    assert bench.cause() == ""
    assert bench.trusted_since() > on_the_belt.stamp


def test_items_are_counted_also_where_a_count_began_anew_behind_them(bench: Bench) -> None:
    assert bench.pass_barrier() is not None
    bench.count = 0
    bench.run(0.5)
    bench.watch.command(False, 0.5)
    bench.run(0.1, 0.0)
    bench.watch.command(True, 0.5)
    bench.run(0.5)
    assert bench.pass_barrier() is not None


@pytest.mark.parametrize("step_back", [0, 10_000 * MS])
def test_samples_refused_while_the_belt_stands_do_not_keep_it_from_starting(
    bench: Bench, step_back: int
) -> None:
    bench.watch.command(False, 0.5)
    bench.run(1.0, 0.0)
    bench.count += 100_000
    bench.run(0.02, 0.0, step_back)
    assert bench.trusted_since() == 0
    bench.run(0.1, 0.0, step_back)
    assert "no encoder count" not in bench.cause() and bench.trusted_since() != 0


def test_what_somebody_may_have_moved_while_the_belt_stood_is_not_trusted(bench: Bench) -> None:
    bench.watch.command(False, 0.5)
    bench.run(1.0, 0.0)
    stood = bench.stamp
    bench.watch.command(True, 0.5, moved=True)
    bench.run(0.1)
    assert bench.trusted_since() == stood and bench.cause() == ""


def test_what_lay_in_the_barrier_while_the_belt_stood_may_have_been_moved_too(
    bench: Bench,
) -> None:
    bench.detector.on_edge(bench.stamp, 1, bench.count, True)
    bench.run(0.04)
    bench.watch.command(False, 0.5)
    bench.run(1.0, 0.0)
    bench.watch.command(True, 0.5, moved=True)
    bench.run(0.06)
    item = bench.detector.on_edge(bench.stamp, 1, bench.count, False)
    bench.run(0.01)
    reading = bench.tracker.latest
    assert item is not None and reading is not None
    assert tracking_lost(item, reading)


def test_a_clock_set_back_holds_until_it_has_caught_up_with_what_the_cell_knows(
    bench: Bench,
) -> None:
    bench.run(0.5, step_back=3000 * MS)
    assert "no encoder count (stamp: " in bench.cause()
    bench.watch.command(False, 0.5)
    bench.run(0.5, 0.0, step_back=3000 * MS)
    assert bench.cause() == "the encoder's clock was set back and is 2 s behind"
    bench.run(2.0, 0.0, step_back=3000 * MS)
    assert bench.cause() == ""
