"""Simulated time, and what the machine's clock shows of it."""

STEP_NS = 1_000_000


class Clock:
    """Stands at `start` [ns since the Unix epoch] and runs on by steps."""

    def __init__(self, start: int) -> None:
        self.steps = 0
        self.shift = 0
        """Of the machine's clock, by which stamps differ from simulated moments [ns]."""
        self._start = start

    @property
    def now(self) -> int:
        """The simulated moment [ns since the Unix epoch]."""
        return self._start + self.steps * STEP_NS

    @property
    def stamp(self) -> int:
        """What the machine's clock shows at the simulated moment [ns]."""
        return self.now + self.shift

    @staticmethod
    def within(started: int, share: float) -> int:
        """The moment at a share of the step that began at `started` [ns]."""
        return started + round(share * STEP_NS)
