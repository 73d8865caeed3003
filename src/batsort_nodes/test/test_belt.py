"""Node `belt`: counts and edges in, states, items and capture requests out."""

from messages import EPOCH, edge, encoder, stamp_at

from batsort_graph.from_messages import stamp_of
from batsort_nodes.belt import Belt


def test_an_item_is_named_measured_and_an_image_asked_for(bench) -> None:
    bench = bench()
    bench.add(Belt())
    items, requests = bench.heard("belt/items"), bench.heard("camera/request")
    bench.send("belt/encoder", encoder(1000))
    bench.send("belt/barrier", edge(1010, True))
    bench.send("belt/barrier", edge(1510, False))
    bench.wait(lambda: items and requests)
    assert items[0].id == stamp_at(1010) // 1000
    assert items[0].epoch == EPOCH
    assert items[0].count == 1260
    assert abs(items[0].length - 0.05) < 1e-9
    assert requests[0].item_id == items[0].id
    assert requests[0].count == 1260 + 2000


def test_a_hundred_counts_a_second_give_fifty_states(bench) -> None:
    bench = bench()
    bench.add(Belt())
    states = bench.heard("belt/state")
    for sample in range(101):
        bench.send("belt/encoder", encoder(50 * sample))
        bench.executor.spin_once(timeout_sec=0)
    bench.wait(lambda: states and states[-1].count == 5000)
    assert len(states) == 51
    assert abs(states[-1].velocity - 0.5) < 1e-6
    assert states[-1].moving


def test_a_count_whose_stamp_goes_back_is_refused_and_the_belt_goes_on(bench) -> None:
    bench = bench()
    bench.add(Belt())
    states = bench.heard("belt/state")
    bench.send("belt/encoder", encoder(1000))
    bench.send("belt/encoder", encoder(900))
    bench.send("belt/encoder", encoder(1200))
    bench.wait(lambda: len(states) == 2)
    assert [state.count for state in states] == [1000, 1200]


def test_a_belt_on_which_time_stands_is_still_heard(bench) -> None:
    bench = bench()
    bench.add(Belt())
    states = bench.heard("belt/state")
    stamp = stamp_at(1000)

    def stand() -> bool:
        nonlocal stamp
        stamp += 1
        bench.send("belt/encoder", encoder(1000, stamp))
        return len(states) >= 3

    bench.wait(stand)
    assert {state.count for state in states} == {1000}
    assert stamp_of(states[-1].header.stamp) < stamp_at(1000) + 1_000_000
