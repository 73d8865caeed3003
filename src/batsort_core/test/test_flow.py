"""What people read of a node: counts, rates, ages, latencies, and the last fault."""

from batsort_core.flow import Flow, Latencies
from batsort_core.trouble import LastTrouble, Trouble


def test_a_rate_is_the_mean_of_the_last_seconds_and_forgets_what_was_before() -> None:
    flow = Flow("items")
    steps = [number / 2 for number in range(61)]
    rates = {}
    for t in steps:
        if 10.0 < t <= 20.0:
            for _ in range(5):
                flow.passed(t)
        rates[t] = flow.figures(t)["items [1/s]"]
    assert (rates[10.0], rates[20.0], rates[30.0]) == ("0.0", "10.0", "0.0")
    assert flow.figures(31.0) == {
        "items": "100",
        "items [1/s]": "0.0",
        "last of items [s ago]": "11.0",
    }


def test_where_nothing_has_passed_there_is_no_age() -> None:
    assert Flow("images").figures(3.0) == {"images": "0", "images [1/s]": "0.0"}


def test_latencies_are_nearest_ranks_of_the_latest() -> None:
    latencies = Latencies()
    assert latencies.figures() == {}
    for milliseconds in (9000, *range(1, 201)):
        latencies.add(milliseconds / 1e3)
    assert list(latencies.figures().values()) == ["100", "180", "198", "200"]


def test_the_last_fault_is_told_with_its_cure_and_age_after_it_is_gone() -> None:
    last = LastTrouble()
    last.see(None, 1.0)
    assert last.figures(1.0) == {}
    last.see(Trouble("a jam", "clear it"), 2.0)
    last.see(None, 3.0)
    assert last.figures(12.0) == {
        "last fault": "a jam",
        "last cure": "clear it",
        "last fault [s ago]": "10",
    }
