"""Links between nodes: what they tell of them, and which one is not there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batsort_supervision.links import UNKNOWN, Links, broken, identity

CAMERA = Links("c", frozenset({"belt/state"}), {"camera/image_raw": frozenset({"new"})})
NAMES = st.text("abc/_", min_size=1)


def endpoint(participant: int, number: int) -> list[int]:
    return [participant] * 12 + [0, 0, number, 4]


def test_endpoints_of_one_process_have_one_identity_and_those_of_two_differ() -> None:
    first = identity([endpoint(1, 1), endpoint(1, 2)])
    assert first == identity([endpoint(1, 9)])
    assert first not in ("", UNKNOWN, identity([endpoint(2, 1)]))


def test_ids_that_do_not_tell_a_process_give_no_identity() -> None:
    assert identity([endpoint(1, 1), endpoint(2, 2)]) == ""
    assert identity([]) == UNKNOWN


@given(
    st.builds(
        Links,
        st.text("0123456789abcdef", max_size=8),
        st.frozensets(NAMES),
        st.dictionaries(NAMES, st.frozensets(NAMES)),
    )
)
def test_what_is_told_is_understood(links: Links) -> None:
    assert Links.told(links.tell()) == links


def test_a_node_that_tells_no_links_has_none() -> None:
    assert Links.told({"lifecycle": "active"}) == Links()


@pytest.mark.parametrize("listener", ["old", UNKNOWN])
def test_a_listener_whose_process_is_not_among_the_readers_misses_the_topic(listener: str) -> None:
    classifier = Links(listener, frozenset({"camera/image_raw"}))
    links = {"camera": CAMERA, "classifier": classifier}
    assert broken(links) == ("camera/image_raw", "camera", "classifier")


@pytest.mark.parametrize(
    "classifier",
    [
        Links("new", frozenset({"camera/image_raw"})),
        Links("other", frozenset({"belt/items"})),
        Links("", frozenset({"camera/image_raw"})),
        Links(),
    ],
)
def test_no_link_is_missed_where_it_is_there_not_wanted_or_nobody_can_tell(
    classifier: Links,
) -> None:
    assert broken({"camera": CAMERA, "classifier": classifier}) is None
