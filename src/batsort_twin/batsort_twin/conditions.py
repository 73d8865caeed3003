"""What is wrong with the simulated cell: faults set it, and each part asks for its own."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Conditions:
    """What is wrong at the moment; as it is made: nothing."""

    stopped: bool = False
    """The drive has stopped by itself."""
    jammed: bool = False
    """The drive is stalled."""
    ramp: Callable[[int], float] | None = None
    """The drive's own speed [m/s] by simulated moment [ns], in place of the commanded one."""
    slip: float = 0.0
    """Share of the roller's travel that the belt does not follow."""
    missed: float = 0.0
    """Share of the counts that the encoder loses."""
    encoder_linked: bool = True
    gap: float | None = None
    """To the next item fed [m]."""
    length: float | None = None
    """Of the next item fed [m]."""
    camera_frozen: bool = False
    light: float = 1.0
    """Share of the camera's light."""
    camera_delay_s: float = 0.0
    dropped: float = 0.0
    """Share of the frames."""
    stuck_shut: set[int] = field(default_factory=set)
    stuck_open: set[int] = field(default_factory=set)
    slower_s: dict[int, float] = field(default_factory=dict)
    """By valve, more than its opening time."""
    pressure: float = 1.0
    """Share of the air's."""
    dead_eyes: set[str] = field(default_factory=set)
    blinking: dict[str, float] = field(default_factory=dict)
    """False arrivals a second, by bin."""
    barrier_dead: bool = False
    barrier_stuck: bool = False
    estop: bool = False
    lost: dict[str, float] = field(default_factory=dict)
    """Share of messages, by topic."""
