import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batsort_supervision.packml import (
    Command,
    IllegalTransition,
    PackML,
    State,
    belt_enabled,
    valves_enabled,
)

HOLDABLE = "starting execute unholding suspending suspended unsuspending"
ALLOWED = {
    "reset": ("stopped complete", "resetting"),
    "start": ("idle", "starting"),
    "hold": (HOLDABLE, "holding"),
    "unhold": ("held", "unholding"),
    "suspend": ("execute", "suspending"),
    "unsuspend": ("suspended", "unsuspending"),
    "complete": ("execute", "completing"),
    "stop": (
        f"resetting idle {HOLDABLE} holding held completing complete",
        "stopping",
    ),
    "abort": (
        f"stopped resetting idle {HOLDABLE} holding held completing complete stopping clearing",
        "aborting",
    ),
    "clear": ("aborted", "clearing"),
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("command", Command)
def test_each_command_is_obeyed_where_the_standard_allows_it_and_nowhere_else(
    state: State, command: Command
) -> None:
    sources, target = ALLOWED[command]
    packml = PackML(state)
    if state in sources.split():
        assert packml.command(command) == target
    else:
        with pytest.raises(IllegalTransition, match=f"^{command} is not allowed in {state}; allow"):
            packml.command(command)
        assert packml.state is state


def test_an_illegal_command_says_what_is_allowed() -> None:
    with pytest.raises(IllegalTransition) as error:
        PackML().command(Command.HOLD)
    assert str(error.value) == "hold is not allowed in stopped; allowed: reset, abort"


def test_the_usual_day_goes_from_stopped_to_stopped() -> None:
    packml = PackML()
    for command, state in [
        (Command.RESET, State.IDLE),
        (Command.START, State.EXECUTE),
        (Command.HOLD, State.HELD),
        (Command.UNHOLD, State.EXECUTE),
        (Command.SUSPEND, State.SUSPENDED),
        (Command.UNSUSPEND, State.EXECUTE),
        (Command.COMPLETE, State.COMPLETE),
        (Command.RESET, State.IDLE),
        (Command.ABORT, State.ABORTED),
        (Command.CLEAR, State.STOPPED),
    ]:
        packml.command(command)
        assert packml.acting
        assert packml.complete() is state
        assert not packml.acting


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(Command), st.just(None)), max_size=60))
def test_nothing_runs_again_after_an_abort_without_clear_and_reset(
    calls: list[Command | None],
) -> None:
    packml = PackML()
    cleared = reset = True
    for call in calls:
        try:
            packml.complete() if call is None else packml.command(call)
        except IllegalTransition:
            continue
        if call is Command.ABORT:
            cleared = reset = False
        cleared |= call is Command.CLEAR
        reset |= cleared and call is Command.RESET
        assert not belt_enabled(packml.state) or (cleared and reset)


def test_valves_may_fire_while_the_belt_coasts_but_not_in_an_abort() -> None:
    assert [s for s in State if belt_enabled(s)] == [
        "starting",
        "execute",
        "unholding",
        "unsuspending",
        "completing",
    ]
    assert [s for s in State if valves_enabled(s) and not belt_enabled(s)] == [
        "holding",
        "suspending",
        "stopping",
    ]
