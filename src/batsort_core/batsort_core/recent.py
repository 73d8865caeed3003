"""A memory that forgets: what was heard lately, by item id."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Recent(Generic[T]):
    """The newest `limit` values by key; the oldest is forgotten first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[int, T] = {}

    def __contains__(self, key: int) -> bool:
        return key in self._values

    def add(self, key: int, value: T) -> None:
        """Remember a value, unless its key is known."""
        self._values.setdefault(key, value)
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]

    def get(self, key: int) -> T | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def pop(self, key: int) -> T | None:
        """The value of a key, forgotten now, or None."""
        return self._values.pop(key, None)

    def items(self) -> list[tuple[int, T]]:
        """Keys and values, oldest first."""
        return list(self._values.items())
