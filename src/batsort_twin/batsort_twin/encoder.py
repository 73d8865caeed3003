"""The belt's encoder: counts what the drive's roller turns, in a counter of so many bits."""

import math

import numpy as np

from batsort_core.belt import CountUnwrapper
from batsort_core.firing import Motion


class Encoder:
    """Read within the step just done: `share` 0 is its beginning, 1 its end."""

    def __init__(self, metres_per_count: float, bits: int, epoch: int) -> None:
        self.epoch = epoch
        self.linked = True
        """False: the counter runs on, but nobody hears of it."""
        self._metres_per_count = metres_per_count
        self._travel = 0.0
        self._offset = 0.0
        """Between counts shown and counts turned."""
        self._before = self._after = self._velocity = 0.0
        self._widen(bits)

    def turn(
        self, distance: float, velocity: float, missed: float, rng: np.random.Generator
    ) -> None:
        """Run on by `distance` [m] to `velocity` [m/s], losing a share `missed` of the counts."""
        before = self._shown()
        self._travel += distance
        after = self._shown()
        if missed >= 1.0:
            self._offset -= after - before
        elif missed > 0.0:
            passed = abs(math.floor(after) - math.floor(before))
            lost = float(rng.binomial(passed, missed))
            self._offset -= math.copysign(lost, after - before)
        self._velocity = velocity * (1 - missed) / self._metres_per_count
        if self.linked:
            self._before, self._after = before, self._shown()
        else:
            self._before, self._velocity = self._after, 0.0

    def counts(self, share: float) -> float:
        """Counts and their fraction, unwrapped."""
        return self._before + share * (self._after - self._before)

    def count(self, share: float) -> int:
        """What a driver makes of the counter."""
        return self._unwrapper.unwrap(math.floor(self.counts(share)) & self._mask)

    def share(self, count: int) -> float:
        """Where in the step the count was reached; 0 where before."""
        passed = self._after - self._before
        return max(0.0, (count - self._before) / passed) if passed > 0.0 else 0.0

    def motion(self, stamp: int) -> Motion:
        """Of the belt at the end of the step, as far as a driver knows."""
        return Motion(stamp, self.epoch, self._after, self._velocity)

    def reset(self, epoch: int) -> None:
        """Lose the count: from 0 on, in an epoch of its own."""
        self.epoch = epoch
        self._start_at(0.0)
        self._widen(self._bits)

    def begin_before_wrap(self, counts: int, bits: int) -> None:
        """Be a counter of `bits` that has `counts` left until it begins anew."""
        self._start_at(float((1 << bits) - counts))
        self._widen(bits)

    def _shown(self) -> float:
        return self._travel / self._metres_per_count + self._offset

    def _start_at(self, counts: float) -> None:
        self._travel, self._offset = 0.0, counts
        self._before = self._after = counts

    def _widen(self, bits: int) -> None:
        self._bits, self._mask = bits, (1 << bits) - 1
        self._unwrapper = CountUnwrapper(bits)
