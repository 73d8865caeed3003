"""A system clock that is set while nodes run."""

from batsort_core.clock_watch import clock_warning


def test_a_clock_that_was_set_is_told_and_one_that_runs_is_not() -> None:
    assert clock_warning(0.001) == clock_warning(-0.001) == ""
    assert clock_warning(3.21).startswith("the system's clock was set by +3.2 s since")
    assert clock_warning(-60.0).startswith("the system's clock was set by -60.0 s since")
