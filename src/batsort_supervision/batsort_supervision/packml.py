"""The cell's states and commands as ISA-TR88.00.02 (PackML) has them.

HOLD is allowed wherever the cell runs or is about to (as in OPC 30050, PackML), because a cause
inside the cell can show at any of these moments.
"""

from enum import StrEnum


class State(StrEnum):
    """Where the cell is; those ending in -ing pass by themselves."""

    STOPPED = "stopped"
    RESETTING = "resetting"
    IDLE = "idle"
    STARTING = "starting"
    EXECUTE = "execute"
    HOLDING = "holding"
    HELD = "held"
    UNHOLDING = "unholding"
    SUSPENDING = "suspending"
    SUSPENDED = "suspended"
    UNSUSPENDING = "unsuspending"
    COMPLETING = "completing"
    COMPLETE = "complete"
    STOPPING = "stopping"
    ABORTING = "aborting"
    ABORTED = "aborted"
    CLEARING = "clearing"


class Command(StrEnum):
    """What can be asked of the cell."""

    RESET = "reset"
    START = "start"
    HOLD = "hold"
    UNHOLD = "unhold"
    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    COMPLETE = "complete"
    STOP = "stop"
    ABORT = "abort"
    CLEAR = "clear"


class IllegalTransition(ValueError):
    """A command that the state does not allow; the line names those it does."""


_FROM: dict[Command, tuple[frozenset[State], State]] = {
    Command.RESET: (frozenset({State.STOPPED, State.COMPLETE}), State.RESETTING),
    Command.START: (frozenset({State.IDLE}), State.STARTING),
    Command.HOLD: (
        frozenset(
            {
                State.STARTING,
                State.EXECUTE,
                State.UNHOLDING,
                State.SUSPENDING,
                State.SUSPENDED,
                State.UNSUSPENDING,
            }
        ),
        State.HOLDING,
    ),
    Command.UNHOLD: (frozenset({State.HELD}), State.UNHOLDING),
    Command.SUSPEND: (frozenset({State.EXECUTE}), State.SUSPENDING),
    Command.UNSUSPEND: (frozenset({State.SUSPENDED}), State.UNSUSPENDING),
    Command.COMPLETE: (frozenset({State.EXECUTE}), State.COMPLETING),
    Command.STOP: (
        frozenset(State)
        - {State.STOPPED, State.STOPPING, State.ABORTING, State.ABORTED, State.CLEARING},
        State.STOPPING,
    ),
    Command.ABORT: (frozenset(State) - {State.ABORTING, State.ABORTED}, State.ABORTING),
    Command.CLEAR: (frozenset({State.ABORTED}), State.CLEARING),
}

_NEXT: dict[State, State] = {
    State.RESETTING: State.IDLE,
    State.STARTING: State.EXECUTE,
    State.HOLDING: State.HELD,
    State.UNHOLDING: State.EXECUTE,
    State.SUSPENDING: State.SUSPENDED,
    State.UNSUSPENDING: State.EXECUTE,
    State.COMPLETING: State.COMPLETE,
    State.STOPPING: State.STOPPED,
    State.ABORTING: State.ABORTED,
    State.CLEARING: State.STOPPED,
}

_RUNNING = frozenset(
    {State.STARTING, State.EXECUTE, State.UNHOLDING, State.UNSUSPENDING, State.COMPLETING}
)
_COASTING = frozenset({State.HOLDING, State.SUSPENDING, State.STOPPING})


def commands(state: State) -> tuple[Command, ...]:
    """What can be asked of the cell in this state."""
    return tuple(command for command in Command if state in _FROM[command][0])


def meant(button: Command, state: State) -> Command:
    """The command that an operator's button stands for: `start` leaves a hold as it leaves idle."""
    return Command.UNHOLD if button is Command.START and state is State.HELD else button


class PackML:
    """The state machine, in STOPPED at first."""

    def __init__(self, state: State = State.STOPPED) -> None:
        self.state = state

    @property
    def acting(self) -> bool:
        """Whether the state passes by itself, when its work is done."""
        return self.state in _NEXT

    def command(self, command: Command) -> State:
        """Obey a command and say the new state. Raises IllegalTransition; the state stays."""
        sources, target = _FROM[command]
        if self.state not in sources:
            allowed = ", ".join(commands(self.state))
            raise IllegalTransition(
                f"{command} is not allowed in {self.state}; allowed: {allowed or 'nothing'}"
            )
        self.state = target
        return target

    def complete(self) -> State:
        """The work of an acting state is done; says the new state. Raises IllegalTransition."""
        if self.state not in _NEXT:
            raise IllegalTransition(
                f"completing is not allowed in {self.state}; allowed in: {', '.join(_NEXT)}"
            )
        self.state = _NEXT[self.state]
        return self.state


def looked_at(state: State) -> bool:
    """Whether the cell stands and an operator has to start it: trouble counts as looked at then."""
    return state in (State.HELD, State.ABORTED, State.STOPPED, State.IDLE)


def belt_enabled(state: State) -> bool:
    """Whether the belt drive may run."""
    return state in _RUNNING


def valves_enabled(state: State) -> bool:
    """Whether valve drivers may fire: also while the belt coasts, not in an abort."""
    return state in _RUNNING or state in _COASTING
