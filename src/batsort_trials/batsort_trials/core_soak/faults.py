"""What goes wrong in random runs."""

from enum import StrEnum


class Fault(StrEnum):
    """What can go wrong in a run."""

    STOPS = "stops"
    SPEEDS = "speeds"
    BACKWARDS = "backwards"
    JAM = "jam"
    SLIP = "slip"
    JUMP = "jump"
    MISSED = "missed counts"
    RESET = "encoder reset"
    SILENCE = "encoder silent"
    FROZEN = "encoder frozen"
    EDGE_LOST = "edge lost"
    EDGE_DOUBLED = "edge doubled"
    TOUCHING = "touching"
    TOO_LONG = "too long"
    FOREIGN = "foreign"
    VANISHING = "vanishing"
    MOVED = "moved by itself"
    NOISE = "camera noise"
    VERDICT_LATE = "verdict late"
    VERDICT_LOST = "verdict lost"
    VERDICT_DOUBLED = "verdict doubled"
    WRONG_TYPE = "wrong type"
    UNSURE = "unsure"
    STUCK_SHUT = "valve stuck shut"
    STUCK_OPEN = "valve stuck open"
    SLOW = "valve slow"
    DEAD_EYE = "eye dead"
    BLINKING_EYE = "eye blinking"
    CLOCK_FORWARD = "clock set forward"
    CLOCK_BACK = "clock set back"
    DELAYED = "messages delayed"
    LOST = "messages lost"
    REORDERED = "events reordered"
    REPEATED = "commands repeated"
    BELT_RESTART = "belt restarted"
    SORTER_RESTART = "sorter restarted"
    BINS_RESTART = "bins restarted"
    VALVES_RESTART = "valve driver restarted"
    ESTOP = "emergency stop"
    HOLD = "held and started"
    FULL_BAGS = "bags full"
    NEW_BAG = "new bag"
    RECIPE = "recipe changed"


ODD_SEEN = frozenset(
    {
        Fault.SLIP,
        Fault.NOISE,
        Fault.FOREIGN,
        Fault.MISSED,
        Fault.MOVED,
        Fault.FROZEN,
        Fault.JUMP,
        Fault.EDGE_LOST,
        Fault.TOUCHING,
        Fault.BLINKING_EYE,
    }
)
"""Faults by which items are rightly seen off their places."""
UNHEARD = frozenset({Fault.DELAYED, Fault.LOST, Fault.CLOCK_BACK, Fault.VALVES_RESTART})
"""Faults by which somebody hears too late, or never, what is not trusted any more: a belt node that
is started alone on a clock set back, a new valve driver that is told an old shot again."""
MOMENTARY = (
    Fault.BACKWARDS,
    Fault.JAM,
    Fault.JUMP,
    Fault.MISSED,
    Fault.RESET,
    Fault.SILENCE,
    Fault.FROZEN,
    Fault.CLOCK_FORWARD,
    Fault.CLOCK_BACK,
    Fault.BELT_RESTART,
    Fault.SORTER_RESTART,
    Fault.BINS_RESTART,
    Fault.VALVES_RESTART,
    Fault.ESTOP,
    Fault.HOLD,
    Fault.NEW_BAG,
    Fault.RECIPE,
    Fault.STOPS,
    Fault.SPEEDS,
    Fault.MOVED,
    Fault.VANISHING,
)
"""Faults that happen at one moment, once or twice in a run."""
