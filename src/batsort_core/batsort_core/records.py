"""Objects that outlive a process: to JSON-able records and back."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Self

from batsort_files.schema import read


class Record:
    """Base of frozen dataclasses that a journal keeps."""

    __slots__ = ()

    def to_record(self) -> dict[str, Any]:
        """The fields as plain JSON-able values."""
        record: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return record

    @classmethod
    def from_record(cls, record: Mapping[str, object]) -> Self:
        """The object of a record, equal to the one it was made from. Raises schema.FieldError."""
        return read(cls, record, cls.__name__)
