"""The belt's drive: its roller, and the belt that it carries along or not."""

from batsort_twin.conditions import Conditions
from batsort_twin.scene import STEP_S

HARD_STOP = 10.0
"""How a stalled or cut drive comes to a stand [m/s^2]."""


class Drive:
    """Stands at first; `acceleration` is how it ramps up and down [m/s^2]."""

    def __init__(self, acceleration: float) -> None:
        self.target = 0.0
        """Commanded [m/s]."""
        self.position = self.velocity = 0.0
        """Of the belt [m, m/s]."""
        self.slipped = 0.0
        """What the belt has fallen behind the roller in all [m]."""
        self.roller_velocity = 0.0
        """[m/s]"""
        self._acceleration = acceleration

    def step(self, now: int, wrong: Conditions) -> float:
        """Run on for one step from `now` [ns]; what the roller has turned [m]."""
        target, change = self.target, self._acceleration * STEP_S
        if wrong.ramp is not None and target > 0.0:
            target = wrong.ramp(now)
        if wrong.stopped or wrong.jammed or wrong.estop:
            target = 0.0
        if wrong.jammed or wrong.estop:
            change = HARD_STOP * STEP_S
        roller, velocity = self.roller_velocity, self.velocity
        self.roller_velocity += min(change, max(-change, target - roller))
        self.velocity = self.roller_velocity * (1.0 - wrong.slip)
        turned = (roller + self.roller_velocity) / 2 * STEP_S
        moved = (velocity + self.velocity) / 2 * STEP_S
        self.position += moved
        self.slipped += turned - moved
        return turned
