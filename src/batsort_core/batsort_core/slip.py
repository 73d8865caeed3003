"""How far the belt really runs for what its encoder counts."""

from collections import deque
from statistics import median

_WINDOW = 15
_FEWEST = 3
"""Measurements that have to agree."""


class SlipEstimator:
    """The belt's travel per counted travel, from places at which items are seen again.

    Each measurement is one item's real travel between two stations over the counted one. The
    estimate is the median of the last ones, or of the last three where these agree with each other
    and not with it: slip sets in at once, and one item that has moved by itself tells nothing.
    """

    def __init__(self, corrected: float, most: float) -> None:
        """`corrected`: slip that is corrected, and `most`: that ends it, as parts of the travel."""
        self._corrected = corrected
        self._most = most
        self._ratios: deque[float] = deque(maxlen=_WINDOW)
        self.ratio = 1.0
        """To aim with: 1 while the slip is too small to be corrected."""

    @property
    def excessive(self) -> bool:
        """Whether it is more than can be corrected."""
        return abs(self.slip) > self._most

    @property
    def slip(self) -> float:
        """Estimated part of the travel: positive where the belt runs further than counted."""
        return self._estimate() - 1.0

    def measure(self, counted: float, real: float) -> bool:
        """An item was carried `real` metres where `counted` were; whether `ratio` changes."""
        self._ratios.append(real / counted)
        newest = list(self._ratios)[-_FEWEST:]
        spread = max(newest) - min(newest)
        away = abs(median(newest) - median(self._ratios))
        if len(newest) == _FEWEST and spread < self._corrected < away:
            self._ratios.clear()
            self._ratios.extend(newest)
        estimate = self._estimate()
        wanted = estimate if abs(estimate - 1.0) > self._corrected else 1.0
        # Small changes of what is corrected already are noise, and every one costs new commands.
        if abs(wanted - self.ratio) < self._corrected / 2:
            return False
        self.ratio = wanted
        return True

    def _estimate(self) -> float:
        return median(self._ratios) if len(self._ratios) >= _FEWEST else 1.0
