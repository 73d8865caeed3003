"""Lifecycle steps that break off: told, and what they had acquired is released."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from rclpy.lifecycle import TransitionCallbackReturn

from batsort_graph.managed import ManagedNode


class Holder(ManagedNode):
    """Has one resource, and a defect that can be mended."""

    def __init__(self) -> None:
        super().__init__("holder")
        self.held = 0
        self.broken = True

    def configure(self) -> None:
        self.held += 1

    def activate(self) -> None:
        self.listen("belt/state", lambda message: None)
        if self.broken:
            raise OSError("no such thing")

    def cleanup(self) -> None:
        self.held -= 1


def test_a_step_that_breaks_off_is_told_and_can_be_taken_anew(
    bench: Callable[..., Any], capfd: Any
) -> None:
    node = bench().add(Holder())
    node.trigger_configure()
    assert node.trigger_activate() is TransitionCallbackReturn.ERROR
    assert "OSError: no such thing" in capfd.readouterr().err
    assert (node.stage, node.held) == ("unconfigured", 0)
    assert "/belt/state" not in [subscription.topic_name for subscription in node.subscriptions]
    node.broken = False
    node.trigger_configure()
    assert node.trigger_activate() is TransitionCallbackReturn.SUCCESS
    assert (node.stage, node.held) == ("active", 1)


def test_a_step_that_the_state_does_not_have_is_refused_and_ends_nothing(
    bench: Callable[..., Any],
) -> None:
    bench = bench()
    node = bench.add(Holder())
    node.broken = False

    def taken(step: int) -> bool:
        request = ChangeState.Request(transition=Transition(id=step))
        return bench.call(ChangeState, "holder/change_state", request).success

    assert not taken(Transition.TRANSITION_ACTIVATE)
    assert taken(Transition.TRANSITION_CONFIGURE)
    assert not taken(Transition.TRANSITION_CONFIGURE)
    assert taken(Transition.TRANSITION_ACTIVATE)
    assert (node.stage, node.held) == ("active", 1)
