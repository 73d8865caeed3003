"""Who has fallen silent."""

from collections.abc import Iterable


class Watchdog:
    """Knows which of `names` have not been heard for `timeout_s`.

    Times are seconds of any one steady clock. Who was never heard counts from the first call of any
    kind.
    """

    def __init__(self, names: Iterable[str], timeout_s: float) -> None:
        self._names = tuple(names)
        self._timeout_s = timeout_s
        self._start: float | None = None
        self._heard: dict[str, float] = {}

    def beat(self, name: str, t: float) -> None:
        """`name` was heard at `t`. Raises ValueError for a name that is not watched."""
        if name not in self._names:
            raise ValueError(f"name: {name!r} is refused; allowed: {', '.join(self._names)}")
        self._begin(t)
        self._heard[name] = max(t, self._heard.get(name, t))

    def silent(self, t: float) -> tuple[str, ...]:
        """Those silent for longer than the timeout at `t`, in the order of the names."""
        start = self._begin(t)
        return tuple(n for n in self._names if t - self._heard.get(n, start) > self._timeout_s)

    def _begin(self, t: float) -> float:
        if self._start is None:
            self._start = t
        return self._start
